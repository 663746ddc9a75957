"""What a person waits for at the real main window: opening, the next image, filters, scrolling, edits and their undo.

Each project size has a process of its own. Times that end on the screen end when the picture has been painted. Figures of the
GUI thread alone are in its CPU time, which on an idle machine is wall-clock time; those that other threads work for are in
wall-clock time less the time for which the GUI thread was ready but had no processor.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.apart import apart, peak_mb, resident_mb
from tests.benchmarks.desk import waiting_s
from tests.benchmarks.guard import Counted
from tests.benchmarks.row import Row


def rows(quick: bool) -> Iterator[Row]:
    """All rows; ``quick`` stops at 10,000 images in a folder and 100,000 in a project."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for count in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
            found = apart("window", "open_folder", place=str(place / f"folder{count}"), count=count)
            yield Row(f"open a folder of {count:,} images: first picture painted", found["first_s"], 1.0, "s")
            yield Row(
                f"open a folder of {count:,} images: the same in CPU of all threads", found["first_cpu_s"], 1.0, "CPU s"
            )
        for count in (100_000,) if quick else (1_000, 10_000, 100_000, 1_000_000):
            yield from _project_rows(place, count)
        yield from _list_rows(place, 20_000 if quick else 100_000)
        yield from _edit_rows(place)
        yield from _photo_rows(place, 5 if quick else 15)


def guarded() -> Iterator[Counted]:
    """What the guard counts: calls on the GUI thread for a step, an edit and its undo, also beside 5,000 polygons."""
    from tests.benchmarks.canvas import polygons
    from tests.benchmarks.desk import desk, pictures, project_of

    with tempfile.TemporaryDirectory() as name:
        project = project_of(pictures(Path(name) / "photos", 200), 200, ("cat", "dog"))
        _cancel_engine()
        with desk(Path(name)) as at:
            at.open(project)
            at.until_idle()
            yield from _counted(at, "in the window")
            with at.project._parts.db.write("import") as writer:
                writer.annotations.add_many(_beside(polygons(5_000), at.window.session.page.image.id))
            at.rest(1)
            yield from _counted(at, "in the window beside 5,000 polygons")


def _counted(at: Any, where: str) -> Iterator[Counted]:
    from PySide6.QtCore import Qt

    from annotator.domain.geometry import Box

    def press(key: Qt.Key) -> None:
        at.press(key, Qt.KeyboardModifier.ControlModifier)
        at.flush()

    def draw() -> None:
        at.window.canvas.drawn.emit(Box(10, 10, 60, 50))
        at.flush()

    def settled() -> None:
        at.project.history.flush(60)
        at.rest(0.3)

    def step() -> None:
        at.press(Qt.Key.Key_D)
        at.flush()

    yield Counted(f"edit {where}, calls", draw, settled)
    yield Counted(f"undo {where}, calls", lambda: press(Qt.Key.Key_Z), settled)
    if "beside" not in where:
        yield Counted(f"next image {where}, calls", step, settled)


def _project_rows(place: Path, count: int) -> Iterator[Row]:
    home = str(place / "project")
    project = apart("window", "make_project", place=home, count=count)["project"]
    found = apart("window", "open_project", place=home, project=project)
    shutil.rmtree(home)
    what = f"a project of {count:,} images"
    yield Row(f"open {what}: first picture painted", found["first_s"], 1.0, "s")
    yield Row(f"open {what}: the same in CPU of all threads", found["first_cpu_s"], 1.0, "CPU s")
    yield Row(f"open {what}: resident memory", found["resident_mb"], 400, "MB")
    yield Row(f"{what}: most memory while its folder is compared", found["peak_mb"], 400, "MB")
    yield Row(f"{what}: next image (D), prefetched", found["next_ms"], 16, "CPU ms")
    yield Row(f"{what}: next image (D), prefetched, 19 of 20", found["next_p95_ms"], 16, "CPU ms")
    yield Row(f"{what}: an edit on screen", found["edit_ms"], 16, "CPU ms")


def _list_rows(place: Path, count: int) -> Iterator[Row]:
    found = apart("window", "lists", place=str(place / "lists"), count=count)
    for name, took in found["filters"].items():
        yield Row(f"queue panel of {count:,} images: {name}", took, 50, "CPU ms")
    yield Row(f"gallery of {count:,} images: a frame while scrolling", found["scroll_ms"], 16, "CPU ms")
    yield Row(f"gallery of {count:,} images: a jump", found["jump_ms"], 16, "CPU ms")


def _edit_rows(place: Path) -> Iterator[Row]:
    found = apart("window", "edit", place=str(place / "edits"))
    yield Row("box drawn in the window: on screen", found["shown_ms"], 16, "CPU ms")
    yield Row("box drawn in the window: durable", found["saved_ms"], 50, "ms")
    yield Row("undo (Ctrl+Z) in the window", found["undo_ms"], 16, "CPU ms")
    yield Row("redo (Ctrl+Y) in the window", found["redo_ms"], 16, "CPU ms")
    yield Row("undo in the window beside 5,000 polygons", found["dense_undo_ms"], 16, "CPU ms")
    yield Row("edit on screen in the window beside 5,000 polygons", found["dense_shown_ms"], 16, "CPU ms")


