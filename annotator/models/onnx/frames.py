"""Between a picture and the rectangle that a network sees: exact there and back, for pixels, boxes and masks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.onnx.card import Axes, Colours, Fit, Input, Interpolation
from annotator.models.protocols import FloatArray, RGBImage


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture of ``width`` × ``height`` lies in the input: scaled to ``inner`` (w, h), moved by ``left``, ``top``.

    Frames count from the outer corner of the first pixel, so that scaling has no offset.
    """

    width: int
    height: int
    inner: tuple[int, int]
    left: int
    top: int

    @classmethod
    def of(cls, width: int, height: int, card: Input) -> Frame:
        """The place of a picture in the input that a card describes; no side falls below one pixel."""
        if card.fit is Fit.STRETCH:
            return cls(width, height, (card.width, card.height), 0, 0)
        scale = min(card.width / width, card.height / height)
        inner_width = min(card.width, max(1, round(width * scale)))
        inner_height = min(card.height, max(1, round(height * scale)))
        spare_width, spare_height = card.width - inner_width, card.height - inner_height
        centred = card.fit is Fit.LETTERBOX
        left, top = (spare_width // 2, spare_height // 2) if centred else (0, 0)
        return cls(width, height, (inner_width, inner_height), left, top)

    @property
    def scales(self) -> tuple[float, float]:
        """Input pixels per picture pixel, x and y: they differ by the rounding of ``inner``."""
        return self.inner[0] / self.width, self.inner[1] / self.height

    def to_input(self, boxes: FloatArray) -> FloatArray:
        """Boxes (n, 4) XYXY of the picture in pixels of the input."""
        (x, y), (dx, dy) = self.scales, (self.left, self.top)
        return (boxes * (x, y, x, y) + (dx, dy, dx, dy)).astype(np.float32)

    def to_picture(self, boxes: FloatArray) -> FloatArray:
        """Boxes (n, 4) XYXY of the input in pixels of the picture, not clipped."""
        (x, y), (dx, dy) = self.scales, (self.left, self.top)
        return ((boxes.astype(np.float64) - (dx, dy, dx, dy)) / (x, y, x, y)).astype(np.float32)

    def cut_mask(self, field: FloatArray, card: Input, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
        """The part (y2 − y1, x2 − x1) of the picture under ``box``, true where ``field`` is above one half.

        ``field`` (h, w) float32 covers the whole input at any resolution.
        """
        x1, y1, x2, y2 = box
        across, down = field.shape[1] / card.width, field.shape[0] / card.height
        (x, y) = self.scales
        # From the centre of a pixel of the part to an index of the field, whose first centre is at one half, too.
        to_field = np.array(
            [
                [x * across, 0, ((x1 + 0.5) * x + self.left) * across - 0.5],
                [0, y * down, ((y1 + 0.5) * y + self.top) * down - 0.5],
            ]
        )
        part = cv2.warpAffine(
            np.ascontiguousarray(field, dtype=np.float32),
            to_field,
            (x2 - x1, y2 - y1),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result: NDArray[np.bool_] = part > 0.5
        return result


def prepare(image: RGBImage, frame: Frame, card: Input) -> FloatArray:
    """The input of one picture: (3, h, w) or (h, w, 3) float32, normalised as the card says."""
    area = card.interpolation is Interpolation.AREA
    resized = image
    if frame.inner != (frame.width, frame.height):
        resized = cv2.resize(
            np.ascontiguousarray(image), frame.inner, interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR
        )
    canvas = np.full((card.height, card.width, 3), card.fill, dtype=np.float32)
    canvas[frame.top : frame.top + frame.inner[1], frame.left : frame.left + frame.inner[0]] = resized
    if card.colours is Colours.BGR:
        canvas = canvas[..., ::-1]
    mean, std = (np.asarray(values, dtype=np.float32) for values in (card.mean, card.std))
    canvas = (canvas / np.float32(card.scale) - mean) / std
    return np.ascontiguousarray(canvas if card.axes is Axes.NHWC else canvas.transpose(2, 0, 1))
