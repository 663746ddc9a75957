"""The smart tool in the window, with real clicks and keys; the engine is one that answers when it is told."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box, GeometryKind, Mask, Polygon
from annotator.domain.kinds import Decision, Source
from annotator.domain.prompt import PROMPT, Prompt, StepKind
from annotator.domain.records import Annotation
from annotator.jobs.prompting import events
from tests.ui.conftest import BOX, OTHER_BOX, press, suggest
from tests.ui.prompting import SCORES, FakePrompting
from ui.canvas.tools.smart import SmartTool
from ui.main_window import MainWindow

Key, Button, Modifier = Qt.Key, Qt.MouseButton, Qt.KeyboardModifier
SHIFT, CTRL, PLAIN = Modifier.ShiftModifier, Modifier.ControlModifier, Modifier.NoModifier


@pytest.fixture
def prompting(window: MainWindow, qtbot: Any) -> FakePrompting:
    """The engine that started when the tool was taken."""
    qtbot.waitUntil(lambda: all(window.canvas.image_size))
    press(window, "s")
    engine = FakePrompting.made[-1]
    engine.ready()
    qtbot.waitUntil(lambda: window.smart.ready is not None)
    return engine


def pixel(window: MainWindow, x: float, y: float) -> QPoint:
    canvas = window.canvas
    sx, sy = canvas.view.to_screen(x, y)
    return QPoint(round(sx / canvas.unit), round(sy / canvas.unit))


def hit(window: MainWindow, x: float, y: float, modifier: Modifier = PLAIN, button: Button = Button.LeftButton) -> None:
    QTest.mouseClick(window.canvas, button, modifier, pixel(window, x, y))


def drag(window: MainWindow, *points: tuple[float, float], modifier: Modifier = PLAIN) -> None:
    canvas = window.canvas
    QTest.mousePress(canvas, Button.LeftButton, modifier, pixel(window, *points[0]))
    for point in points[1:]:
        QTest.mouseMove(canvas, pixel(window, *point))
    QTest.mouseRelease(canvas, Button.LeftButton, modifier, pixel(window, *points[-1]))


def tool(window: MainWindow) -> SmartTool:
    found = window.canvas.tool
    assert isinstance(found, SmartTool)
    return found


def answered(window: MainWindow, prompting: FakePrompting, qtbot: Any, **values: Any) -> None:
    """Let the engine answer the last question, and the window hear of it."""
    prompting.answer(**values)
    number = prompting.asks[-1].request
    qtbot.waitUntil(lambda: any(t.number == number and t.answered for t in tool(window).turns))


def prompt_of(prompting: FakePrompting) -> Prompt:
    return Prompt.from_json(prompting.asks[-1].prompt)


def kept(window: MainWindow, prompting: FakePrompting, qtbot: Any) -> Annotation:
    """Let the engine make the geometry, and the window draw it."""
    page = window.session.page
    assert page is not None
    before = len(page.annotations)
    prompting.keep_all()
    qtbot.waitUntil(lambda: len(window.session.page.annotations) > before)
    return window.session.page.annotations[-1]


def test_the_engine_starts_with_the_tool_and_reads_this_picture_and_the_next(window: MainWindow, qtbot: Any) -> None:
    assert FakePrompting.made == []
    press(window, "s")
    (engine,) = FakePrompting.made
    assert engine.used == [("embedded-segmenter", "")]
    ahead = window.session.order.ahead(1)
    assert engine.looked[-1] == (window.session.image.id, *ahead)
    press(window, "d")
    assert engine.looked[-1] == (ahead[0], *window.session.order.ahead(1))
    assert window.smart_bar.isVisible()
    press(window, "v")
    assert not window.smart_bar.isVisible()


def test_click_tab_enter_keeps_the_second_candidate_as_a_mask_with_its_prompt(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    hit(window, 60, 50)
    assert prompting.asks[-1].scale == pytest.approx(window.canvas.view.scale)
    answered(window, prompting, qtbot)
    assert len(tool(window).shown.views) == 3
    press(window, Key.Key_Tab)
    assert tool(window).shown.chosen == 1
    press(window, Key.Key_Return)
    assert not tool(window).busy
    assert (prompting.keeps[-1].asked, prompting.keeps[-1].index) == (prompting.asks[-1].request, 1)
    annotation = kept(window, prompting, qtbot)
    assert isinstance(annotation.geometry, Mask)
    assert annotation.geometry.bounds() == pytest.approx((40, 30, 80, 70), abs=1.5)
    assert window.session.labels[annotation.label_id].name == "cat"
    assert window.session.selected_annotation_ids == (annotation.id,)
    facts = annotation.extra[PROMPT]
    assert Prompt.from_json(facts["steps"]).steps[0].points[0] == pytest.approx((60, 50), abs=1)
    assert (facts["model"], facts["version"], facts["candidate"], facts["score"]) == (
        "embedded-segmenter", "v1", 1, SCORES[1]
    )  # fmt: skip
    press(window, Key.Key_Z, CTRL)
    assert window.session.page.annotations == ()


@pytest.mark.parametrize(("name", "kind"), [("polygon", Polygon), ("box", Box)])
def test_what_is_kept_is_chosen_in_the_bar_and_remembered(
    window: MainWindow, prompting: FakePrompting, qtbot: Any, name: str, kind: type
) -> None:
    QTest.mouseClick(window.smart_bar.forms[GeometryKind(name)], Button.LeftButton)
    assert window.canvas.hasFocus()
    assert window.settings.state.smart["form"] == name
    hit(window, 60, 50)
    answered(window, prompting, qtbot)
    press(window, Key.Key_Return)
    assert isinstance(kept(window, prompting, qtbot).geometry, kind)


def test_the_tolerance_is_seen_and_changed_by_key_wheel_and_field(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    window.commands.run("smart.form_polygon")
    hit(window, 60, 50)
    answered(window, prompting, qtbot)
    press(window, Key.Key_Tab)
    press(window, Key.Key_Tab)
    before = window.smart_bar.tolerance.value()
    fine = window.smart_bar.status.full_text()
    for _ in range(6):
        press(window, "]")
    assert window.smart_bar.tolerance.value() == pytest.approx(before * 1.25**6, rel=0.02)
    coarse = window.smart_bar.status.full_text()
    assert int(coarse.split()[0]) < int(fine.split()[0])
    assert "vertices" in coarse
    window.smart_bar.tolerance.setValue(4.0)
    assert window.canvas.smart.tolerance == 4.0
    press(window, Key.Key_Return)
    assert prompting.keeps[-1].tolerance == 4.0
    assert kept(window, prompting, qtbot).extra[PROMPT]["tolerance"] == 4.0


def test_further_clicks_refine_and_steps_are_taken_back_one_by_one(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    hit(window, 60, 50)
    answered(window, prompting, qtbot)
    first = prompting.asks[-1].request
    press(window, Key.Key_Tab)
    hit(window, 70, 52, SHIFT)
    assert prompting.asks[-1].previous == (first, 1)
    assert [s.positive for s in prompt_of(prompting).steps] == [True, False]
    answered(window, prompting, qtbot)
    hit(window, 40, 40, button=Button.RightButton)
    assert [s.positive for s in prompt_of(prompting).steps] == [True, False, False]
    press(window, Key.Key_Return)
    assert prompting.keeps == []  # the last step has not been answered
    press(window, Key.Key_Backspace)
    assert len(tool(window).turns) == 2
    press(window, Key.Key_Z, CTRL)
    assert len(tool(window).turns) == 1
    assert (tool(window).shown.number, tool(window).shown.chosen) == (first, 1)
    press(window, Key.Key_Z, CTRL)
    assert not tool(window).busy
    assert prompting.dropped > 0


def test_an_answer_to_what_was_taken_back_is_dropped(window: MainWindow, prompting: FakePrompting, qtbot: Any) -> None:
    hit(window, 60, 50)
    old = prompting.asks[-1]
    press(window, Key.Key_Escape)
    hit(window, 100, 80)
    prompting.answer(old)
    answered(window, prompting, qtbot)
    (turn,) = tool(window).turns
    assert turn.number == prompting.asks[-1].request != old.request
    assert turn.view.covers(100, 80)


def test_a_drag_is_a_box_and_then_a_stroke(window: MainWindow, prompting: FakePrompting, qtbot: Any) -> None:
    drag(window, (20, 20), (50, 40), (80, 70))
    assert prompt_of(prompting).box.bounds() == pytest.approx((20, 20, 80, 70), abs=1)
    answered(window, prompting, qtbot)
    drag(window, (30, 60), (50, 62), (70, 60))
    assert [s.kind for s in prompt_of(prompting).steps] == [StepKind.BOX, StepKind.STROKE]
    drag(window, (30, 30), (50, 32), (70, 30), modifier=SHIFT)
    assert [s.positive for s in prompt_of(prompting).steps] == [True, True, False]
    press(window, Key.Key_Escape)
    drag(window, (20, 20), (50, 40), (80, 70), modifier=CTRL)
    assert [s.kind for s in prompt_of(prompting).steps] == [StepKind.STROKE]


def test_only_taking_away_asks_nothing(window: MainWindow, prompting: FakePrompting) -> None:
    hit(window, 60, 50, SHIFT)
    assert prompting.asks == []
    assert not tool(window).busy


def test_keys_of_the_window_work_as_before_when_nothing_is_prompted(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    first, second = suggest(window, ("cat", BOX, 0.9), ("dog", OTHER_BOX, 0.8))
    window.session._reload_page(None)
    press(window, Key.Key_Tab)
    assert window.session.active_suggestion_id == second.id
    press(window, Key.Key_Return)
    assert window.session.page.annotations[0].geometry == OTHER_BOX
    assert window.session.active_suggestion_id == first.id


def test_digits_choose_the_label_of_what_is_shown_and_relabel_what_was_kept(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    hit(window, 60, 50)
    answered(window, prompting, qtbot)
    press(window, "2")
    press(window, Key.Key_Return)
    annotation = kept(window, prompting, qtbot)
    assert window.session.labels[annotation.label_id].name == "dog"
    press(window, "3")
    assert window.session.labels[window.session.page.annotations[0].label_id].name == "bird"
    hit(window, 100, 80)
    assert window.session.selected_annotation_ids == ()


def test_the_next_thing_can_be_pointed_at_while_the_last_is_being_kept(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    hit(window, 40, 40)
    answered(window, prompting, qtbot)
    press(window, Key.Key_Return)
    hit(window, 110, 80)
    answered(window, prompting, qtbot)
    annotation = kept(window, prompting, qtbot)
    assert annotation.geometry.bounds() == pytest.approx((30, 30, 50, 50), abs=1.5)
    assert window.session.selected_annotation_ids == ()
    assert tool(window).shown.view.covers(110, 80)


def test_what_is_kept_after_the_next_image_came_belongs_to_its_own(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    first = window.session.image.id
    hit(window, 40, 40)
    answered(window, prompting, qtbot)
    press(window, Key.Key_Return)
    press(window, "d")
    assert not tool(window).busy
    prompting.keep_all()
    qtbot.waitUntil(lambda: bool(window.session.read_page(first).annotations))
    assert window.session.page.annotations == ()


def test_without_a_label_the_person_is_asked_and_the_prompt_is_kept(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    window.session.set_current_label(None)
    hit(window, 40, 40)
    answered(window, prompting, qtbot)
    press(window, Key.Key_Return)
    prompting.keep_all()
    qtbot.waitUntil(window.editing.is_waiting)
    window.keys.give_label(window.session.ordered_labels()[1].id)
    (annotation,) = window.session.page.annotations
    assert annotation.extra[PROMPT]["model"] == "embedded-segmenter"


def test_resting_on_a_thing_shows_what_a_click_would_give_and_the_click_takes_it(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    for _ in range(2):  # the first answer warms up, the second one is measured
        hit(window, 60, 50)
        answered(window, prompting, qtbot)
        press(window, Key.Key_Escape)
    number = len(prompting.asks)
    QTest.mouseMove(window.canvas, pixel(window, 90, 60))
    qtbot.waitUntil(lambda: len(prompting.asks) > number)
    prompting.answer()
    qtbot.waitUntil(lambda: tool(window)._hover.view is not None)
    assert not tool(window).busy
    hit(window, 90, 60)
    assert len(prompting.asks) == number + 1
    assert tool(window).shown.view.covers(90, 60)
    press(window, Key.Key_Return)
    assert kept(window, prompting, qtbot).geometry.bounds() == pytest.approx((80, 50, 100, 70), abs=1.5)


def test_a_slow_model_shows_nothing_to_a_resting_mouse(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    for _ in range(3):
        hit(window, 60, 50)
        answered(window, prompting, qtbot, seconds=0.9)
        press(window, Key.Key_Escape)
    number = len(prompting.asks)
    QTest.mouseMove(window.canvas, pixel(window, 90, 60))
    qtbot.wait(250)
    assert len(prompting.asks) == number
    assert not window.smart_bar.hover.isEnabled()


def test_a_picture_that_takes_long_says_so_until_it_is_read(window: MainWindow, qtbot: Any) -> None:
    press(window, "s")
    engine = FakePrompting.made[-1]
    assert "loading the model" in window.smart.status()[0]
    engine.ready(instant=False)
    engine.say(events.PictureReading(window.session.image.id))
    qtbot.waitUntil(lambda: "reading the picture" in tool(window).waiting)
    assert window.smart_bar.status.full_text().startswith("Reading the picture")
    engine.say(events.PictureRead(window.session.image.id, 3.0))
    qtbot.waitUntil(lambda: tool(window).waiting == "")


def test_an_engine_that_died_is_told_and_the_next_click_works(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    prompting.say(events.PromptingRestarted("signal 9"))
    qtbot.waitUntil(lambda: any("signal 9" in text for text in window.toasts.texts))
    prompting.ready()
    hit(window, 60, 50)
    answered(window, prompting, qtbot)
    assert tool(window).shown is not None


def test_failures_are_told_with_their_cure(window: MainWindow, prompting: FakePrompting, qtbot: Any) -> None:
    prompting.say(events.ModelRefused("The weights of x are not here.", "Run: annotator models pull x"))
    qtbot.waitUntil(lambda: any("The weights of x" in text for text in window.toasts.texts))
    assert window.smart_bar.status.full_text() == "The weights of x are not here."
    hit(window, 60, 50)
    prompting.say(events.RequestFailed(prompting.asks[-1].request, "It cannot.", ""))
    qtbot.waitUntil(lambda: window.smart_bar.status.full_text() == "It cannot.")


def test_a_selected_box_becomes_a_mask_by_one_key(window: MainWindow, prompting: FakePrompting, qtbot: Any) -> None:
    press(window, "b")
    drag(window, (20, 20), (50, 40), (80, 70))
    drag(window, (100, 60), (120, 80), (140, 100))
    press(window, Key.Key_A, CTRL)
    press(window, Key.Key_S, SHIFT)
    assert [Prompt.from_json(k.prompt).box is not None for k in prompting.keeps] == [True, True]
    prompting.keep_all()
    qtbot.waitUntil(lambda: all(isinstance(a.geometry, Mask) for a in window.session.page.annotations))
    assert len(window.session.page.annotations) == 2
    assert all(a.extra[PROMPT]["steps"][0]["kind"] == "box" for a in window.session.page.annotations)
    press(window, Key.Key_Z, CTRL)
    assert all(isinstance(a.geometry, Box) for a in window.session.page.annotations)


def test_a_suggested_box_becomes_a_corrected_mask_by_one_key(
    window: MainWindow, prompting: FakePrompting, qtbot: Any
) -> None:
    (said,) = suggest(window, ("dog", BOX, 0.9))
    window.session._reload_page(None)
    press(window, "v")
    window.commands.run("smart.form_polygon")
    news = window.loop.verdicts
    press(window, Key.Key_S, SHIFT)
    prompting.keep_all()
    qtbot.waitUntil(lambda: bool(window.session.page.annotations))
    (annotation,) = window.session.page.annotations
    assert isinstance(annotation.geometry, Polygon)
    assert (annotation.source, annotation.suggestion_id) == (Source.CORRECTED, said.id)
    assert [v.decision for v in window.session.page.verdicts] == [Decision.CORRECTED]
    assert window.loop.verdicts == news + 2  # a verdict for the boxes, a shape for the masks
    press(window, Key.Key_Z, CTRL)
    assert window.session.page.annotations == ()
    assert [s.id for s in window.session.page.suggestions] == [said.id]


def test_nothing_to_turn_says_what_to_do(window: MainWindow, qtbot: Any) -> None:
    press(window, Key.Key_S, SHIFT)
    assert any("Select boxes" in text for text in window.toasts.texts)
    assert FakePrompting.made == []


def test_closing_the_project_ends_the_engine(window: MainWindow, prompting: FakePrompting) -> None:
    window.commands.run("file.close")
    assert prompting.closed
    assert window.smart.pid is None
