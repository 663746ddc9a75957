"""Features of images on disk: a store of float16 rows by image id, and the job that fills it.

One folder per embedding space. ``index.bin`` holds one 16-byte record per row, (id, ~id), and is written after the rows it
speaks of are on disk; whatever a crash leaves behind the last whole record is ignored and overwritten. A row that is written
again (the file changed) shadows the older one. One process writes; any number read and see new rows as they come.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.errors import AnnotatorError, ModelError, StoreError
from annotator.job_context import QUIET, JobContext
from annotator.models.protocols import Embedder, LogitEmbedder, RGBImage

FloatArray = NDArray[np.float32]
HalfArray = NDArray[np.float16]
IntArray = NDArray[np.int64]

FORMAT = 1
_EXPONENT = np.uint16(0x7C00)
"""All bits of it are set in a half float that is infinite or not a number."""
RECORD_BYTES = 16
HALF_LIMIT = 65504.0


class EmbeddingStore:
    """Vectors (n, ``dimension``) and, when ``n_logits`` is not 0, logits (n, ``n_logits``) of images of one embedding space.

    ``folder`` is made when needed (unless ``read_only``). A folder written for another space or shape raises ``ModelError``.
    """

    def __init__(self, folder: Path, space: str, dimension: int, n_logits: int = 0, *, read_only: bool = False) -> None:
        self.folder = Path(folder)
        self.space = space
        self.dimension = dimension
        self.n_logits = n_logits
        self.read_only = read_only
        self._index_path = self.folder / "index.bin"
        self._data_paths = {"vectors": self.folder / "vectors.f16"}
        if n_logits:
            self._data_paths["logits"] = self.folder / "logits.f16"
        self._check_description()
        self._index_bytes = -1
        self._rows = 0
        self._ids: IntArray = np.zeros(0, dtype=np.int64)
        self._row_of: IntArray = np.zeros(0, dtype=np.int64)
        self._maps: dict[str, HalfArray] = {}
        self.refresh()

    def _check_description(self) -> None:
        described = self.folder / "space.json"
        mine = {"format": FORMAT, "space": self.space, "dimension": self.dimension, "n_logits": self.n_logits}
        try:
            found = json.loads(described.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if not self.read_only:
                self.folder.mkdir(parents=True, exist_ok=True)
                unfinished = described.with_suffix(".part")
                unfinished.write_text(json.dumps(mine), encoding="utf-8")
                unfinished.replace(described)
            return
        except ValueError as error:
            raise ModelError(f"{described} is damaged.", "Delete its folder; it is rebuilt.", path=described) from error
        if found != mine:
            raise ModelError(
                f"{self.folder} holds features of {found}, not of {mine}.",
                "Delete it; it is rebuilt.",
                path=self.folder,
            )

    def __len__(self) -> int:
        """How many images have a row."""
        return len(self._ids)

    @property
    def revision(self) -> int:
        """How many rows were ever written: another number means new or changed features."""
        return self._rows

    @property
    def ids(self) -> IntArray:
        """(n,) ids that have a row, ascending."""
        return self._ids

    def refresh(self) -> None:
        """See the rows that another process has written since."""
        try:
            size = self._index_path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size == self._index_bytes:
            return
        written = (
            np.fromfile(self._index_path, dtype="<i8", count=size // RECORD_BYTES * 2) if size else np.zeros(0, "<i8")
        )
        pairs = written.reshape(-1, 2)
        broken = np.flatnonzero(pairs[:, 0] != ~pairs[:, 1])
        rows = int(broken[0]) if len(broken) else len(pairs)
        for name, path in self._data_paths.items():
            width = self.dimension if name == "vectors" else self.n_logits
            rows = min(rows, path.stat().st_size // (2 * width) if path.exists() else 0)
        self._use(np.asarray(pairs[:rows, 0], dtype=np.int64))
        self._index_bytes = size

    def _use(self, written: IntArray) -> None:
        """Take ``written`` (the id of every row in file order) as what there is."""
        self._rows = len(written)
        # The last row of an id counts: search the reversed order for the first of each.
        self._ids, first = np.unique(written[::-1], return_index=True)
        self._row_of = len(written) - 1 - first
        self._maps = {}

    def _map(self, name: str) -> HalfArray:
        if name not in self._maps:
            width = self.dimension if name == "vectors" else self.n_logits
            if self._rows == 0:
                return np.zeros((0, width), dtype=np.float16)
            self._maps[name] = np.memmap(self._data_paths[name], "<f2", "r", shape=(self._rows, width))
        return self._maps[name]

    def have(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(n,) which of ``ids`` have a row."""
        self.refresh()
        return np.isin(np.asarray(ids, dtype=np.int64), self._ids)

    def get(self, ids: NDArray[np.integer]) -> HalfArray:
        """(n, dimension) float16 vectors in the order of ``ids``; ``KeyError`` names the ids without a row."""
        return self._take("vectors", ids)

    def get_logits(self, ids: NDArray[np.integer]) -> HalfArray:
        """(n, n_logits) float16 logits in the order of ``ids``; ``KeyError`` names the ids without a row."""
        if not self.n_logits:
            raise ValueError(f"the space {self.space} has no logits")
        return self._take("logits", ids)

    def _take(self, name: str, ids: NDArray[np.integer]) -> HalfArray:
        self.refresh()
        wanted = np.asarray(ids, dtype=np.int64)
        at = np.searchsorted(self._ids, wanted)
        found = at < len(self._ids)
        found[found] = self._ids[at[found]] == wanted[found]
        if not found.all():
            raise KeyError(f"no features of images {wanted[~found][:10].tolist()} in {self.folder}")
        rows = np.asarray(self._map(name)[self._row_of[at]])
        if (rows.view(np.uint16) & _EXPONENT == _EXPONENT).any():  # several times as fast as isfinite on half floats
            file = self._data_paths[name]
            raise ModelError(f"{file} is damaged.", f"Delete {self.folder}; it is rebuilt.", path=file)
        return rows

    def append(self, ids: NDArray[np.integer], vectors: FloatArray, logits: FloatArray | None = None) -> None:
        """Commit rows: they are on disk, all or none, when this returns. An id that is there already gets the new row."""
        if self.read_only:
            raise PermissionError(f"{self.folder} was opened for reading")
        added = np.asarray(ids, dtype="<i8")
        parts = {"vectors": (vectors, self.dimension)}
        if self.n_logits:
            if logits is None:
                raise ValueError("this space needs logits")
            parts["logits"] = (logits, self.n_logits)
        for name, (values, width) in parts.items():
            if values.shape != (len(added), width):
                raise ValueError(f"expected {name} of {(len(added), width)}, got {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} are not finite")
        if len(added) == 0:
            return
        self.refresh()
        for name, (values, width) in parts.items():
            half = np.clip(values, -HALF_LIMIT, HALF_LIMIT).astype("<f2")
            _write_at(self._data_paths[name], self._rows * width * 2, half.tobytes())
        _write_at(self._index_path, self._rows * RECORD_BYTES, np.stack([added, ~added], axis=1).tobytes())
        before = np.fromfile(self._index_path, dtype="<i8", count=2 * self._rows).reshape(-1, 2)[:, 0]
        self._use(np.concatenate([before, added]).astype(np.int64))
        self._index_bytes = self._rows * RECORD_BYTES