def _photo_rows(place: Path, count: int) -> Iterator[Row]:
    found = apart("window", "photographs", place=str(place / "photos"), count=count)
    yield Row("12-megapixel JPEG in the window, not prefetched: first frame", found["first_ms"], 30, "ms")
    yield Row("12-megapixel JPEG in the window, not prefetched: sharp", found["sharp_ms"], 80, "ms")
    yield Row("12-megapixel JPEG in the window, prefetched", found["warm_ms"], 16, "CPU ms")


# --- in the processes of their own -------------------------------------------------------------------------------------


def open_folder(place: str, count: int) -> dict[str, Any]:
    """A folder that has no project yet; the scan goes on behind the first picture and is then cancelled."""
    from tests.benchmarks.desk import desk, pictures

    folder = pictures(Path(place) / "photos", count)
    try:
        with desk(Path(place)) as at:
            at.rest(3)
            waited, began, spent = waiting_s(), time.perf_counter(), time.process_time()
            at.open(folder)
            first, cpu = time.perf_counter() - began, time.process_time() - spent
            return {"first_s": first - waiting_s() + waited, "first_cpu_s": cpu}
    finally:
        shutil.rmtree(place)


def make_project(place: str, count: int) -> dict[str, Any]:
    """The folder and the project that ``open_project`` opens in a process that did not make them."""
    from tests.benchmarks.desk import pictures, project_of

    return {"project": str(project_of(pictures(Path(place) / "photos", count), count))}


def open_project(place: str, project: str) -> dict[str, Any]:
    """A project whose files lie there, so that the comparison with its folder finds nothing new."""
    from tests.benchmarks.desk import desk

    with desk(Path(place)) as at:
        at.rest(3)
        waited, began, spent = waiting_s(), time.perf_counter(), time.process_time()
        at.open(Path(project))
        cpu = time.process_time() - spent
        first, resident = time.perf_counter() - began - waiting_s() + waited, resident_mb()
        at.until_idle()
        compared, peak = time.perf_counter() - began, peak_mb()
        steps = next_images(at, 41)
        edits = flags(at, 15)
    return {
        "first_s": first,
        "first_cpu_s": cpu,
        "resident_mb": resident,
        "compared_s": compared,
        "peak_mb": peak,
        "next_ms": statistics.median(steps),
        "next_p95_ms": sorted(steps)[-3],
        "edit_ms": statistics.median(edits),
    }


