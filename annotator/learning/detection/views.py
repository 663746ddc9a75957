"""Views: a window of a picture, drawn on a canvas of fixed size for the network. A large picture has several, its tiles.

Boxes are (n, 4) float32 XYXY, in pixels of the oriented image or of the canvas as the names say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray, RGBImage

STRIDE = 8
GRANULE = 32
CANVAS_AREA = 416 * 320
GREY = 127
"""What stands beside the picture: nothing, once the network's input is normalised."""
LEAST_SIDE = 24.0
"""Canvas pixels that the shorter side of a typical object should have; where it has less, pictures are cut into tiles."""
TILE_OVERLAP = 0.2
MOST_TILES = 36
TYPICAL = 0.25
"""The quantile of object sizes that decides about tiles: three of four objects are larger."""


@dataclass(frozen=True)
class Canvas:
    """The network's input in pixels, both sides multiples of 32."""

    width: int
    height: int

    @classmethod
    def fitting(cls, sizes: Sequence[tuple[int, int]]) -> Canvas:
        """The canvas for pictures of these (width, height): their median shape, at a fixed number of pixels."""
        ratios = [width / height for width, height in sizes if width and height]
        ratio = float(np.clip(np.median(ratios), 0.4, 2.5)) if ratios else 1.3
        width = round(math.sqrt(CANVAS_AREA * ratio) / GRANULE) * GRANULE
        return cls(width, max(GRANULE, round(CANVAS_AREA / width / GRANULE) * GRANULE))

    @property
    def cells(self) -> tuple[int, int]:
        """(rows, columns) of the head's maps."""
        return self.height // STRIDE, self.width // STRIDE

    def whole(self, width: int, height: int) -> View:
        """All of a picture, as large as it fits."""
        return View(0.0, 0.0, min(self.width / width, self.height / height))


@dataclass(frozen=True)
class View:
    """``left`` and ``top`` of the window in image pixels; ``scale`` canvas pixels per image pixel."""

    left: float
    top: float
    scale: float

    def to_canvas(self, boxes: FloatArray) -> FloatArray:
        """Boxes of the image in the canvas' frame."""
        shift = np.asarray([self.left, self.top, self.left, self.top], np.float32)
        return np.asarray((boxes - shift) * np.float32(self.scale), np.float32)

    def to_image(self, boxes: FloatArray) -> FloatArray:
        """Boxes of the canvas in the image's frame."""
        shift = np.asarray([self.left, self.top, self.left, self.top], np.float32)
        return np.asarray(boxes / np.float32(self.scale) + shift, np.float32)


def draw(pixels: RGBImage, picture_scale: float, view: View, canvas: Canvas) -> RGBImage:
    """The canvas (height, width, 3) with a view of a picture whose ``pixels`` are ``picture_scale`` of the image's size."""
    result = np.full((canvas.height, canvas.width, 3), GREY, np.uint8)
    zoom = view.scale / picture_scale
    left, top = view.left * picture_scale, view.top * picture_scale
    x1, y1 = max(0, math.floor(left)), max(0, math.floor(top))
    x2 = min(pixels.shape[1], math.ceil(left + canvas.width / zoom))
    y2 = min(pixels.shape[0], math.ceil(top + canvas.height / zoom))
    if x2 <= x1 or y2 <= y1:
        return result
    width, height = max(1, round((x2 - x1) * zoom)), max(1, round((y2 - y1) * zoom))
    interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    part = cv2.resize(np.ascontiguousarray(pixels[y1:y2, x1:x2]), (width, height), interpolation=interpolation)
    dx, dy = round((x1 - left) * zoom), round((y1 - top) * zoom)
    fx, fy, tx, ty = max(0, -dx), max(0, -dy), max(0, dx), max(0, dy)
    w, h = min(width - fx, canvas.width - tx), min(height - fy, canvas.height - ty)
    if w > 0 and h > 0:
        result[ty : ty + h, tx : tx + w] = part[fy : fy + h, fx : fx + w]
    return result


def network_input(canvases: Sequence[RGBImage]) -> FloatArray:
    """(n, 3, height, width) float32, (x − 127) / 128, of n canvases of one size."""
    stacked = np.stack(canvases).transpose(0, 3, 1, 2)
    return np.ascontiguousarray((stacked.astype(np.float32) - GREY) / np.float32(128))


def least_scale(boxes_of: Sequence[FloatArray], sizes: Sequence[tuple[int, int]], canvas: Canvas) -> float:
    """The scale (canvas pixels per image pixel) that typical objects need, 0 where whole pictures show them well enough.

    ``boxes_of`` each image's boxes, ``sizes`` its (width, height).
    """
    sides, shown = [], []
    for boxes, (width, height) in zip(boxes_of, sizes, strict=True):
        if len(boxes):
            short = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
            sides.append(short)
            shown.append(short * canvas.whole(width, height).scale)
    if not sides or np.quantile(np.concatenate(shown), TYPICAL) >= LEAST_SIDE / 2:
        return 0.0
    typical = max(float(np.quantile(np.concatenate(sides), TYPICAL)), 1.0)
    return min(2.0, LEAST_SIDE / typical)


def views_of(width: int, height: int, canvas: Canvas, scale: float) -> list[View]:
    """The views that cover an image: one where it fits at ``scale``, else overlapping tiles, row by row, at most 36."""
    whole = canvas.whole(width, height)
    if scale <= whole.scale * 1.25:
        return [whole]
    wanted = scale
    while True:
        columns, rows = _count(width * wanted, canvas.width), _count(height * wanted, canvas.height)
        if columns * rows <= MOST_TILES:
            break
        wanted *= 0.9
    lefts = np.linspace(0, max(0.0, width - canvas.width / wanted), columns)
    tops = np.linspace(0, max(0.0, height - canvas.height / wanted), rows)
    return [View(float(left), float(top), wanted) for top in tops for left in lefts]


def _count(length: float, side: int) -> int:
    """How many overlapping tiles cover a length."""
    return 1 if length <= side else math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1


def inside(boxes: FloatArray, canvas: Canvas, least: float = 0.4) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Canvas boxes clipped to the canvas, and (n,) which still show at least ``least`` of themselves."""
    limits = np.asarray([canvas.width, canvas.height, canvas.width, canvas.height], np.float32)
    clipped = np.clip(boxes, 0, limits).astype(np.float32)
    before = np.maximum(boxes[:, 2] - boxes[:, 0], 1e-6) * np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6)
    width, height = clipped[:, 2] - clipped[:, 0], clipped[:, 3] - clipped[:, 1]
    return clipped, (width * height >= least * before) & (width >= 2) & (height >= 2)
