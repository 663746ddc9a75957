"""Thumbnails for the queue: asked for while painting, decoded behind, kept as pixmaps up to a limit."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from annotator.errors import AnnotatorError
from ui.engine_bridge import Relay, Stack

if TYPE_CHECKING:
    from annotator.project import Project

log = logging.getLogger(__name__)

KEPT = 1200
WAITING = 160


class ThumbnailLoader(QObject):
    """``get`` answers at once, with None while the picture is on its way; ``ready`` says when it has come.

    The newest request is served first, and requests that scrolled far out of view are dropped.
    """

    ready = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pixmaps: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._asked: set[int] = set()
        self._project: Project | None = None
        self._cache: Any = None
        self._relay: Relay | None = None
        self._stack: Stack | None = None

    def follow(self, project: Project | None) -> None:
        """Load the pictures of ``project`` from now on."""
        self.close()
        self._project = project
        if project is not None:
            from annotator.media.thumbnails import ThumbnailCache

            self._cache = ThumbnailCache(project.path / "cache" / "thumbnails")
            self._relay = Relay(self._arrived, self)
            self._stack = Stack(self._load, self._relay.post, threads=2, limit=WAITING)

    def close(self) -> None:
        """Load nothing more."""
        if self._relay is not None:
            self._relay.close()
        if self._stack is not None:
            self._stack.close()
            self._stack = None
        self._pixmaps.clear()
        self._asked.clear()
        self._project = None

    def get(self, image_id: int) -> QPixmap | None:
        """The thumbnail, or None while it is being made or when it cannot be."""
        if image_id in self._pixmaps:
            self._pixmaps.move_to_end(image_id)
            return self._pixmaps[image_id]
        if image_id not in self._asked and self._stack is not None:
            self._asked.add(image_id)
            for dropped in self._stack.push(image_id):
                self._asked.discard(dropped)
        return None

    def forget(self, image_id: int) -> None:
        """Load a thumbnail anew when it is next asked for: its file has changed."""
        self._pixmaps.pop(image_id, None)

    def _load(self, image_id: int) -> tuple[int, QImage | None]:
        """Runs on a loader thread."""
        project = self._project
        if project is None:
            return image_id, None
        try:
            pixels = self._cache.make(project.images.path(image_id))
        except (AnnotatorError, OSError) as error:
            log.info("no thumbnail of image %d: %s", image_id, error)
            return image_id, None
        return image_id, image_from_pixels(pixels)

    def _arrived(self, answer: tuple[int, QImage | None]) -> None:
        image_id, image = answer
        self._asked.discard(image_id)
        self._pixmaps[image_id] = None if image is None else QPixmap.fromImage(image)
        while len(self._pixmaps) > KEPT:
            self._pixmaps.popitem(last=False)
        self.ready.emit(image_id)


def image_from_pixels(pixels: np.ndarray) -> QImage:
    """A QImage of its own memory from (h, w, 3 or 4) uint8 RGB or RGBA pixels."""
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    solid = np.ascontiguousarray(pixels)
    return QImage(solid.data, width, height, width * channels, form).copy()
