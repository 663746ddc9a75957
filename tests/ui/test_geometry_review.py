"""Walking, judging, relabelling and merging suggested boxes in the window, with real keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box, Mask
from annotator.domain.kinds import Decision, Source, Task
from annotator.domain.records import JITTER, Suggestion, new_annotation
from tests.ui.conftest import press, suggest
from ui.canvas.scene import Style
from ui.main_window import MainWindow
from ui.walking import Walk, Walking

Key, Modifier = Qt.Key, Qt.KeyboardModifier
SHIFT, CTRL = Modifier.ShiftModifier, Modifier.ControlModifier
LOW, HIGH, MIDDLE = Box(20, 80, 60, 110), Box(20, 5, 60, 35), Box(80, 40, 120, 70)
TWIN = Box(21, 80, 61, 111)


@pytest.fixture
def said(window: MainWindow, qtbot: Any) -> list[Suggestion]:
    """Three boxes, the most confident one lowest, and a twin of it."""
    qtbot.waitUntil(lambda: all(window.canvas.image_size))
    press(window, "v")
    rows = (("cat", LOW, 0.9), ("dog", MIDDLE, 0.8), ("cat", HIGH, 0.7), ("cat", TWIN, 0.6))
    made = suggest(window, *rows)
    window.session._reload_page(None)
    return made


def visible(window: MainWindow) -> list[Box]:
    return [s.geometry for s in window.session.visible_suggestions()]


def active(window: MainWindow) -> Box:
    (found,) = [s for s in window.session.visible_suggestions() if s.id == window.session.active_suggestion_id]
    return found.geometry


def decisions(window: MainWindow) -> list[Decision]:
    return [v.decision for v in window.session.page.verdicts]


def test_what_says_the_same_twice_is_shown_once_and_judged_once(window: MainWindow, said: list[Suggestion]) -> None:
    assert visible(window) == [LOW, MIDDLE, HIGH]
    assert len(window.canvas.scene) == 3
    assert window.annotate.suggestion_section._count.text() == "3"
    assert active(window) == LOW
    press(window, Key.Key_Return)
    assert [a.geometry for a in window.session.page.annotations] == [LOW]
    assert sorted(decisions(window)) == [Decision.ACCEPTED, Decision.CORRECTED]
    assert visible(window) == [MIDDLE, HIGH]
    press(window, Key.Key_Z, CTRL)
    assert visible(window) == [LOW, MIDDLE, HIGH]
    press(window, Key.Key_Backtab, SHIFT)
    press(window, Key.Key_Backspace)
    assert decisions(window) == [Decision.REJECTED, Decision.REJECTED]


def test_tab_walks_by_confidence_or_from_top_to_bottom(window: MainWindow, said: list[Suggestion]) -> None:
    walked = []
    for _ in range(3):
        walked.append(active(window))
        press(window, Key.Key_Tab)
    assert walked == [LOW, MIDDLE, HIGH]
    QTest.mouseClick(window.annotate.walk_button, Qt.MouseButton.LeftButton)
    window.binding.focus()
    assert window.session.walking.by is Walk.POSITION
    assert window.settings.state.walk == "position"
    assert [e.suggestion.geometry for e in window.annotate.suggestions.model._entries] == [HIGH, MIDDLE, LOW]
    press(window, Key.Key_Backtab, SHIFT)
    press(window, Key.Key_Tab)
    assert active(window) == LOW
    press(window, Key.Key_Tab)
    assert active(window) == HIGH
    press(window, Key.Key_Return)
    assert active(window) == MIDDLE
    press(window, Key.Key_Backspace)
    assert active(window) == LOW


def test_a_digit_after_tab_relabels_also_with_a_drawing_tool(window: MainWindow, said: list[Suggestion]) -> None:
    press(window, "b")
    before = window.session.current_label_id
    press(window, Key.Key_Tab)
    assert active(window) == MIDDLE
    press(window, "3")
    (annotation,) = window.session.page.annotations
    assert window.session.labels[annotation.label_id].name == "bird"
    assert annotation.source is Source.CORRECTED
    assert window.session.current_label_id == before
    press(window, "2")  # nobody walked to what the keys are on now: it is the label of the next box
    assert len(window.session.page.annotations) == 1
    assert window.session.labels[window.session.page.annotations[0].label_id].name in ("bird", "dog")


def test_dragging_a_handle_corrects_and_takes_the_twin_along(window: MainWindow, said: list[Suggestion]) -> None:
    canvas = window.canvas

    def at(x: float, y: float) -> QPoint:
        sx, sy = canvas.view.to_screen(x, y)
        return QPoint(round(sx / canvas.unit), round(sy / canvas.unit))

    canvas.grab()
    QTest.mouseMove(canvas, at(LOW.x2, LOW.y2))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Modifier.NoModifier, at(LOW.x2, LOW.y2))
    QTest.mouseMove(canvas, at(LOW.x2 + 8, LOW.y2 + 4))
    QTest.mouseMove(canvas, at(LOW.x2 + 16, LOW.y2 + 8))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Modifier.NoModifier, at(LOW.x2 + 16, LOW.y2 + 8))
    (annotation,) = window.session.page.annotations
    assert annotation.geometry.bounds() == pytest.approx((20, 80, 76, 118), abs=1)
    assert decisions(window) == [Decision.CORRECTED, Decision.CORRECTED]
    assert visible(window) == [MIDDLE, HIGH]


def test_the_slider_hides_and_all_above_it_are_accepted_in_one_edit(window: MainWindow, said: list[Suggestion]) -> None:
    window.annotate.suggestions.slider.set_value(0.75)
    assert visible(window) == [LOW, MIDDLE]
    assert len(window.canvas.scene) == 2
    press(window, Key.Key_Return, SHIFT)
    assert sorted(a.geometry.bounds() for a in window.session.page.annotations) == sorted(
        [LOW.bounds(), MIDDLE.bounds()]
    )
    assert window.session.open_suggestions()[0].geometry == HIGH
    press(window, Key.Key_Z, CTRL)
    assert window.session.page.annotations == ()
    assert visible(window) == [LOW, MIDDLE]


def test_masks_are_walked_merged_relabelled_hidden_and_accepted_as_boxes_are(window: MainWindow, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: all(window.canvas.image_size))
    press(window, "v")

    def disk(x: int, y: int, radius: int) -> Mask:
        rows, columns = np.mgrid[:120, :160]
        made = Mask.from_array(np.hypot(columns - x, rows - y) <= radius)
        assert made is not None
        return made

    low, twin, middle, high = disk(40, 95, 15), disk(41, 95, 15), disk(100, 55, 15), disk(40, 20, 15)
    rows = (("cat", low, 0.9), ("dog", middle, 0.8), ("cat", high, 0.7), ("cat", twin, 0.6))
    suggest(window, *rows, task=Task.MASKS)
    window.session._reload_page(None)
    assert visible(window) == [low, middle, high]
    assert active(window) == low
    press(window, Key.Key_O, SHIFT)
    press(window, Key.Key_Tab)
    assert active(window) == high
    press(window, "3")
    (annotation,) = window.session.page.annotations
    assert (annotation.geometry, window.session.labels[annotation.label_id].name) == (high, "bird")
    assert annotation.source is Source.CORRECTED
    window.annotate.suggestions.slider.set_value(0.85)
    assert visible(window) == [low]
    window.annotate.suggestions.slider.set_value(0.75)
    assert sorted(visible(window), key=lambda mask: mask.y) == [middle, low]
    press(window, Key.Key_Return, SHIFT)
    assert {a.geometry for a in window.session.page.annotations} == {high, middle, low}
    assert window.session.page.suggestions == ()
    press(window, Key.Key_Z, CTRL)
    assert [a.geometry for a in window.session.page.annotations] == [high]
    assert len(visible(window)) == 2


def test_walking_brings_what_is_out_of_sight_into_view(window: MainWindow, said: list[Suggestion]) -> None:
    canvas = window.canvas
    canvas.zoom_to((80, 40, 90, 50))
    canvas.zoom_by(4.0)
    press(window, Key.Key_Tab)
    press(window, Key.Key_Tab)
    assert active(window) == HIGH
    left, top = canvas.view.to_screen(HIGH.x1, HIGH.y1)
    right, bottom = canvas.view.to_screen(HIGH.x2, HIGH.y2)
    width, height = canvas.screen_size
    assert right > 0 and left < width and bottom > 0 and top < height


def outline(window: MainWindow) -> np.ndarray:
    """The canvas in shades of grey, as someone sees it who sees no colour."""
    picture = window.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    pixels = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return pixels[:, : picture.width()].astype(int)


def test_the_machines_voice_differs_without_colour_and_shaky_differs_from_steady(
    window: MainWindow, qtbot: Any
) -> None:
    """The same box in the same colour: drawn, suggested, and suggested but shaky leave three different pictures."""
    qtbot.waitUntil(lambda: all(window.canvas.image_size))
    canvas, label = window.canvas, next(iter(window.session.labels))
    suggestion = Suggestion(new_annotation(1, label, LOW).id, 1, 1, LOW, ((label, 0.9),), 0.9, 0.9)
    shaky = replace(suggestion, extra={JITTER: 0.2})
    looks, styles = [], []
    for drawn, suggestions in (([new_annotation(1, label, LOW)], []), ([], [suggestion]), ([], [shaky])):
        canvas.set_page(drawn, suggestions, shaky=[s.id for s in suggestions if s.shaky])
        styles.append(Style(int(canvas.scene.style[0])))
        canvas.layer.needs_sharpening = False
        qtbot.wait(250)
        x, y = (round(v) for v in canvas.view.to_screen(LOW.x1, (LOW.y1 + LOW.y2) / 2))
        looks.append(outline(window)[y - 40 : y + 40, x - 1 : x + 2].mean(axis=1))
    assert styles == [Style.SOLID, Style.DASHED, Style.DOTTED]
    along = [np.std(np.diff(look)) for look in looks]
    assert along[0] * 2 < along[1]
    assert along[0] * 2 < along[2]
    assert np.abs(looks[1] - looks[2]).mean() > 10


def test_a_twin_whose_leader_is_gone_speaks_for_itself() -> None:
    walking = Walking()
    lead = Suggestion(new_annotation(1, 1, LOW).id, 1, 1, LOW, ((1, 0.9),), 0.9, 0.9)
    twin = Suggestion(new_annotation(1, 1, TWIN).id, 1, 1, TWIN, ((1, 0.6),), 0.6, 0.6)
    assert walking.visible((lead, twin), 0.0) == [lead]
    assert walking.visible((twin,), 0.0) == [twin]
    assert walking.visible((lead, twin), 0.0) == [lead]
