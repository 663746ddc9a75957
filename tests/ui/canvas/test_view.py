"""The view: zooming at the cursor, panning, fitting, and what is remembered of it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.domain.geometry import Box
from tests.ui.canvas.conftest import plain
from ui.canvas import ViewState
from ui.canvas.tools import BoxTool
from ui.canvas.transform import MAX_SCALE, MIN_SCALE, ViewTransform
from ui.canvas.viewport import Viewport

MIDDLE, LEFT, NONE = Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def wheel(canvas, x: float, y: float, notches: int) -> None:
    at = QPointF(x, y)
    event = QWheelEvent(
        at,
        canvas.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


@pytest.mark.parametrize("notches", [1, 5, -1, -5])
def test_the_wheel_keeps_the_point_under_the_cursor(canvas, notches):
    before = canvas.view.to_image(250, 180)
    wheel(canvas, 250, 180, notches)
    assert canvas.view.scale == pytest.approx(1.2**notches)
    assert canvas.view.to_image(250, 180) == pytest.approx(before, abs=1e-6)


def test_zoom_has_its_limits(canvas):
    wheel(canvas, 250, 180, 100)
    assert canvas.view.scale == MAX_SCALE
    wheel(canvas, 250, 180, -300)
    assert canvas.view.scale == MIN_SCALE


def test_an_image_of_any_size_fits_and_zooming_out_never_zooms_in(canvas):
    canvas.set_picture(plain(), 120_000, 90_000)
    QTest.keyClick(canvas, Qt.Key.Key_F)
    assert canvas.view.scale == pytest.approx((600 - 24) / 120_000) and canvas.view.scale < MIN_SCALE
    fitted = canvas.view
    wheel(canvas, 250, 180, -1)
    assert canvas.view.scale == fitted.scale
    wheel(canvas, 250, 180, 1)
    assert canvas.view.scale == pytest.approx(1.2 * fitted.scale)
    state = canvas.view_state()
    canvas.fit()
    canvas.set_view_state(state)
    assert canvas.view.scale == pytest.approx(state.scale)


def test_the_middle_button_pans_in_any_tool(canvas, page):
    canvas.set_tool(BoxTool())
    QTest.mousePress(canvas, MIDDLE, NONE, QPoint(200, 200))
    QTest.mouseMove(canvas, QPoint(230, 190))
    QTest.mouseRelease(canvas, MIDDLE, NONE, QPoint(230, 190))
    assert canvas.view == ViewTransform(1.0, 130, 90) and page.drawn == []


def test_space_pans_while_it_is_held(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    mouse.drag((60, 60), (100, 80))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert (canvas.view.dx, canvas.view.dy) == (140, 120) and page.drawn == []
    mouse.drag((60, 60), (100, 80))
    assert page.drawn == [Box(60, 60, 100, 80)]


def test_keys_fit_and_show_one_to_one(canvas):
    QTest.keyClick(canvas, Qt.Key.Key_F)
    assert canvas.view.scale == pytest.approx((600 - 24) / 400)
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.view == ViewTransform(1.0, 100, 100)


def test_a_double_click_fits_but_not_in_the_middle_of_drawing(canvas, mouse):
    QTest.mouseDClick(canvas, LEFT, NONE, QPoint(200, 200))
    assert canvas.view_state().fitted
    canvas.set_view(ViewTransform(1.0, 100, 100))
    canvas.set_tool(BoxTool())
    mouse.click(50, 50)
    QTest.mouseDClick(canvas, LEFT, NONE, mouse.at(80, 80))
    assert canvas.view == ViewTransform(1.0, 100, 100)


def test_z_zooms_to_the_selection(canvas, page):
    box = page.add(Box(100, 100, 140, 120))
    canvas.set_selection([box.id])
    QTest.keyClick(canvas, Qt.Key.Key_Z)
    left, top = canvas.view.to_screen(100, 100)
    right, bottom = canvas.view.to_screen(140, 120)
    assert (left + right) / 2 == pytest.approx(300, abs=1) and (top + bottom) / 2 == pytest.approx(250, abs=1)
    assert right - left == pytest.approx(600 - 128)


def test_a_view_is_remembered_and_a_fitted_one_fits_again(canvas):
    canvas.set_view(ViewTransform(2.0, -100, -80))
    state = canvas.view_state()
    canvas.fit()
    canvas.set_view_state(state)
    assert canvas.view == ViewTransform(2.0, -100, -80)
    canvas.fit()
    state = canvas.view_state()
    canvas.resize(800, 700)
    canvas.set_view_state(state)
    assert canvas.view.scale == pytest.approx((800 - 24) / 400)


def test_a_fitted_picture_stays_fitted_when_the_widget_grows(canvas):
    canvas.fit()
    canvas.resize(1000, 900)
    assert canvas.view.scale == pytest.approx((1000 - 24) / 400)


def test_a_sharper_frame_keeps_the_view_and_another_size_fits(canvas):
    canvas.set_view(ViewTransform(2.0, -100, -80))
    canvas.set_picture(plain(200, 150), 400, 300)
    assert canvas.view == ViewTransform(2.0, -100, -80)
    canvas.set_picture(plain(100, 100))
    assert canvas.view_state().fitted


def test_the_picture_cannot_be_pushed_out_of_sight(canvas):
    canvas.pan_by(-5000, -5000)
    right, bottom = canvas.view.to_screen(400, 300)
    assert right >= 40 and bottom >= 40


def test_a_remembered_place_is_kept_exactly_at_the_pixel_grid(canvas):
    canvas.set_view_state(ViewState(200.5, 150.5, 32.0))
    assert canvas.view.to_image(300, 250) == pytest.approx((200.5, 150.5), abs=1 / 32)


def test_the_canvas_says_what_it_shows(canvas, page):
    box = page.add(Box(100, 100, 140, 120))
    canvas.set_selection([box.id])
    assert canvas.accessibleName() == "Canvas"
    assert canvas.accessibleDescription() == "1 annotations, 0 suggestions, selected: cat (box)"


def test_reading_order_goes_down_and_then_right(canvas, page):
    low, right, left = page.add(Box(0, 90, 9, 99)), page.add(Box(50, 10, 60, 20)), page.add(Box(5, 10, 15, 20))
    assert canvas.reading_order() == [left.id, right.id, low.id]


@pytest.mark.parametrize("ratio", [1.5, 2.0])
def test_on_a_dense_screen_shapes_lie_where_the_mouse_was(canvas, page, monkeypatch, ratio):
    monkeypatch.setattr(Viewport, "unit", property(lambda self: ratio))
    canvas.set_view(ViewTransform(ratio, 60, 30))
    canvas.set_tool(BoxTool())
    start, end = (
        QPoint(round((60 + ratio * x) / ratio), round((30 + ratio * y) / ratio)) for x, y in ((60, 40), (140, 120))
    )
    QTest.mousePress(canvas, LEFT, NONE, start)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, LEFT, NONE, end)
    assert page.drawn == [Box(60, 40, 140, 120)]
    assert canvas.screen_size == (600 * ratio, 500 * ratio)
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.view.scale == 1.0
