"""EXIF orientation: how the pixels in a file become the picture that a person sees, and the way back.

Domain room: arrays and coordinates, no files. ``orientation`` is the EXIF value 1 … 8. *File* is the frame of the stored
pixels, ``width`` x ``height`` as the file declares them; *oriented* is the frame of everything the project stores and shows.
Both have (0, 0) at the outer corner of their top-left pixel, so a coordinate and its mirror image add up to the side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

UPRIGHT: Final = 1
ORIENTATIONS: Final = range(1, 9)

# orientation -> (transpose, then mirror x, then mirror y), read from the EXIF 2.32 table of tag 0x0112.
_STEPS: Final[dict[int, tuple[bool, bool, bool]]] = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def valid(orientation: int) -> int:
    """The value itself if EXIF defines it, else 1: writers leave 0 and worse, and mean an upright picture."""
    return orientation if orientation in _STEPS else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether width and height change places."""
    return _STEPS[orientation][0]


def oriented_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """(width, height) of the oriented picture, from the sides of the file (and the other way round: it is its own inverse)."""
    return (height, width) if swaps_sides(orientation) else (width, height)


def orient_pixels(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """File pixels (h, w) or (h, w, c) as oriented pixels: a view where possible, never a change of the input."""
    transpose, mirror_x, mirror_y = _STEPS[orientation]
    result = pixels.swapaxes(0, 1) if transpose else pixels
    if mirror_x:
        result = result[:, ::-1]
    if mirror_y:
        result = result[::-1]
    return result


def to_oriented(points: ArrayLike, orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """File coordinates (…, 2) as oriented coordinates (…, 2) float64; ``width`` and ``height`` are the sides of the file."""
    transpose, mirror_x, mirror_y = _STEPS[orientation]
    result = np.array(points, dtype=np.float64)
    if transpose:
        result = result[..., ::-1].copy()
    wide, high = oriented_size(width, height, orientation)
    if mirror_x:
        result[..., 0] = wide - result[..., 0]
    if mirror_y:
        result[..., 1] = high - result[..., 1]
    return result


def to_file(points: ArrayLike, orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """Oriented coordinates (…, 2) as file coordinates (…, 2) float64; ``width`` and ``height`` are the sides of the file."""
    transpose, mirror_x, mirror_y = _STEPS[orientation]
    result = np.array(points, dtype=np.float64)
    wide, high = oriented_size(width, height, orientation)
    if mirror_x:
        result[..., 0] = wide - result[..., 0]
    if mirror_y:
        result[..., 1] = high - result[..., 1]
    return result[..., ::-1].copy() if transpose else result
