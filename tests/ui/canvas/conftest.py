"""A canvas on an offscreen screen, a plain picture, and a listener that does what the window does: apply what was said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Geometry
from annotator.domain.palette import label_color
from annotator.domain.records import Annotation, Label, Skeleton, Suggestion, new_annotation
from ui.canvas import Canvas
from ui.canvas.transform import ViewTransform

SKELETON = Skeleton(("head", "left", "right"), ((0, 1), (0, 2)))


@dataclass(frozen=True)
class Plain:
    """A decoded picture."""

    pixels: NDArray[np.uint8]
    full_width: int
    full_height: int


def plain(width: int = 400, height: int = 300, channels: int = 3, value: int = 128) -> Plain:
    return Plain(np.full((height, width, channels), value, np.uint8), width, height)


class Page(QObject):
    """Holds annotations and suggestions, applies every signal of the canvas at once, and keeps what was said."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.canvas = canvas
        self.annotations: list[Annotation] = []
        self.suggestions: list[Suggestion] = []
        self.drawn: list[Geometry] = []
        self.changes: list[dict[UUID, Geometry]] = []
        self.corrected: list[tuple[UUID, Geometry]] = []
        self.activated: list[UUID] = []
        canvas.drawn.connect(self.draw)
        canvas.geometry_changed.connect(self.change)
        canvas.geometries_changed.connect(self.change_all)
        canvas.suggestion_corrected.connect(self.correct)
        canvas.suggestion_activated.connect(self.activate)
        canvas.selection_requested.connect(canvas.set_selection)

    def show(self, *annotations: Annotation, suggestions: tuple[Suggestion, ...] = ()) -> None:
        self.annotations, self.suggestions = list(annotations), list(suggestions)
        self.canvas.set_page(self.annotations, self.suggestions)

    def add(self, geometry: Geometry, label_id: int = 1, **values: object) -> Annotation:
        annotation = new_annotation(1, label_id, geometry, **values)
        self.show(*self.annotations, annotation, suggestions=tuple(self.suggestions))
        return annotation

    def geometry(self, annotation: Annotation) -> Geometry:
        return next(a.geometry for a in self.annotations if a.id == annotation.id)

    def draw(self, geometry: Geometry) -> None:
        self.drawn.append(geometry)

    def change(self, item_id: UUID, geometry: Geometry) -> None:
        self.change_all(((item_id, geometry),))

    def change_all(self, changes: tuple[tuple[UUID, Geometry], ...]) -> None:
        self.changes.append(dict(changes))
        new = dict(changes)
        self.show(
            *(replace(a, geometry=new.get(a.id, a.geometry)) for a in self.annotations),
            suggestions=tuple(self.suggestions),
        )

    def correct(self, item_id: UUID, geometry: Geometry) -> None:
        self.corrected.append((item_id, geometry))

    def activate(self, item_id: UUID) -> None:
        self.activated.append(item_id)
        self.canvas.set_active_suggestion(item_id)


class Mouse:
    """A mouse that is told image coordinates; the view must put them on whole screen pixels."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def at(self, x: float, y: float) -> QPoint:
        sx, sy = self.canvas.view.to_screen(x, y)
        assert sx == round(sx) and sy == round(sy), f"({x}, {y}) is at ({sx}, {sy}) on screen"
        return QPoint(round(sx), round(sy))

    def move(self, x: float, y: float) -> None:
        QTest.mouseMove(self.canvas, self.at(x, y))

    def press(
        self, x: float, y: float, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton
    ) -> None:
        self.move(x, y)
        QTest.mousePress(self.canvas, button, modifiers, self.at(x, y))

    def release(
        self, x: float, y: float, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton
    ) -> None:
        QTest.mouseRelease(self.canvas, button, modifiers, self.at(x, y))

    def click(
        self, x: float, y: float, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton
    ) -> None:
        self.press(x, y, modifiers, button)
        self.release(x, y, modifiers, button)

    def drag(
        self, *points: tuple[float, float], modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton
    ) -> None:
        """Presses at the first point, passes through the others and releases at the last."""
        self.press(*points[0], modifiers, button)
        for x, y in points[1:]:
            self.held(x, y, button)
        self.release(*points[-1], modifiers, button)

    def held(self, x: float, y: float, button=Qt.MouseButton.LeftButton) -> None:
        """A move with a button down, which QTest.mouseMove sends as long as the button was pressed through it."""
        QTest.mouseMove(self.canvas, self.at(x, y))


@pytest.fixture
def canvas(qtbot) -> Canvas:
    """600 x 500 logical pixels, a 400 x 300 picture at a scale of 1."""
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(600, 500)
    canvas.set_labels(
        {
            1: Label(1, "cat", label_color(0)),
            2: Label(2, "dog", label_color(1)),
            3: Label(3, "hand", label_color(2), skeleton=SKELETON),
        }
    )
    canvas.set_current_label(1)
    canvas.set_picture(plain())
    canvas.show()
    qtbot.waitExposed(canvas)
    canvas.set_view(ViewTransform(1.0, 100, 100))
    canvas.setFocus()
    return canvas


@pytest.fixture
def page(canvas: Canvas) -> Page:
    return Page(canvas)


@pytest.fixture
def mouse(canvas: Canvas) -> Mouse:
    return Mouse(canvas)
