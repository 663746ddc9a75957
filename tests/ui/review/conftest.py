"""A window whose project has piles to review: boxes and tags on all of its pictures."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box, Geometry, Tag
from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from ui.main_window import MainWindow
from ui.review.choices import PileChoice
from ui.review.review_screen import ReviewScreen
from ui.review.wall_view import WallView

BOXES = 4


def add_suggestions(window: MainWindow) -> None:
    """On each picture four boxes, three of them cats of falling confidence and one a dog; and a tag."""
    project = window.session.project
    assert project is not None
    images = project.images.ids().tolist()
    cat, dog, bird = (window.session.ordered_labels()[at].id for at in range(3))
    with project._parts.db.write("engine") as writer:
        boxes, tags = (writer.runs.start(task, "test", "1") for task in (Task.BOXES, Task.TAGS))
        made: list[Suggestion] = []
        for number, image in enumerate(images):
            for at in range(BOXES):
                label = dog if at == BOXES - 1 else cat
                sure = 0.98 - 0.05 * at - 0.01 * number
                made.append(_suggestion(boxes, image, Task.BOXES, Box(30 * at, 10, 30 * at + 25, 60), label, sure))
            made.append(_suggestion(tags, image, Task.TAGS, Tag(), bird, 0.5 + 0.05 * number))
        writer.suggestions.add_many(made)


def _suggestion(run: int, image: int, task: Task, shape: Geometry, label: int, sure: float) -> Suggestion:
    group = 1 if task is Task.TAGS else None
    return Suggestion(uuid4(), run, image, shape, ((label, sure),), sure, sure, task=task, group_id=group)


@pytest.fixture
def review(window: MainWindow, qtbot: Any) -> ReviewScreen:
    """The Review screen with the pile of tags on its wall, keys on the wall."""
    add_suggestions(window)
    QTest.keyClick(window.canvas, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: len(screen.wall.wall.rows) > 0)
    qtbot.waitUntil(screen.wall.wall.hasFocus)
    return screen


def choose(screen: ReviewScreen, task: Task, place: int, qtbot: Any) -> WallView:
    """Show the pile of a task and of the label at ``place``; wait for its crops."""
    choices = [each for each in screen.list.entries.choices() if isinstance(each, PileChoice) and each.task is task]
    screen.list.choose(choices[place])
    qtbot.waitUntil(lambda: screen.wall.choice == choices[place])
    wall = screen.wall.wall
    qtbot.waitUntil(lambda: len(wall.rows) > 0 and screen.crops.waiting == 0)
    wall.setFocus()
    return wall


def click(wall: WallView, place: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A click on the crop of a place."""
    QTest.mouseClick(wall.viewport(), Qt.MouseButton.LeftButton, modifier, wall.cell_rect(place).center())


def drag(wall: WallView, start: QPoint, end: QPoint) -> None:
    """A drag over the wall."""
    QTest.mousePress(wall.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for part in (0.3, 0.7, 1.0):
        QTest.mouseMove(wall.viewport(), start + (end - start) * part)
    QTest.mouseRelease(wall.viewport(), Qt.MouseButton.LeftButton, pos=end)
