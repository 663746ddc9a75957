"""The picture on the canvas: decoded by loader threads at the size the screen needs, the neighbours ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.records import Image
from ui.engine_bridge import Relay
from ui.session import Session
from ui.tiled_images import LARGE_PIXELS, TiledImages

if TYPE_CHECKING:
    from annotator.media.frames import Frame, FrameCache

AHEAD = 4
AHEAD_AFTER_MS = 40
CACHE_BYTES = 384 << 20
LEAST_SIDE = 1024


TIFF = (".tif", ".tiff")


class FrameLoader(QObject):
    """Asks for the current image; ``picture_ready`` may come several times for one image, each time sharper.

    Images too large to hold come in ``tiles``: TIFF at once, others when more is wanted than a picture at display scale.
    """

    picture_ready = Signal(int, object)
    picture_failed = Signal(int, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cache: FrameCache | None = None
        self._relay: Relay | None = None
        self._image_id = -1
        self._path: Path | None = None
        self._window: tuple[float, float] | None = None
        self._side = LEAST_SIDE
        self.tiles = TiledImages(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AHEAD_AFTER_MS)
        self._soon.timeout.connect(self._look_ahead)
        session.opened.connect(self._opened)
        session.closed.connect(self.close)

    def show(self, image: Image, side: int, window: tuple[float, float] | None = None) -> Any:
        """The best picture in memory now, perhaps None; sharper ones follow. ``side``: the longer side of the view.

        ``window`` are the values shown as black and white, for pictures of more than 8 bits; None chooses by itself.
        """
        project = self._session.project
        if project is None or self._cache is None or self._relay is None:
            return None
        self._image_id = image.id
        self._path = project.images.path_of(image)
        side = max(side, LEAST_SIDE)
        self._window = window
        best = None
        if is_tiled_at_once(image):
            self._cache.cancel()
            self.tiles.show(self._path, self._folder, window)
        elif self.tiles.shows(self._path):
            self.tiles.show(self._path, self._folder, window)
        else:
            self.tiles.close()
            best = self._cache.get(self._path, side, self._relay.post, window=window)
        self._side = side
        if not self._soon.isActive():
            self._soon.start()
        return best

    def _look_ahead(self) -> None:
        """Decode the neighbours, once the image on screen has been painted."""
        project = self._session.project
        if project is None or self._cache is None:
            return
        ahead = [i for i in project.images.many(self._session.order.ahead(AHEAD)) if not is_tiled_at_once(i)]
        self._cache.prefetch([project.images.path_of(i) for i in ahead], self._side)

    @property
    def _folder(self) -> Path | None:
        project = self._session.project
        return project.path / "cache" / "tiles" if project is not None else None

    def show_full(self, pixels: int) -> Any:
        """Ask for full resolution of the current image, of so many pixels: the view is closer than the picture is sharp."""
        if self._path is None or self._cache is None or self._relay is None:
            return None
        if pixels > LARGE_PIXELS:
            self.tiles.show(self._path, self._folder, self._window)
            return None
        return self._cache.get(self._path, None, self._relay.post, full=True, window=self._window)

    def close(self) -> None:
        """Drop everything."""
        self._soon.stop()
        self.tiles.close()
        if self._relay is not None:
            self._relay.close()
            self._relay = None
        if self._cache is not None:
            self._cache.close()
            self._cache = None
        self._path = None

    def _opened(self) -> None:
        from annotator.media.frames import FrameCache

        self.close()
        self._cache = FrameCache(CACHE_BYTES)
        self._relay = Relay(self._arrived, self)

    def _arrived(self, frame: Frame) -> None:
        if frame.path != self._path:
            return
        if frame.picture is not None:
            self.picture_ready.emit(self._image_id, frame.picture)
        elif frame.error is not None:
            self.picture_failed.emit(self._image_id, frame.error)


def is_tiled_at_once(image: Image) -> bool:
    """Whether an image is never decoded as a whole."""
    return image.width * image.height > LARGE_PIXELS and Path(image.uri).suffix.lower() in TIFF
