"""Generated scenes for tests of masks: textured shapes on textured ground, and where each lies."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.media.drawing import mix, noise

COLORS = (
    ((60, 110, 50), (110, 160, 80)),
    ((150, 60, 50), (200, 110, 90)),
    ((60, 80, 160), (110, 140, 210)),
    ((190, 180, 90), (230, 220, 150)),
    ((120, 60, 140), (170, 110, 190)),
)


def scene(seed: int, labels: int, height: int = 240, width: int = 320) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """An image (h, w, 3) with two shapes of each of ``labels`` kinds, and its ids (h, w): 0 ground, 1 … the kinds."""
    rng = np.random.default_rng(seed)
    pixels = mix(*COLORS[0], noise(rng, height, width, 60))
    ids = np.zeros((height, width), np.int64)
    for kind in range(1, labels + 1):
        for _ in range(2):
            plane = _shape(rng, kind, height, width)
            own = mix(*COLORS[kind % len(COLORS)], noise(rng, height, width, 25))
            pixels[plane], ids[plane] = own[plane], kind
    pixels = pixels + rng.normal(0, 6, pixels.shape)
    return cv2.GaussianBlur(pixels.clip(0, 255).astype(np.uint8), (0, 0), 0.8).astype(np.uint8), ids


def _shape(rng: np.random.Generator, kind: int, height: int, width: int) -> NDArray[np.bool_]:
    """A disk, a box or a triangle, by the kind."""
    plane = np.zeros((height, width), np.uint8)
    x, y, size = int(rng.integers(40, width - 40)), int(rng.integers(40, height - 40)), int(rng.integers(20, 50))
    if kind % 3 == 1:
        cv2.circle(plane, (x, y), size, 1, -1)
    elif kind % 3 == 2:
        cv2.rectangle(plane, (x - size, y - size), (x + size, y + size // 2), 1, -1)
    else:
        cv2.fillPoly(plane, [np.array([[x, y - size], [x - size, y + size], [x + size, y + size]], np.int32)], 1)
    return plane > 0
