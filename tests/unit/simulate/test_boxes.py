"""What labelling with suggested boxes costs the simulated annotator, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.simulate.actions import Actions
from annotator.simulate.boxes import Move, TrueObjects, actions_by_hand, actions_of, work_on

TRUTH = TrueObjects(np.asarray([[0, 0, 40, 40], [100, 100, 140, 160]], np.float32), np.asarray([1, 2]))


def moves(boxes: list[list[float]], labels: list[int]) -> list:
    return work_on(np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(labels, np.int64), TRUTH)


@pytest.mark.parametrize(
    ("boxes", "labels", "what", "actions"),
    [
        ([], [], [Move.DRAW, Move.DRAW], 2 * 2 + 1),
        ([[0, 0, 40, 40], [100, 100, 140, 160]], [1, 2], [Move.ACCEPT, Move.ACCEPT], 1 + 1),
        ([[1, 1, 40, 40], [100, 100, 140, 160]], [1, 1], [Move.ACCEPT, Move.RELABEL], 1 + 1 + 1),
        ([[0, 0, 26, 40], [100, 100, 140, 160]], [1, 2], [Move.CORRECT, Move.ACCEPT], 1 + 1 + 1),
        ([[8, 8, 48, 48], [100, 100, 140, 160]], [1, 2], [Move.CORRECT, Move.ACCEPT], 2 + 1 + 1),
        ([[300, 0, 340, 40]], [1], [Move.REJECT, Move.DRAW, Move.DRAW], 1 + 4 + 1),
        ([[0, 0, 40, 40], [2, 2, 42, 42]], [1, 1], [Move.ACCEPT, Move.REJECT, Move.DRAW], 1 + 2 + 1 + 1),
    ],
)
def test_moves_and_their_cost(boxes: list[list[float]], labels: list[int], what: list[Move], actions: int) -> None:
    deeds = moves(boxes, labels)
    assert [deed.move for deed in deeds] == what
    assert actions_of(deeds).total == actions


def test_both_corners_are_dragged_only_where_one_is_not_enough() -> None:
    (one, *_), (both, *_) = moves([[0, 0, 26, 40]], [1]), moves([[10, 10, 50, 50]], [1])
    assert (one.actions, one.box) == (Actions(drags=1), (0.0, 0.0, 40.0, 40.0))
    assert both.move is Move.CORRECT
    assert both.actions == Actions(drags=2)
    assert both.box == (0.0, 0.0, 40.0, 40.0)


def test_a_wrong_label_costs_one_key_more() -> None:
    (deed, *_) = moves([[0, 0, 26, 40]], [2])
    assert (deed.label_id, deed.actions) == (1, Actions(keys=1, drags=1))


def test_by_hand_every_box_is_a_drag_and_a_key() -> None:
    assert actions_by_hand(TRUTH) == Actions(keys=3, drags=2)


def test_every_object_has_exactly_one_box_in_the_end() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        corners = rng.uniform(0, 150, (int(rng.integers(0, 6)), 4)).astype(np.float32)
        boxes = np.concatenate(
            [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:]) + 1], 1
        )
        deeds = work_on(boxes, rng.integers(1, 3, len(boxes)), TRUTH)
        standing = [deed for deed in deeds if deed.move is not Move.REJECT]
        assert sorted(deed.label_id for deed in standing) == [1, 2]
        assert sorted(deed.row for deed in deeds if deed.row is not None) == list(range(len(boxes)))
