"""Things painted with light: a mask becomes a rounded, textured, shaded body that throws a shadow on what lies behind.

Media room, for the demo's own pictures. A ``Canvas`` holds float32 RGB in 0 … 255; light falls from the upper left.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Color: TypeAlias = tuple[float, float, float]
Points: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.uint8]

_LIGHT: Final = np.array((-0.5, -0.6, 0.62), np.float32)
_FRACTION: Final = 4  # bits of sub-pixel precision that OpenCV's drawing takes


def noise(rng: np.random.Generator, height: int, width: int, grain: float, octaves: int = 4) -> NDArray[np.float32]:
    """(height, width) float32 in 0 … 1: clouds whose largest blobs are ``grain`` pixels wide."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1.0, grain / 2**octave)
        grid = rng.random((int(height / cell) + 2, int(width / cell) + 2), np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.5**octave)
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def mix(low: Color, high: Color, amount: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) colours between two, by an amount (h, w) in 0 … 1."""
    dark, bright = np.array(low, np.float32), np.array(high, np.float32)
    return np.asarray(dark + amount[..., None] * (bright - dark), np.float32)


def ellipse_points(cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360) -> Points:
    """(64, 2) points on an arc, degrees clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 64))
    return np.stack([cx + rx * np.cos(angles), cy + ry * np.sin(angles)], axis=1)


class Canvas:
    """A picture in the making."""

    def __init__(self, pixels: NDArray[np.float32], rng: np.random.Generator) -> None:
        self.pixels = pixels
        self.rng = rng

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    def finished(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB, as from a camera: a little soft, a little noisy, darker towards the corners."""
        y, x = np.mgrid[-1 : 1 : self.height * 1j, -1 : 1 : self.width * 1j].astype(np.float32)
        picture = cv2.GaussianBlur(self.pixels, (0, 0), 0.7) * (1 - 0.14 * (x * x + y * y))[..., None]
        picture += self.rng.standard_normal(picture.shape, np.float32) * np.float32(self.rng.uniform(2, 6))
        return np.asarray(np.clip(picture, 0, 255).astype(np.uint8))

    def area(self, points: Points) -> Mask:
        """The polygon as an anti-aliased mask of the canvas."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(points * 2**_FRACTION).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _FRACTION)
        return mask

    def stroke(self, points: Points, thickness: float) -> Mask:
        """An open line as an anti-aliased mask of the canvas."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(points * 2**_FRACTION).astype(np.int32)
        cv2.polylines(mask, [fixed], False, 255, max(1, round(thickness)), cv2.LINE_AA, _FRACTION)
        return mask

    def shadow(self, mask: Mask, dx: float, dy: float, blur: float, strength: float = 0.5) -> None:
        """Darken what lies behind ``mask``, moved by (dx, dy)."""
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(mask, move, (self.width, self.height)).astype(np.float32)
        self.pixels *= 1 - cv2.GaussianBlur(moved, (0, 0), blur)[..., None] * (strength / 255)

    def paint(self, mask: Mask, color: Color, *, bulge: float = 1.0, gloss: float = 0.0, texture: float = 0.15) -> None:
        """Fill ``mask`` with a body: ``bulge`` 0 is flat and 1 round, ``gloss`` shines, ``texture`` varies the colour."""
        x, y, width, height = cv2.boundingRect(mask)
        if not width:
            return
        part = np.ascontiguousarray(mask[y : y + height, x : x + width])
        light, shine = _lit(part, bulge)
        grain = noise(self.rng, height, width, max(width, height) / 6)
        body = np.array(color, np.float32) * (light * (1 + texture * (grain - 0.5) * 2))[..., None]
        body += (gloss * 255 * shine)[..., None]
        alpha = part.astype(np.float32)[..., None] / 255
        behind = self.pixels[y : y + height, x : x + width]
        behind += (np.clip(body, 0, 255) - behind) * alpha


def _lit(mask: Mask, bulge: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Diffuse light (about 0.4 … 1.1) and highlight (0 … 1) on a body that rises towards the middle of its mask."""
    padded = cv2.copyMakeBorder(mask, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform((padded > 127).astype(np.uint8), cv2.DIST_L2, 3)
    radius = max(float(distance.max()), 1.0)
    inner = np.clip(1 - distance / radius, 0, 1)
    rise = cv2.GaussianBlur(np.sqrt(1 - inner * inner) * radius, (0, 0), max(1.0, radius / 8)) * np.float32(bulge)
    dx, dy = cv2.Sobel(rise, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(rise, cv2.CV_32F, 0, 1, scale=1 / 8)
    length = np.sqrt(dx * dx + dy * dy + 1)
    lambert = np.clip((-dx * _LIGHT[0] - dy * _LIGHT[1] + _LIGHT[2]) / length, 0, 1)[2:-2, 2:-2]
    return np.asarray(0.4 + 0.75 * lambert, np.float32), np.asarray(lambert**24, np.float32)
