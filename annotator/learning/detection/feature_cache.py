"""Feature maps on disk in half precision, one file per canvas, named by what is on it; the oldest go when room runs out.

A cache in the plain sense: any file may be missing or damaged, and is then computed again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.learning.detection.head import FEATURES, STRIDES
from annotator.learning.detection.views import Canvas, network_input
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import FloatArray, RGBImage

HalfArray = NDArray[np.float16]

LIMIT = 1 << 30
HALF_LIMIT = 65504.0


class FeatureCache:
    """The maps of canvases of one size under one encoder.

    ``folder`` None keeps nothing. ``limit``: bytes of all files together, over all sizes and encoders of ``folder``. With
    ``keep_old`` nothing is added once it is reached: where all pictures are looked at in turn, the oldest is needed next.
    """

    def __init__(
        self,
        folder: Path | None,
        encoder: EmbeddedImageEncoder,
        canvas: Canvas,
        limit: int = LIMIT,
        *,
        keep_old: bool = False,
    ) -> None:
        self._folder = folder
        self._encoder = encoder
        self._limit = limit
        self._keep_old = keep_old
        self._room: int | None = None
        self.canvas = canvas
        self._shapes = {s: (FEATURES[s], canvas.height // s, canvas.width // s) for s in STRIDES}
        self._lengths = {s: int(np.prod(shape)) for s, shape in self._shapes.items()}

    @property
    def bytes_each(self) -> int:
        """How large one canvas' maps are."""
        return 2 * sum(self._lengths.values())

    def name_of(self, canvas: RGBImage) -> str:
        """The name under which a canvas' maps are kept: a hash of its pixels and of the encoder."""
        digest = blake2b(self._encoder.info.version.encode(), digest_size=16)
        digest.update(np.ascontiguousarray(canvas).tobytes())
        return digest.hexdigest()

    def features(self, canvases: Sequence[RGBImage]) -> dict[int, FloatArray]:
        """Stride → (n, c, h, w) float32 maps of canvases."""
        return self.unpacked([self.row(canvas) for canvas in canvases])

    def fresh(self, canvases: Sequence[RGBImage]) -> dict[int, FloatArray]:
        """The same of canvases that will not be looked at again: nothing is read or kept."""
        return self._encoder.feature_maps(network_input(canvases), STRIDES)

    def unpacked(self, flats: Sequence[HalfArray]) -> dict[int, FloatArray]:
        """Stride → (n, c, h, w) float32 maps of n flat rows."""
        result, start = {}, 0
        for stride in STRIDES:
            stop = start + self._lengths[stride]
            rows = [flat[start:stop].astype(np.float32).reshape(self._shapes[stride]) for flat in flats]
            empty = np.zeros((0, *self._shapes[stride]), np.float32)
            result[stride] = np.stack(rows) if rows else empty
            start = stop
        return result

    def row(self, canvas: RGBImage) -> HalfArray:
        """The maps of one canvas one after another, from disk, or computed now and then kept."""
        known = self._read(self.name_of(canvas))
        if known is not None:
            return known
        maps = self._encoder.feature_maps(network_input([canvas]), STRIDES)
        flat = np.concatenate([maps[s][0].ravel() for s in STRIDES])
        half: HalfArray = np.clip(flat, -HALF_LIMIT, HALF_LIMIT).astype(np.float16)
        self._write(self.name_of(canvas), half)
        return half

    def prune(self) -> int:
        """Delete the files that were not used for longest until the rest fits the limit; returns how many went."""
        files = self._files()
        total, gone = sum(size for _, size, _ in files), 0
        for _, size, path in sorted(files):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size
            gone += 1
        return gone

    def _files(self) -> list[tuple[int, int, Path]]:
        """(last use, bytes, path) of every file."""
        found = []
        for path in [] if self._folder is None else self._folder.glob("*/*.f16"):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_mtime_ns, status.st_size, path))
        return found

    def _has_room(self, more: int) -> bool:
        """Whether ``more`` bytes may be kept without deleting others."""
        if not self._keep_old:
            return True
        if self._room is None:
            self._room = self._limit - sum(size for _, size, _ in self._files())
        self._room -= more
        return self._room >= 0

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / name[:2] / f"{name}.f16"

    def _read(self, name: str) -> HalfArray | None:
        path = self._path(name)
        if path is None:
            return None
        try:
            flat = np.fromfile(path, np.float16)
            os.utime(path)
        except OSError:
            return None
        return flat if flat.nbytes == self.bytes_each and bool(np.isfinite(flat).all()) else None

    def _write(self, name: str, flat: HalfArray) -> None:
        """Keep the maps of a canvas; a full disk only costs the time to compute them again."""
        path = self._path(name)
        if path is None or not self._has_room(flat.nbytes):
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.part")
            flat.tofile(unfinished)
            unfinished.replace(path)
        except OSError:
            return
