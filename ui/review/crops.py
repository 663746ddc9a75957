"""The crops of the wall: asked for while painting, cut by loader threads, kept in memory up to a limit, and on disk."""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from annotator.errors import AnnotatorError
from ui.engine_bridge import Relay, Stack
from ui.thumbnails import image_from_pixels

if TYPE_CHECKING:
    from annotator.project import Project

log = logging.getLogger(__name__)

SIDES = (160, 320)
PICTURE_SIDE = 1024
KEPT_BYTES = 224 << 20
WAITING = 600
MARGIN = 0.08
PICTURES_KEPT = 6

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Crop:
    """What is shown: an image, the part of it in pixels of the oriented image (None: all of it), and its longer side."""

    image_id: int
    bounds: Bounds | None
    side: int = SIDES[0]


def side_for(pixels: float) -> int:
    """The size in which a crop is kept that is shown ``pixels`` high."""
    return next((side for side in SIDES if side >= pixels), SIDES[-1])


class CropLoader(QObject):
    """``get`` answers at once, with None while the crop is on its way; ``ready`` brings the ``Crop`` that has come.

    The newest request is served first, and requests that scrolled far out of view are dropped.
    """

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images: OrderedDict[Crop, QImage | None] = OrderedDict()
        self._bytes = 0
        self._asked: set[Crop] = set()
        self._cutter: Cutter | None = None
        self._relay: Relay | None = None
        self._stack: Stack | None = None

    def follow(self, project: Project | None) -> None:
        """Cut from the pictures of ``project`` from now on."""
        self.close()
        if project is not None:
            self._cutter = Cutter(project)
            self._relay = Relay(self._arrived, self)
            self._stack = Stack(self._cutter.cut, self._relay.post, threads=2, limit=WAITING)

    def close(self) -> None:
        """Load nothing more."""
        if self._relay is not None:
            self._relay.close()
        if self._stack is not None:
            self._stack.close()
            self._stack = None
        self._images.clear()
        self._bytes = 0
        self._asked.clear()

    def get(self, crop: Crop) -> QImage | None:
        """The crop, or None while it is being cut or when it cannot be."""
        if crop in self._images:
            self._images.move_to_end(crop)
            return self._images[crop]
        if crop not in self._asked and self._stack is not None:
            self._asked.add(crop)
            for dropped in self._stack.push(crop):
                self._asked.discard(dropped)
        return None

    def is_lost(self, crop: Crop) -> bool:
        """Whether the crop was tried and cannot be shown."""
        return crop in self._images and self._images[crop] is None

    @property
    def waiting(self) -> int:
        """How many crops are on their way."""
        return len(self._asked)

    def _arrived(self, answer: tuple[Crop, QImage | None]) -> None:
        crop, image = answer
        self._asked.discard(crop)
        self._images[crop] = image
        self._bytes += 0 if image is None else image.sizeInBytes()
        while self._bytes > KEPT_BYTES and len(self._images) > 1:
            _, old = self._images.popitem(last=False)
            self._bytes -= 0 if old is None else old.sizeInBytes()
        self.ready.emit(crop)


class Cutter:
    """Cuts crops out of pictures, on loader threads. Neighbours on the wall often come from one picture: some are kept."""

    def __init__(self, project: Project) -> None:
        from annotator.media.thumbnails import ThumbnailCache

        self._project = project
        folder = project.path / "cache" / "thumbnails"
        self._caches = {side: ThumbnailCache(folder, side) for side in SIDES}
        self._pictures: OrderedDict[tuple[Path, int], Any] = OrderedDict()
        self._guard = threading.Lock()

    def cut(self, crop: Crop) -> tuple[Crop, QImage | None]:
        """The crop as an image; None when its picture cannot be read."""
        try:
            path = self._project.images.path(crop.image_id)
            if crop.side not in self._caches:
                pixels = self._decode(path, crop.side).rgb()
            elif crop.bounds is None:
                pixels = self._caches[crop.side].make(path)
            else:
                pixels = self._part(path, crop.bounds, crop.side)
        except (AnnotatorError, OSError, RuntimeError) as error:
            log.info("no crop of image %d: %s", crop.image_id, error)
            return crop, None
        return crop, image_from_pixels(pixels)

    def _part(self, path: Path, bounds: Bounds, side: int) -> np.ndarray:
        cache = self._caches[side]
        key = cache.key_for(path, f"{path}#{','.join(f'{v:.1f}' for v in bounds)}")
        found = cache.pixels(key)
        if found is not None:
            return found
        picture = self._picture(path, bounds, side)
        part = cut_out(picture.rgb(), bounds, picture.scale)
        cache.put(key, part)
        made = cache.pixels(key)
        return part if made is None else made

    def _picture(self, path: Path, bounds: Bounds, side: int) -> Any:
        """The picture at a scale at which the part has ``side`` pixels, or in full."""
        from annotator.media.pictures import probe

        info = probe(path)
        longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1], 1.0)
        wanted = side * max(info.width, info.height) / longest
        most = max(info.width, info.height)
        at = min(most, 1 << max(8, math.ceil(math.log2(max(wanted, 1.0)))))
        return self._decode(path, at)

    def _decode(self, path: Path, side: int) -> Any:
        from annotator.media.pictures import decode

        with self._guard:
            known = self._pictures.get((path, side))
        if known is None:
            known = decode(path, max_side=side)
            with self._guard:
                self._pictures[path, side] = known
                while len(self._pictures) > PICTURES_KEPT:
                    self._pictures.popitem(last=False)
        return known


def cut_out(pixels: np.ndarray, bounds: Bounds, scale: float) -> np.ndarray:
    """The part of (h, w, 3) ``pixels`` within ``bounds`` (of the full image) and a little around it; never empty."""
    height, width = pixels.shape[:2]
    wide, high = (bounds[2] - bounds[0]) * MARGIN, (bounds[3] - bounds[1]) * MARGIN
    left = min(max(0, math.floor((bounds[0] - wide) * scale)), width - 1)
    top = min(max(0, math.floor((bounds[1] - high) * scale)), height - 1)
    right = min(max(left + 1, math.ceil((bounds[2] + wide) * scale)), width)
    bottom = min(max(top + 1, math.ceil((bounds[3] + high) * scale)), height)
    return np.ascontiguousarray(pixels[top:bottom, left:right])
