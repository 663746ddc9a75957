"""The store and the edits against their budgets, on a project of 100,000 images and a million annotations (quick: a tenth)."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from annotator import edits
from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import ImageState, Task
from annotator.domain.records import ImageFilter, Label, Suggestion, new_annotation, new_id
from annotator.edits import Edit, History
from annotator.store import Database, NewImage, WriteLane
from tests.benchmarks.counting import statements_of
from tests.benchmarks.guard import Case, Counted, Timed
from tests.benchmarks.row import Row, median_ms

ME = "ada"
OCCLUDED = {"occluded": True}
FILTERS = {
    "all": ImageFilter(),
    "text": ImageFilter(text="img_00012"),
    "state": ImageFilter(states=frozenset({ImageState.NEW})),
    "annotated": ImageFilter(annotated=True),
    "label": ImageFilter(label_ids=frozenset({3})),
    "confidence": ImageFilter(min_confidence=0.6, max_confidence=0.7),
    "annotator": ImageFilter(annotator=ME),
    "attribute": ImageFilter(attribute=("occluded", True)),
}


def build(folder: Path, images: int, annotations: int) -> Iterator[Row]:
    """A project with ten labels, annotations in image order and one suggested tag per image."""
    with Database.create(folder) as database:
        start = time.perf_counter()
        with database.write() as writer:
            root = writer.images.add_root("/pictures")
            writer.images.add_many(NewImage(f"folder {i // 1000}/IMG_{i:07d}.jpg", root) for i in range(images))
            for position in range(10):
                writer.labels.add(Label(0, f"label {position}", position=position, group_id=1))
        yield Row(f"add {images:,} images", time.perf_counter() - start, images / 10_000, "s")
        each, start = annotations // images, time.perf_counter()
        for first in range(0, annotations, 50_000):
            made = range(first, min(annotations, first + 50_000))
            with database.write() as writer:
                writer.annotations.add_many(
                    new_annotation(
                        i // each + 1, i % 10 + 1, Box(1, 2, 3.5 + i % 7, 4), ME, attributes=OCCLUDED if i % 2 else {}
                    )
                    for i in made
                )
        yield Row(f"add {annotations:,} annotations", time.perf_counter() - start, annotations / 20_000, "s")
        with database.write() as writer:
            run = writer.runs.start(Task.TAGS, "test", "1")
            writer.suggestions.add_many(
                Suggestion(new_id(), run, i + 1, Tag(), ((i % 10 + 1, p),), p, p, group_id=1)
                for i, p in ((i, 0.5 + i / images / 2) for i in range(images))
            )


def reads(database: Database, images: int) -> Iterator[Row]:
    pick = random.Random(1)

    def page() -> None:
        with database.read() as reader:
            reader.pages.load(pick.randint(1, images))

    yield Row("read one page", median_ms(page, 100), 5, "ms")
    for name, chosen in FILTERS.items():

        def choose(chosen: ImageFilter = chosen) -> None:
            with database.read() as reader:
                reader.images.ids(chosen)

        yield Row(f"filter {images:,} images: {name}", median_ms(choose), 50, "ms")


def single_edits(history: History, images: int, count: int = 60) -> Iterator[Row]:
    pick = random.Random(2)
    shown, saved, undone = [], [], []
    for _ in range(count):
        page = history.page(pick.randint(1, images))
        start = time.perf_counter()
        annotation = new_annotation(page.image.id, 3, Box(1, 1, 9, 9), ME)
        performed = history.perform(edits.draw(page, annotation))
        history.page(page.image.id)
        shown.append(time.perf_counter() - start)
        performed.future.result(30)
        saved.append(time.perf_counter() - start)
    for _ in range(count):
        start = time.perf_counter()
        edit = history.undo()
        assert edit is not None
        assert edit.image_id is not None
        history.page(edit.image_id)
        undone.append(time.perf_counter() - start)
    history.flush(60)
    for name, times, budget in (("on screen", shown, 16), ("durable", saved, 50), ("undone on screen", undone, 16)):
        yield Row(f"edit {name}, median of {count}", sorted(times)[count // 2] * 1e3, budget, "ms")


def bulk_edit(name: str, history: History, edit: Edit) -> Iterator[Row]:
    """Undo of a bulk edit: on screen, and on disk."""
    history.perform(edit).future.result(120)
    start = time.perf_counter()
    history.undo()
    history.page(1)
    shown = time.perf_counter() - start
    history.flush(120)
    yield Row(f"undo on screen: {name}", shown * 1e3, 16, "ms")
    yield Row(f"undo durable: {name}", time.perf_counter() - start, 1, "s")


def guarded(images: int = 4_000) -> Iterator[Case]:
    """What the guard measures: pages, every filter, and edits with their undo; of some also the statements."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "large.annotator"
        for _ in build(folder, images, 10 * images):
            pass
        database = Database.open(folder)
        lane = WriteLane(database)
        history = History(database, lane, ME)
        try:
            yield from _guarded(database, history, images)
        finally:
            lane.close()
            database.close()


def _guarded(database: Database, history: History, images: int) -> Iterator[Case]:
    def pages() -> None:
        for image_id in range(1, 41):
            with database.read() as reader:
                reader.pages.load(image_id)

    def choose(chosen: ImageFilter) -> None:
        with database.read() as reader:
            reader.images.ids(chosen)

    def edit_and_undo() -> None:
        for number in range(1, 11):
            page = history.page(number)
            history.perform(edits.draw(page, new_annotation(page.image.id, 3, Box(1, 1, 9, 9), ME)))
            history.undo()
        history.flush(60)

    yield Timed("40 pages read", pages)
    yield Counted("40 pages read, statements", pages, count=statements_of)
    for name, chosen in FILTERS.items():
        yield Timed(f"filter {images:,} images: {name}", lambda chosen=chosen: choose(chosen))
    yield Timed("10 edits done and undone, durable", edit_and_undo, rounds=6)
    yield Counted("10 edits done and undone, statements", edit_and_undo, count=statements_of)


def rows(quick: bool) -> Iterator[Row]:
    """All figures of the store."""
    images, annotations = (10_000, 100_000) if quick else (100_000, 1_000_000)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "large.annotator"
        yield from build(folder, images, annotations)
        start = time.perf_counter()
        database = Database.open(folder)
        yield Row(f"open a database of {annotations:,} annotations", time.perf_counter() - start, 0.2, "s")
        lane = WriteLane(database)
        history = History(database, lane, ME)
        try:
            yield from reads(database, images)
            yield from single_edits(history, images)
            with database.read() as reader:
                labels = reader.labels.all()
            tenth = annotations // 10
            yield from bulk_edit(
                f"a label with {tenth:,} annotations deleted", history, edits.delete_label(labels[3], annotator=ME)
            )
            merge = edits.merge_labels(labels[3], labels[4], annotator=ME)
            yield from bulk_edit(f"a label with {tenth:,} annotations merged", history, merge)
        finally:
            lane.close()
            database.close()
