"""From the decoder's small logits to masks: the pixels that torch would give, in a tenth of its time.

The package enlarges twice by bilinear interpolation: to the square that the network sees, then, without the padding, to the
picture. OpenCV does that several times faster than torch but rounds differently, and a mask only needs the sign. So OpenCV
decides where the sign is beyond doubt; the few pixels near zero are computed again with torch's own weights; and where even
then rounding could decide, torch interpolates the whole mask.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray

Size = tuple[int, int]
# As a part of the steepest step between two logits: OpenCV and torch place a sample up to 1e-4 of a pixel apart on a side
# of a thousand.
DOUBT = 2e-4
# As a part of the largest logit around: two enlargements of at most eight roundings each, of 2^-24.
ROUNDING = 16 * 2.0**-24


def enlarge(logits: FloatArray, side: int, input_size: Size, size: Size) -> FloatArray:
    """(h, w) logits for a picture of ``size``, equal to torch's up to rounding.

    ``logits`` (s, s) cover the network's square of ``side`` pixels, whose upper left ``input_size`` (h, w) is picture.
    """
    square = _resize(logits, (side, side))
    return _resize(square[: input_size[0], : input_size[1]], size)


def enlarge_mask(logits: FloatArray, side: int, input_size: Size, size: Size) -> NDArray[np.bool_]:
    """(h, w) bool: where the logits that torch would give are above 0. Arguments as for ``enlarge``."""
    square = _resize(logits, (side, side))
    source = square[: input_size[0], : input_size[1]]
    values = _resize(source, size)
    mask: NDArray[np.bool_] = values > 0
    step = _steepest(logits)
    unsure = np.flatnonzero(np.less(np.abs(values), DOUBT * step).reshape(-1))
    if unsure.size:
        rows, columns = np.unravel_index(unsure, size)
        exact = _at(source, size, rows, columns)
        if (np.abs(exact) <= ROUNDING * _around(logits, side, input_size, size, rows, columns)).any():
            return _by_torch(logits, side, input_size, size)
        mask.reshape(-1)[unsure] = exact > 0
    return mask


def _resize(values: FloatArray, size: Size) -> FloatArray:
    if values.shape == size:
        return values
    result: FloatArray = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return result


def _steepest(logits: FloatArray) -> float:
    """The largest difference between neighbours, which bounds how far a misplaced sample can be off."""
    across = np.abs(np.diff(logits, axis=1)).max(initial=0.0)
    return float(max(across, np.abs(np.diff(logits, axis=0)).max(initial=0.0)))


def _at(source: FloatArray, size: Size, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n,) logits of single pixels of the enlarged picture, with torch's weights."""
    top, below, weight_y = _axis(source.shape[0], size[0])
    left, right, weight_x = _axis(source.shape[1], size[1])
    y0, y1, v = top[rows], below[rows], weight_y[rows]
    x0, x1, u = left[columns], right[columns], weight_x[columns]
    upper = source[y0, x0] * (1 - u) + source[y0, x1] * u
    lower = source[y1, x0] * (1 - u) + source[y1, x1] * u
    result: NDArray[np.float64] = upper * (1 - v) + lower * v
    return result


def _around(
    logits: FloatArray, side: int, input_size: Size, size: Size, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> FloatArray:
    """(n,) the largest absolute logit among those that single pixels of the enlarged picture are made of, and some more."""
    largest: FloatArray = cv2.dilate(np.abs(logits), np.ones((5, 5), np.uint8))
    down, across = (length / side / wanted for length, wanted in zip(input_size, size, strict=True))
    y = ((rows + 0.5) * down * len(logits)).astype(np.intp)
    x = ((columns + 0.5) * across * len(logits)).astype(np.intp)
    return largest[y, x]


@functools.lru_cache(maxsize=64)
def _axis(length: int, wanted: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """For each of ``wanted`` samples along a side of ``length``: the two source indices and the weight of the second.

    The weights are torch's own, read off by enlarging a row of alternating zeros and ones.
    """
    import torch

    scale = np.float32(length) / np.float32(wanted)
    place = np.maximum(scale * (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5), 0)
    first = np.minimum(place.astype(np.intp), length - 1)
    second = np.minimum(first + 1, length - 1)
    odd = torch.arange(length, dtype=torch.float32).remainder(2).reshape(1, 1, 1, length)
    share = torch.nn.functional.interpolate(odd, (1, wanted), mode="bilinear", align_corners=False)
    of_odd = share.reshape(wanted).double().numpy()
    return first, second, np.where(second == first, 0.0, np.where(second % 2 == 1, of_odd, 1 - of_odd))


def _by_torch(logits: FloatArray, side: int, input_size: Size, size: Size) -> NDArray[np.bool_]:
    """The mask as the package computes it."""
    import torch

    def bilinear(values: torch.Tensor, target: Size) -> torch.Tensor:
        return torch.nn.functional.interpolate(values, target, mode="bilinear", align_corners=False)

    square = bilinear(torch.from_numpy(np.ascontiguousarray(logits))[None, None], (side, side))
    result: NDArray[np.bool_] = (bilinear(square[..., : input_size[0], : input_size[1]], size) > 0)[0, 0].numpy()
    return result
