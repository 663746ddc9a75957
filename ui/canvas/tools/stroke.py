"""Canvas, tools: the pixels of a brush stroke. Arrays only cover where the stroke went, never the whole image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import XY, Mask
from ui.canvas.shaping import Size

BoolMask = NDArray[np.bool_]
GROWTH = 128


class StrokeArea:
    """Set pixels in a window that grows with the stroke. A pixel is set when its centre is within the brush."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self.x = self.y = 0
        self.pixels: BoolMask = np.zeros((0, 0), bool)

    def stamp(self, a: XY, b: XY, diameter: float) -> None:
        """Draws a round brush from a to b."""
        radius = diameter / 2
        x1, y1 = math.floor(min(a[0], b[0]) - radius), math.floor(min(a[1], b[1]) - radius)
        x2, y2 = math.ceil(max(a[0], b[0]) + radius), math.ceil(max(a[1], b[1]) + radius)
        x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, self._size[0]), min(y2, self._size[1])
        if x2 <= x1 or y2 <= y1:
            return
        self._cover(x1, y1, x2, y2)
        px = np.arange(x1, x2, dtype=np.float32)[None, :] + 0.5 - a[0]
        py = np.arange(y1, y2, dtype=np.float32)[:, None] + 0.5 - a[1]
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = dx * dx + dy * dy
        t = np.clip((px * dx + py * dy) / length, 0, 1) if length else 0.0
        near = (px - t * dx) ** 2 + (py - t * dy) ** 2 <= max(radius, 0.5) ** 2
        if diameter < 2:
            near |= self._pixel_under(b, x1, y1, near.shape)
        self.pixels[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x] |= near

    def _pixel_under(self, at: XY, x1: int, y1: int, shape: tuple[int, ...]) -> BoolMask:
        """The smallest brush sets at least the pixel under it."""
        under = np.zeros(shape, bool)
        column, row = math.floor(at[0]) - x1, math.floor(at[1]) - y1
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            under[row, column] = True
        return under

    def _cover(self, x1: int, y1: int, x2: int, y2: int) -> None:
        height, width = self.pixels.shape
        if width and x1 >= self.x and y1 >= self.y and x2 <= self.x + width and y2 <= self.y + height:
            return
        if width:
            x1, y1 = min(x1 - GROWTH, self.x), min(y1 - GROWTH, self.y)
            x2, y2 = max(x2 + GROWTH, self.x + width), max(y2 + GROWTH, self.y + height)
        x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, self._size[0]), min(y2, self._size[1])
        grown = np.zeros((y2 - y1, x2 - x1), bool)
        if width:
            grown[self.y - y1 : self.y - y1 + height, self.x - x1 : self.x - x1 + width] = self.pixels
        self.x, self.y, self.pixels = x1, y1, grown

    def copy(self) -> StrokeArea:
        """An independent copy."""
        other = StrokeArea(self._size)
        other.x, other.y, other.pixels = self.x, self.y, self.pixels.copy()
        return other

    def remove(self, mask: Mask) -> None:
        """Clears what another mask holds."""
        held = window_of(mask, self.x, self.y, self.pixels.shape)
        if held is not None:
            self.pixels &= ~held

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.pixels))


def window_of(mask: Mask, x: int, y: int, shape: tuple[int, ...]) -> BoolMask | None:
    """The mask's pixels in a window of (h, w) at (x, y); None where it does not reach it."""
    height, width = shape
    x1, y1 = max(x, mask.x), max(y, mask.y)
    x2, y2 = min(x + width, mask.x + mask.width), min(y + height, mask.y + mask.height)
    if x2 <= x1 or y2 <= y1:
        return None
    result = np.zeros(shape, bool)
    pixels = mask.to_array()
    result[y1 - y : y2 - y, x1 - x : x2 - x] = pixels[y1 - mask.y : y2 - mask.y, x1 - mask.x : x2 - mask.x]
    return result


def union(area: StrokeArea, mask: Mask | None) -> Mask | None:
    """The stroke together with a mask, encoded over the window of both."""
    if mask is None:
        return Mask.from_array(area.pixels, area.x, area.y)
    x, y = min(area.x, mask.x), min(area.y, mask.y)
    height, width = area.pixels.shape
    right, bottom = max(area.x + width, mask.x + mask.width), max(area.y + height, mask.y + mask.height)
    both = np.zeros((bottom - y, right - x), bool)
    both[area.y - y : area.y - y + height, area.x - x : area.x - x + width] = area.pixels
    both[mask.y - y : mask.y - y + mask.height, mask.x - x : mask.x - x + mask.width] |= mask.to_array()
    return Mask.from_array(both, x, y)


def difference(mask: Mask, area: StrokeArea) -> Mask | None:
    """A mask without the stroke; None when nothing is left."""
    pixels = mask.to_array()
    height, width = area.pixels.shape
    x1, y1 = max(area.x, mask.x), max(area.y, mask.y)
    x2, y2 = min(area.x + width, mask.x + mask.width), min(area.y + height, mask.y + mask.height)
    if x2 > x1 and y2 > y1:
        taken = area.pixels[y1 - area.y : y2 - area.y, x1 - area.x : x2 - area.x]
        pixels[y1 - mask.y : y2 - mask.y, x1 - mask.x : x2 - mask.x] &= ~taken
    return Mask.from_array(pixels, mask.x, mask.y)
