"""From a picture to the square that a network sees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray, RGBImage


def check_image(image: RGBImage) -> None:
    """Raise ValueError unless ``image`` is (h, w, 3) uint8 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"expected an RGB image (h, w, 3) uint8, got {image.shape} {image.dtype}")


def centre_square(image: RGBImage, side: int) -> NDArray[np.uint8]:
    """The (side, side, 3) centre of an image whose short side is scaled to ``side``.

    Crops before scaling: the same pixels as scaling the whole, for less work. Shrinks by area averages, enlarges linearly.
    """
    check_image(image)
    height, width = image.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = image[top : top + short, left : left + short]
    if short == side:
        return square
    interpolation = cv2.INTER_AREA if short > side else cv2.INTER_LINEAR
    resized: NDArray[np.uint8] = cv2.resize(
        np.ascontiguousarray(square), (side, side), interpolation=interpolation
    ).astype(np.uint8, copy=False)
    return resized


def preprocess(images: Sequence[RGBImage], side: int = 224, *, mean: float = 127.0, scale: float = 128.0) -> FloatArray:
    """(n, 3, side, side) float32 input of n images (h, w, 3) uint8 RGB: centre squares, (x − mean) / scale."""
    batch = np.empty((len(images), 3, side, side), dtype=np.float32)
    for row, image in zip(batch, images, strict=True):
        for plane, channel in zip(row, cv2.split(centre_square(image, side)), strict=True):
            np.subtract(channel, np.float32(mean), out=plane, dtype=np.float32)
    batch *= np.float32(1.0 / scale)
    return batch
