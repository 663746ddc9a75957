"""The crops of the wall, with the outlines of what is suggested there: asked for while painting, made by loader threads, kept in
memory up to a limit, and the pixels on disk."""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from annotator.domain.geometry import Geometry, Mask
from annotator.domain.tracing import polygon_around
from annotator.errors import AnnotatorError
from ui.canvas.paths import outline
from ui.engine_bridge import Relay, Stack
from ui.thumbnails import image_from_pixels

if TYPE_CHECKING:
    from annotator.project import Project

log = logging.getLogger(__name__)

SIDES = (160, 320)
PICTURE_SIDE = 1024
KEPT_BYTES = 224 << 20
WAITING = 600
MARGIN, SHAPE_MARGIN = 0.08, 0.2
"""What a crop shows around its bounds, as a part of their size: more where an outline has to be judged."""
PICTURES_KEPT = 6
FINE = 0.004
"""How far an outline in a crop may be off, as a part of the shape's size."""

Bounds = tuple[float, float, float, float]
Rings = tuple[NDArray[np.float64], ...]
"""The outline of a shape as closed rings of (k, 2) points, in shares of the crop."""


@dataclass(frozen=True)
class Crop:
    """What is shown: an image, the part of it in pixels of the oriented image (None: all of it), its longer side, and the id of
    the suggestion whose outline is wanted with it."""

    image_id: int
    bounds: Bounds | None
    side: int = SIDES[0]
    shape: UUID | None = None

    @property
    def margin(self) -> float:
        return MARGIN if self.shape is None else SHAPE_MARGIN


@dataclass(frozen=True)
class Cut:
    """A crop that has come; without an image where its picture cannot be read."""

    crop: Crop
    image: QImage | None
    rings: Rings = ()


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
        self._cuts: OrderedDict[Crop, Cut] = OrderedDict()
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
        self._cuts.clear()
        self._bytes = 0
        self._asked.clear()

    def get(self, crop: Crop) -> QImage | None:
        """The crop, or None while it is being cut or when it cannot be."""
        if crop in self._cuts:
            self._cuts.move_to_end(crop)
            return self._cuts[crop].image
        if crop not in self._asked and self._stack is not None:
            self._asked.add(crop)
            for dropped in self._stack.push(crop):
                self._asked.discard(dropped)
        return None

    def is_lost(self, crop: Crop) -> bool:
        """Whether the crop was tried and cannot be shown."""
        return crop in self._cuts and self._cuts[crop].image is None

    def rings(self, crop: Crop) -> Rings:
        """The outline in a crop that has come; nothing where none was asked for."""
        return self._cuts[crop].rings if crop in self._cuts else ()

    @property
    def waiting(self) -> int:
        """How many crops are on their way."""
        return len(self._asked)

    def _arrived(self, cut: Cut) -> None:
        self._asked.discard(cut.crop)
        self._cuts[cut.crop] = cut
        self._bytes += _size(cut)
        while self._bytes > KEPT_BYTES and len(self._cuts) > 1:
            self._bytes -= _size(self._cuts.popitem(last=False)[1])
        self.ready.emit(cut.crop)


def _size(cut: Cut) -> int:
    return 0 if cut.image is None else cut.image.sizeInBytes()


class Cutter:
    """Cuts crops out of pictures, on loader threads. Neighbours on the wall often come from one picture: some are kept."""

    def __init__(self, project: Project) -> None:
        from annotator.media.thumbnails import ThumbnailCache

        self._project = project
        folder = project.path / "cache" / "thumbnails"
        self._caches = {side: ThumbnailCache(folder, side) for side in SIDES}
        self._pictures: OrderedDict[tuple[Path, int], Any] = OrderedDict()
        self._guard = threading.Lock()

    def cut(self, crop: Crop) -> Cut:
        """The crop as an image with its outline; no image when its picture cannot be read."""
        try:
            path = self._project.images.path(crop.image_id)
            if crop.side not in self._caches:
                pixels = self._decode(path, crop.side).rgb()
            elif crop.bounds is None:
                pixels = self._caches[crop.side].make(path)
            else:
                pixels = self._part(path, crop.bounds, crop)
            rings = self._rings(crop)
        except (AnnotatorError, OSError, RuntimeError) as error:
            log.info("no crop of image %d: %s", crop.image_id, error)
            return Cut(crop, None)
        return Cut(crop, image_from_pixels(pixels), rings)

    def _rings(self, crop: Crop) -> Rings:
        """The outline that was asked for; nothing when the suggestion is gone."""
        if crop.shape is None or crop.bounds is None:
            return ()
        geometry = self._project.review.geometry(crop.shape)
        image = self._project.images.get(crop.image_id)
        if geometry is None:
            return ()
        left, top, right, bottom = area_of(crop.bounds, crop.margin, (image.width, image.height))
        corner, size = np.asarray([left, top]), np.asarray([max(right - left, 1e-6), max(bottom - top, 1e-6)])
        return tuple((points - corner) / size for points, _ in outline(_traced(geometry)).paths())

    def _part(self, path: Path, bounds: Bounds, crop: Crop) -> np.ndarray:
        cache = self._caches[crop.side]
        key = cache.key_for(path, f"{path}#{','.join(f'{v:.1f}' for v in bounds)}+{crop.margin}")
        found = cache.pixels(key)
        if found is not None:
            return found
        picture = self._picture(path, bounds, crop.side)
        part = cut_out(picture.rgb(), bounds, picture.scale, crop.margin)
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


def _traced(geometry: Geometry) -> Geometry:
    """A mask as the polygon of its outline."""
    if not isinstance(geometry, Mask):
        return geometry
    x1, y1, x2, y2 = geometry.bounds()
    polygon = polygon_around(geometry.to_array(), FINE * max(x2 - x1, y2 - y1), geometry.x, geometry.y)
    return geometry if polygon is None else polygon


def area_of(bounds: Bounds, margin: float, size: tuple[int, int]) -> Bounds:
    """``bounds`` and ``margin`` of their size around it, as far as a picture of ``size`` (width, height) goes."""
    wide, high = (bounds[2] - bounds[0]) * margin, (bounds[3] - bounds[1]) * margin
    return (
        max(0.0, bounds[0] - wide),
        max(0.0, bounds[1] - high),
        min(float(size[0]), bounds[2] + wide),
        min(float(size[1]), bounds[3] + high),
    )


def cut_out(pixels: np.ndarray, bounds: Bounds, scale: float, margin: float = MARGIN) -> np.ndarray:
    """The part of (h, w, 3) ``pixels`` within ``bounds`` (of the full image) and a little around it; never empty."""
    height, width = pixels.shape[:2]
    area = area_of(bounds, margin, (math.ceil(width / scale), math.ceil(height / scale)))
    left = min(math.floor(area[0] * scale), width - 1)
    top = min(math.floor(area[1] * scale), height - 1)
    right = min(max(left + 1, math.ceil(area[2] * scale)), width)
    bottom = min(max(top + 1, math.ceil(area[3] * scale)), height)
    return np.ascontiguousarray(pixels[top:bottom, left:right])
