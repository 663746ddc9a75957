"""The Review wall in the real window: mark, relabel, accept the rest, undo; by mouse and by keys alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain.kinds import Decision, Source, Task
from tests.ui.conftest import press
from tests.ui.review.conftest import add_suggestions, choose, click, drag
from ui.actions import Screen
from ui.main_window import MainWindow
from ui.review.marks import WRONG
from ui.review.piles import Sorting
from ui.review.review_screen import ReviewScreen

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def decisions(window: MainWindow) -> Counter[Decision]:
    project = window.session.project
    assert project is not None
    project.history.flush()
    pages = [project.history.page(image) for image in project.images.ids().tolist()]
    return Counter(verdict.decision for page in pages for verdict in page.verdicts)


def test_piles_are_listed_by_task_with_their_counts(review: ReviewScreen) -> None:
    entries = review.list.entries
    shown = [(e.text, e.count) for row in range(entries.rowCount()) if (e := entries.entry(row)) is not None]
    assert shown == [("Tags", None), ("bird", 6), ("Boxes", None), ("cat", 18), ("dog", 6),
                     ("To look at", None), ("New?", 0), ("Label errors", None)]  # fmt: skip


def test_nobody_is_told_that_nothing_is_open_before_it_was_counted(window: MainWindow, qtbot: Any) -> None:
    add_suggestions(window)
    window.screens.show(Screen.REVIEW)
    review = window.screens.review
    assert review is not None
    assert review.pages.currentWidget() is review.empty
    assert review.empty.text() == "The suggestions are being counted."
    assert not review.empty.button.isVisible()
    qtbot.waitUntil(lambda: review.pages.currentWidget() is review.wall)


def test_outliers_are_clicked_and_the_rest_accepted_in_one_undoable_edit(
    window: MainWindow, review: ReviewScreen, qtbot: Any
) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    assert len(wall.rows) == 18
    click(wall, 2)
    click(wall, 5)
    click(wall, 5)
    wall.go_to(7)
    press(window, "2")
    assert dict(review.wall.marks.rows) == {2: WRONG, 7: window.session.ordered_labels()[1].id}
    assert "16" in review.wall.footer.accept.text()
    press(window, Qt.Key.Key_Return)
    assert review.wall.pile is not None
    assert len(wall.rows) == 0, "what was judged leaves the wall at once"
    qtbot.waitUntil(lambda: any("Accepted 16" in text for text in window.toasts.texts))
    assert decisions(window) == {Decision.ACCEPTED: 16, Decision.REJECTED: 1, Decision.CORRECTED: 1}
    project = window.session.project
    assert project is not None
    assert project.history.titles(2) == ["Review cat"]
    qtbot.waitUntil(lambda: review._counts.suggestions.get((Task.BOXES, review.wall.choice.label_id), 0) == 0)
    press(window, Qt.Key.Key_Z, CTRL)
    assert decisions(window) == {}
    qtbot.waitUntil(lambda: len(wall.rows) == 18)


def test_a_verdict_of_the_wall_counts_for_learning(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.TAGS, 0, qtbot)
    window.settings.update(auto_train=False)
    assert len(wall.rows) == 6
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.loop.verdicts == 6)
    project = window.session.project
    assert project is not None
    tagged = [a for image in project.images.ids().tolist() for a in project.history.page(image).annotations]
    assert [a.source for a in tagged] == [Source.ACCEPTED] * 6


def test_a_drag_selects_and_keys_are_about_the_selection(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    first, last = wall.cell_rect(1), wall.cell_rect(3)
    drag(wall, first.center(), last.center() + QPoint(0, 4))
    assert review.wall.marks.selected == {1, 2, 3}
    press(window, Qt.Key.Key_Backspace)
    assert dict(review.wall.marks.rows) == {1: WRONG, 2: WRONG, 3: WRONG}
    press(window, "2")
    assert set(review.wall.marks.rows.values()) == {window.session.ordered_labels()[1].id}
    press(window, Qt.Key.Key_Escape)
    assert not review.wall.marks.selected
    press(window, Qt.Key.Key_Return, SHIFT)
    qtbot.waitUntil(lambda: decisions(window) == {Decision.CORRECTED: 3})
    qtbot.waitUntil(lambda: len(wall.rows) == 15)


def test_the_wall_works_without_a_mouse(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    choose(review, Task.BOXES, 0, qtbot)
    press(window, Qt.Key.Key_F6)
    assert review.list.hasFocus()
    press(window, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: review.wall.header.title.full_text() == "dog")
    press(window, Qt.Key.Key_F6)
    wall = review.wall.wall
    assert wall.hasFocus()
    press(window, Qt.Key.Key_Right)
    press(window, Qt.Key.Key_End, SHIFT)
    assert review.wall.marks.selected == {1, 2, 3, 4, 5}
    press(window, Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_Backspace)
    assert dict(review.wall.marks.rows) == {0: WRONG}
    press(window, Qt.Key.Key_A, CTRL)
    assert len(review.wall.marks.selected) == 6
    before = wall.cell_rect(0).height()
    press(window, "+")
    assert wall.cell_rect(0).height() > before
    press(window, Qt.Key.Key_Backspace, CTRL)
    qtbot.waitUntil(lambda: decisions(window) == {Decision.REJECTED: 6})


def test_space_shows_the_picture_beside_and_o_opens_it(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    press(window, Qt.Key.Key_Space)
    beside = review.wall.beside
    assert beside.isVisible()
    pile = review.wall.pile
    assert pile is not None
    wall.setFocus()
    press(window, Qt.Key.Key_Right)
    assert beside.image_id == int(pile.image_ids[1])
    assert "cat" in beside.words.text()
    qtbot.waitUntil(lambda: beside.picture._image is not None)
    press(window, "o")
    assert window.screens.current is Screen.ANNOTATE
    assert window.session.image is not None
    assert window.session.image.id == int(pile.image_ids[1])


def test_the_range_limits_what_is_shown_and_accepted(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    review.wall.header.range.setFocus()
    for _ in range(18):
        QTest.keyClick(review.wall.header.range, Qt.Key.Key_Right)
    assert review.wall.header.range.ends == (0.9, 1.0)
    pile = review.wall.pile
    assert pile is not None
    shown = pile.confidences[wall.rows]
    assert 0 < len(shown) < 18
    assert shown.min() >= 0.9 - 1e-6
    QTest.mouseClick(review.wall.footer.accept, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: decisions(window) == {Decision.ACCEPTED: len(shown)})


def test_the_least_sure_come_first_when_asked(review: ReviewScreen, qtbot: Any) -> None:
    wall = choose(review, Task.BOXES, 0, qtbot)
    review.wall.header.sorting.setCurrentIndex(review.wall.header.sorting.findData(Sorting.UNSURE))
    pile = review.wall.pile
    assert pile is not None
    assert np.all(np.diff(pile.confidences[wall.rows]) >= 0)
    review.wall.header.sorting.setCurrentIndex(review.wall.header.sorting.findData(Sorting.LOOK))
    qtbot.waitUntil(lambda: review.wall.header.order is Sorting.SURE)


def test_marks_stay_on_their_suggestions_when_the_pile_is_read_anew(
    window: MainWindow, review: ReviewScreen, qtbot: Any
) -> None:
    choose(review, Task.BOXES, 0, qtbot)
    review.wall.marks.toggle([6])
    pile = review.wall.pile
    assert pile is not None
    marked = pile.key(6)
    project = window.session.project
    assert project is not None
    from annotator.edits import reject

    page = project.history.page(int(pile.image_ids[0]))
    gone = next(s for s in page.suggestions if s.id == pile.key(0))
    window.session.perform(reject(page, gone, window.session.vocabulary, annotator="Ada"))
    qtbot.waitUntil(lambda: review.wall.pile is not None and len(review.wall.pile) == 17)
    assert review.wall.pile is not None
    (row,) = review.wall.marks.rows
    assert review.wall.pile.key(row) == marked


def test_keys_of_one_screen_do_nothing_on_the_other(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    tool, here = window.binding.tool, window.session.order.index
    press(window, "b")
    press(window, "d")
    assert (window.binding.tool, window.session.order.index) == (tool, here)
    press(window, Qt.Key.Key_1, CTRL)
    assert window.screens.current is Screen.ANNOTATE
    assert not window.commands.action("review.accept").is_enabled_now()
    press(window, "d")
    assert window.session.order.index == here + 1


def test_a_failed_edit_puts_the_pile_back(
    window: MainWindow, review: ReviewScreen, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotator.errors import StoreError
    from annotator.usecases import wall as room

    def full_disk(*arguments: Any, **values: Any) -> None:
        raise StoreError("The disk is full.", "Free some space.")

    wall = choose(review, Task.BOXES, 1, qtbot)
    monkeypatch.setattr(room, "pile_edit", full_disk)
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "The disk is full." in window.toasts.texts)
    assert len(wall.rows) == 6
    assert decisions(window) == {}


def test_without_suggestions_the_screen_says_what_fills_it(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: "one for each label" in screen.empty.text())
    assert screen.empty.isVisible()
    assert screen.empty.button.isVisible()


def test_closing_the_project_leaves_the_wall_empty(window: MainWindow, review: ReviewScreen) -> None:
    press(window, Qt.Key.Key_W, CTRL)
    assert window.screens.current is Screen.START
    assert review.wall.pile is None
    assert len(review.wall.wall.rows) == 0


def test_every_control_of_the_screen_has_a_name(review: ReviewScreen) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QComboBox, QSlider

    for kind in (QAbstractButton, QComboBox, QSlider, QAbstractScrollArea):
        for control in review.findChildren(kind):
            named = control.accessibleName() or (control.text() if hasattr(control, "text") else "")
            hidden = isinstance(control, QAbstractButton) and not control.isVisibleTo(review)
            inner = type(control).__name__ in ("QComboBoxListView", "QListView") and not control.isVisible()
            assert named or hidden or inner, f"{type(control).__name__} has no name"
