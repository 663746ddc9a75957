"""The canvas against its budgets (ARCHITECTURE, section 9): 5,000 polygons of 40 vertices, 1,000 masks, 12-megapixel pictures.

Figures are medians of milliseconds of the GUI thread's
CPU time: on an idle machine that is wall-clock time, on a busy one it still says what the canvas costs. The budgets of
20,000 polygons are those of 5,000 times four, but an edit may cost no more than it does beside 5,000.
"""

from __future__ import annotations

import itertools
import math
import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import thread_time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication

from annotator.domain.geometry import Mask, Polygon
from annotator.domain.palette import label_color
from annotator.domain.records import Annotation, Label, new_annotation
from tests.benchmarks.guard import Timed
from tests.benchmarks.row import Row
from ui.canvas import Canvas, ViewState

WIDTH, HEIGHT = 4000, 3000
SCREEN = (1400, 1000)


@dataclass(frozen=True)
class _Picture:
    pixels: NDArray[np.uint8]
    full_width: int = WIDTH
    full_height: int = HEIGHT


def polygons(count: int, vertices: int = 40, seed: int = 0) -> list[Annotation]:
    """Ragged discs of 20 to 70 px radius all over a 12-megapixel image, in twelve labels."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * math.pi, vertices, endpoint=False)
    circle = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    found = []
    for _ in range(count):
        ring = rng.uniform((80, 80), (WIDTH - 80, HEIGHT - 80)) + circle * (
            rng.uniform(20, 70) * rng.uniform(0.8, 1.15, (vertices, 1))
        )
        found.append(new_annotation(1, int(rng.integers(1, 13)), Polygon.of(ring.tolist())))
    return found


def brush_masks(count: int, seed: int = 0) -> list[Annotation]:
    """Round strokes of 60 to 160 px."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        side = int(rng.integers(60, 160))
        y, x = np.mgrid[:side, :side] - side / 2
        left, top = rng.integers(0, (WIDTH - side, HEIGHT - side))
        mask = Mask.from_array(x * x + y * y < side * side / 4, int(left), int(top))
        assert mask is not None
        found.append(new_annotation(1, int(rng.integers(1, 13)), mask))
    return found


