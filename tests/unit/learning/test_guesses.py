"""First guesses: balancing, seeds, the graph, and what they make of a weak zero-shot model."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.learning.guesses import balanced, first_guesses, rows_to_one, seeds
from annotator.learning.neighbours import affinity, nearest, propagate
from annotator.learning.pool import Pool
from tests.unit.learning.conftest import World, make_world


def test_full_balancing_makes_equal_totals_and_rows_of_one(world: World) -> None:
    fair = balanced(world.zero_shot, power=1.0)
    assert fair.sum(axis=1) == pytest.approx(np.ones(len(fair)), abs=1e-5)
    assert fair.sum(axis=0) == pytest.approx(np.full(world.classes, len(fair) / world.classes), rel=0.02)


def test_half_balancing_takes_totals_to_their_square_root(world: World) -> None:
    before = world.zero_shot.sum(axis=0)
    wanted = np.sqrt(before) / np.sqrt(before).sum() * len(world.truth)
    assert balanced(world.zero_shot).sum(axis=0) == pytest.approx(wanted, rel=0.02)
    assert before.max() / before.min() > 1.4 * wanted.max() / wanted.min()


def test_no_balancing_leaves_probabilities_alone(world: World) -> None:
    assert balanced(world.zero_shot, power=0.0) == pytest.approx(world.zero_shot, abs=1e-5)


def test_a_row_of_zeros_becomes_uniform_or_its_fallback() -> None:
    values = np.array([[0, 0], [1, 3]], np.float32)
    assert rows_to_one(values).tolist() == [[0.5, 0.5], [0.25, 0.75]]
    assert rows_to_one(values, np.array([[0.9, 0.1], [0, 0]], np.float32))[0] == pytest.approx([0.9, 0.1])


def test_seeds_are_the_surest_of_each_label_and_an_image_seeds_once() -> None:
    sure = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55], [0.7, 0.3], [0.1, 0.9]], np.float32)
    rows, labels = seeds(sure, per_label=2)
    assert list(zip(rows.tolist(), labels.tolist(), strict=True)) == [(0, 0), (4, 0), (5, 1), (2, 1)]


def test_seeds_never_outnumber_their_share_of_a_small_pool() -> None:
    rows, _ = seeds(np.full((4, 4), 0.25, np.float32))
    assert len(rows) == 1


def test_guesses_beat_the_zero_shot_model_and_chance_by_far(world: World) -> None:
    zero_shot = np.mean(world.zero_shot.argmax(axis=1) == world.truth)
    guessed = np.mean(first_guesses(world.pool, world.zero_shot).argmax(axis=1) == world.truth)
    assert zero_shot < 0.6
    assert guessed > zero_shot + 0.2
    assert guessed > 1 / world.classes + 0.5


def test_guesses_of_nothing_are_nothing() -> None:
    empty = Pool(np.zeros(0, np.int64), np.zeros((0, 8), np.float32))
    assert first_guesses(empty, np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_neighbours_are_those_of_a_brute_force_search() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    indices, similarity = nearest(vectors, 5)
    assert indices.tolist() == np.argsort(-cosine, axis=1)[:, :5].tolist()
    assert similarity == pytest.approx(np.take_along_axis(cosine, indices, axis=1), abs=1e-5)


def test_the_search_in_cells_finds_almost_all_neighbours() -> None:
    vectors = make_world(900, 6, seed=3).vectors - 3.0
    exact, _ = nearest(vectors, 10)
    rough, similarity = nearest(vectors, 10, exact_rows=100)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), rough.tolist(), strict=True)])
    assert found > 0.85
    assert not (rough == np.arange(len(vectors))[:, None])[similarity > 0].any()


def test_duplicates_are_each_others_neighbours_and_never_their_own() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    indices, similarity = nearest(vectors, 1)
    assert indices[:, 0].tolist() == [1, 0, 3, 2, 5, 4]
    assert similarity[:, 0] == pytest.approx(np.ones(6))


def test_propagation_has_its_closed_form_and_is_linear() -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    graph = affinity(*nearest(vectors, 4))
    assert abs(graph - graph.T).max() < 1e-6
    planted = np.zeros((30, 2), np.float32)
    planted[0, 0] = planted[7, 1] = 1.0
    exact = 0.05 * np.linalg.solve(np.eye(30) - 0.95 * graph.toarray(), planted)
    assert propagate(graph, planted, iterations=500) == pytest.approx(exact, abs=1e-4)
    apart = propagate(graph, planted * [[1, 0]]) + propagate(graph, planted * [[0, 1]])
    assert propagate(graph, planted) == pytest.approx(apart, abs=1e-6)


def test_spread_does_not_jump_between_islands() -> None:
    vectors = np.concatenate([np.eye(6)[:3] + 0.1, -np.eye(6)[3:] - 0.1]).astype(np.float32)
    planted = np.zeros((6, 2), np.float32)
    planted[0, 0] = 1.0
    spread = propagate(affinity(*nearest(vectors, 2)), planted)
    assert (spread[:3, 0] > 0).all()
    assert not spread[3:].any()
