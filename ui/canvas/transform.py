"""Canvas, view transform: from image pixels to screen pixels and back.

Screen means device pixels of the widget: at a scale of 1 one image pixel covers one pixel of the monitor at any display scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SCALE, MAX_SCALE = 0.02, 64.0
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is worth remembering of a view between visits: the image point in the middle, and the scale."""

    center_x: float
    center_y: float
    scale: float
    fitted: bool = False


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """screen = image * scale + (dx, dy)."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.dx, y * self.scale + self.dy

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.dx) / self.scale, (y - self.dy) / self.scale

    def array_to_screen(self, points: FloatArray) -> FloatArray:
        """(n, 2) image points as (n, 2) screen points."""
        return points * self.scale + (self.dx, self.dy)

    def panned(self, dx: float, dy: float) -> ViewTransform:
        """Moved by whole screen pixels, so that layers already drawn can be scrolled instead of drawn again."""
        return ViewTransform(self.scale, self.dx + round(dx), self.dy + round(dy))

    def zoomed(self, scale: float, x: float, y: float) -> ViewTransform:
        """At another scale (clamped), with the image point under screen point (x, y) kept in place.

        An image that fits only at less than the least scale is not zoomed out further, but neither in by zooming out.
        """
        scale = min(max(scale, min(MIN_SCALE, self.scale)), MAX_SCALE)
        ix, iy = self.to_image(x, y)
        return ViewTransform(scale, x - ix * scale, y - iy * scale)


def fitted(rect: tuple[float, float, float, float], width: float, height: float, margin: float) -> ViewTransform:
    """The view that shows an image rectangle (x1, y1, x2, y2) whole and centred in a width x height screen."""
    x1, y1, x2, y2 = rect
    room_x, room_y = max(width - 2 * margin, 1.0), max(height - 2 * margin, 1.0)
    scale = min(room_x / max(x2 - x1, 1e-6), room_y / max(y2 - y1, 1e-6))
    return centered((x1 + x2) / 2, (y1 + y2) / 2, scale, width, height)


def centered(x: float, y: float, scale: float, width: float, height: float) -> ViewTransform:
    """The view at a scale (at most the greatest) with image point (x, y) in the middle of a width x height screen."""
    scale = min(scale, MAX_SCALE)
    return ViewTransform(scale, round(width / 2 - x * scale), round(height / 2 - y * scale))