def lists(place: str, count: int) -> dict[str, Any]:
    """Filters and search typed into the queue panel, and its gallery scrolled."""
    from annotator.domain.kinds import ImageState, Split
    from annotator.domain.records import ImageFilter
    from tests.benchmarks.desk import desk, pictures, project_of

    project = project_of(pictures(Path(place) / "photos", count), count, ("cat",))
    _cancel_engine()
    with desk(Path(place)) as at:
        at.open(project)
        at.until_idle()
        panel = at.window.queue
        at.window.annotate.queue.show()
        filters = {
            "search that few pass": ImageFilter(text="0001234"),
            "search that all pass": ImageFilter(text="img"),
            "search that none passes": ImageFilter(text="no such name"),
            "state": ImageFilter(states=frozenset({ImageState.NEW})),
            "split": ImageFilter(splits=frozenset({Split.TEST})),
            "without annotations": ImageFilter(annotated=False),
            "with the label": ImageFilter(label_ids=frozenset({1})),
        }
        times: dict[str, float] = {}
        for name, wanted in filters.items():
            shown: list[float] = []
            for _ in range(5):
                shown.append(gui_ms(lambda wanted=wanted: (panel._show(wanted), at.flush())))
                panel._show(ImageFilter())
                at.flush()
            times[name] = statistics.median(shown)
        times["all images again"] = statistics.median(
            gui_ms(lambda: (panel._show(ImageFilter()), at.flush())) for _ in range(5)
        )
        bar = panel.grid.verticalScrollBar()
        scrolls = [gui_ms(lambda step=step: (bar.setValue(step * 60), at.flush())) for step in range(1, 60)]
        last = bar.maximum()
        jumps = [gui_ms(lambda part=part: (bar.setValue(last * part // 23), at.flush())) for part in range(1, 22)]
    shutil.rmtree(place)
    return {"filters": times, "scroll_ms": statistics.median(scrolls), "jump_ms": statistics.median(jumps)}


def edit(place: str) -> dict[str, Any]:
    """Boxes drawn by the session as the canvas asks for them, undone and done again by keys; then beside 5,000 polygons."""
    from PySide6.QtCore import Qt

    from annotator.domain.geometry import Box
    from tests.benchmarks.canvas import polygons
    from tests.benchmarks.desk import desk, pictures, project_of

    project = project_of(pictures(Path(place) / "photos", 100), 100, ("cat", "dog"))
    _cancel_engine()
    control = Qt.KeyboardModifier.ControlModifier
    with desk(Path(place)) as at:
        at.open(project)
        at.until_idle()
        history = at.project.history

        def draw(number: int) -> None:
            at.window.canvas.drawn.emit(Box(10 + number, 10, 60 + number, 50))
            at.flush()

        def turn(key: Qt.Key) -> None:
            at.press(key, control)
            at.flush()

        shown, saved = [], []
        for number in range(21):
            began = time.perf_counter()
            shown.append(gui_ms(lambda number=number: draw(number)))
            history.flush(30)
            saved.append((time.perf_counter() - began) * 1e3)
        undone = [gui_ms(lambda: turn(Qt.Key.Key_Z)) for _ in range(21)]
        again = [gui_ms(lambda: turn(Qt.Key.Key_Y)) for _ in range(21)]
        history.flush(30)
        assert at.window.session.page is not None
        assert len(at.window.session.page.annotations) == len(shown)
        with at.project._parts.db.write("import") as writer:
            writer.annotations.add_many(_beside(polygons(5_000), at.window.session.page.image.id))
        at.rest(3)
        dense = [gui_ms(lambda number=number: draw(100 + number)) for number in range(9)]
        history.flush(30)
        at.rest(1)
        back = [gui_ms(lambda: turn(Qt.Key.Key_Z)) for _ in range(9)]
        history.flush(30)
    return {
        "shown_ms": statistics.median(shown),
        "saved_ms": statistics.median(saved),
        "undo_ms": statistics.median(undone),
        "redo_ms": statistics.median(again),
        "dense_shown_ms": statistics.median(dense),
        "dense_undo_ms": statistics.median(back),
    }


def _beside(records: list[Any], image_id: int) -> list[Any]:
    return [replace(each, image_id=image_id, label_id=1 + at % 2) for at, each in enumerate(records)]


def photographs(place: str, count: int) -> dict[str, Any]:
    """12-megapixel JPEGs: far jumps in the queue, then steps to what was decoded ahead."""
    from tests.benchmarks.desk import desk
    from tests.benchmarks.media import twelve_megapixels
    from ui.frames import AHEAD

    folder = Path(place) / "photos"
    folder.mkdir(parents=True)
    photo = twelve_megapixels(folder / "0.jpg")
    for number in range(1, count * (AHEAD + 2) + 1):
        (folder / f"{number}.jpg").write_bytes(photo.read_bytes())
    first, sharp, warm = [], [], []
    with desk(Path(place)) as at:
        at.open(folder)
        at.window.show_annotate()
        at.until_idle()
        for place_in_queue in range(AHEAD + 2, count * (AHEAD + 2), AHEAD + 2):
            image_id = int(at.window.session.order.ids[place_in_queue])
            side = max(at.window.canvas.width(), 1)
            waited, began = waiting_s(), time.perf_counter()
            at.window.session.go_to(image_id)
            at.until(lambda image_id=image_id: at.painted == image_id)
            first.append((time.perf_counter() - began - waiting_s() + waited) * 1e3)
            at.until(lambda side=side: at.scale * 4000 >= side * 0.99)
            sharp.append((time.perf_counter() - began - waiting_s() + waited) * 1e3)
            at.rest(1.2)
        warm = next_images(at, AHEAD - 1, rest=1.0)
    shutil.rmtree(place)
    return {
        "first_ms": statistics.median(first),
        "sharp_ms": statistics.median(sharp),
        "warm_ms": statistics.median(warm),
    }


def next_images(at: Any, count: int, rest: float = 0.15) -> list[float]:
    """CPU milliseconds of the GUI thread from pressing D to the next picture painted, after some time to decode ahead."""
    from PySide6.QtCore import Qt

    times = []
    for _ in range(count):
        at.rest(rest)
        before = at.painted
        began = time.thread_time()
        at.press(Qt.Key.Key_D)
        at.flush()
        times.append((time.thread_time() - began) * 1e3)
        at.until(lambda before=before: at.painted != before, 30)
    return times


def flags(at: Any, count: int) -> list[float]:
    """CPU milliseconds of the GUI thread for an edit of the image on screen, shown."""
    times = []
    for _ in range(count):
        times.append(gui_ms(lambda: (at.window.commands.run("image.flag"), at.flush())))
        at.project.history.flush(60)
        at.rest(0.1)
    return times


def gui_ms(action: Callable[[], object]) -> float:
    """CPU milliseconds of this thread."""
    began = time.thread_time()
    action()
    return (time.thread_time() - began) * 1e3


def _cancel_engine() -> None:
    """Suggest nothing by itself: the engine would work beside what is measured."""
    from ui.loop import TrainingLoop

    TrainingLoop.can_run = lambda loop: False  # type: ignore[method-assign]
