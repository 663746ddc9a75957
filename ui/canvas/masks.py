"""Canvas, masks: what is on screen of a run-length mask, decoded only there, and the outline it has at the present zoom."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Mask
from ui.canvas.transform import ViewTransform

Rect = tuple[int, int, int, int]
WARP_LIMIT = 32_000  # OpenCV addresses source pixels with 16 bits


@lru_cache(maxsize=2048)
def _ends(mask: Mask) -> NDArray[np.int64]:
    """Where each run ends in the column-major window."""
    return np.cumsum(np.asarray(mask.counts, dtype=np.int64))


def contains(mask: Mask, x: float, y: float) -> bool:
    """Whether the pixel under an image point is set."""
    column, row = math.floor(x) - mask.x, math.floor(y) - mask.y
    if not (0 <= column < mask.width and 0 <= row < mask.height):
        return False
    return bool(np.searchsorted(_ends(mask), column * mask.height + row, side="right") % 2)


def decode_columns(mask: Mask, first: int, last: int) -> NDArray[np.bool_]:
    """The (height, last - first) pixels of the window's columns ``first`` to ``last``, without decoding the others."""
    if first == 0 and last == mask.width:
        counts = np.asarray(mask.counts, dtype=np.int64)
        values = np.zeros(len(counts), bool)
        values[1::2] = True
        return np.repeat(values, counts).reshape((mask.height, mask.width), order="F")
    ends = _ends(mask)
    start, stop = first * mask.height, last * mask.height
    low, high = int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(ends, stop, side="left"))
    edges = np.concatenate(([start], ends[low:high], [stop]))
    values = (np.arange(low, low + len(edges) - 1) % 2).astype(bool)
    return np.repeat(values, np.diff(edges)).reshape((mask.height, last - first), order="F")


def on_screen(mask: Mask, view: ViewTransform, clip: Rect) -> tuple[NDArray[np.uint8], int, int] | None:
    """The mask inside a screen rectangle: (h, w) uint8 of 0 and 1 at screen resolution, and where its corner is."""
    left, top = view.to_screen(mask.x, mask.y)
    right, bottom = view.to_screen(mask.x + mask.width, mask.y + mask.height)
    x1, y1 = max(math.floor(left), clip[0]), max(math.floor(top), clip[1])
    x2, y2 = min(math.ceil(right), clip[2]), min(math.ceil(bottom), clip[3])
    if x2 <= x1 or y2 <= y1:
        return None
    first = min(max(math.floor(view.to_image(x1, 0)[0]) - mask.x, 0), mask.width - 1)
    last = min(max(math.ceil(view.to_image(x2, 0)[0]) - mask.x, first + 1), mask.width)
    pixels = decode_columns(mask, first, last)
    # Screen pixel (i, j) looks at the image pixel under its centre.
    if max(pixels.shape) < WARP_LIMIT:
        step = 1 / view.scale
        at_x, at_y = view.to_image(x1 + 0.5, y1 + 0.5)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        source = pixels.T.view(np.uint8)  # the runs are column-major: turned over, they need no copy
        matrix = np.array([[step, 0.0, at_y - mask.y - 0.5], [0.0, step, at_x - mask.x - first - 0.5]])
        turned = cv2.warpAffine(source, matrix, (y2 - y1, x2 - x1), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(turned.T), x1, y1
    columns = np.floor((np.arange(x1, x2) + 0.5 - view.dx) / view.scale).astype(np.int64) - mask.x - first
    rows = np.floor((np.arange(y1, y2) + 0.5 - view.dy) / view.scale).astype(np.int64) - mask.y
    np.clip(columns, 0, last - first - 1, out=columns)
    np.clip(rows, 0, mask.height - 1, out=rows)
    return np.ascontiguousarray(pixels[np.ix_(rows, columns)]).view(np.uint8), x1, y1


def screen_paths(mask: Mask, view: ViewTransform, clip: Rect) -> list[NDArray[np.float64]]:
    """Closed outlines, holes included, of what is on screen, in screen coordinates."""
    seen = on_screen(mask, view, clip)
    if seen is None:
        return []
    pixels, x, y = seen
    found, _ = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [path[:, 0, :].astype(np.float64) + np.array((x + 0.5, y + 0.5)) for path in found]
