"""The square the prompt decoder looks at: where it lies in the picture, its pixels, and prompts drawn on its grid.

Shared by inference and training, so that both see the same thing. Points and boxes are float pixels of the picture, (0, 0)
the outer corner of the top-left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray, RGBImage

CROP_SIDE = 256
GRID_SIDE = 64
PROMPT_CHANNELS = 4
CLICK_RADIUS = 2.0
BOX_CONTEXT = 1.4
CLICK_CONTEXT = 1.4
# The encoder's input is (x − 127) / 128: this fill is a zero for it.
FILL = 127
# A smaller window would show the network nothing but blur.
LEAST_SIDE = 24

Bounds = tuple[float, float, float, float]
BoolMask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """A square of whole pixels in the frame of a picture; it may reach beyond the picture."""

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, bounds: Bounds, context: float) -> Window:
        """The square at the centre of ``bounds`` (XYXY) whose side is ``context`` times their longer side."""
        x1, y1, x2, y2 = bounds
        side = max(LEAST_SIDE, round(max(x2 - x1, y2 - y1) * context))
        return cls(round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side)

    @classmethod
    def whole(cls, width: int, height: int) -> Window:
        """The smallest square around a picture."""
        return cls.around((0, 0, width, height), 1.0)

    def holds(self, points: FloatArray) -> bool:
        """Whether all of the points (n, 2) lie inside."""
        local = self.to_grid(points)
        return bool(((local >= 0) & (local <= GRID_SIDE)).all())

    def to_grid(self, points: FloatArray, grid: int = GRID_SIDE) -> FloatArray:
        """Points (n, 2) of the picture in units of the cells of a ``grid`` × ``grid`` raster over the window."""
        moved = (np.asarray(points, np.float32).reshape(-1, 2) - (self.left, self.top)) * (grid / self.side)
        return moved.astype(np.float32)

    def cut(self, image: NDArray[np.uint8], fill: int = FILL) -> NDArray[np.uint8]:
        """The (side, side[, c]) pixels of a picture (h, w[, c]); ``fill`` where the window leaves it."""
        height, width = image.shape[:2]
        x1, y1 = max(0, self.left), max(0, self.top)
        x2, y2 = min(width, self.left + self.side), min(height, self.top + self.side)
        result = np.full((self.side, self.side, *image.shape[2:]), fill, np.uint8)
        if x1 < x2 and y1 < y2:
            result[y1 - self.top : y2 - self.top, x1 - self.left : x2 - self.left] = image[y1:y2, x1:x2]
        return result

    def inside(self, width: int, height: int) -> tuple[slice, slice, slice, slice]:
        """Rows and columns of the picture that the window covers, then the same in the window's own pixels."""
        y1, y2 = max(0, self.top), max(0, min(height, self.top + self.side))
        x1, x2 = max(0, self.left), max(0, min(width, self.left + self.side))
        return (
            slice(y1, y2),
            slice(x1, x2),
            slice(y1 - self.top, y2 - self.top),
            slice(x1 - self.left, x2 - self.left),
        )


def resize(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square (n, n[, c]) at another size: area averages when it shrinks, linear when it grows."""
    if pixels.shape[0] == side:
        return pixels
    interpolation = cv2.INTER_AREA if pixels.shape[0] > side else cv2.INTER_LINEAR
    resized: NDArray[np.uint8] = cv2.resize(pixels, (side, side), interpolation=interpolation).astype(np.uint8)
    return resized


def network_input(crop: RGBImage) -> FloatArray:
    """(3, 256, 256) float32 input of the encoder from a square crop (n, n, 3) uint8 RGB."""
    return (resize(crop, CROP_SIDE).transpose(2, 0, 1).astype(np.float32) - np.float32(127)) / np.float32(128)


def prompt_maps(
    window: Window,
    box: Bounds | None,
    points: FloatArray,
    labels: NDArray[np.bool_],
    previous: FloatArray | None,
) -> FloatArray:
    """(4, 64, 64) float32: the box, positive clicks, negative clicks, and the previous probability.

    ``points`` (n, 2) of the picture, ``labels`` (n,) true for positive, ``previous`` (64, 64) over the window.
    """
    maps = np.zeros((PROMPT_CHANNELS, GRID_SIDE, GRID_SIDE), np.float32)
    if box is not None:
        (x1, y1), (x2, y2) = window.to_grid(np.array(box, np.float32)).tolist()
        maps[0] = np.outer(_coverage(y1, y2), _coverage(x1, x2))
    centres = np.arange(GRID_SIDE, dtype=np.float32) + 0.5
    for (x, y), positive in zip(window.to_grid(points), labels, strict=True):
        far = (centres[None, :] - x) ** 2 + (centres[:, None] - y) ** 2
        channel = 1 if positive else 2
        maps[channel] = np.maximum(maps[channel], (far <= CLICK_RADIUS**2).astype(np.float32))
    if previous is not None:
        maps[3] = previous
    return maps


def _coverage(start: float, end: float) -> FloatArray:
    """How much of each grid cell the interval covers."""
    cells = np.arange(GRID_SIDE, dtype=np.float32)
    covered: FloatArray = np.clip(np.minimum(cells + 1, end) - np.maximum(cells, start), 0, 1).astype(np.float32)
    return covered


def move_map(values: FloatArray, source: Window, target: Window, side: int = GRID_SIDE) -> FloatArray:
    """A map (n, n) over one window as a map (side, side) over another; zero where they do not overlap."""
    cells = len(values)
    if source == target and cells == side:
        return values
    # Centre c of a cell of the target lies at (c + .5) · scale + shift − .5 in cells of the source.
    scale = target.side / side / source.side * cells
    shift_x = (target.left - source.left) * cells / source.side + 0.5 * scale - 0.5
    shift_y = (target.top - source.top) * cells / source.side + 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(values, matrix, (side, side), flags=flags), np.float32)


def bounds_of(mask: BoolMask) -> Bounds | None:
    """XYXY of the pixels set in a mask (h, w); None when there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
