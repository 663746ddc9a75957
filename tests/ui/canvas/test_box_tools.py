"""Boxes are drawn exactly where the mouse was, at any zoom."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box, RotatedBox
from ui.canvas.tools import BoxTool, RotatedBoxTool
from ui.canvas.transform import ViewTransform

ZOOMS = [ViewTransform(0.25, 120, 90), ViewTransform(1.0, 100, 100), ViewTransform(4.0, -200, -100)]


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
def test_a_drag_draws_the_box_between_its_ends(canvas, page, mouse, view):
    canvas.set_view(view)
    canvas.set_tool(BoxTool())
    mouse.drag((60, 40), (80, 92), (140, 120))
    assert page.drawn == [Box(60, 40, 140, 120)]


def test_a_drag_to_the_top_left_gives_corners_in_order(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.drag((140, 120), (60, 40))
    assert page.drawn == [Box(60, 40, 140, 120)]


def test_two_clicks_draw_a_box(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.click(60, 40)
    assert page.drawn == [] and canvas.tool.busy
    mouse.click(140, 120)
    assert page.drawn == [Box(60, 40, 140, 120)] and not canvas.tool.busy


def test_a_box_ends_at_the_border_of_the_image(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.drag((350, 250), (460, 380))
    assert page.drawn == [Box(350, 250, 400, 300)]


def test_shift_makes_a_square_that_stays_inside(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.drag((60, 40), (100, 70), modifiers=Qt.KeyboardModifier.ShiftModifier)
    mouse.drag((380, 40), (390, 90), modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert page.drawn == [Box(60, 40, 100, 80), Box(380, 40, 400, 60)]


def test_a_sliver_is_dropped(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.drag((60, 40), (61, 120))
    assert page.drawn == []


def test_escape_abandons_a_box(canvas, page, mouse):
    canvas.set_tool(BoxTool())
    mouse.click(60, 40)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not canvas.tool.busy
    mouse.drag((10, 10), (30, 30))
    assert page.drawn == [Box(10, 10, 30, 30)]


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
def test_a_rotated_box_stands_on_the_side_that_was_dragged(canvas, page, mouse, view):
    canvas.set_view(view)
    canvas.set_tool(RotatedBoxTool())
    mouse.drag((60, 40), (140, 40))
    mouse.click(100, 80)
    assert page.drawn == [RotatedBox(100, 60, 80, 40, 0)]


def test_a_slanted_rotated_box_has_its_corners_where_they_were_set(canvas, page, mouse):
    canvas.set_tool(RotatedBoxTool())
    mouse.click(100, 100)
    mouse.click(160, 180)
    mouse.click(120, 195)  # 45 px beside the line of (100, 100) and (160, 180), to the left of its direction
    (box,) = page.drawn
    corners = box.corners()
    assert corners[0] == pytest.approx((100, 100)) and corners[1] == pytest.approx((160, 180))
    assert (box.width, box.height, box.angle) == pytest.approx((100, 41, 53.130102354))


def test_a_side_drawn_beside_the_image_is_dropped(canvas, page, mouse):
    canvas.set_tool(RotatedBoxTool())
    mouse.drag((-40, -40), (-80, -90))
    mouse.click(100, 100)
    mouse.click(200, 100)
    mouse.click(150, 150)
    assert page.drawn == [RotatedBox(150, 125, 100, 50, 0)]
