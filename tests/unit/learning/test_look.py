"""The order by look: like beside like, small groups first, every row once."""

from __future__ import annotations

import numpy as np

from annotator.learning.look import by_look


def test_a_few_strangers_come_first_and_groups_stay_together() -> None:
    random = np.random.default_rng(3)
    centres = random.normal(0, 10, (3, 64))
    groups = np.repeat([0, 1, 2], [100, 60, 5])
    shuffled = random.permutation(len(groups))
    vectors = (centres[groups] + random.normal(0, 0.5, (len(groups), 64)))[shuffled].astype(np.float16)
    order = by_look(vectors)
    assert sorted(order.tolist()) == list(range(len(groups)))
    shown = groups[shuffled][order]
    assert shown[:5].tolist() == [2] * 5
    assert np.count_nonzero(np.diff(shown)) <= 4, "each look stands in one stretch, or nearly"


def test_the_same_rows_are_always_in_the_same_order() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    assert np.array_equal(by_look(vectors), by_look(vectors))


def test_small_and_equal_piles() -> None:
    assert by_look(np.zeros((0, 8), np.float16)).tolist() == []
    assert by_look(np.ones((1, 8), np.float16)).tolist() == [0]
    assert sorted(by_look(np.ones((90, 8), np.float16)).tolist()) == list(range(90))
