"""Built levels of a pyramid: each a file of plain pixels, written from top to bottom in one pass over the image.

Media room. The folder may be deleted at any time, and is kept below a size by dropping what was used longest ago. Where it
cannot be written, levels are held in memory instead.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from annotator.media.pyramid import Parts

MAX_BYTES: Final = 4 << 30
"""Of all built levels of a project together."""
_MARKER: Final = "levels.json"
_VERSION: Final = 1
_RESIZED: Final = frozenset(np.dtype(name) for name in ("u1", "u2", "i2", "f4", "f8"))
_log = logging.getLogger(__name__)


def halved(pixels: NDArray[Any]) -> NDArray[Any]:
    """The mean of every two by two pixels, of (h, w) or (h, w, c); the last row and column of an odd side count twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        edge = ((0, height % 2), (0, width % 2), *((0, 0),) * (pixels.ndim - 2))
        pixels = np.pad(pixels, edge, mode="edge")
    if pixels.dtype in _RESIZED:
        size = pixels.shape[1] // 2, pixels.shape[0] // 2
        return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA))
    four = np.stack([pixels[y::2, x::2].astype(np.float64) for y in (0, 1) for x in (0, 1)])
    return np.asarray(four.mean(axis=0).astype(pixels.dtype))


class LevelFile:
    """One level that is written row by row, in a file or (``path`` None) in memory, and read by rectangles meanwhile."""

    tall = 1

    def __init__(self, path: Path | None, width: int, height: int, channels: int, dtype: np.dtype[Any]) -> None:
        self.path = path
        self.width, self.height, self.channels, self.dtype = width, height, channels, dtype
        self.written = 0
        self._memory = None if path is not None else np.zeros(self._shape(height), dtype)

    def _shape(self, rows: int) -> tuple[int, ...]:
        return (rows, self.width) if self.channels == 1 else (rows, self.width, self.channels)

    def append(self, rows: NDArray[Any]) -> None:
        """Writes the next rows. Raises ``OSError``."""
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(np.ascontiguousarray(rows).data)
        elif self._memory is not None:
            self._memory[self.written : self.written + len(rows)] = rows
        self.written += len(rows)

    def region(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]:
        """The pixels of a rectangle, without the rows that are not written yet. Raises ``OSError``."""
        y2 = min(y2, self.written)
        if self.path is None or y2 <= y1:
            whole = self._memory if self._memory is not None else np.empty(self._shape(0), self.dtype)
            return whole[y1:y2, x1:x2]
        return np.array(np.memmap(self.path, self.dtype, "r", 0, self._shape(y2))[y1:y2, x1:x2])

    def close(self) -> None:
        """Nothing is held open."""


class LevelStore:
    """The built levels of one image."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files: dict[int, LevelFile] = {}
        self._numbers = range(0)
        self.whole = False

    @classmethod
    def of(cls, path: Path, folder: Path | None) -> LevelStore:
        """The store of an image file as it is now, under ``folder``."""
        if folder is None:
            return cls(None)
        status = path.stat()
        text = f"{_VERSION}\0{path}\0{status.st_mtime_ns}\0{status.st_size}".encode("utf-8", "surrogatepass")
        return cls(folder / hashlib.blake2b(text, digest_size=16).hexdigest())

    def expect(self, first: int, last: int) -> None:
        """The levels to hold; they are there already when an earlier ``build`` came to its end."""
        self._numbers = range(first, last + 1)
        if not self._numbers or self._folder is None:
            return
        marker = self._folder / _MARKER
        try:
            known = json.loads(marker.read_text())
            found = {int(number): self._opened(int(number), *about) for number, about in known.items()}
            marker.touch()
        except (OSError, ValueError, TypeError):
            return  # not there, or of no use: it is built again
        if set(found) == set(self._numbers):
            self._files, self.whole = found, True

    def _opened(self, number: int, width: int, height: int, channels: int, kind: str) -> LevelFile:
        assert self._folder is not None
        file = LevelFile(self._folder / f"{number}.raw", width, height, channels, np.dtype(kind))
        size = width * height * channels * file.dtype.itemsize
        if (self._folder / f"{number}.raw").stat().st_size != size:
            raise ValueError(f"level {number} in {self._folder} has not {size} bytes")
        file.written = height
        return file

    @property
    def wanted(self) -> bool:
        """Whether there is any level to hold."""
        return bool(self._numbers)

    def finished(self) -> dict[int, LevelFile]:
        """All levels once they are whole."""
        return dict(self._files) if self.whole else {}

    def partly(self, level: int, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any] | None:
        """What is written of a rectangle; None when nothing is."""
        file = self._files.get(level)
        found = file.region(x1, y1, x2, y2) if file is not None else None
        return found if found is not None and len(found) else None

    def build(
        self,
        source: Parts,
        level: int,
        slab: int,
        stopped: Callable[[], bool],
        on_rows: Callable[[int, int], None],
    ) -> bool:
        """Halves ``source``, which is of ``level``, ``slab`` rows at a time; False when stopped.

        ``on_rows`` hears of the rows of the source that were taken in.
        """
        try:
            return self._pass(self._folder, source, level, slab, stopped, on_rows)
        except OSError as error:
            if self._folder is None or not self._folder_failed(error):
                raise
            _log.warning("%s cannot be written (%s): the levels are held in memory", self._folder, error)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            return self._pass(None, source, level, slab, stopped, on_rows)

    def _folder_failed(self, error: OSError) -> bool:
        """Whether it was the folder, and not the image, that could not be used."""
        named = error.filename is not None and str(self._folder) in str(error.filename)
        return named or not error.filename

    def _pass(
        self,
        folder: Path | None,
        source: Parts,
        level: int,
        slab: int,
        stopped: Callable[[], bool],
        on_rows: Callable[[int, int], None],
    ) -> bool:
        self._begin(folder, source, level)
        for top in range(0, source.height, slab):
            if stopped():
                return False
            bottom = min(top + slab, source.height)
            pixels = source.region(0, top, source.width, bottom)
            for number in range(level, self._numbers[-1] + 1):
                if number > level:
                    pixels = halved(pixels)
                if number in self._files:
                    self._files[number].append(pixels)
            on_rows(top, bottom)
        if folder is not None:
            self._mark(folder)
        self.whole = True
        return True

    def _begin(self, folder: Path | None, source: Parts, level: int) -> None:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        files = {}
        for number in self._numbers:
            width, height = (-(-side >> number - level) for side in (source.width, source.height))
            place = folder / f"{number}.raw" if folder is not None else None
            files[number] = LevelFile(place, width, height, source.channels, source.dtype)
        self._files = files

    def _mark(self, folder: Path) -> None:
        about = {n: (f.width, f.height, f.channels, f.dtype.str) for n, f in self._files.items()}
        part = folder / f".{_MARKER}"
        part.write_text(json.dumps(about))
        part.replace(folder / _MARKER)
        prune(folder.parent, MAX_BYTES, keep=folder)


def prune(folder: Path, limit: int, keep: Path) -> None:
    """Drops the built levels of images that were seen longest ago until the rest take at most ``limit`` bytes."""
    entries = [entry for entry in folder.iterdir() if entry.is_dir()]
    sizes = {entry: sum(file.stat().st_size for file in entry.iterdir()) for entry in entries}
    total = sum(sizes.values())
    for entry in sorted((e for e in entries if e != keep), key=_last_seen):
        if total <= limit:
            return
        shutil.rmtree(entry, ignore_errors=True)
        total -= sizes[entry]


def _last_seen(entry: Path) -> float:
    marker = entry / _MARKER
    return marker.stat().st_mtime if marker.exists() else 0.0