def _write_at(path: Path, offset: int, data: bytes) -> None:
    """Write ``data`` at ``offset``, drop whatever lay behind it, and wait for the disk."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        cure = "Free some space or check the folder's permissions; indexing goes on where it stopped."
        raise StoreError(f"Features cannot be written to {path}: {error.strerror}.", cure, path=path) from error


@dataclass(frozen=True)
class IndexResult:
    """What ``index_images`` did: images indexed now, images that already were, and the bad ones with the reason of each."""

    indexed: int
    present: int
    bad: tuple[tuple[int, str], ...]
    seconds: float


def index_images(
    embedder: Embedder,
    items: Sequence[tuple[int, Path]],
    store: EmbeddingStore,
    *,
    decode: Callable[[Path], RGBImage],
    context: JobContext = QUIET,
    batch_size: int = 16,
    workers: int = 2,
    commit_rows: int = 128,
) -> IndexResult:
    """Embed every image that ``store`` has no row for, decoding the next ones while the model works on the last.

    ``decode`` gives (h, w, 3) uint8 RGB no smaller than the model's input; an ``AnnotatorError`` or ``OSError`` from it sets
    the image aside with its reason. Rows are committed as they come, so a cancelled or killed job resumes where it was.
    """
    started = time.monotonic()
    present = store.have(np.asarray([image_id for image_id, _ in items], dtype=np.int64))
    missing = [item for item, there in zip(items, present, strict=True) if not there]
    done = len(items) - len(missing)
    context.progress(done, len(items), "indexing")
    bad: list[tuple[int, str]] = []
    waiting = _Uncommitted(store)
    batch: list[tuple[int, RGBImage]] = []
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as threads:
        try:
            for image_id, path, decoded in _ahead(threads, decode, missing, depth=2 * batch_size + workers):
                context.check_cancelled()
                try:
                    batch.append((image_id, decoded.result()))
                except (AnnotatorError, OSError) as error:
                    bad.append((image_id, str(error)))
                    context.log(f"{path}: {error}")
                if len(batch) == batch_size:
                    waiting.add(batch, embedder)
                    batch = []
                    if len(waiting) >= commit_rows:
                        waiting.commit()
                done += 1
                context.progress(done, len(items), "indexing")
            waiting.add(batch, embedder)
        finally:
            threads.shutdown(cancel_futures=True)
            waiting.commit()
    indexed = len(missing) - len(bad)
    return IndexResult(indexed, len(items) - len(missing), tuple(bad), time.monotonic() - started)


def _ahead(
    threads: ThreadPoolExecutor, decode: Callable[[Path], RGBImage], items: Sequence[tuple[int, Path]], depth: int
) -> Iterable[tuple[int, Path, Future[RGBImage]]]:
    """Items in order with the future of their picture, at most ``depth`` of them under way."""
    running: deque[tuple[int, Path, Future[RGBImage]]] = deque()
    for image_id, path in items:
        running.append((image_id, path, threads.submit(decode, path)))
        if len(running) >= depth:
            yield running.popleft()
    while running:
        yield running.popleft()


class _Uncommitted:
    """Rows that are embedded and not yet in the store."""

    def __init__(self, store: EmbeddingStore) -> None:
        self.store = store
        self.ids: list[int] = []
        self.vectors: list[FloatArray] = []
        self.logits: list[FloatArray] = []

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, batch: list[tuple[int, RGBImage]], embedder: Embedder) -> None:
        if not batch:
            return
        images = [image for _, image in batch]
        if self.store.n_logits:
            if not isinstance(embedder, LogitEmbedder):
                raise ModelError(f"{embedder.info.id} gives no logits, but {self.store.space} needs them.")
            vectors, logits = embedder.embed_with_logits(images)
            self.logits.append(logits)
        else:
            vectors = embedder.embed(images)
        self.vectors.append(vectors)
        self.ids.extend(image_id for image_id, _ in batch)

    def commit(self) -> None:
        if self.ids:
            logits = np.concatenate(self.logits) if self.logits else None
            self.store.append(np.asarray(self.ids), np.concatenate(self.vectors), logits)
            self.ids, self.vectors, self.logits = [], [], []
