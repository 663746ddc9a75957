"""Thumbnails on disk: small JPEGs in a folder that may be deleted at any time.

Media room. An entry is named by what it was made of (uri, modification time, size), so a changed image gets a new one. Files
are spread over 256 folders and moved into place whole; an entry that is damaged all the same is removed and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.media.pictures import decode
from annotator.media.precedence import ON_SCREEN
from annotator.media.problems import from_os_error

SIDE: Final = 160
_QUALITY: Final = 82
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ThumbnailKey:
    """What a thumbnail was made of. ``uri`` must name one image of the cache's owner (with its root, or absolute)."""

    uri: str
    mtime: int
    size: int


class ThumbnailCache:
    """Thumbnails of at most ``side`` pixels under ``folder``. Safe for threads and for several processes."""

    def __init__(self, folder: Path, side: int = SIDE) -> None:
        self.folder = folder
        self.side = side

    @staticmethod
    def key_for(path: Path, uri: str = "") -> ThumbnailKey:
        """The key of the file as it is now; raises ``ImageError`` when it is missing."""
        try:
            status = path.stat()
        except OSError as error:
            raise from_os_error(path, error) from error
        return ThumbnailKey(uri or str(path), status.st_mtime_ns, status.st_size)

    def path_of(self, key: ThumbnailKey) -> Path:
        """Where the entry of ``key`` lies, whether or not it is there."""
        text = f"{key.uri}\0{key.mtime}\0{key.size}\0{self.side}".encode("utf-8", "surrogatepass")
        name = hashlib.blake2b(text, digest_size=16).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}.jpg"

    def get(self, key: ThumbnailKey) -> bytes | None:
        """The thumbnail as JPEG bytes, or None when it has not been made."""
        entry = self.path_of(key)
        try:
            data = entry.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("thumbnail %s cannot be read: %s", entry, error)
            return None
        if data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9"):
            return data
        self._discard(entry)
        return None

    def pixels(self, key: ThumbnailKey) -> NDArray[np.uint8] | None:
        """The thumbnail as (h, w, 3) uint8 RGB, or None when it has not been made."""
        data = self.get(key)
        if data is None:
            return None
        pixels: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            self._discard(self.path_of(key))
            return None
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
        return pixels

    def put(self, key: ThumbnailKey, rgb: NDArray[np.uint8]) -> None:
        """Store (h, w, 3) uint8 RGB of any size, shrunk to the side. A full disk costs the entry, not the caller."""
        height, width = rgb.shape[:2]
        scale = self.side / max(height, width)
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
        bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise ValueError(f"cannot encode a thumbnail of shape {rgb.shape}")
        self._write(self.path_of(key), data.tobytes())

    def make(self, path: Path, key: ThumbnailKey | None = None) -> NDArray[np.uint8]:
        """The thumbnail from the cache, else decoded from ``path`` and stored, behind the image on screen; raises ``ImageError``.

        Not for the GUI thread.
        """
        key = key or self.key_for(path)
        pixels = self.pixels(key)
        if pixels is None:
            ON_SCREEN.give_way()
            pixels = decode(path, max_side=self.side).rgb()
            self.put(key, pixels)
        return pixels

    def _write(self, entry: Path, data: bytes) -> None:
        temporary = entry.with_name(f".{entry.stem}.{os.getpid()}.{threading.get_ident()}")
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(entry)
        except OSError as error:
            _log.warning("thumbnail %s cannot be kept: %s", entry, error)
            with contextlib.suppress(OSError):  # already reported
                temporary.unlink(missing_ok=True)

    def _discard(self, entry: Path) -> None:
        _log.info("thumbnail %s is damaged and will be made again", entry)
        with contextlib.suppress(OSError):  # another process was quicker, or put() will report the disk
            entry.unlink()
