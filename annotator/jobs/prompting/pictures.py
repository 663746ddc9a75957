"""The pictures that the interactive engine has at hand, at the resolutions that prompts need, with what the model made of them.

A model that reads a picture in no time works on the raster that is closest to the screen: the full one where the view is close,
a coarser one for a large picture seen whole. A model that takes long reads each picture once, at the size of its input.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.jobs.prompting.messages import PictureFile
from annotator.media.pictures import decode
from annotator.models.protocols import InterruptibleSegmenter, PromptSegmenter, RGBImage, ScalableSegmenter

LEAST_SIDE = 1024
"""The raster of a large picture has at least this many pixels along its longer side, however small it is shown."""


@dataclass(frozen=True)
class Raster:
    """What the model made of a picture (``encoding``) whose pixels are ``scale`` (x, y) to one of the image."""

    encoding: object
    size: tuple[int, int]
    scale: tuple[float, float]


@dataclass
class _Held:
    """One picture: its rasters by the step (1, 2, 4, …) at which it was decoded."""

    file: PictureFile
    lock: threading.Lock = field(default_factory=threading.Lock)
    rasters: dict[int, Raster] = field(default_factory=dict)
    pixels: RGBImage | None = None


class Pictures:
    """Rasters of a few pictures. ``model`` is a ``PromptSegmenter``. Safe to call from several threads."""

    def __init__(self, model: Any) -> None:
        self.model: PromptSegmenter = model
        self.scales = isinstance(model, ScalableSegmenter)
        self._side: int | None = getattr(model, "input_side", None)
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._guard = threading.Lock()

    @property
    def instant(self) -> bool:
        """Whether the model needs no time to read a picture."""
        return self._side is None

    def keep_only(self, files: Iterable[PictureFile]) -> None:
        """Forget all other pictures."""
        wanted = {file.image_id for file in files}
        with self._guard:
            for image_id in [i for i in self._held if i not in wanted]:
                del self._held[image_id]

    def is_read(self, file: PictureFile) -> bool:
        """Whether prompts on it can be answered at once."""
        with self._guard:
            held = self._held.get(file.image_id)
            return held is not None and held.file == file and bool(held.rasters)

    def read(self, file: PictureFile, scale: float = 0.0, wanted: Callable[[], bool] | None = None) -> Raster:
        """The raster for a view of ``scale`` screen pixels per image pixel (0: the picture seen whole).

        Raises ``ImageError`` when the file cannot be read and ``ModelError`` when the device has not enough memory;
        ``JobCancelled`` when the model can stop in the middle and finds that the picture is not ``wanted`` any more.
        """
        held = self._of(file)
        with held.lock:
            step = _step_for(file, scale) if self.instant else 0
            if step not in held.rasters:
                pixels = self._pixels(held, step)
                size = (pixels.shape[0], pixels.shape[1])
                ratio = (size[1] / max(file.width, 1), size[0] / max(file.height, 1))
                held.rasters[step] = Raster(self._encoded(pixels, wanted), size, ratio)
            return held.rasters[step]

    def _encoded(self, pixels: RGBImage, wanted: Callable[[], bool] | None) -> object:
        if wanted is not None and isinstance(self.model, InterruptibleSegmenter):
            return self.model.encode_while(pixels, wanted)
        return self.model.encode(pixels)

    def _of(self, file: PictureFile) -> _Held:
        with self._guard:
            held = self._held.get(file.image_id)
            if held is None or held.file != file:
                held = self._held[file.image_id] = _Held(file)
            return held

    def _pixels(self, held: _Held, step: int) -> RGBImage:
        """The picture for a raster; of an instant model's the full one is kept, so that the file is decoded once."""
        path = Path(held.file.path)
        if self._side is not None:
            least = self._side * min(held.file.width, held.file.height) // max(held.file.width, held.file.height, 1)
            return decode(path, min_side=max(least, 1)).rgb()
        if held.pixels is None:
            held.pixels = decode(path).rgb()
        if step == 1:
            return held.pixels
        height, width = held.pixels.shape[:2]
        smaller = (max(1, round(width / step)), max(1, round(height / step)))
        shrunk: NDArray[np.uint8] = cv2.resize(held.pixels, smaller, interpolation=cv2.INTER_AREA)
        return shrunk


def _step_for(file: PictureFile, scale: float) -> int:
    """The coarsest of 1, 2, 4, … at which a raster pixel is no larger than a screen pixel."""
    longer = max(file.width, file.height, 1)
    seen = max(min(scale, 1.0), min(1.0, LEAST_SIDE / longer))
    step = 1
    while step * 2 * seen <= 1.0:
        step *= 2
    return step
