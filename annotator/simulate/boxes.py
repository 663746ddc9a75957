"""The simulated annotator of boxes: what a careful person would do with the boxes that are suggested on one picture.

A box that covers its object by an IoU of .7 is right; a worse one is dragged at its worst corner, and at the other one too if
that is not enough; what covers nothing is rejected; what is missing is drawn. Everything right that is visible is accepted with
one key at the end.
A verdict is a key; a box by hand is a drag and a label key; saying that the picture is done is a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Bounds
from annotator.domain.overlap import SAME_PLACE
from annotator.models.boxes import overlap
from annotator.models.protocols import FloatArray
from annotator.simulate.actions import Actions

IntArray = NDArray[np.int64]

WORTH_MOVING = 0.3
"""A box that covers less of any object is rejected: drawing anew is easier."""
KEY = Actions(keys=1)
BY_HAND = Actions(keys=1, drags=1)
DONE = KEY


class Move(StrEnum):
    """What happens to one box."""

    ACCEPT = "accept"
    RELABEL = "relabel"
    CORRECT = "correct"
    REJECT = "reject"
    DRAW = "draw"


@dataclass(frozen=True)
class Deed:
    """One move: ``row`` of the suggestion (None for a drawn box), the box and the label as they stand after it."""

    move: Move
    row: int | None
    box: Bounds
    label_id: int
    actions: Actions


@dataclass(frozen=True)
class TrueObjects:
    """What is on a picture: ``boxes`` (n, 4) in image pixels and ``label_ids`` (n,)."""

    boxes: FloatArray
    label_ids: IntArray


def work_on(boxes: FloatArray, label_ids: IntArray, truth: TrueObjects) -> list[Deed]:
    """The moves for suggested ``boxes`` (m, 4), the most confident first; each true object is matched once."""
    deeds: list[Deed] = []
    free = np.ones(len(truth.boxes), bool)
    for row in range(len(boxes)):
        at = _match(boxes[row], int(label_ids[row]), truth, free)
        if at is None:
            deeds.append(Deed(Move.REJECT, row, _bounds(boxes[row]), int(label_ids[row]), KEY))
            continue
        free[at] = False
        deeds.append(_mended(row, boxes[row], int(label_ids[row]), truth.boxes[at], int(truth.label_ids[at])))
    for missed in np.flatnonzero(free):
        deeds.append(Deed(Move.DRAW, None, _bounds(truth.boxes[missed]), int(truth.label_ids[missed]), BY_HAND))
    return deeds


def actions_of(deeds: Sequence[Deed]) -> Actions:
    """What the moves cost with the key that accepts the rest and the one that says done."""
    accepting = KEY if any(deed.move is Move.ACCEPT for deed in deeds) else Actions()
    return sum((deed.actions for deed in deeds), accepting + DONE)


def actions_by_hand(truth: TrueObjects) -> Actions:
    """What drawing every box costs."""
    return BY_HAND * len(truth.boxes) + DONE


def _match(box: FloatArray, label_id: int, truth: TrueObjects, free: NDArray[np.bool_]) -> int | None:
    """The free object that the box is about: the best covered of its label, else of any."""
    if not free.any():
        return None
    shared = np.where(free, overlap(box, truth.boxes), 0)
    same = np.where(truth.label_ids == label_id, shared, 0)
    for candidates in (same, shared):
        best = int(candidates.argmax())
        if candidates[best] >= WORTH_MOVING:
            return best
    return None


def _mended(row: int, box: FloatArray, label_id: int, true_box: FloatArray, true_label: int) -> Deed:
    """How a suggestion becomes right: as it is, with another label, with one corner dragged, or with two."""
    relabelled = KEY if label_id != true_label else Actions()
    if _iou(box, true_box) >= SAME_PLACE:
        move = Move.RELABEL if relabelled.total else Move.ACCEPT
        return Deed(move, row, _bounds(box), true_label, relabelled)
    corners = [np.asarray(box, np.float32).copy() for _ in range(4)]
    for corner, (x, y) in zip(corners, ((0, 1), (2, 1), (0, 3), (2, 3)), strict=True):
        corner[x], corner[y] = true_box[x], true_box[y]
    best = max(corners, key=lambda corner: _iou(corner, true_box))
    if _iou(best, true_box) >= SAME_PLACE:
        return Deed(Move.CORRECT, row, _bounds(best), true_label, Actions(drags=1) + relabelled)
    return Deed(Move.CORRECT, row, _bounds(true_box), true_label, Actions(drags=2) + relabelled)


def _iou(a: FloatArray, b: FloatArray) -> float:
    return float(overlap(np.asarray(a, np.float32), np.asarray(b, np.float32)[None])[0])


def _bounds(box: FloatArray) -> Bounds:
    x1, y1, x2, y2 = (float(value) for value in box)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
