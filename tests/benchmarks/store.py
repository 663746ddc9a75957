"""The store: durable edits, undo, filters and opening, in projects of many images and annotations."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np

from annotator.domain.geometry import Box
from annotator.domain.kinds import ImageState
from annotator.domain.records import ImageFilter, new_annotation
from annotator.edits import shapes
from annotator.project import Project
from annotator.store.database import Database
from annotator.store.images import NewImage
from tests.benchmarks.row import Row, median_ms

LABELS = ("cat", "dog", "bird", "car", "tree")


def fill(folder: Path, images: int, annotations_each: float) -> None:
    """A project of ``images`` rows (no files behind them) with boxes on some."""
    with Project.create(folder, labels=LABELS):
        pass
    rng = np.random.default_rng(0)
    with Database.open(folder) as database:
        for start in range(0, images, 20_000):
            names = range(start, min(start + 20_000, images))
            with database.write() as writer:
                ids = writer.images.add_many(
                    NewImage(f"day {i // 1000:04}/IMG_{i:07}.jpg", width=4000, height=3000) for i in names
                )
                boxed = rng.choice(ids, int(len(ids) * annotations_each))
                writer.annotations.add_many(
                    new_annotation(int(i), int(label), Box(10, 10, 200, 100))
                    for i, label in zip(boxed, rng.integers(1, len(LABELS) + 1, len(boxed)), strict=True)
                )


OPENING = """
import resource, sys, time
from annotator import Project
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
with Project.open(sys.argv[1]) as project:
    order = project.queue.order()
    page = project.history.page(int(order[0]))
    project.labels.counts()
    print((time.process_time() - start) * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def opening(folder: Path) -> tuple[float, float]:
    """Milliseconds of CPU until the first page is read, and resident megabytes, of a fresh process."""
    done = subprocess.run([sys.executable, "-c", OPENING, str(folder)], capture_output=True, text=True, check=True)
    ms, megabytes = map(float, done.stdout.split())
    return ms, megabytes


def rows(quick: bool) -> Iterator[Row]:
    many, most = (20_000, 50_000) if quick else (100_000, 1_000_000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "many.annotator"
        fill(folder, many, 2.0)
        with Project.open(folder) as project:
            yield from filter_rows(project, many)
            yield from edit_rows(project, many)
        big = Path(scratch) / "most.annotator"
        fill(big, most, 0.05)
        opening(big)
        ms, megabytes = sorted(opening(big) for _ in range(3))[1]
        yield Row(f"open a project of {most:,} images, first page read", ms, 1000, "CPU ms")
        yield Row(f"resident memory with {most:,} images open", megabytes, 400, "MB")


def filter_rows(project: Project, many: int) -> Iterator[Row]:
    label = project.labels.all()[0].id
    wanted = {
        "by part of the name": ImageFilter(text="IMG_00012"),
        "by state": ImageFilter(states=frozenset({ImageState.NEW})),
        "by label": ImageFilter(label_ids=frozenset({label})),
        "by name and label": ImageFilter(text="day 0003", label_ids=frozenset({label})),
    }
    for name, chosen in wanted.items():
        measured = median_ms(lambda chosen=chosen: project.images.ids(chosen), repeat=5)
        yield Row(f"filter {many:,} images {name}", measured, 50, "ms")


def edit_rows(project: Project, many: int) -> Iterator[Row]:
    history, label = project.history, project.labels.all()[0].id
    next_image = count(1)

    def draw() -> None:
        page = history.page(next(next_image))
        history.perform(shapes.draw(page, new_annotation(page.image.id, label, Box(1, 1, 50, 50), "bench")))

    yield Row("draw a box: read the page, apply, hand to the lane", median_ms(draw, repeat=31), 16, "ms")
    history.flush()

    def draw_durably() -> None:
        page = history.page(next(next_image))
        drawn = shapes.draw(page, new_annotation(page.image.id, label, Box(1, 1, 50, 50), "bench"))
        history.perform(drawn).future.result()

    yield Row("draw a box until it is on disk", median_ms(draw_durably, repeat=21), 50, "ms")
    yield Row(
        "the same against a bare fsync of 16 KB", median_ms(draw_durably, repeat=21) / fsync_ms(project.path), 6, "x"
    )
    yield Row("undo on screen", median_ms(history.undo, repeat=15), 16, "ms")
    history.flush()
    yield Row("redo on screen", median_ms(history.redo, repeat=10), 16, "ms")
    history.flush()
    delete = [history.page(i) for i in range(2_000, 2_000 + min(many // 10, 5_000))]
    edits = [shapes.delete(page, [a.id for a in page.annotations], annotator="bench") for page in delete]
    changes = tuple(change for edit in edits for change in edit.changes)
    batch = type(edits[0])(f"Delete {len(changes)}", None, changes, annotator="bench")
    start = time.perf_counter()
    performed = history.perform(batch)
    yield Row(
        f"delete {len(changes):,} annotations in one edit: on screen", (time.perf_counter() - start) * 1e3, 100, "ms"
    )
    performed.future.result()
    start = time.perf_counter()
    history.undo()
    yield Row(f"undo of {len(changes):,} changes: on screen", (time.perf_counter() - start) * 1e3, 16, "ms")
    history.flush()
    yield Row(f"undo of {len(changes):,} changes: durable", (time.perf_counter() - start) * 1e3, 1000, "ms")


def fsync_ms(folder: Path) -> float:
    """What this disk asks for making 16 KB durable."""
    path = folder / "fsync.probe"
    with path.open("wb", buffering=0) as file:

        def write() -> None:
            file.seek(0)
            file.write(b"x" * 16_384)
            os.fsync(file.fileno())

        ms = median_ms(write, repeat=21)
    path.unlink()
    return ms
