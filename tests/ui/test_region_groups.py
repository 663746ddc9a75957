"""The dialog of regions that look alike, with real clicks and keys; the engine's work is done by the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from annotator.domain.geometry import Mask
from annotator.domain.kinds import Task
from annotator.errors import AnnotatorError
from annotator.jobs.events import JobFailed
from tests.ui.conftest import FakeEngine, press
from ui.dialogs.region_groups import RegionGroupsDialog, dimmed
from ui.main_window import MainWindow

Key, Modifier = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def dialog(window: MainWindow, engine: FakeEngine, qtbot: Any) -> Iterator[RegionGroupsDialog]:
    """The dialog, after three groups were made by its button."""
    engine.handles.clear()
    press(window, Key.Key_A, Modifier.ControlModifier | Modifier.ShiftModifier)
    shown = window.dialogs.current
    assert isinstance(shown, RegionGroupsDialog)
    assert not shown.area.isVisible()
    shown.number.setValue(3)
    QTest.mouseClick(shown.make, Qt.MouseButton.LeftButton)
    assert (engine.handles[-1].name, engine.handles[-1].parameters) == ("group_regions", {"groups": 3})
    assert shown.stop.isVisible()
    assert not shown.make.isEnabled()
    engine.succeed(window.session.project.group_regions(3))
    qtbot.waitUntil(lambda: bool(shown.choices))
    yield shown
    if window.dialogs.current is not None:
        window.dialogs.current.close()


def pick(dialog: RegionGroupsDialog, group: str, label: str) -> None:
    """Choose in a group's list by typing the name, as the keyboard does it."""
    combo = dialog.choices[group]
    combo.setFocus()
    QTest.keyClicks(combo, label)
    assert combo.currentText() == label


def carry_out(window: MainWindow, engine: FakeEngine) -> dict[str, str]:
    """Do what the engine was asked last, and let the window hear of it."""
    handle = engine.handles[-1]
    assert handle.name == "name_regions"
    engine.succeed(window.session.project.name_regions(handle.parameters["names"]))
    return dict(handle.parameters["names"])


def suggested(window: MainWindow) -> list[str]:
    """The labels of all open masks of the project."""
    project = window.session.project
    found = [s for i in project.images.ids().tolist() for s in project.review.open_suggestions(i)]
    return sorted(window.session.labels[s.label_id].name for s in found if s.task is Task.MASKS)


def test_a_group_is_named_once_for_all_of_its_regions_and_the_name_is_taken_back(
    window: MainWindow, engine: FakeEngine, dialog: RegionGroupsDialog, qtbot: Any
) -> None:
    groups = {view.group.name: view.group for view in window.session.project.region_groups()}
    assert list(dialog.choices) == list(groups)
    pick(dialog, "A", "dog")
    assert carry_out(window, engine) == {"A": "dog"}
    qtbot.waitUntil(lambda: "dog" in dialog.message.text())
    assert suggested(window) == ["dog"] * groups["A"].regions
    qtbot.waitUntil(lambda: any(s.task is Task.MASKS for s in window.session.open_suggestions()))
    pick(dialog, "B", "cat")
    carry_out(window, engine)
    qtbot.waitUntil(lambda: "cat" in dialog.message.text())
    assert suggested(window) == ["cat"] * groups["B"].regions + ["dog"] * groups["A"].regions
    QTest.keyClick(dialog, Key.Key_Z, Modifier.ControlModifier)
    assert dialog.choices["B"].currentData() == ""
    assert carry_out(window, engine) == {"B": ""}
    qtbot.waitUntil(lambda: "taken back" in dialog.message.text())
    assert suggested(window) == ["dog"] * groups["A"].regions
    QTest.mouseClick(dialog.undo, Qt.MouseButton.LeftButton)
    assert carry_out(window, engine) == {"A": ""}
    qtbot.waitUntil(lambda: not dialog.undo.isVisible())
    assert suggested(window) == []


def test_what_is_picked_while_the_engine_works_follows_and_a_failure_shows_what_holds(
    window: MainWindow, engine: FakeEngine, dialog: RegionGroupsDialog, qtbot: Any
) -> None:
    pick(dialog, "A", "dog")
    asked = len(engine.handles)
    pick(dialog, "B", "cat")
    pick(dialog, "C", "bird")
    assert len(engine.handles) == asked
    carry_out(window, engine)
    qtbot.waitUntil(lambda: len(engine.handles) == asked + 1)
    assert engine.handles[-1].parameters == {"names": {"B": "cat", "C": "bird"}}
    handle = engine.handles[-1]
    engine.say(JobFailed(handle.id, handle.name, AnnotatorError("The disk is full.", "Make room.")))
    qtbot.waitUntil(lambda: "The disk is full." in dialog.message.text())
    assert [combo.currentData() for combo in dialog.choices.values()] == ["dog", "", ""]
    assert not dialog.undo.isVisible()


def test_the_groups_are_there_again_with_their_names_and_their_clearest_regions(
    window: MainWindow, engine: FakeEngine, dialog: RegionGroupsDialog, qtbot: Any
) -> None:
    pick(dialog, "A", "dog")
    carry_out(window, engine)
    qtbot.waitUntil(lambda: "dog" in dialog.message.text())
    dialog.close()
    window.commands.run("model.regions")
    again = window.dialogs.current
    assert isinstance(again, RegionGroupsDialog)
    qtbot.waitUntil(lambda: bool(again.choices))
    assert [combo.currentData() for combo in again.choices.values()] == ["dog", "", ""]
    views = window.session.project.region_groups()
    qtbot.waitUntil(lambda: again.swatches["A"].shown == min(6, len(views[0].examples)))


def test_around_a_region_the_picture_is_dark() -> None:
    pixels = np.full((100, 100, 3), 200, np.uint8)
    mask = Mask.from_array(np.pad(np.ones((30, 30), bool), ((0, 30), (0, 0))), 20, 40)
    assert mask is not None
    # A margin of 8% of 30 pixels, to whole pixels outwards.
    part = np.ascontiguousarray(pixels[37:73, 17:53])
    image = QImage(part.data, 36, 36, 3 * 36, QImage.Format.Format_RGB888)
    made = dimmed(image, mask, (100, 100))
    light = np.array([[made.pixelColor(x, y).red() for x in range(36)] for y in range(36)]) > 150
    assert light.sum() == 30 * 30
    assert light[3 : 3 + 30, 3 : 3 + 30].all()
