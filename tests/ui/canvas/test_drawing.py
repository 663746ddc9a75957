"""What is on screen: mended layers look as if drawn anew, masks show their pixels, chips keep out of each other's way."""

from __future__ import annotations

import math
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QImage

from annotator.domain.geometry import Box, Mask, Point, Polygon
from annotator.domain.kinds import Source
from annotator.domain.records import Label, Suggestion, new_annotation
from tests.ui.canvas.conftest import Plain, plain
from ui.canvas import LIGHT, CanvasColors, chips, masks, picture, raster
from ui.canvas.colors import rgb, text_on
from ui.canvas.images import adjustment, pixels_of
from ui.canvas.raster import Paths, dashes
from ui.canvas.tools import BoxTool
from ui.canvas.transform import ViewTransform


def blobs(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    circle = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    return [
        new_annotation(1, int(rng.integers(1, 4)), Polygon.of((c + circle * r).tolist()))
        for c, r in zip(rng.uniform((20, 20), (380, 280), (count, 2)), rng.uniform(4, 18, count), strict=True)
    ]


def grab(canvas) -> np.ndarray:
    image = QImage(canvas.size(), QImage.Format.Format_ARGB32_Premultiplied)
    canvas.render(image)
    return pixels_of(image).copy()


def sharpen(canvas) -> None:
    grab(canvas)
    while canvas.layer.needs_sharpening:
        canvas._sharpen()


def redrawn(canvas) -> np.ndarray:
    """The shapes' layer, drawn anew and sharp."""
    canvas.layer.invalidate()
    sharpen(canvas)
    return pixels_of(canvas.layer.image).copy()


@pytest.mark.parametrize("count", [20, 800], ids=["few", "many"])
def test_a_mended_layer_equals_one_drawn_anew(canvas, page, count):
    records = blobs(count)
    page.show(*records)
    sharpen(canvas)
    canvas.pan_by(-60, 35)
    sharpen(canvas)
    moved = replace(records[3], geometry=records[3].geometry.moved(9, -7))
    page.show(*records[:3], moved, *records[4:-1])
    sharpen(canvas)
    mended = pixels_of(canvas.layer.image).astype(int)  # a copy
    different = np.abs(mended - redrawn(canvas)).max(axis=2) > 48
    # Where rectangles meet, single anti-aliased pixels may differ; whole lines may not.
    assert different.mean() < 0.002


def test_many_shapes_show_coarsely_first_and_sharply_after_a_rest(canvas, page, qtbot):
    page.show(*blobs(2500))
    grab(canvas)
    assert canvas.layer.needs_sharpening
    coarse = pixels_of(canvas.layer.image).copy()
    assert coarse.any()
    qtbot.waitUntil(lambda: not canvas.layer.needs_sharpening)
    assert not np.array_equal(coarse, pixels_of(canvas.layer.image))


def test_a_zoom_during_sharpening_starts_it_again(canvas, page):
    page.show(*blobs(2500))
    grab(canvas)
    canvas._sharpen()
    canvas.zoom_by(1.5)
    assert canvas._sharpening is None
    sharpen(canvas)
    shown = pixels_of(canvas.layer.image).copy()
    assert shown.any() and np.array_equal(shown, redrawn(canvas))


def test_an_outline_is_two_pixels_of_colour_in_a_dark_halo(canvas, page):
    for scale in (0.5, 1.0, 8.0):
        page.show()
        page.add(Box(20, 20, 60, 60))
        canvas.set_view(ViewTransform(scale, 100, 100))
        grab(canvas)
        x, y = round(100 + 20 * scale), round(100 + 40 * scale)
        row = pixels_of(canvas.layer.image)[y, x - 6 : x + 6]
        red, green, blue = rgb("#4E9BFF")
        solid = (np.abs(row[:, :3].astype(int) - (blue, green, red)) < 6).all(axis=1)
        assert solid.sum() == 2
        first, last = np.flatnonzero(solid)[[0, -1]]
        for beside in (row[first - 1], row[last + 1]):
            assert beside[3] > 150 and beside[:3].max() < 90


def test_the_table_of_brightness_and_contrast():
    assert np.array_equal(adjustment(0, 0), np.arange(256))
    assert adjustment(0.5, 0)[0] == 128 and adjustment(0, -1).tolist() == [128] * 256
    assert adjustment(0, 0.5)[[0, 255]].tolist() == [0, 255]


def test_brightness_changes_the_picture_and_not_the_file(canvas):
    picture = plain(value=100)
    canvas.set_picture(picture)
    canvas.set_adjust(0.2, 0.0)
    assert grab(canvas)[250, 300, :3].tolist() == [151, 151, 151]
    assert (picture.pixels == 100).all()
    canvas.set_adjust(0.0, 0.0)
    assert grab(canvas)[250, 300, :3].tolist() == [100, 100, 100]


def test_pixels_lie_exactly_where_coordinates_say(canvas):
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[120, 200] = (250, 10, 20)
    canvas.set_picture(Plain(pixels, 400, 300))
    canvas.set_view(ViewTransform(4.0, -700, -400))
    shot = grab(canvas)
    lit = np.argwhere(shot[..., 2] > 200)
    assert lit.min(axis=0).tolist() == [80, 100] and lit.max(axis=0).tolist() == [83, 103]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_a_large_picture_is_painted_from_its_own_memory_as_a_small_one_is_from_a_copy(
    canvas, monkeypatch, channels, scale
):
    pixels = np.random.default_rng(8).integers(0, 256, (900, 1200, channels), dtype=np.uint8)
    pixels.flags.writeable = False

    def drawn(limit: int) -> np.ndarray:
        monkeypatch.setattr(picture, "CONVERTED_PIXELS", limit)
        canvas.set_picture(None)
        canvas.set_picture(Plain(pixels, 1200, 900))
        canvas.set_view(ViewTransform(scale, -20, -10))
        canvas.grab()
        return pixels_of(canvas._picture.image).astype(int)

    assert np.abs(drawn(10**9) - drawn(0)).max() <= 2
    canvas.set_adjust(0.3, 0.0)
    assert np.array_equal(drawn(10**9), drawn(0))


def test_alpha_shows_a_checkerboard(canvas):
    pixels = np.zeros((300, 400, 4), np.uint8)
    canvas.set_picture(Plain(pixels, 400, 300))
    shades = {tuple(p) for p in grab(canvas)[200:260, 200:260, :3].reshape(-1, 3).tolist()}
    assert shades == {tuple(reversed(rgb(c))) for c in (CanvasColors().checker_even, CanvasColors().checker_odd)}


@pytest.mark.parametrize("value", [0, 128, 255])
def test_the_pixel_grid_begins_at_eight_on_any_picture(canvas, value):
    canvas.set_picture(plain(value=value))

    def lines(scale: float) -> int:
        canvas.set_view(ViewTransform(scale, -500, -500))
        return len({tuple(p) for p in grab(canvas)[240:260, 200:300, :3].reshape(-1, 3).tolist()})

    assert lines(7.0) == 1 and lines(8.0) >= 2


masks_of_size = st.integers(1, 12).flatmap(
    lambda w: st.integers(1, 12).flatmap(
        lambda h: st.lists(st.lists(st.booleans(), min_size=w, max_size=w), min_size=h, max_size=h)
    )
)


@given(masks_of_size, st.data())
@settings(max_examples=100, deadline=None)
def test_columns_of_a_mask_are_decoded_alone(rows, data):
    mask = Mask.from_array(np.array(rows), 3, 5)
    if mask is None:
        return
    whole = mask.to_array()
    first = data.draw(st.integers(0, mask.width - 1))
    last = data.draw(st.integers(first + 1, mask.width))
    assert np.array_equal(masks.decode_columns(mask, first, last), whole[:, first:last])
    for y in range(-1, mask.height + 1):
        for x in range(-1, mask.width + 1):
            inside = 0 <= x < mask.width and 0 <= y < mask.height and bool(whole[y, x])
            assert masks.contains(mask, mask.x + x + 0.5, mask.y + y + 0.5) == inside


def test_a_mask_on_screen_covers_its_pixels(canvas):
    mask = Mask.from_array(np.array([[1, 0, 1], [1, 1, 1]], bool), 10, 20)
    pixels, x, y = masks.on_screen(mask, ViewTransform(4.0, 0, 0), (0, 0, 600, 500))
    assert (x, y) == (40, 80)
    assert np.array_equal(pixels, np.kron([[1, 0, 1], [1, 1, 1]], np.ones((4, 4))))
    assert masks.on_screen(mask, ViewTransform(4.0, -1000, 0), (0, 0, 600, 500)) is None


def test_dashes_have_their_lengths_on_every_path():
    square = np.array([(0, 0), (20, 0), (20, 20), (0, 20)], float)
    line = np.array([(100, 0), (125, 0)], float)
    paths = Paths(
        np.concatenate((square, line)),
        np.array([0, 4, 6]),
        np.array([0, 1]),
        np.ones(2, np.uint8),
        np.ones(2, np.uint8),
        np.array([True, False]),
    )
    pieces = dashes(paths, np.array([0, 1]), 6.0, 4.0)
    assert len(pieces) == 8 + 3
    assert pieces[0] == pytest.approx(np.array([(0, 0), (6, 0)]), abs=1e-4)
    assert pieces[7] == pytest.approx(np.array([(0, 10), (0, 4)]), abs=1e-4)
    assert pieces[10] == pytest.approx(np.array([(120, 0), (125, 0)]), abs=1e-4)


def test_near_vertices_are_left_out_but_every_path_stays(canvas, page):
    page.show(*blobs(30))
    scene = canvas.scene
    items = np.arange(len(scene))
    full = raster.project(scene, items, ViewTransform(), (0, 0), 1e-3)
    few = raster.project(scene, items, ViewTransform(), (0, 0), 8.0)
    assert len(full.points) == 30 * 40 and len(few.points) < 600
    assert len(few.start) == 31 and (np.diff(few.start) >= 1).all()


def test_a_coarse_frame_spares_vertices_of_long_paths_only(canvas, page):
    page.show(*blobs(30), *(new_annotation(1, 1, Box(5 * i, 9, 5 * i + 30, 40)) for i in range(20)))
    scene, view = canvas.scene, ViewTransform(7.0, 3.0, -2.0)
    items = scene.all()
    full = raster.project(scene, items, view, (5, 6), 1e-3)
    few = raster.project(scene, items, view, (5, 6), 1e-3, 4)
    lengths = np.diff(full.start)
    kept = np.diff(few.start)
    assert set(lengths.tolist()) == {4, 40} and (kept[lengths == 4] == 4).all()
    assert ((kept[lengths == 40] >= 10) & (kept[lengths == 40] <= 11)).all()
    assert few.points[few.start[:-1]] == pytest.approx(full.points[full.start[:-1]])
    known = {tuple(point) for point in full.points.round(6).tolist()}
    assert all(tuple(point) in known for point in few.points.round(6).tolist())


def test_chips_neither_overlap_nor_leave_the_image(qapp):
    room = QRectF(10, 10, 300, 200)
    metrics = QFontMetricsF(QFont())
    wanted = [
        chips.Chip(f"label {i}", (200, 80, 80), QRectF(20 + 9 * (i % 7), 15 + 12 * (i // 7), 60, 40)) for i in range(40)
    ]
    placed = [rect for _, rect in chips.place(wanted, room, metrics, 1.0)]
    assert 5 < len(placed) <= 40
    assert all(room.contains(rect) for rect in placed)
    assert not any(a.intersects(b) for i, a in enumerate(placed) for b in placed[:i])


def test_chips_say_what_a_shape_is():
    labels = {1: Label(1, "cat")}
    box = Box(0, 0, 9, 9)
    proposed = Suggestion(uuid4(), 1, 1, box, ((1, 0.926),), 0.9, 0.926)
    assert chips.chip_text(proposed, labels, False) == "cat 93%"
    assert chips.chip_text(proposed, labels, True) == "◇ cat 93%"
    assert chips.chip_text(new_annotation(1, 1, box, source=Source.CERTIFIED), labels, False) == "✓ cat"
    assert chips.chip_text(new_annotation(1, 1, box), labels, False) == "cat"


@pytest.mark.parametrize(("color", "text"), [("#F2C037", "#000000"), ("#1B3C8F", "#FFFFFF"), ("#E5556B", "#000000")])
def test_text_on_a_label_colour_is_the_one_with_more_contrast(color, text):
    assert text_on(rgb(color), "#000000", "#FFFFFF") == text


def test_a_theme_repaints_everything(canvas):
    canvas.set_colors(LIGHT)
    assert grab(canvas)[10, 10, :3].tolist() == list(reversed(rgb(LIGHT.surround)))


def test_an_empty_canvas_takes_every_event(canvas, mouse):
    canvas.set_picture(None)
    canvas.set_page(())
    canvas.set_tool(BoxTool())
    mouse.drag((10, 10), (50, 50))
    assert grab(canvas)[250, 300, :3].tolist() == list(reversed(rgb(CanvasColors().surround)))


def test_points_and_bare_images_are_hit_within_reach(canvas, page, mouse):
    point = page.add(Point(100, 100))
    mouse.click(103, 102)
    assert canvas.selection == (point.id,)


def test_thousands_of_selected_shapes_are_all_marked(canvas, page):
    records = blobs(1500)
    page.show(*records)
    sharpen(canvas)
    before = grab(canvas)
    canvas.set_selection([r.id for r in records[:1000]])
    white = lambda shot: int((shot[..., :3] == 255).all(axis=2).sum())  # noqa: E731
    marked = white(grab(canvas))
    assert white(before) == 0 and marked > 10_000
    canvas.set_selection([r.id for r in records[:300]])
    assert 0 < white(grab(canvas)) < marked
    canvas.set_selection([])
    assert np.array_equal(grab(canvas), before)
