"""The linear probe against scikit-learn's, and the constants it picks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from annotator.learning.probe import fit_sigmoid, fit_softmax, sigmoid, softmax, strength


def some(rows: int = 120, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, classes, rows)
    features = draw.normal(size=(rows, 10)) + 1.5 * np.eye(classes, 10)[truth]
    return features.astype(np.float32), truth, draw.uniform(0.2, 2.0, rows).astype(np.float32)


@pytest.mark.parametrize(
    ("labels", "expected"), [(1, 100), (500, 100), (501, 30), (1500, 30), (1501, 10), (50_000, 10)]
)
def test_the_penalty_follows_the_number_of_labels(labels: int, expected: float) -> None:
    assert strength(labels) == expected


def test_softmax_regression_is_scikit_learns_with_weights() -> None:
    features, truth, weights = some()
    mine = fit_softmax(features, np.eye(3, dtype=np.float32)[truth], weights, strength=0.7, iterations=500)
    theirs = LogisticRegression(C=0.7, max_iter=2000, tol=1e-8).fit(features, truth, sample_weight=weights)
    assert softmax(mine.scores(features)) == pytest.approx(theirs.predict_proba(features), abs=0.01)


def test_a_weight_is_as_good_as_that_many_copies() -> None:
    features, truth, _ = some(60)
    targets = np.eye(3, dtype=np.float32)[truth]
    count = np.where(np.arange(60) < 20, 2, 1)
    weighted = fit_softmax(features, targets, count.astype(np.float32), strength=1.0, iterations=300)
    rows = np.repeat(np.arange(60), count)
    copied = fit_softmax(features[rows], targets[rows], np.ones(len(rows), np.float32), strength=1.0, iterations=300)
    assert softmax(weighted.scores(features)) == pytest.approx(softmax(copied.scores(features)), abs=0.01)


def test_unknown_entries_say_nothing_to_sigmoids() -> None:
    features, truth, _ = some()
    targets = np.eye(3, dtype=np.float32)[truth]
    weights = np.ones_like(targets)
    weights[60:, 1] = 0.0
    lies = targets.copy()
    lies[60:, 1] = 1.0 - lies[60:, 1]
    honest, lied = (fit_sigmoid(features, each, weights, strength=1.0) for each in (targets, lies))
    assert honest.weights == pytest.approx(lied.weights)
    alone = LogisticRegression(C=1.0, max_iter=1000).fit(features[:60], targets[:60, 1])
    mine = sigmoid(honest.scores(features))[:, 1]
    assert mine == pytest.approx(alone.predict_proba(features)[:, 1], abs=0.02)


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    features, truth, weights = some()
    targets = np.eye(3, dtype=np.float32)[truth]
    cold = fit_softmax(features, targets, weights, strength=1.0)
    warm = fit_softmax(features, targets, weights, strength=1.0, start=cold, iterations=5)
    assert softmax(warm.scores(features)) == pytest.approx(softmax(cold.scores(features)), abs=0.01)
