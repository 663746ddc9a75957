"""Re-ranking never moves what the person sees, has seen, or is about to see."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from annotator.learning.order import KEEP_NEXT, rerank


@given(some.data())
def test_the_current_the_visited_and_the_next_ten_keep_their_places(data: some.DataObject) -> None:
    count = data.draw(some.integers(1, 60))
    order = np.asarray(data.draw(some.permutations(range(count))), np.int64)
    ranked = np.asarray(data.draw(some.permutations(range(count))), np.int64)[: data.draw(some.integers(0, count))]
    position = data.draw(some.integers(0, count - 1))
    visited = np.asarray(data.draw(some.lists(some.integers(0, count - 1), unique=True)), np.int64)
    result = rerank(order, ranked, position=position, visited=visited)
    assert sorted(result.tolist()) == list(range(count))
    assert result[: position + 1].tolist() == order[: position + 1].tolist()
    held = np.isin(order, visited)
    assert (result[held] == order[held]).all()
    ahead = [at for at in range(position + 1, count) if not held[at]]
    assert result[ahead[:KEEP_NEXT]].tolist() == order[ahead[:KEEP_NEXT]].tolist()
    movable = order[ahead[KEEP_NEXT:]]
    new = [i for i in ranked.tolist() if i in movable]
    assert result[ahead[KEEP_NEXT:]].tolist() == new + [i for i in movable.tolist() if i not in new]


def test_nobody_looking_means_the_new_order_counts_at_once() -> None:
    order = np.arange(20)
    assert rerank(order, order[::-1], position=None).tolist() == order[::-1].tolist()


def test_new_images_come_in_their_rank() -> None:
    result = rerank(np.arange(15), np.array([100, 14, 101]), position=0)
    assert result.tolist() == [*range(11), 100, 14, 101, 11, 12, 13]
