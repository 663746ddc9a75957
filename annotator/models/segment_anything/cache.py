"""Image embeddings on disk, in float16: encoding a picture on a CPU takes half a minute, reading it back a few milliseconds.

One file per embedding, named by its key. The folder may be shared by several processes and be deleted at any time; a file
that is not whole is deleted and encoded anew. When the folder grows beyond its limit, what was not used for longest goes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import time
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray

DEFAULT_LIMIT = 4 << 30
SUFFIX = ".embedding"
PART_SUFFIX = ".part"
# A part that is older belongs to a process that died.
PART_SECONDS = 3600.0
DIGEST_BYTES = 16

log = logging.getLogger(__name__)


class EmbeddingCache:
    """Arrays by key in ``folder``, at most ``limit`` bytes of them."""

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def get(self, key: str) -> NDArray[np.float16] | None:
        """The array of a key (hex), or None when there is none that is whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("The cached embedding %s cannot be read (%s); encoding anew.", path, error)
            return None
        array = _unpack(content)
        if array is None:
            log.warning("The cached embedding %s is damaged; encoding anew.", path)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        # Another process may have deleted it in between; the array is read all the same.
        with contextlib.suppress(OSError):
            os.utime(path)
        return array

    def put(self, key: str, array: FloatArray) -> None:
        """Keep an array as float16. A disk that is full or read-only costs time, not work: it is logged, nothing is raised."""
        content = _pack(array)
        if len(content) > self._limit:
            return
        path = self._path(key)
        part = path.with_name(f"{key}.{uuid.uuid4().hex}{PART_SUFFIX}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(content)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            self._shrink(path)
        except OSError as error:
            log.warning("The embedding cache %s cannot be written (%s).", self._folder, error)

    def _path(self, key: str) -> Path:
        if not key or not set(key) <= set("0123456789abcdef"):
            raise ValueError(f"expected a key in hex, got {key!r}")
        return self._folder / (key + SUFFIX)

    def _shrink(self, newest: Path) -> None:
        """Delete what was not used for longest until the folder is within its limit; never ``newest``."""
        found: list[tuple[float, int, Path]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    state = entry.stat()
                    if entry.name.endswith(SUFFIX):
                        found.append((state.st_mtime, state.st_size, Path(entry.path)))
                    elif entry.name.endswith(PART_SUFFIX) and state.st_mtime < time.time() - PART_SECONDS:
                        Path(entry.path).unlink()
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size


def _pack(array: FloatArray) -> bytes:
    """A digest, then the array in NumPy's own format."""
    limit = float(np.finfo(np.float16).max)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.clip(array, -limit, limit).astype(np.float16), allow_pickle=False)
    content = stream.getvalue()
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest() + content


def _unpack(content: bytes) -> NDArray[np.float16] | None:
    """What ``_pack`` packed, or None when a bit of it is wrong."""
    body = content[DIGEST_BYTES:]
    if not body or hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() != content[:DIGEST_BYTES]:
        return None
    array: NDArray[np.float16] = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
    return array
