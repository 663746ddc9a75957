"""Polygons, lines, points, keypoints and tags: what was clicked is what comes out."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Keypoints, Point, Polygon, Polyline, Tag
from ui.canvas.tools import KeypointsTool, PointTool, PolygonTool, PolylineTool, TagTool
from ui.canvas.transform import ViewTransform

SHIFT = Qt.KeyboardModifier.ShiftModifier
TRIANGLE = [(40, 40), (160, 60), (80, 180)]
ZOOMS = [ViewTransform(0.25, 120, 90), ViewTransform(1.0, 100, 100), ViewTransform(2.0, -40, -60)]


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
@pytest.mark.parametrize("end", ["enter", "first vertex", "double-click"])
def test_clicks_draw_a_polygon(canvas, page, mouse, view, end):
    canvas.set_view(view)
    canvas.set_tool(PolygonTool())
    for point in TRIANGLE:
        mouse.click(*point)
    if end == "enter":
        QTest.keyClick(canvas, Qt.Key.Key_Return)
    elif end == "first vertex":
        mouse.click(40, 40)
    else:
        QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, mouse.at(80, 180))
    assert page.drawn == [Polygon.of(TRIANGLE)]
    assert not canvas.tool.busy


def test_backspace_and_ctrl_z_take_back_one_vertex_each(canvas, page, mouse):
    canvas.set_tool(PolygonTool())
    for point in [*TRIANGLE, (200, 200), (220, 200)]:
        mouse.click(*point)
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert page.drawn == [Polygon.of(TRIANGLE)]


def test_escape_abandons_a_polygon_and_enter_with_two_vertices_keeps_it_open(canvas, page, mouse):
    canvas.set_tool(PolygonTool())
    mouse.click(40, 40)
    mouse.click(160, 60)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert canvas.tool.busy
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not canvas.tool.busy and page.drawn == []


def test_a_drag_traces_vertices_at_even_steps(canvas, page, mouse):
    canvas.set_tool(PolygonTool())
    mouse.drag((100, 100), (103, 100), (110, 100), (120, 100), (120, 130), (100, 130))
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert page.drawn == [Polygon.of([(100, 100), (110, 100), (120, 100), (120, 130), (100, 130)])]


def test_a_polygon_stays_in_the_image_and_a_flat_one_is_dropped(canvas, page, mouse):
    canvas.set_tool(PolygonTool())
    for point in [(300, 200), (450, 200), (300, 350)]:
        mouse.click(*point)
    QTest.keyClick(canvas, Qt.Key.Key_Enter)
    for point in [(50, 50), (100, 50), (150, 51)]:
        mouse.click(*point)
    QTest.keyClick(canvas, Qt.Key.Key_Enter)
    assert page.drawn == [Polygon.of([(300, 200), (400, 200), (300, 300)])]


def test_keys_of_an_unfinished_shape_are_kept_from_the_window_shortcuts(canvas, mouse):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    def taken(key: Qt.Key) -> bool:
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        canvas.event(event)
        return event.isAccepted()

    canvas.set_tool(PolygonTool())
    assert not taken(Qt.Key.Key_Backspace) and not taken(Qt.Key.Key_Return)
    mouse.click(40, 40)
    assert taken(Qt.Key.Key_Backspace) and taken(Qt.Key.Key_Return) and not taken(Qt.Key.Key_B)


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
def test_clicks_draw_a_line(canvas, page, mouse, view):
    canvas.set_view(view)
    canvas.set_tool(PolylineTool())
    for point in TRIANGLE:
        mouse.click(*point)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert page.drawn == [Polyline(tuple(TRIANGLE))]


def test_a_horizontal_line_is_a_line(canvas, page, mouse):
    canvas.set_tool(PolylineTool())
    mouse.click(40, 40)
    mouse.click(90, 40)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert page.drawn == [Polyline(((40, 40), (90, 40)))]


def test_a_point_lands_where_the_button_is_released(canvas, page, mouse):
    canvas.set_tool(PointTool())
    mouse.drag((40, 40), (44, 42))
    assert page.drawn == [Point(44, 42)]


def test_keypoints_walk_the_skeleton_of_the_label(canvas, page, mouse):
    canvas.set_current_label(3)
    canvas.set_tool(KeypointsTool())
    mouse.click(40, 40)
    mouse.click(60, 80, SHIFT)
    QTest.keyClick(canvas, Qt.Key.Key_N)
    assert page.drawn == [Keypoints(((40, 40, 2), (60, 80, 1), (0, 0, 0)))]


def test_enter_leaves_the_rest_of_the_skeleton_absent_and_backspace_takes_one_back(canvas, page, mouse):
    canvas.set_current_label(3)
    canvas.set_tool(KeypointsTool())
    mouse.click(40, 40)
    mouse.click(60, 80)
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert page.drawn == [Keypoints(((40, 40, 2), (0, 0, 0), (0, 0, 0)))]


def test_skipping_every_point_draws_nothing(canvas, page, mouse):
    canvas.set_current_label(3)
    canvas.set_tool(KeypointsTool())
    for _ in range(3):
        QTest.keyClick(canvas, Qt.Key.Key_N)
    assert page.drawn == [] and not canvas.tool.busy


def test_a_tag_needs_a_click_on_the_picture(canvas, page, mouse):
    canvas.set_tool(TagTool())
    mouse.click(-50, 40)
    assert page.drawn == []
    mouse.click(50, 40)
    assert page.drawn == [Tag()]


def test_another_tool_abandons_the_shape(canvas, page, mouse):
    polygon = PolygonTool()
    canvas.set_tool(polygon)
    mouse.click(40, 40)
    canvas.set_tool(PointTool())
    assert not polygon.busy and page.drawn == []
