"""Labels whose images are mixed up: found by their names where cross-validation believes the wrong majority."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from annotator.audit.folders import mixed_up, text_margins
from annotator.audit.tags import margins
from annotator.learning.pool import Pool
from tests.benchmarks.learning import clusters


def test_a_folder_with_a_wrong_majority_is_found_and_the_others_are_left_alone() -> None:
    vectors, truth, zero_shot = clusters(1500, seed=4)
    pool = Pool(np.arange(1500), vectors)
    given = truth.copy()
    moved = np.flatnonzero(truth == 0)[: int(1.2 * (truth == 9).sum())]
    given[moved] = 9
    wrong = given != truth
    inside = given == 9
    assert wrong[inside].mean() > 0.5
    found = mixed_up(pool.components, given, zero_shot)
    assert roc_auc_score(wrong[inside], found.score[inside]) >= 0.95
    # To five folds the folder is right: hardly one of its wrong answers is contradicted.
    assert (margins(pool.components, given).margin[inside & wrong] > 0).mean() < 0.2
    assert np.flatnonzero(found.share).tolist() == [9] and found.share[9] > 0.4
    assert (wrong[found.wrong]).mean() > 0.9
    assert (found.other[found.wrong & wrong] == 0).mean() > 0.9


def test_clean_answers_and_small_folders_are_not_called_mixed_up() -> None:
    vectors, truth, zero_shot = clusters(1500, seed=4)
    components = Pool(np.arange(1500), vectors).components
    assert not mixed_up(components, truth, zero_shot).wrong.any()
    few = np.concatenate([np.flatnonzero(truth == c)[:15] for c in range(10)])
    found = mixed_up(components[few], truth[few], zero_shot, components)
    assert not found.wrong.any() and np.isfinite(found.score).all()


def test_a_margin_is_how_much_nearer_another_prototype_is() -> None:
    rows = np.eye(3, dtype=np.float32)
    margin, other = text_margins(rows, np.asarray([0, 1, 0]), np.eye(3, dtype=np.float32), rows)
    assert other[2] == 2 and margin[2] > 0 > margin[0]
