"""Novelty: a class that nobody has labelled lies farther from the labelled ones than theirs do from each other."""

from __future__ import annotations

import numpy as np

from annotator.learning.novelty import MIN_LABELLED, distances, novelty
from annotator.learning.pool import Pool
from tests.benchmarks.learning import clusters


def test_the_images_of_an_unlabelled_class_are_new() -> None:
    vectors, classes, _ = clusters(800, seed=1)
    pool = Pool(np.arange(800), vectors)
    labelled = np.flatnonzero((classes != 0) & (np.arange(800) % 2 == 0))
    found = novelty(pool, labelled)
    assert found is not None
    strange = np.flatnonzero(classes == 0)
    familiar = np.setdiff1d(np.flatnonzero(classes != 0), labelled)
    better = found.distances[strange][:, None] > found.distances[familiar][None, :]
    assert better.mean() > 0.9
    assert (found.distances[labelled] > found.threshold).mean() <= 0.02
    assert novelty(pool, labelled[: MIN_LABELLED - 1]) is None


def test_distances_are_those_of_a_plain_loop_and_no_row_is_its_own_neighbour() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 8)).astype(np.float32)
    known = np.arange(0, 30, 2)
    own = np.full(30, -1)
    own[known] = np.arange(len(known))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = [
        np.mean(sorted(np.linalg.norm(unit[at] - unit[other]) for other in known if other != at)[:5])
        for at in range(30)
    ]
    np.testing.assert_allclose(distances(rows, rows[known], own=own), expected, atol=1e-3)
