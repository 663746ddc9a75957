"""Segmenters for the tests of the interactive engine: quick, slow, deadly; they draw a disk around what they are told."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.errors import JobCancelled, ModelError
from annotator.jobs.prompting.messages import PictureFile
from annotator.jobs.prompting.pictures import Pictures, Raster
from annotator.models.protocols import Candidates, FloatArray, ModelInfo, RGBImage

RADIUS = 10


class Disks:
    """Candidates are disks of one, two and three radii around the mean of the positive points and the box's middle."""

    info = ModelInfo("disks", "1", "cpu")

    def encode(self, image: RGBImage) -> object:
        return image.shape[:2]

    def segment(
        self,
        encoding: Any,
        points: FloatArray,
        point_labels: NDArray[np.bool_],
        box: FloatArray | None = None,
        previous: object | None = None,
    ) -> Candidates:
        height, width = encoding
        if not (encoding and (point_labels.any() or box is not None or previous is not None)):
            raise ValueError("a prompt needs a positive point")
        places = [*points[point_labels].tolist()]
        if box is not None:
            places.append([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        if previous is not None:
            places.append(previous)
        cx, cy = np.mean(places, axis=0)
        y, x = np.mgrid[:height, :width] + 0.5
        masks = np.stack([np.hypot(x - cx, y - cy) <= RADIUS * n for n in (1, 2, 3)])
        for px, py in points[~point_labels].tolist():
            masks &= np.hypot(x - px, y - py) > 3
        return Candidates(masks, np.array([0.9, 0.6, 0.3], np.float32), ((cx, cy),) * 3)

    def refine(
        self, encoding: Any, mask: NDArray[np.bool_], points: FloatArray, point_labels: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        assert mask.shape == encoding
        return mask


class Slow(Disks):
    """Takes a while to read a picture, as Segment Anything does on a CPU; draws at any size."""

    info = ModelInfo("slow", "1", "cpu")
    input_side = 64

    def encode(self, image: RGBImage) -> object:
        time.sleep(0.4)
        if image[..., 0].mean() > 250 and image[..., 1].mean() < 5:  # red is deadly
            os.kill(os.getpid(), signal.SIGKILL)
        return image.shape[:2]

    def segment(self, encoding: Any, *arguments: Any, size: tuple[int, int] | None = None, **named: Any) -> Candidates:
        assert size is not None
        found = super().segment(encoding, *arguments, **named)
        rows = np.arange(size[0]) * encoding[0] // size[0]
        columns = np.arange(size[1]) * encoding[1] // size[1]
        return Candidates(found.masks[:, rows][:, :, columns], found.scores, tuple(found.masks))

    def full_mask(self, encoding: Any, state: Any, size: tuple[int, int] | None = None) -> NDArray[np.bool_]:
        assert size is not None
        rows, columns = np.arange(size[0]) * encoding[0] // size[0], np.arange(size[1]) * encoding[1] // size[1]
        drawn: NDArray[np.bool_] = state[rows][:, columns]
        return drawn


class Interruptible(Slow):
    """Takes a minute to read a green picture, unless nobody wants it any more."""

    def encode_while(self, image: RGBImage, wanted: Callable[[], bool]) -> object:
        for _ in range(1200 if image[..., 1].mean() > 250 else 1):
            if not wanted():
                raise JobCancelled
            time.sleep(0.05)
        return image.shape[:2]


class Deadly(Disks):
    """Dies at every prompt."""

    def segment(self, *arguments: Any, **named: Any) -> Candidates:
        os._exit(7)


class DeadlyWhileReading(Deadly):
    """Dies at every prompt, before anybody hears that the picture has been read."""

    def __init__(self) -> None:
        read = Pictures.read

        def read_for_long(pictures: Pictures, file: PictureFile, scale: float = 0.0, **named: Any) -> Raster:
            if threading.current_thread().name == "reader":
                time.sleep(60)
            return read(pictures, file, scale, **named)

        Pictures.read = read_for_long  # type: ignore[method-assign, assignment]  # in this process of the test's own


class Buggy(Disks):
    """Fails at every prompt, as only a bug does."""

    def segment(self, *arguments: Any, **named: Any) -> Candidates:
        raise ZeroDivisionError("nobody expected this")


def load(model: str, weights: Path | None, device: str) -> Any:
    """In the place of the catalogue."""
    if model == "absent":
        raise ModelError("The weights of absent are not here.", "Run: annotator models pull absent")
    if model == "stillborn":
        os._exit(3)
    kinds = {
        "disks": Disks,
        "slow": Slow,
        "interruptible": Interruptible,
        "deadly": Deadly,
        "deadly while reading": DeadlyWhileReading,
        "buggy": Buggy,
    }
    return kinds[model]()
