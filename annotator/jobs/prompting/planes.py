"""Memory that the window and the interactive engine share: candidate masks, one byte a pixel, cropped to what is set.

A temporary file that both map. Where the system lets an open file be deleted it is gone as soon as both have it, so that nothing
is left behind however either ends. One answer is under way at a time, so one set of planes is enough.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.jobs.prompting.messages import Plane

BoolMask = NDArray[np.bool_]
SIZE = 24 << 20
_RAM_DISK = Path("/dev/shm")


class SharedPlanes:
    """The mapped file. Made by the window with ``create``, mapped by the engine with ``attach``."""

    def __init__(self, path: Path, memory: mmap.mmap) -> None:
        self.path = path
        self._memory = memory

    @classmethod
    def create(cls) -> SharedPlanes:
        """A fresh block; raises ``OSError`` when there is no room for it."""
        folder = _RAM_DISK if os.access(_RAM_DISK, os.W_OK) else None
        handle, name = tempfile.mkstemp(prefix="annotator-planes-", dir=folder)
        try:
            os.truncate(handle, SIZE)
            return cls(Path(name), mmap.mmap(handle, SIZE))
        except OSError:
            Path(name).unlink()
            raise
        finally:
            os.close(handle)

    @classmethod
    def attach(cls, path: Path) -> SharedPlanes:
        """The block that the window made."""
        with path.open("r+b") as file:
            return cls(path, mmap.mmap(file.fileno(), SIZE))

    def forget_name(self) -> None:
        """Delete the file, where the system allows that while it is mapped; the memory stays."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def put(self, masks: Sequence[tuple[BoolMask, int, int]]) -> tuple[Plane, ...]:
        """Write masks (h, w) with their corners (x, y); those for which there is no room are left out, the last first."""
        planes: list[Plane] = []
        offset = 0
        for mask, x, y in masks:
            height, width = mask.shape
            if offset + mask.size > SIZE:
                break
            self._view(offset, height, width)[:] = mask
            planes.append(Plane(offset, x, y, width, height))
            offset += mask.size
        return tuple(planes)

    def take(self, plane: Plane) -> BoolMask:
        """A copy of the mask (h, w) of a plane."""
        taken: BoolMask = self._view(plane.offset, plane.height, plane.width).astype(np.bool_)
        return taken

    def close(self) -> None:
        """Let the memory go."""
        self.forget_name()
        self._memory.close()

    def _view(self, offset: int, height: int, width: int) -> NDArray[np.uint8]:
        flat = np.frombuffer(self._memory, np.uint8, height * width, offset)
        return flat.reshape(height, width)
