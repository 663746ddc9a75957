"""Semantic masks: a head from five painted images, scribbles, the way back to masks, and the file of a head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.domain.geometry import Mask, Point, Polygon, Polyline
from annotator.errors import AnnotatorError, ModelError
from annotator.learning.painted import id_map, parts_of
from annotator.learning.semantic import (
    UNKNOWN,
    SemanticHead,
    cell_features,
    feature_maps,
    grid_size,
    label_map,
)
from annotator.learning.semantic_scores import agreement, total
from annotator.learning.semantic_training import Painted, cells_of, fit
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from tests.unit.learning.scenes import scene

TARGET = 0.8


@pytest.fixture(scope="module")
def encoder() -> EmbeddedImageEncoder:
    return EmbeddedImageEncoder(threads=1)


@pytest.fixture(scope="module")
def head(encoder: EmbeddedImageEncoder) -> SemanticHead:
    return fit(encoder, [Painted(*scene(seed, 2)) for seed in range(3)])


def score(encoder: EmbeddedImageEncoder, head: SemanticHead, labels: int) -> float:
    found = []
    for seed in range(100, 104):
        pixels, ids = scene(seed, labels)
        found.append(agreement(head.probabilities(feature_maps(encoder, pixels)), np.array(head.label_ids), ids))
    value = total(found)
    assert value is not None
    return value


@pytest.mark.parametrize("labels", [1, 4])
def test_five_painted_images_are_enough_for_two_to_five_labels(encoder: EmbeddedImageEncoder, labels: int) -> None:
    head = fit(encoder, [Painted(*scene(seed, labels)) for seed in range(5)])
    assert head.label_ids == tuple(range(labels + 1))
    assert score(encoder, head, labels) >= TARGET


def test_scribbles_are_enough_to_tell_two_labels_apart(encoder: EmbeddedImageEncoder) -> None:
    painted = []
    for seed in range(5):
        pixels, ids = scene(seed, 1)
        known = np.full(ids.shape, UNKNOWN, np.int64)
        for row in range(12, ids.shape[0], 40):
            known[row : row + 3] = ids[row : row + 3]
        painted.append(Painted(pixels, known))
    assert score(encoder, fit(encoder, painted), 1) >= 0.7


def test_the_head_says_the_same_of_maps_as_of_the_features_of_each_cell(
    encoder: EmbeddedImageEncoder, head: SemanticHead
) -> None:
    maps = feature_maps(encoder, scene(7, 2)[0])
    cells = cell_features(maps)
    rows = ((cells.reshape(-1, cells.shape[2]) - head.mean) / head.scale).astype(np.float64)
    scores = np.maximum(rows @ head.hidden + head.hidden_bias, 0) @ head.weights + head.bias
    expected = np.exp(scores - scores.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    assert np.allclose(head.probabilities(maps).reshape(expected.shape), expected, atol=1e-3)


def test_a_head_is_the_same_after_it_was_saved(head: SemanticHead, tmp_path: Path) -> None:
    head.save(tmp_path / "head.safetensors")
    again = SemanticHead.load(tmp_path / "head.safetensors")
    assert (again.version, again.label_ids, again.space, again.images) == (head.version, (0, 1, 2), head.space, 3)
    (tmp_path / "head.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError):
        SemanticHead.load(tmp_path / "head.safetensors")


def test_the_same_painting_gives_the_same_head(encoder: EmbeddedImageEncoder) -> None:
    painted = [Painted(*scene(1, 1, 128, 192))]
    assert fit(encoder, painted).version == fit(encoder, painted).version


def test_one_label_alone_cannot_be_learned(encoder: EmbeddedImageEncoder) -> None:
    pixels, ids = scene(1, 1, 128, 192)
    with pytest.raises(AnnotatorError, match="one label"):
        fit(encoder, [Painted(pixels, np.ones_like(ids))])


def test_a_cell_takes_the_label_that_covers_most_of_it() -> None:
    ids = np.full((512, 512), UNKNOWN, np.int64)
    ids[:, :256] = 3
    ids[0:2, 300:400] = 5
    cells = cells_of(ids)
    assert cells.shape == grid_size(512, 512) == (128, 128)
    assert (cells[:, :64] == 3).all()
    assert (cells[0, 75:100] == 5).all()
    assert (cells[1:, 64:] == UNKNOWN).all()


def test_what_is_painted_later_lies_on_top_and_a_hole_stays_open() -> None:
    square = Polygon.of([(0, 0), (80, 0), (80, 80), (0, 80)], [(20, 20), (40, 20), (40, 40), (20, 40)])
    plane = np.zeros((100, 100), np.bool_)
    plane[50:100, 50:100] = True
    mask = Mask.from_array(plane)
    assert mask is not None
    ids = id_map([(1, square), (2, mask), (3, Point(5, 5))], 100, 100, (50, 50), complete=True)
    assert set(np.unique(ids).tolist()) == {0, 1, 2}
    assert ids[5, 5] == 1
    assert ids[15, 15] == 0
    assert (ids[26:, 26:] == 2).all()
    assert (id_map([(1, square)], 100, 100, (50, 50), complete=False)[15, 15]) == UNKNOWN


def test_a_scribble_never_makes_the_rest_background() -> None:
    ids = id_map([(4, Polyline(((10, 50), (90, 50))))], 100, 100, (100, 100), complete=True)
    assert set(np.unique(ids).tolist()) == {UNKNOWN, 4}
    assert (ids[:, 50] == 4).sum() == 1
    assert 4 in ids[49:51, 50]


def test_pieces_of_a_label_become_masks_of_their_own() -> None:
    ids = np.zeros((80, 120), np.intp)
    ids[10:30, 10:30], ids[40:70, 60:110] = 1, 1
    ids[0, 119] = 2
    probabilities = np.full((20, 30, 3), 0.2, np.float32)
    probabilities[10:18, 15:28, 1] = 0.9
    probabilities[2:8, 2:8, 1] = 0.6
    parts = parts_of(ids, probabilities, (0, 7, 9))
    assert [part.label_id for part in parts] == [7, 7]
    assert [part.mask.bounds() for part in parts] == [(60, 40, 110, 70), (10, 10, 30, 30)]
    assert parts[0].probability == pytest.approx(0.9, abs=0.02)
    assert parts[1].mask.area == 400


def test_a_label_map_follows_the_likeliest_output_at_any_size() -> None:
    probabilities = np.zeros((8, 8, 2), np.float32)
    probabilities[:, :4, 0] = probabilities[:, 4:, 1] = 1
    for height, width in ((8, 8), (300, 200), (20, 4000)):
        found = label_map(probabilities, height, width)
        assert found.shape == (height, width)
        assert not found[:, : width // 2 - width // 8].any()
        assert found[:, width // 2 + width // 8 :].all()


def test_pixels_of_which_nothing_is_known_do_not_count() -> None:
    probabilities = np.zeros((4, 4, 2), np.float32)
    probabilities[:, :, 1] = 1
    truth = np.full((4, 4), UNKNOWN, np.int64)
    assert total([agreement(probabilities, np.array([0, 5]), truth)]) is None
    truth[0] = 5
    assert total([agreement(probabilities, np.array([0, 5]), truth)]) == 1
    truth[1] = 0
    assert total([agreement(probabilities, np.array([0, 5]), truth)]) == pytest.approx(0.25)
