"""Segment Anything beyond the model itself: what setting a picture, a click and the commit cost on top of the bare network.

A small network with random weights at the published input size: overhead = all − bare network, in the same run.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.row import Row

PICTURE = (3000, 4000)
DISPLAY = (1050, 1400)
BUDGETS = {"set": 150.0, "click": 10.0, "commit": 100.0}


def rows(quick: bool) -> Iterator[Row]:
    if importlib.util.find_spec("segment_anything") is None or importlib.util.find_spec("torch") is None:
        for name, budget in BUDGETS.items():
            yield Row(f"SAM: {name}", None, budget, "ms", note="segment_anything is not installed")
        return
    repeat = 5 if quick else 9
    with tempfile.TemporaryDirectory() as folder:
        yield from overheads(Path(folder), repeat)


def overheads(folder: Path, repeat: int) -> Iterator[Row]:
    """Rows for one small checkpoint and one picture of 12 megapixels."""
    import torch

    from annotator.models.segment_anything.cache import EmbeddingCache
    from annotator.models.segment_anything.model import SegmentAnythingModel, input_size, shrink
    from tests.sam_checkpoint import write_checkpoint

    torch.set_num_threads(1)
    model = SegmentAnythingModel(write_checkpoint(folder, grid=64, depth=1, width=32), device="cpu")
    picture = smooth_picture(*PICTURE)
    pixels = shrink(picture, input_size(PICTURE, model.input_side))
    note = "beyond the bare network, 12 megapixels, one thread"
    ms = overhead(lambda: model.encode(picture), lambda: model._features(pixels, lambda: True), repeat)
    yield Row("SAM: set a picture", ms, BUDGETS["set"], "ms", note=note)

    encoding = model.encode(picture)
    points, labels = np.array([[1800.0, 1400.0], [2500.0, 900.0]], np.float32), np.array([True, False])

    network = model.decode
    blobs = object_logits()

    def with_objects(*prompt: Any) -> tuple[np.ndarray, np.ndarray]:
        return blobs, network(*prompt)[1]

    def click() -> object:
        return model.segment(encoding, points, labels, size=DISPLAY)

    def bare() -> object:
        return network(encoding, points[None], labels[None])

    # Random weights draw zero crossings all over the picture, where torch has to decide; that costs more.
    noise_ms = overhead(click, bare, repeat)
    model.decode = with_objects  # type: ignore[method-assign]
    ms = overhead(click, bare, repeat)
    click_note = f"{note}; object-like masks ({noise_ms:.0f} ms for the noise that random weights draw)"
    yield Row(f"SAM: a click, three masks at {DISPLAY[1]}×{DISPLAY[0]}", ms, BUDGETS["click"], "ms", note=click_note)
    state = model.segment(encoding, points, labels, size=DISPLAY).states[0]
    ms = overhead(lambda: model.full_mask(encoding, state), lambda: None, repeat)
    yield Row("SAM: the chosen mask at 12 megapixels", ms, BUDGETS["commit"], "ms", note="no network in it")
    cached = SegmentAnythingModel(folder / "tiny_sam.pth", device="cpu", cache=EmbeddingCache(folder / "cache"))
    cached.encode(picture)
    ms = overhead(lambda: cached.encode(picture), lambda: None, repeat)
    yield Row("SAM: set a picture from the cache", ms, BUDGETS["set"], "ms", note="no network in it")


def object_logits() -> np.ndarray:
    """(1, 4, 256, 256) logits of four objects: ragged discs, from −12 outside to 12 inside over some four cells."""
    import cv2

    y, x = np.mgrid[:256, :256].astype(np.float32)
    ragged = np.random.default_rng(0).normal(size=(4, 16, 16)).astype(np.float32)
    fields = [
        np.hypot(x - 120 - 10 * i, y - 90)
        - 40
        - 10 * i
        + 6 * cv2.resize(ragged[i], (256, 256), interpolation=cv2.INTER_CUBIC)
        for i in range(4)
    ]
    return np.clip(-3 * np.stack(fields), -12, 12).astype(np.float32)[None]


def overhead(whole: Callable[[], object], bare: Callable[[], object], repeat: int) -> float:
    """Median over ``repeat`` pairs of CPU milliseconds of ``whole`` − ``bare``, one right after the other.

    CPU time of all threads: at least the wall time on an idle machine, and other programs do not disturb it.
    """
    whole(), bare()
    differences = []
    for _ in range(repeat):
        start = time.process_time()
        whole()
        middle = time.process_time()
        bare()
        differences.append((middle - start) - (time.process_time() - middle))
    return statistics.median(differences) * 1e3


def smooth_picture(height: int, width: int) -> np.ndarray:
    """A picture (h, w, 3) of soft blobs."""
    import cv2

    coarse = np.random.default_rng(0).integers(0, 256, (height // 200, width // 200, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
