"""The embedded encoder and sentence encoder: images and names a second on one thread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.embedded.text import MiniLM
from tests.benchmarks.guard import Timed
from tests.benchmarks.row import Row, median_ms


def rows(quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    count = 32 if quick else 128
    images = [rng.integers(0, 256, (224, 298, 3), dtype=np.uint8) for _ in range(count)]
    encoder = EmbeddedImageEncoder(threads=1)
    ms = median_ms(lambda: encoder.embed_with_logits(images), repeat=3 if quick else 5)
    yield Row("embedded encoder, one thread, decoded images", count / ms * 1e3, 45, "images/s", at_least=True)
    start = time.perf_counter()
    text = MiniLM()
    text.encode(["first"])
    yield Row("sentence encoder: load and first name", (time.perf_counter() - start) * 1e3, 1500, "ms")
    names = [f"label number {i}" for i in range(50)]
    yield Row("sentence encoder, each of 50 names", median_ms(lambda: text.encode(names), repeat=3) / 50, 20, "ms")
    with tempfile.TemporaryDirectory() as folder:
        yield from suggest_rows(Path(folder), 64 if quick else 256)


def guarded() -> Iterator[Timed]:
    """What the guard measures: CPU time of the job against the bare loop in turn."""
    with tempfile.TemporaryDirectory() as folder:
        bare, job = both_ways(Path(folder), 24)
        yield Timed("suggest: index job against the bare model loop", job, beside=bare, rounds=4)


def suggest_rows(folder: Path, count: int) -> Iterator[Row]:
    """Indexing through the job against the bare loop, by the clock."""
    bare, job = both_ways(folder, count)
    ratio = median_ms(bare, repeat=3) / median_ms(job, repeat=3)
    yield Row("suggest: index job against the bare model loop", ratio, 0.9, "x", at_least=True)


def both_ways(folder: Path, count: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """The bare loop and the job over so many pictures: same files, same session, decode in both."""
    import cv2

    from annotator.learning.features import EmbeddingStore, index_images
    from annotator.media.pictures import decode

    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        picture = cv2.resize(
            rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC
        )
        path = folder / f"{i}.jpg"
        path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
        paths.append(path)
    encoder = EmbeddedImageEncoder(threads=1)

    def bare() -> None:
        for start in range(0, count, 8):
            encoder.embed_with_logits([decode(p, min_side=encoder.input_size).pixels for p in paths[start : start + 8]])

    runs = 0

    def job() -> None:
        nonlocal runs
        runs += 1
        store = EmbeddingStore(folder / f"store{runs}", encoder.info.space, encoder.dimension, encoder.n_logits)
        index_images(
            encoder, list(enumerate(paths)), store, decode=lambda path: decode(path, min_side=encoder.input_size).pixels
        )

    return bare, job
