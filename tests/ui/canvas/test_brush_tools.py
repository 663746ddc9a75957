"""Brush and eraser set exactly the pixels whose centres are under the brush."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.domain.geometry import Box, Mask
from ui.canvas.tools import BrushTool, EraserTool
from ui.canvas.transform import ViewTransform

SHIFT = Qt.KeyboardModifier.ShiftModifier


def capsule(a, b, diameter, width=400, height=300) -> np.ndarray:
    """Pixels whose centres lie within half a diameter of the segment a-b."""
    y, x = np.mgrid[:height, :width] + 0.5
    a, d = np.array(a, float), np.array(b, float) - np.array(a, float)
    t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(d @ d, 1e-12), 0, 1)
    return np.hypot(x - a[0] - t * d[0], y - a[1] - t * d[1]) <= diameter / 2


def brush(canvas, tool=BrushTool, diameter=20.0):
    tool = tool()
    tool.diameter = diameter
    canvas.set_tool(tool)
    return tool


def full(mask: Mask) -> np.ndarray:
    return mask.to_full_array(300, 400)


def square(x1, y1, x2, y2) -> Mask:
    mask = Mask.from_array(np.ones((y2 - y1, x2 - x1), bool), x1, y1)
    assert mask is not None
    return mask


@pytest.mark.parametrize("view", [ViewTransform(0.5, 50, 50), ViewTransform(1, 100, 100), ViewTransform(3, -60, -90)])
def test_a_stroke_is_the_area_swept_by_the_brush(canvas, page, mouse, view):
    canvas.set_view(view)
    brush(canvas)
    mouse.drag((60, 60), (120, 90))
    (mask,) = page.drawn
    assert np.array_equal(full(mask), capsule((60, 60), (120, 90), 20))


def test_a_click_with_the_smallest_brush_sets_one_pixel(canvas, page, mouse):
    brush(canvas, diameter=1.0)
    mouse.click(60, 70)
    assert page.drawn == [Mask(60, 70, 1, 1, (0, 1))]


def test_a_stroke_ends_at_the_border(canvas, page, mouse):
    brush(canvas)
    mouse.drag((395, 150), (440, 150))
    (mask,) = page.drawn
    assert np.array_equal(full(mask), capsule((395, 150), (440, 150), 20))
    assert mask.x + mask.width == 400


def test_shift_draws_a_straight_line_whatever_way_the_mouse_went(canvas, page, mouse):
    brush(canvas)
    mouse.press(60, 60, SHIFT)
    QTest.keyPress(canvas, Qt.Key.Key_Shift)
    for x, y in ((90, 200), (160, 60)):
        QApplication.sendEvent(canvas, _move(canvas, x, y, SHIFT))
    mouse.release(160, 60, SHIFT)
    (mask,) = page.drawn
    assert np.array_equal(full(mask), capsule((60, 60), (160, 60), 20))


def _move(canvas, x, y, modifiers):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    at = QPointF(*canvas.view.to_screen(x, y))
    left = Qt.MouseButton.LeftButton
    return QMouseEvent(QEvent.Type.MouseMove, at, canvas.mapToGlobal(at), Qt.MouseButton.NoButton, left, modifiers)


def test_a_stroke_extends_the_selected_mask(canvas, page, mouse):
    annotation = page.add(square(50, 50, 80, 80))
    canvas.set_selection([annotation.id])
    brush(canvas)
    mouse.drag((80, 60), (120, 60))
    assert page.drawn == []
    expected = capsule((80, 60), (120, 60), 20)
    expected[50:80, 50:80] = True
    assert np.array_equal(full(page.geometry(annotation)), expected)


def test_the_right_button_erases(canvas, page, mouse):
    annotation = page.add(square(50, 50, 80, 80))
    canvas.set_selection([annotation.id])
    brush(canvas)
    mouse.drag((80, 60), (90, 60), button=Qt.MouseButton.RightButton)
    expected = np.zeros((300, 400), bool)
    expected[50:80, 50:80] = True
    assert np.array_equal(full(page.geometry(annotation)), expected & ~capsule((80, 60), (90, 60), 20))


def test_the_eraser_takes_from_the_mask_under_it_when_none_is_selected(canvas, page, mouse):
    annotation = page.add(square(50, 50, 80, 80))
    brush(canvas, EraserTool, 6.0)
    mouse.click(65, 65)
    assert full(page.geometry(annotation)).sum() == 900 - capsule((65, 65), (65, 65), 6).sum()


def test_erasing_all_of_a_mask_asks_for_its_deletion(canvas, page, mouse, qtbot):
    annotation = page.add(square(60, 60, 64, 64))
    brush(canvas, EraserTool, 30.0)
    with qtbot.waitSignal(canvas.delete_requested):
        mouse.click(62, 62)
    assert canvas.selection == (annotation.id,) and page.changes == []


def test_the_eraser_leaves_locked_masks_and_boxes_alone(canvas, page, mouse):
    page.add(square(50, 50, 80, 80), locked=True)
    page.add(Box(100, 100, 150, 150))
    brush(canvas, EraserTool)
    mouse.click(65, 65)
    mouse.click(120, 120)
    assert page.changes == []


@pytest.mark.parametrize("keep", [True, False])
def test_strokes_keep_off_locked_masks_if_told_to(canvas, page, mouse, keep):
    page.add(square(100, 50, 130, 80), locked=True)
    tool = brush(canvas)
    tool.keep_others = keep
    mouse.drag((60, 60), (160, 60))
    (mask,) = page.drawn
    expected = capsule((60, 60), (160, 60), 20)
    if keep:
        expected[50:80, 100:130] = False
    assert np.array_equal(full(mask), expected)


def test_brackets_and_the_wheel_with_ctrl_change_the_size(canvas, mouse):
    tool = brush(canvas, diameter=20.0)
    QTest.keyClick(canvas, Qt.Key.Key_BracketRight)
    assert tool.diameter == pytest.approx(24)
    QTest.keyClick(canvas, Qt.Key.Key_BracketLeft)
    assert tool.diameter == pytest.approx(20)
    scale = canvas.view.scale
    at = QPointF(200, 200)
    wheel = QWheelEvent(
        at,
        at,
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, wheel)
    assert tool.diameter == pytest.approx(24) and canvas.view.scale == scale


def test_escape_first_drops_the_stroke_then_the_selection(canvas, page, mouse):
    annotation = page.add(square(50, 50, 80, 80))
    canvas.set_selection([annotation.id])
    brush(canvas)
    mouse.press(100, 100)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    mouse.release(100, 100)
    assert page.changes == [] and canvas.selection == (annotation.id,)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.selection == ()


def test_the_next_brush_has_the_size_of_the_last(canvas, mouse):
    tool = brush(canvas, diameter=20.0)
    QTest.keyClick(canvas, Qt.Key.Key_BracketRight)
    canvas.set_tool(EraserTool())
    assert canvas.tool.diameter == tool.diameter
