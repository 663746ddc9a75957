"""What a mark makes the wall do: the cells that it is on are painted, and the figures follow, whatever the size of the pile."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QPaintEvent, QRegion
from PySide6.QtWidgets import QApplication

from annotator.domain.kinds import Task
from tests.ui.review.conftest import choose
from ui.review.review_screen import ReviewScreen


class Painted(QObject):
    """Collects what is painted of a widget."""

    def __init__(self) -> None:
        super().__init__()
        self.region = QRegion()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region = self.region.united(event.region())
        return False


def test_a_mark_paints_its_own_cell_and_no_distant_one(review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    qtbot.waitUntil(lambda: review.crops.waiting == 0, timeout=60_000)
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    painted = Painted()
    wall.viewport().installEventFilter(painted)
    review.wall.marks.toggle([int(wall.rows[2])])
    qtbot.waitUntil(lambda: painted.region.intersects(wall.cell_rect(2)), timeout=60_000)
    assert not painted.region.intersects(wall.cell_rect(len(wall.rows) - 1))
    wall.viewport().removeEventFilter(painted)


def test_the_figures_follow_marks_that_are_shown(review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    pile = review.wall.pile
    assert pile is not None
    review.wall.marks.toggle([int(wall.rows[0]), int(wall.rows[5])])
    judgement = review.wall.marks.judgement(wall.rows, rest=True)
    assert len(judgement.accepted) == 16
    wrong = float((1.0 - pile.confidences[judgement.accepted]).sum())
    assert f"about {wrong:.1f} of the rest wrong" in review.wall.header.figures.text()
    assert "2 marked" in review.wall.header.figures.text()
