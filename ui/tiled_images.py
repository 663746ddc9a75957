"""Images that are too large to hold: loader threads open them and make their tiles; the canvas is given what it can paint."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from ui.engine_bridge import Relay

if TYPE_CHECKING:
    from annotator.media.pyramid import Level, Pyramid
    from annotator.media.tiles import Event, TileCache

LARGE_PIXELS = 64_000_000
"""More than this is shown in tiles: decoded, it would take a quarter of a gigabyte."""


class TiledImage:
    """A pyramid and its tiles, as the canvas paints them (see ``ui.canvas.tiles.TiledPicture``)."""

    scale = 1.0

    def __init__(self, pyramid: Pyramid, cache: TileCache[QImage]) -> None:
        from annotator.media.pyramid import TILE

        self.side = TILE
        self.full_width, self.full_height = pyramid.width, pyramid.height
        self.bit_depth, self.has_alpha = pyramid.bit_depth, pyramid.has_alpha
        self.levels: tuple[Level, ...] = pyramid.levels
        self._pyramid, self._cache = pyramid, cache

    @property
    def value_range(self) -> tuple[float, float]:
        """The least and the greatest value in the image."""
        return self._pyramid.value_range

    def best_level(self, scale: float) -> int:
        """The coarsest level that is as sharp as a screen can show at a scale."""
        return self._pyramid.best_level(scale)

    def get(self, key: tuple[int, int, int]) -> QImage | None:
        """A tile, if it is in memory."""
        return self._cache.get(key)

    def want(self, keys: Iterable[tuple[int, int, int]]) -> None:
        """Load these next, in this order."""
        self._cache.want(keys)


class TiledImages(QObject):
    """Holds the tiles of at most one image."""

    opened = Signal(object)  # TiledImage
    arrived = Signal(object)  # level, row, column
    grew = Signal()
    failed = Signal(object)  # Exception; once for an image

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache: TileCache[QImage] | None = None
        self._relay: Relay | None = None
        self._path: Path | None = None
        self._window: tuple[float, float] | None = None
        self._has_failed = False

    def show(self, path: Path, folder: Path | None, window: tuple[float, float] | None = None) -> None:
        """Open an image, or, when it is open, show other values of it. ``folder`` is where levels may be kept."""
        from annotator.media.tiles import TileCache
        from ui.canvas.images import image_of

        if path == self._path and self._cache is not None:
            if window != self._window:
                self._window = window
                self._cache.set_window(window)
                self.grew.emit()
            return
        self.close()
        self._path, self._window, self._has_failed = path, window, False
        self._relay = Relay(self._happened, self)
        self._cache = TileCache(path, folder, image_of, self._relay.post, window=window)

    def shows(self, path: Path | None) -> bool:
        """Whether the tiles are those of a file."""
        return path is not None and path == self._path

    def close(self) -> None:
        """Let the image go; its threads end by themselves."""
        if self._relay is not None:
            self._relay.close()
            self._relay = None
        if self._cache is not None:
            self._cache.close(wait=False)
            self._cache = None
        self._path = None

    def _happened(self, event: Event) -> None:
        from annotator.media import tiles

        match event:
            case tiles.Opened(pyramid) if self._cache is not None:
                self.opened.emit(TiledImage(pyramid, self._cache))
            case tiles.Arrived(key):
                self.arrived.emit(key)
            case tiles.Grown():
                self.grew.emit()
            case tiles.Failed(error) if not self._has_failed:
                self._has_failed = True
                self.failed.emit(error)
