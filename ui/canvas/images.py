"""Canvas, images: arrays as Qt's images and the other way round, and brightness and contrast."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

Pixels = NDArray[np.uint8]


def pixels_of(image: QImage) -> Pixels:
    """The (h, w, 4) BGRA memory of a 32-bit image, shared with it."""
    rows = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4)


def image_of(pixels: Pixels) -> QImage:
    """(h, w, 3 | 4) RGB(A) as an image that Qt paints without converting it."""
    height, width, channels = pixels.shape
    code = cv2.COLOR_RGBA2BGRA if channels == 4 else cv2.COLOR_RGB2BGRA
    image = QImage(width, height, QImage.Format.Format_ARGB32 if channels == 4 else QImage.Format.Format_RGB32)
    cv2.cvtColor(pixels, code, dst=pixels_of(image))
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied) if channels == 4 else image


def wrapped(pixels: Pixels) -> QImage:
    """(h, w, 3 | 4) RGB(A), C-contiguous, as an image that shares its memory: whoever keeps the image keeps the array."""
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, width * channels, form)


def adjusted(image: QImage, table: Pixels) -> QImage:
    """A copy of a 32-bit image with its colours looked up in a table of 256."""
    straight = QImage.Format.Format_ARGB32 if image.hasAlphaChannel() else QImage.Format.Format_RGB32
    result = image.convertToFormat(straight)
    pixels = pixels_of(result)  # its own memory: whoever may write to an image gets a copy
    pixels[..., :3] = cv2.LUT(np.ascontiguousarray(pixels[..., :3]), table)
    return result.convertToFormat(image.format())


def adjustment(brightness: float, contrast: float) -> Pixels:
    """The 256-entry table of a brightness and a contrast from -1 to 1; zero changes nothing."""
    values = np.arange(256, dtype=np.float64)
    gain = (1 + contrast) if contrast <= 0 else 1 / max(1 - contrast, 0.02)
    return np.clip((values - 127.5) * gain + 127.5 + brightness * 255, 0, 255).round().astype(np.uint8)
