"""Views, targets, decoding and scores: what goes in as boxes comes out as boxes, also across tiles."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.learning.detection.augment import Copy, Scene, altered_copy, plain_copy
from annotator.learning.detection.decode import Found, decode, jitter_of
from annotator.learning.detection.scores import TrueBoxes, image_score, matches, precision
from annotator.learning.detection.targets import target_of
from annotator.learning.detection.views import Canvas, View, draw, inside, least_scale, network_input, views_of
from tests.scenes import draw_scene

CANVAS = Canvas(416, 320)


def ideal(boxes: np.ndarray, classes: np.ndarray, view: View, n_classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The maps of a head that knows everything about a view."""
    shown, seen = inside(view.to_canvas(boxes), CANVAS)
    target = target_of(Copy(np.zeros(0, np.uint8), shown[seen], classes[seen]), n_classes, CANVAS)
    return target.heat, np.where(target.sides > 0, target.sides, 4).astype(np.float32)


def found_of(boxes: list[list[float]], scores: list[float], classes: list[int]) -> Found:
    n = len(boxes)
    heat = np.zeros((n, 2), np.float32)
    heat[np.arange(n), classes] = scores
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    whole = np.zeros(n, np.int64)
    return Found(
        corners,
        np.asarray(scores, np.float32),
        np.asarray(classes, np.int64),
        heat,
        whole,
        whole.astype(np.float32),
        whole > 0,
    )


def test_the_canvas_follows_the_shape_of_the_pictures_at_the_same_area() -> None:
    assert Canvas.fitting([(640, 480)] * 3) == Canvas(416, 320)
    assert Canvas.fitting([(480, 640), (480, 640), (4000, 100)]) == Canvas(320, 416)
    for canvas in (Canvas.fitting([(3000, 300)]), Canvas.fitting([])):
        assert canvas.width % 32 == canvas.height % 32 == 0
        assert 0.75 < canvas.width * canvas.height / (416 * 320) < 1.25