class _Bench:
    """A canvas drawn into an image, as a screen would ask for it."""

    def __init__(self) -> None:
        application = QApplication.instance() or QApplication([])
        assert isinstance(application, QCoreApplication)
        self.canvas = Canvas()
        self.canvas.resize(*SCREEN)
        self.canvas.set_labels({i: Label(i, f"label {i}", label_color(i - 1)) for i in range(1, 13)})
        self.target = QImage(*SCREEN, QImage.Format.Format_ARGB32_Premultiplied)

    def frame(self) -> None:
        self.canvas.render(self.target)

    def settle(self) -> tuple[float, float]:
        """Drives the sharpening to its end; total and longest slice in milliseconds."""
        total = longest = 0.0
        while self.canvas.layer.needs_sharpening:
            took = timed(self.canvas._sharpen)
            total, longest = total + took, max(longest, took)
        return total, longest


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of CPU that an action takes."""
    start = thread_time()
    action()
    return (thread_time() - start) * 1000


def median(actions: Iterator[Callable[[], object]] | list[Callable[[], object]]) -> float:
    return statistics.median(timed(action) for action in actions)


def _row(name: str, measured: float, budget: float) -> Row:
    return Row(name, measured, budget, "CPU ms")


def rows(quick: bool) -> Iterator[Row]:
    """All rows; ``quick`` leaves out what no budget is written for."""
    yield from _dense(5000, "5,000 polygons")
    if not quick:
        yield from _dense(100, "100 polygons")
        yield from _dense(1000, "1,000 polygons")
        yield from _dense(20_000, "20,000 polygons", 4.0)
        yield from _masks()
    yield from _pictures()


def guarded() -> Iterator[Timed]:
    """What the guard measures: 5,000 polygons and 1,000 masks on one canvas each."""
    yield from _guarded_page(polygons(5000), "5,000 polygons")
    yield from _guarded_page(brush_masks(1000), "1,000 masks")


def _guarded_page(records: list[Annotation], what: str) -> Iterator[Timed]:
    bench = _Bench()
    canvas = bench.canvas
    canvas.set_picture(_Picture(np.full((750, 1000, 3), 90, np.uint8)))
    page, turn = list(records), itertools.count()

    def show(shown: list[Annotation]) -> None:
        canvas.set_page(shown)
        bench.frame()

    def coarse() -> None:
        canvas.layer.invalidate()
        bench.frame()

    def pan() -> None:
        for step in (24, 24, -24, -24):
            canvas.pan_by(step, step // 2)
            bench.frame()

    def zoom() -> None:
        for factor in (1.2, 1 / 1.2):
            canvas.zoom_by(factor)
            bench.frame()

    def edit() -> None:
        number = next(turn)
        page[number] = replace(page[number], geometry=page[number].geometry.moved(5, 5))
        show(page)

    yield Timed(f"{what}: first paint, coarse", lambda: show(page), before=lambda: show([]))
    yield Timed(f"{what}: sharp", bench.settle, before=coarse, rounds=8)
    yield Timed(f"{what}: hover", lambda: _hover(bench))
    yield Timed(f"{what}: pan, frames", pan)
    yield Timed(f"{what}: zoom, first frames", zoom)
    bench.settle()
    yield Timed(f"{what}: edit on screen", edit)


def _dense(count: int, what: str, slack: float = 1.0) -> Iterator[Row]:
    records = polygons(count)
    firsts, sharps, slices = [], [], []
    for _ in range(3):
        bench = _Bench()
        canvas = bench.canvas
        canvas.set_picture(_Picture(np.full((750, 1000, 3), 90, np.uint8)))
        bench.frame()

        def show(canvas: Canvas = canvas, bench: _Bench = bench) -> None:
            canvas.set_page(records)
            bench.frame()

        firsts.append(timed(show))
        total, longest = bench.settle()
        sharps.append(total)
        slices.append(longest)
    yield _row(f"{what}: first paint, coarse", statistics.median(firsts), 60 * slack)
    yield _row(f"{what}: sharp", statistics.median(sharps), 250 * slack)
    yield _row(f"{what}: longest pause while sharpening", statistics.median(slices), 16 * slack)
    bench.frame()
    yield _row(f"{what}: hover", _hover(bench), 2 * slack)
    yield _row(f"{what}: frame while hovering", median([bench.frame] * 9), 16)
    yield _row(f"{what}: pan, frame", _pan(bench), 16 * slack)
    yield _row(f"{what}: zoom, first frame", _zoom(bench), 60 * slack)
    bench.settle()
    yield _row(f"{what}: edit on screen", _edit(bench, records), 16)


def _hover(bench: _Bench) -> float:
    rng = np.random.default_rng(1)

    def moves() -> Iterator[Callable[[], object]]:
        for x, y in rng.uniform((50, 50), (SCREEN[0] - 50, SCREEN[1] - 50), (300, 2)).tolist():
            none = Qt.MouseButton.NoButton
            at = QPointF(QPoint(int(x), int(y)))
            event = QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)
            yield lambda event=event: bench.canvas.mouseMoveEvent(event)

    return median(moves())


def _pan(bench: _Bench) -> float:
    def step(number: int) -> None:
        bench.canvas.pan_by(24 if number % 20 < 10 else -24, 14 if number % 20 < 10 else -14)
        bench.frame()

    return median([lambda n=n: step(n) for n in range(40)])


def _zoom(bench: _Bench) -> float:
    def step(factor: float) -> None:
        bench.canvas.zoom_by(factor)
        bench.frame()

    return median([lambda f=f: step(f) for f in (1.2, 1.2, 1.2, 1 / 1.2, 1 / 1.2, 1 / 1.2) * 2])


def _edit(bench: _Bench, records: list[Annotation]) -> float:
    page = list(records)

    def step(number: int) -> None:
        page[number] = replace(page[number], geometry=page[number].geometry.moved(5, 5))
        bench.canvas.set_page(page)
        bench.frame()

    return median([lambda n=n: step(n) for n in range(11)])


def _masks() -> Iterator[Row]:
    records = brush_masks(1000)
    bench = _Bench()
    bench.canvas.set_picture(_Picture(np.full((750, 1000, 3), 90, np.uint8)))
    bench.frame()

    def show() -> None:
        bench.canvas.set_page(records)
        bench.frame()

    yield _row("1,000 masks: first paint", timed(show), 60)
    bench.settle()
    yield _row("1,000 masks: hover", _hover(bench), 2)
    yield _row("1,000 masks: pan, frame", _pan(bench), 16)
    yield _row("1,000 masks: zoom, first frame", _zoom(bench), 60)
    bench.settle()
    yield _row("1,000 masks: edit on screen", _edit(bench, records), 16)


def _pictures() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    small = _Picture(rng.integers(0, 255, (750, 1000, 3), np.uint8))
    large = _Picture(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    bench = _Bench()

    def show(picture: _Picture) -> None:
        bench.canvas.set_picture(picture)
        bench.frame()

    yield _row("next image, decoded at display scale", median([lambda: show(small)] * 9), 16)
    yield _row("12 megapixels at full resolution, on screen", median([lambda: show(large)] * 5), 80)
    yield _row("12 megapixels: pan, frame", _pan(bench), 16)
    yield _row("12 megapixels: zoom, first frame", _zoom(bench), 60)
    huge = _Picture(rng.integers(0, 255, (2 * HEIGHT, 2 * WIDTH, 3), np.uint8), 2 * WIDTH, 2 * HEIGHT)
    yield _row("48 megapixels at full resolution, on screen", median([lambda: show(huge)] * 3), 50)

    def close_up() -> None:
        bench.canvas.set_picture(huge)
        bench.canvas.actual_size()
        bench.frame()

    yield _row("48 megapixels: to 1:1, first frame", median([lambda: (bench.canvas.fit(), close_up())] * 3), 50)
    show(large)
    bench.canvas.set_view_state(ViewState(WIDTH / 2, HEIGHT / 2, 16.0))
    yield _row("pixel grid: pan, frame", _pan(bench), 16)
