"""The box tool's Ctrl+click in the window, with real clicks; the engine is one that answers when it is told."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from annotator.domain.geometry import Box
from annotator.domain.prompt import PROMPT, Prompt
from annotator.jobs.prompting import events
from annotator.jobs.prompting.messages import FindBox
from tests.ui.conftest import press
from tests.ui.prompting import FakePrompting
from tests.ui.test_smart import drag, hit
from ui.main_window import MainWindow

Key, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def boxed(window: MainWindow, qtbot: Any) -> MainWindow:
    """The box tool in hand; a box of cats was drawn."""
    qtbot.waitUntil(lambda: all(window.canvas.image_size))
    press(window, "b")
    press(window, "1")
    drag(window, (20, 20), (50, 40), (80, 70))
    assert len(window.session.page.annotations) == 1
    return window


def asked(qtbot: Any, number: int = 1) -> FindBox:
    """What the engine was asked."""
    qtbot.waitUntil(lambda: bool(FakePrompting.made) and len(FakePrompting.made[-1].keeps) == number)
    found = FakePrompting.made[-1].keeps[-1]
    assert isinstance(found, FindBox)
    return found


def test_a_click_becomes_a_box_of_the_current_label_and_is_undone(boxed: MainWindow, qtbot: Any) -> None:
    session = boxed.session
    before = [a.geometry for a in session.page.annotations]
    hit(boxed, 110, 60, CTRL)
    assert not boxed.canvas.tool.busy
    wanted = asked(qtbot)
    assert (wanted.x, wanted.y) == pytest.approx((110, 60), abs=1)
    assert wanted.picture.image_id == session.image.id
    ((picture, boxes),) = ((e.picture.image_id, e.boxes) for e in wanted.examples)
    assert (picture, list(boxes)) == (session.image.id, [box.bounds() for box in before])
    assert boxed.canvas.smart.boxes_wanted == 1
    FakePrompting.made[-1].keep_all()
    qtbot.waitUntil(lambda: len(session.page.annotations) == 2)
    drawn = next(a for a in session.page.annotations if a.geometry not in before)
    assert drawn.geometry.bounds() == pytest.approx((100, 52, 120, 68), abs=1)
    assert session.labels[drawn.label_id].name == "cat"
    assert session.selected_annotation_ids == (drawn.id,)
    assert Prompt.from_json(drawn.extra[PROMPT]["steps"]).steps[0].points[0] == pytest.approx((110, 60), abs=1)
    assert boxed.canvas.smart.boxes_wanted == 0
    press(boxed, Key.Key_Z, CTRL)
    assert [a.geometry for a in session.page.annotations] == before


def test_clicks_follow_each_other_and_go_to_the_picture_and_label_of_the_click(boxed: MainWindow, qtbot: Any) -> None:
    session = boxed.session
    image_id = session.image.id
    hit(boxed, 110, 60, CTRL)
    asked(qtbot)
    press(boxed, "2")
    hit(boxed, 120, 90, CTRL)
    asked(qtbot, 2)
    press(boxed, "d")
    assert session.image.id != image_id
    FakePrompting.made[-1].keep_all()
    qtbot.waitUntil(lambda: len(session.read_page(image_id).annotations) == 3)
    made = [a for a in session.read_page(image_id).annotations if PROMPT in a.extra]
    names = {round(a.geometry.bounds()[0], -1): session.labels[a.label_id].name for a in made}
    assert names == {100: "cat", 110: "dog"}
    assert session.page.annotations == ()


def test_a_click_that_fails_says_so_and_a_drag_with_ctrl_is_still_a_box(boxed: MainWindow, qtbot: Any) -> None:
    hit(boxed, 110, 60, CTRL)
    wanted = asked(qtbot)
    FakePrompting.made[-1].say(events.RequestFailed(wanted.request, "picture 0.png cannot be read.", "Mend it."))
    qtbot.waitUntil(lambda: any("cannot be read" in toast.text for toast in boxed.toasts.shown))
    assert boxed.canvas.smart.boxes_wanted == 0
    drag(boxed, (90, 30), (120, 60), (150, 100), modifier=CTRL)
    drawn = sorted(a.geometry.bounds() for a in boxed.session.page.annotations)
    assert drawn[-1] == pytest.approx(Box(90, 30, 150, 100).bounds(), abs=1)
