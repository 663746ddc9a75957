"""COCO's run lengths: the compressed string, and whole-image runs to and from our windows.

The string is the LEB128-like coding of the COCO mask API: groups of five bits, least significant first, with a continuation
bit, offset by 48; from the third count on each is written as the difference to the one two before.
"""

from __future__ import annotations

import numpy as np

from annotator.domain import rle
from annotator.domain.geometry import Mask


def decompress(text: str | bytes) -> list[int]:
    """The counts of a compressed string; raises ``ValueError`` when it is cut short or not such a string."""
    data = text.encode("ascii", "strict") if isinstance(text, str) else text
    counts: list[int] = []
    value = shift = 0
    for byte in data:
        chunk = byte - 48
        if not 0 <= chunk < 64:
            raise ValueError(f"byte {byte} does not belong in compressed counts")
        value |= (chunk & 31) << shift
        shift += 5
        if chunk & 32:
            if shift > 60:
                raise ValueError("a compressed count has too many digits")
            continue
        if chunk & 16:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    if shift:
        raise ValueError("compressed counts end inside a number")
    return counts


def compress(counts: tuple[int, ...] | list[int]) -> str:
    """The compressed string of counts."""
    letters: list[str] = []
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            chunk = value & 31
            value >>= 5
            more = value != -1 if chunk & 16 else value != 0
            letters.append(chr((chunk | 32 if more else chunk) + 48))
    return "".join(letters)


def window(counts: list[int], height: int, width: int) -> Mask | None:
    """The mask of whole-image counts, cropped to what is set without unfolding the image; None when nothing is.

    Raises ``ValueError`` when the counts are negative or do not cover height x width.
    """
    if height < 1 or width < 1:
        raise ValueError(f"the mask's size is {height} x {width}")
    runs = np.asarray(counts, dtype=np.int64)
    if runs.ndim != 1 or (runs.size and int(runs.min()) < 0):
        raise ValueError("run lengths must be a list of numbers that are not negative")
    ends = np.cumsum(runs)
    if (int(ends[-1]) if runs.size else 0) != height * width:
        raise ValueError(f"runs cover {int(ends[-1]) if runs.size else 0} pixels, expected {height * width}")
    starts, stops = (ends - runs)[1::2], ends[1::2]
    starts, stops = starts[stops > starts], stops[stops > starts]
    if starts.size == 0:
        return None
    left, right = int(starts[0]) // height, (int(stops[-1]) - 1) // height + 1
    size = (right - left) * height
    flips = np.zeros(size + 1, dtype=np.int8)
    np.add.at(flips, starts - left * height, 1)
    np.add.at(flips, stops - left * height, -1)
    columns = np.cumsum(flips[:-1], dtype=np.int8).astype(bool).reshape((height, right - left), order="F")
    return Mask.from_array(columns, x=left)


def whole(mask: Mask, height: int, width: int) -> list[int]:
    """Whole-image counts of a mask; what lies outside the image is cut off. All background gives one run."""
    x1, x2 = max(mask.x, 0), min(mask.x + mask.width, width)
    y1, y2 = max(mask.y, 0), min(mask.y + mask.height, height)
    if x2 <= x1 or y2 <= y1:
        return [height * width]
    columns = np.zeros((height, x2 - x1), dtype=bool)
    columns[y1:y2] = mask.to_array()[y1 - mask.y : y2 - mask.y, x1 - mask.x : x2 - mask.x]
    counts = list(rle.encode(columns))
    counts[0] += x1 * height
    behind = (width - x2) * height
    if behind:
        if len(counts) % 2:
            counts[-1] += behind
        else:
            counts.append(behind)
    return counts
