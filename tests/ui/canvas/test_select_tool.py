"""Selecting and editing: what is taken by the mouse follows it, and is sent once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box, Keypoints, Mask, Point, Polygon, Polyline, RotatedBox
from annotator.domain.records import Suggestion
from ui.canvas.transform import ViewTransform

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
ZOOMS = [ViewTransform(0.5, 60, 60), ViewTransform(1.0, 100, 100), ViewTransform(4.0, -190, -150)]


def suggestion(geometry, confidence=0.9) -> Suggestion:
    return Suggestion(uuid4(), 1, 1, geometry, ((2, confidence),), confidence, confidence)


def selected(canvas, page, geometry, **values):
    annotation = page.add(geometry, **values)
    canvas.set_selection([annotation.id])
    return annotation


def test_a_click_selects_and_a_click_on_nothing_selects_nothing(canvas, page, mouse):
    box = page.add(Box(50, 50, 150, 150))
    mouse.click(100, 100)
    assert canvas.selection == (box.id,)
    mouse.click(300, 200)
    assert canvas.selection == ()


def test_shift_adds_and_takes_away(canvas, page, mouse):
    a, b = page.add(Box(50, 50, 100, 100)), page.add(Box(150, 50, 200, 100))
    mouse.click(75, 75)
    mouse.click(175, 75, SHIFT)
    assert canvas.selection == (a.id, b.id)
    mouse.click(75, 75, SHIFT)
    assert canvas.selection == (b.id,)


def test_a_rubber_band_selects_what_it_encloses(canvas, page, mouse):
    a, b = page.add(Box(50, 50, 100, 100)), page.add(Point(120, 80))
    page.add(Box(150, 50, 300, 100))
    mouse.drag((40, 40), (200, 200))
    assert set(canvas.selection) == {a.id, b.id}


def test_the_smaller_of_two_is_on_top_unless_the_order_says_otherwise(canvas, page, mouse):
    small = page.add(Box(90, 90, 130, 130))
    page.add(Box(50, 50, 200, 200))
    mouse.click(110, 110)
    assert canvas.selection == (small.id,)
    raised = page.add(Box(60, 60, 190, 190), z_order=1)
    mouse.click(115, 105)
    assert canvas.selection == (raised.id,)


def test_an_edge_is_hit_before_the_inside_of_what_lies_on_top(canvas, page, mouse):
    large = page.add(Box(50, 50, 200, 200))
    page.add(Box(150, 100, 260, 140))
    mouse.click(200, 120)
    assert canvas.selection == (large.id,)


def test_hidden_annotations_are_neither_hit_nor_shown(canvas, page, mouse):
    page.add(Box(50, 50, 150, 150), hidden=True)
    mouse.click(100, 100)
    assert canvas.selection == () and len(canvas.scene) == 0


def test_the_threshold_removes_suggestions_and_switches_hide_either_kind(canvas, page, mouse):
    low, high = suggestion(Box(50, 50, 100, 100), 0.3), suggestion(Box(150, 50, 200, 100), 0.8)
    page.show(suggestions=(low, high))
    page.add(Box(250, 50, 300, 100))
    canvas.set_shown(threshold=0.5)
    mouse.click(75, 75)
    assert page.activated == []
    mouse.click(175, 75)
    assert page.activated == [high.id]
    canvas.set_shown(suggestions=False)
    assert len(canvas.scene) == 1
    canvas.set_shown(annotations=False, suggestions=True, threshold=0.0)
    assert [r.id for r in canvas.scene.records] == [low.id, high.id]


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
def test_a_drag_moves_a_shape_and_sends_it_once(canvas, page, mouse, view):
    canvas.set_view(view)
    box = page.add(Box(60, 60, 120, 100))
    mouse.drag((80, 80), (90, 90), (100, 110))
    assert page.changes == [{box.id: Box(80, 90, 140, 130)}]


def test_a_moving_shape_follows_the_mouse_before_it_is_sent(canvas, page, mouse):
    box = page.add(Box(60, 60, 120, 100))
    mouse.press(80, 80)
    mouse.held(100, 110)
    assert canvas.previews == {box.id: Box(80, 90, 140, 130)} and page.changes == []
    mouse.release(100, 110)
    assert canvas.previews == {} and page.geometry(box) == Box(80, 90, 140, 130)


def test_a_shape_moves_no_further_than_the_border(canvas, page, mouse):
    box = page.add(Box(60, 60, 120, 100))
    mouse.drag((80, 80), (20, 0), (-60, -80))
    assert page.geometry(box) == Box(0, 0, 60, 40)


def test_several_move_together_and_are_sent_together(canvas, page, mouse):
    a, b = page.add(Box(60, 60, 100, 100)), page.add(Polygon.of([(200, 200), (240, 200), (220, 240)]))
    canvas.set_selection([a.id, b.id])
    mouse.drag((80, 80), (90, 100))
    assert page.changes == [{a.id: Box(70, 80, 110, 120), b.id: Polygon.of([(210, 220), (250, 220), (230, 260)])}]


def test_a_locked_annotation_is_selected_but_not_moved(canvas, page, mouse):
    box = page.add(Box(60, 60, 120, 100), locked=True)
    mouse.drag((80, 80), (150, 150))
    mouse.drag((120, 100), (150, 150))
    assert canvas.selection == (box.id,) and page.changes == []


def test_masks_move_by_whole_pixels(canvas, page, mouse):
    mask = page.add(Mask(50, 50, 20, 20, (0, 400)))
    canvas.set_view(ViewTransform(4.0, -100, -100))
    mouse.drag((60, 60), (65, 62.25))
    assert page.geometry(mask) == Mask(55, 52, 20, 20, (0, 400))


@pytest.mark.parametrize("view", ZOOMS, ids=lambda v: f"x{v.scale}")
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((60, 60), (50, 40), Box(50, 40, 120, 120)),
        ((120, 90), (140, 70), Box(60, 60, 140, 120)),
        ((90, 120), (70, 100), Box(60, 60, 120, 100)),
        ((60, 60), (140, 140), Box(120, 120, 140, 140)),
    ],
    ids=["corner", "right side", "bottom side", "turned over"],
)
def test_handles_resize_a_box(canvas, page, mouse, view, start, end, expected):
    canvas.set_view(view)
    box = selected(canvas, page, Box(60, 60, 120, 120))
    mouse.drag(start, end)
    assert page.changes == [{box.id: expected}]


def test_the_rotate_handle_turns_a_box_and_shift_turns_in_steps(canvas, page, mouse):
    box = selected(canvas, page, RotatedBox(150, 150, 80, 40, 0))
    mouse.drag((150, 106), (194, 150))
    assert page.geometry(box) == RotatedBox(150, 150, 80, 40, 90)


def test_a_side_of_a_rotated_box_moves_while_the_other_stays(canvas, page, mouse):
    box = selected(canvas, page, RotatedBox(150, 150, 80, 40, 90))
    before = box.geometry.corners()
    mouse.drag((150, 190), (150, 210))
    after = page.geometry(box)
    assert (after.width, after.height, after.angle) == pytest.approx((100, 40, 90))
    assert after.corners()[0] == pytest.approx(before[0]) and after.corners()[3] == pytest.approx(before[3])


def test_a_vertex_is_dragged(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (140, 60), (100, 140)]))
    mouse.drag((140, 60), (180, 80))
    assert page.changes == [{polygon.id: Polygon.of([(60, 60), (180, 80), (100, 140)])}]


def test_dragging_an_edge_inserts_a_vertex(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (140, 60), (100, 140)]))
    mouse.drag((100, 60), (100, 30))
    assert page.changes == [{polygon.id: Polygon.of([(60, 60), (100, 30), (140, 60), (100, 140)])}]


def test_a_click_on_an_edge_changes_nothing(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (140, 60), (100, 140)]))
    mouse.click(100, 60)
    assert page.changes == [] and canvas.selection == (polygon.id,)


def test_alt_click_deletes_a_vertex_but_not_of_a_triangle(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (140, 60), (140, 140), (60, 140)]))
    mouse.click(140, 140, ALT)
    assert page.geometry(polygon) == Polygon.of([(60, 60), (140, 60), (60, 140)])
    mouse.click(140, 60, ALT)
    assert page.geometry(polygon) == Polygon.of([(60, 60), (140, 60), (60, 140)])


def test_a_line_gains_and_loses_vertices(canvas, page, mouse):
    line = selected(canvas, page, Polyline(((60, 60), (140, 60))))
    mouse.drag((100, 60), (100, 100))
    assert page.geometry(line) == Polyline(((60, 60), (100, 100), (140, 60)))
    mouse.click(60, 60, ALT)
    assert page.geometry(line) == Polyline(((100, 100), (140, 60)))


def test_a_keypoint_is_dragged_and_the_absent_one_stays_absent(canvas, page, mouse):
    points = selected(canvas, page, Keypoints(((60, 60, 2), (0, 0, 0), (100, 140, 1))), label_id=3)
    mouse.drag((100, 140), (120, 150))
    assert page.geometry(points) == Keypoints(((60, 60, 2), (0, 0, 0), (120, 150, 1)))


def test_holding_h_cuts_a_hole(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (200, 60), (200, 200), (60, 200)]))
    hole = [(100, 100), (140, 100), (120, 140)]
    QTest.keyPress(canvas, Qt.Key.Key_H)
    for point in hole:
        mouse.click(*point)
    QTest.keyRelease(canvas, Qt.Key.Key_H)
    assert page.geometry(polygon) == Polygon.of([(60, 60), (200, 60), (200, 200), (60, 200)], hole)
    mouse.click(120, 110)
    assert canvas.selection == ()


def test_a_hole_across_the_border_cuts_a_piece_off(canvas, page, mouse):
    polygon = selected(canvas, page, Polygon.of([(60, 60), (200, 60), (200, 200), (60, 200)]))
    QTest.keyPress(canvas, Qt.Key.Key_H)
    for point in [(150, 50), (250, 50), (250, 250), (150, 250)]:
        mouse.click(*point)
    QTest.keyRelease(canvas, Qt.Key.Key_H)
    assert page.geometry(polygon).bounds() == (60, 60, 150, 200)


def test_arrow_keys_are_merged_into_one_change(canvas, page, qtbot):
    box = selected(canvas, page, Box(60, 60, 120, 100))
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Down, SHIFT)
    assert canvas.previews == {box.id: Box(62, 70, 122, 110)} and page.changes == []
    qtbot.waitUntil(lambda: bool(page.changes))
    assert page.changes == [{box.id: Box(62, 70, 122, 110)}]


def test_a_click_sends_pending_nudges_first(canvas, page, mouse):
    box = selected(canvas, page, Box(60, 60, 120, 100))
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    mouse.click(300, 200)
    assert page.changes == [{box.id: Box(61, 60, 121, 100)}]


def test_a_handle_of_the_active_suggestion_corrects_it(canvas, page, mouse):
    proposed = suggestion(Box(60, 60, 120, 100))
    page.show(suggestions=(proposed,))
    mouse.click(90, 80)
    assert page.activated == [proposed.id] and page.corrected == []
    mouse.drag((120, 100), (140, 120))
    assert page.corrected == [(proposed.id, Box(60, 60, 140, 120))] and page.changes == []


def test_escape_in_a_drag_puts_the_shape_back(canvas, page, mouse):
    page.add(Box(60, 60, 120, 100))
    mouse.press(80, 80)
    mouse.held(120, 120)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    mouse.release(120, 120)
    assert page.changes == [] and canvas.previews == {}


def test_delete_asks_for_deletion(canvas, qtbot):
    with qtbot.waitSignal(canvas.delete_requested):
        QTest.keyClick(canvas, Qt.Key.Key_Delete)


def test_hovering_says_what_is_under_the_mouse(canvas, page, mouse):
    box = page.add(Box(60, 60, 120, 100))
    heard: list[object] = []
    canvas.hovered.connect(heard.append)
    mouse.move(80, 80)
    mouse.move(84, 84)
    mouse.move(300, 200)
    assert heard == [box.id, None]