def test_a_view_draws_what_its_frame_says() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[100:140, 200:260] = 255
    view = View(150.0, 60.0, 1.5)
    drawn = draw(pixels, 1.0, view, CANVAS)
    rows, columns = np.nonzero(drawn[..., 0] > 127)
    box = view.to_canvas(np.asarray([[200, 100, 260, 140]], np.float32))[0]
    assert np.abs(np.asarray([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) - box).max() <= 1
    np.testing.assert_allclose(view.to_image(view.to_canvas(box[None])), box[None], rtol=1e-5)


def test_beyond_the_picture_the_network_sees_nothing() -> None:
    drawn = draw(np.full((10, 10, 3), 200, np.uint8), 1.0, View(-5.0, -5.0, 4.0), Canvas(64, 64))
    assert (network_input([drawn])[0, :, :20, :] == 0).all()
    assert (drawn[20:60, 20:60] == 200).all()


def test_small_objects_in_large_pictures_make_tiles_that_cover_it() -> None:
    boxes = [np.asarray([[10, 10, 26, 24], [500, 800, 520, 816]], np.float32)]
    scale = least_scale(boxes, [(4000, 3000)], CANVAS)
    assert scale > CANVAS.whole(4000, 3000).scale
    tiles = views_of(4000, 3000, CANVAS, scale)
    assert 1 < len(tiles) <= 36
    covered = np.zeros((3000, 4000), bool)
    for view in tiles:
        right, bottom = view.left + 416 / view.scale, view.top + 320 / view.scale
        covered[int(view.top) : int(np.ceil(bottom)), int(view.left) : int(np.ceil(right))] = True
    assert covered.all()


def test_objects_that_are_large_enough_need_no_tiles() -> None:
    assert least_scale([np.asarray([[0, 0, 90, 80]], np.float32)], [(640, 480)], CANVAS) == 0.0
    assert views_of(640, 480, CANVAS, 0.0) == [CANVAS.whole(640, 480)]


def test_perfect_maps_give_the_boxes_back() -> None:
    _, boxes, classes = draw_scene(3)
    view = CANVAS.whole(208, 160)
    heat, sides = ideal(boxes, classes, view)
    found = decode(heat[None], sides[None], [view], CANVAS, (208, 160), 0.5)
    pairs = matches(found, TrueBoxes(boxes, classes))
    assert len(found) == len(pairs) == len(boxes)
    assert min(shared for *_, shared in pairs) > 0.95


def test_an_object_on_a_seam_is_found_once_and_whole() -> None:
    boxes = np.asarray([[380, 100, 460, 170], [30, 30, 90, 90]], np.float32)
    classes = np.asarray([0, 1], np.int64)
    views = [View(0, 0, 1.0), View(350, 0, 1.0)]
    maps = [ideal(boxes, classes, view) for view in views]
    found = decode(np.stack([m[0] for m in maps]), np.stack([m[1] for m in maps]), views, CANVAS, (766, 320), 0.3)
    assert len(found) == 2
    assert sorted(found.tiles.tolist()) == [0, 1]
    assert image_score(found, TrueBoxes(boxes, classes), 0.3) == 1.0
    assert max(shared for *_, shared in matches(found, TrueBoxes(boxes, classes))) > 0.9


def test_a_box_whose_sides_change_from_cell_to_cell_is_shaky() -> None:
    boxes = np.asarray([[96, 96, 176, 160]], np.float32)
    steady = ideal(boxes, np.zeros(1, np.int64), View(0, 0, 1.0))[1]
    exact = np.stack(np.broadcast_arrays(
        (np.arange(52) * 8 + 4 - 96)[None, :], (np.arange(40) * 8 + 4 - 96)[:, None],
        (176 - np.arange(52) * 8 - 4)[None, :], (160 - np.arange(40) * 8 - 4)[:, None],
    )).astype(np.float32)  # fmt: skip
    noise = np.random.default_rng(0).normal(0, 20, steady.shape).astype(np.float32)
    assert jitter_of(boxes, exact)[0] < 0.001
    assert jitter_of(boxes, exact + noise)[0] > 0.02


def test_a_place_that_nobody_judged_does_not_count() -> None:
    box = np.asarray([[80, 80, 120, 120]], np.float32)
    kind = np.zeros(1, np.int64)
    blank = np.zeros(0, np.uint8)
    complete = target_of(Copy(blank, box, kind), 1, CANVAS)
    partial = target_of(Copy(blank, box, kind, complete=False, refused=box + 160), 1, CANVAS)
    cut = target_of(Copy(blank, box, kind, cut=box + 80), 1, CANVAS)
    assert complete.known.all()
    assert partial.known[12, 12] == partial.known[32, 32] == 1
    assert partial.known.sum() == 2 * 25
    assert cut.known.sum() == cut.known.size - 25


def test_copies_follow_from_their_number_and_stay_on_the_canvas() -> None:
    scenes = {str(seed): Scene(str(seed), *_parts(seed)) for seed in range(4)}
    view = CANVAS.whole(208, 160)
    others = ["1", "2", "3"]
    first = altered_copy(scenes["0"], view, CANVAS, 1, others, scenes.__getitem__)
    again = altered_copy(scenes["0"], view, CANVAS, 1, others, scenes.__getitem__)
    second = altered_copy(scenes["0"], view, CANVAS, 2, others, scenes.__getitem__)
    assert (first.pixels == again.pixels).all()
    assert (first.boxes == again.boxes).all()
    assert (first.pixels != second.pixels).any()
    for copy in (first, second):
        assert copy.pixels.shape == (320, 416, 3)
        assert (copy.boxes >= 0).all()
        assert (copy.boxes[:, [0, 2]] <= 416).all()
        assert (copy.boxes[:, [1, 3]] <= 320).all()
        assert len(copy.boxes) == len(copy.classes)


def test_objects_of_other_pictures_are_pasted_with_their_class() -> None:
    empty = Scene(
        "empty", np.full((160, 208, 3), 120, np.uint8), 1.0, np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    )
    lender = Scene("lender", *_parts(5))
    copies = [altered_copy(empty, CANVAS.whole(208, 160), CANVAS, n, ["lender"], lambda _: lender) for n in range(1, 9)]
    pasted = [copy for copy in copies if len(copy.boxes)]
    assert pasted
    for copy in pasted:
        x1, y1, x2, y2 = copy.boxes[0].round().astype(int)
        middle = copy.pixels[(y1 + y2) // 2, (x1 + x2) // 2].mean()
        assert (middle > 150) == (copy.classes[0] == 0)  # discs are pale, squares dark


def test_a_plain_copy_keeps_every_box() -> None:
    scene = Scene("s", *_parts(1))
    copy = plain_copy(scene, CANVAS.whole(208, 160), CANVAS)
    np.testing.assert_allclose(copy.boxes, scene.boxes * 2, atol=1e-3)


def test_precision_agrees_with_what_can_be_counted() -> None:
    truth = [TrueBoxes(np.asarray([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32), np.asarray([0, 1], np.int64))]
    perfect = [found_of([[0, 0, 10, 10], [20, 20, 40, 40]], [0.9, 0.8], [0, 1])]
    assert precision(perfect, truth, 2).at_50 == pytest.approx(1.0, abs=1e-6)
    half = [found_of([[0, 0, 10, 10], [20, 20, 40, 40]], [0.9, 0.8], [0, 0])]
    assert precision(half, truth, 2).at_50 == pytest.approx(0.5, abs=1e-6)
    assert precision([found_of([], [], [])], truth, 2).at_50 == 0.0
    assert np.isnan(precision(perfect, [TrueBoxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))], 2).at_50)


def _parts(seed: int) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    pixels, boxes, classes = draw_scene(seed)
    return pixels, 1.0, boxes, classes
