"""Groups of labels, made in the label dialog with real events: several tags may stand on one picture."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Decision, Task
from annotator.domain.records import LabelGroup
from tests.ui.conftest import FakeEngine, press, suggest
from ui.dialogs.label_dialog import LabelDialog
from ui.main_window import MainWindow

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def open_dialog(window: MainWindow, name: str, qtbot: Any) -> LabelDialog:
    """The dialog of a label, opened by its key."""
    window.session.set_current_label(next(v.id for v in window.session.labels.values() if v.name == name))
    window.canvas.setFocus()
    press(window, Qt.Key.Key_F2, SHIFT)
    dialog = window.dialogs.current
    assert isinstance(dialog, LabelDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def type_group(dialog: LabelDialog, name: str) -> None:
    """Another name where the group's is."""
    field = dialog.group.lineEdit()
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, name)


def flip(dialog: LabelDialog) -> None:
    """A click on the box of the switch."""
    QTest.mouseClick(dialog.exclusive, Qt.MouseButton.LeftButton, pos=QPoint(8, dialog.exclusive.height() // 2))


def keep(dialog: LabelDialog) -> None:
    button = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Keep")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def back(window: MainWindow, qtbot: Any) -> None:
    """The dialog is gone and the keys go to the canvas again."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)


def group_of(window: MainWindow, name: str) -> LabelGroup:
    """The group of a label as the store has it."""
    project = window.session.project
    assert project is not None
    label = project.labels.by_name(name)
    assert label is not None
    return next(group for group in project.labels.groups() if group.id == label.group_id)


def idle_suggests(window: MainWindow, engine: FakeEngine, qtbot: Any) -> int:
    """How often the engine was asked to suggest, once its first job is out of the way."""
    qtbot.waitUntil(lambda: bool(engine.handles))
    engine.handles[-1].cancel()
    qtbot.waitUntil(lambda: not window.jobs.running)
    return sum(handle.name == "suggest" for handle in engine.handles)


def test_a_label_goes_into_a_new_group_and_undo_takes_it_back(
    window: MainWindow, engine: FakeEngine, qtbot: Any
) -> None:
    asked = idle_suggests(window, engine, qtbot)
    dialog = open_dialog(window, "bird", qtbot)
    assert dialog.group.currentText() == "labels"
    assert dialog.exclusive.isChecked()
    assert dialog.members.text() == "bird, cat, dog"
    assert dialog.height() >= dialog.heightForWidth(dialog.width())
    type_group(dialog, "what fl")
    flip(dialog)
    QTest.keyClicks(dialog.group.lineEdit(), "ies")
    assert not dialog.exclusive.isChecked()
    assert dialog.members.text() == "bird"
    keep(dialog)
    qtbot.waitUntil(lambda: group_of(window, "bird").name == "what flies")
    assert not group_of(window, "bird").exclusive
    assert group_of(window, "cat") == LabelGroup(1, "labels", True)
    bird = next(v for v in window.session.labels.values() if v.name == "bird")
    assert window.session.vocabulary.exclusive_group(bird.id) is None
    qtbot.waitUntil(lambda: sum(handle.name == "suggest" for handle in engine.handles) == asked + 1)
    back(window, qtbot)
    press(window, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: group_of(window, "bird").name == "labels")
    assert [group.name for group in window.session.vocabulary.groups.values()] == ["labels", "what flies"]


def test_a_group_that_is_there_is_chosen_with_its_switch(window: MainWindow, qtbot: Any) -> None:
    window.session.project.labels.set_group("scene", exclusive=False)
    qtbot.waitUntil(lambda: len(window.session.vocabulary.groups) == 2)
    dialog = open_dialog(window, "dog", qtbot)
    dialog.group.setFocus()
    QTest.keyClick(dialog.group, Qt.Key.Key_Down)
    assert dialog.group.currentText() == "scene"
    assert not dialog.exclusive.isChecked()
    keep(dialog)
    qtbot.waitUntil(lambda: group_of(window, "dog") == LabelGroup(2, "scene", False))


def test_a_group_without_a_name_is_refused(window: MainWindow, qtbot: Any) -> None:
    dialog = open_dialog(window, "dog", qtbot)
    type_group(dialog, "  ")
    keep(dialog)
    assert dialog.isVisible()
    assert dialog.message.text() == "A group needs a name."
    dialog.close()


def test_in_a_group_that_is_not_exclusive_accepting_one_tag_leaves_the_others(
    window: MainWindow, engine: FakeEngine, qtbot: Any
) -> None:
    asked = idle_suggests(window, engine, qtbot)
    dialog = open_dialog(window, "cat", qtbot)
    flip(dialog)
    keep(dialog)
    assert group_of(window, "dog") == LabelGroup(1, "labels", False)
    qtbot.waitUntil(lambda: sum(handle.name == "suggest" for handle in engine.handles) == asked + 1)
    image_id = window.session.page.image.id
    made = suggest(window, ("cat", Tag(), 0.9), ("dog", Tag(), 0.8), ("bird", Tag(), 0.7), task=Task.TAGS)
    qtbot.waitUntil(lambda: len(window.session.visible_suggestions()) == 3)
    back(window, qtbot)
    press(window, Qt.Key.Key_Return)
    assert [s.id for s in window.session.visible_suggestions()] == [made[1].id, made[2].id]
    assert window.session.active_suggestion_id == made[1].id
    press(window, Qt.Key.Key_Return)
    page = window.session.project.history.page(image_id)
    names = {window.session.labels[a.label_id].name for a in page.annotations}
    assert names == {"cat", "dog"}
    assert {v.decision for v in page.verdicts} == {Decision.ACCEPTED}
    assert [s.id for s in page.suggestions] == [made[2].id]
    assert Task.TAGS not in page.done
