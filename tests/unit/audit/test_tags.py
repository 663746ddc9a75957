"""Planted wrong tags come first; what agrees is not accused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from annotator.audit.duplicates import look_alikes, same_files
from annotator.audit.tags import margins


def test_planted_wrong_tags_have_the_largest_margins() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 400)
    features = rng.normal(size=(4, 32))[truth] * 0.4 + rng.normal(size=(400, 32)) * 0.25
    given = truth.copy()
    wrong = rng.choice(400, 40, replace=False)
    given[wrong] = (truth[wrong] + rng.integers(1, 4, 40)) % 4
    found = margins(features, given)
    assert roc_auc_score(np.isin(np.arange(400), wrong), found.margin) > 0.97
    assert (found.other[wrong] == truth[wrong]).mean() > 0.9
    assert (found.other != given).all()


def test_too_few_answers_or_one_label_are_refused() -> None:
    with pytest.raises(ValueError, match="20 answers"):
        margins(np.zeros((19, 4)), np.arange(19) % 2)
    with pytest.raises(ValueError, match="of 1"):
        margins(np.zeros((30, 4)), np.zeros(30, dtype=np.int64))


def test_a_label_with_one_example_is_compared() -> None:
    rng = np.random.default_rng(1)
    classes = np.array([0] * 20 + [1] * 20 + [7])
    features = rng.normal(size=(41, 8)) * 0.1 + np.eye(8)[classes % 8]
    found = margins(features, classes)
    assert found.other[-1] in (0, 1) and found.margin[-1] > 0


def test_files_with_one_hash_are_pairs_with_the_first() -> None:
    assert same_files({3: "a", 1: "a", 2: "b", 4: "a", 5: "", 6: ""}) == [(1, 3), (1, 4)]


def test_look_alikes_are_told_once_and_the_most_alike_first() -> None:
    ids = np.array([10, 20, 30])
    neighbours, cosines = np.array([[1], [0], [1]]), np.array([[0.98], [0.98], [0.99]])
    assert look_alikes(ids, neighbours, cosines) == [(20, 30, 0.99), (10, 20, 0.98)]
    assert look_alikes(ids, neighbours, cosines, least=0.985) == [(20, 30, 0.99)]
