"""Boxes become suggestions: doubles merge, answers are respected, maybes name what they could be, confidence learns."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.domain.kinds import Task
from annotator.domain.records import JITTER
from annotator.learning.detection.decode import Found
from annotator.pseudolabel.boxes import (
    MAYBE,
    RESCUED,
    TILE,
    ShapeCalibration,
    Taken,
    calibrate_shapes,
    merged,
    open_to,
    suggest_boxes,
)
from annotator.pseudolabel.calibrate import MIN_VERDICTS

LABELS, NAMES = (11, 12, 13), ("cat", "dog", "bird")
PLACE = [10.0, 10.0, 50.0, 60.0]


def found(*rows: tuple[list[float], list[float]], jitter: float = 0.0, rescued: bool = False, tile: int = 0) -> Found:
    """Boxes with their mixes; the hottest class is theirs."""
    boxes = np.asarray([box for box, _ in rows], np.float32).reshape(-1, 4)
    mixes = np.asarray([mix for _, mix in rows], np.float32).reshape(-1, 3)
    n = len(rows)
    return Found(
        boxes, mixes.max(axis=1, initial=0), mixes.argmax(axis=1) if n else np.zeros(0, np.int64), mixes,
        np.full(n, tile, np.int64), np.full(n, jitter, np.float32), np.full(n, rescued),
    )  # fmt: skip


def taken(boxes: list[list[float]], labels: list[int], *, refused: bool = False) -> Taken:
    corners, ids = np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(labels, np.int64)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    return Taken(*nothing, corners, ids) if refused else Taken(corners, ids, *nothing)


def suggest(boxes: Found, **how: object) -> list:
    values = {"run_id": 3, "sure_from": 0.4, "calibration": ShapeCalibration(), **how}
    return suggest_boxes(7, boxes, LABELS, NAMES, **values)  # type: ignore[arg-type]


def test_two_labels_at_one_place_become_one_box_with_both() -> None:
    one = merged(found((PLACE, [0.8, 0.1, 0.0]), ([11.0, 10.0, 50.0, 60.0], [0.1, 0.6, 0.0])))
    assert len(one) == 1
    (suggestion,) = suggest(one)
    assert [label for label, _ in suggestion.distribution] == [11, 12]
    assert suggestion.distribution[0][1] == pytest.approx(0.8 / 1.4, abs=1e-3)
    assert suggestion.reason == "cat or dog?"
    assert suggestion.extra[MAYBE] is True


def test_boxes_apart_stay_apart() -> None:
    assert len(merged(found((PLACE, [0.8, 0, 0]), ([30.0, 10.0, 70.0, 60.0], [0, 0.7, 0])))) == 2


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (taken([PLACE], [11]), 0),
        (taken([PLACE], [12]), 0),  # a person says that something else is there
        (taken([[10, 10, 50, 42]], [11]), 0),  # IoU .64 of the same label: the same object
        (taken([[10, 10, 50, 42]], [12]), 1),
        (taken([[200, 10, 240, 60]], [11]), 1),
        (taken([PLACE], [11], refused=True), 0),
        (taken([[10, 10, 50, 46]], [11], refused=True), 0),  # IoU .72
        (taken([[10, 10, 50, 42]], [11], refused=True), 1),
        (taken([PLACE], [12], refused=True), 1),
        (Taken(), 1),
    ],
)
def test_what_people_have_said_is_left_alone(said: Taken, left: int) -> None:
    assert len(open_to(found((PLACE, [0.8, 0.1, 0.0])), LABELS, said)) == left


def test_a_clear_box_has_no_question_and_carries_how_it_was_made() -> None:
    tiles = [(0.0, 0.0, 100.0, 80.0), (60.0, 0.0, 160.0, 80.0)]
    (clear,) = suggest(found((PLACE, [0.9, 0.01, 0.0]), jitter=0.031, tile=1), tiles=tiles)
    assert (clear.task, clear.label_id, clear.reason, clear.image_id, clear.run_id) == (Task.BOXES, 11, "", 7, 3)
    assert clear.geometry.bounds() == tuple(PLACE)
    assert clear.extra == {JITTER: 0.031, TILE: [60.0, 0.0, 160.0, 80.0]}
    assert clear.shaky
    assert len(clear.distribution) == 1


def test_weak_boxes_are_maybes_and_second_looks_are_marked() -> None:
    (weak,) = suggest(found((PLACE, [0.3, 0.0, 0.0])))
    assert weak.extra[MAYBE]
    assert weak.reason == "cat?"
    (second,) = suggest(found((PLACE, [0.6, 0.0, 0.0]), rescued=True))
    assert second.extra[RESCUED]
    assert second.reason == "found on a second look"


def test_boxes_of_unknown_steadiness_say_nothing_of_it() -> None:
    (foreign,) = suggest(found((PLACE, [0.6, 0.0, 0.0]), jitter=float("nan")))
    assert JITTER not in foreign.extra
    assert not foreign.shaky


def test_confidence_is_the_score_until_a_hundred_verdicts_say_otherwise() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.2, 0.9, 600).astype(np.float32)
    accepted = rng.random(600) < scores * 0.5  # half of what looks right needs its edges moved
    few = calibrate_shapes(scores[: MIN_VERDICTS - 1], accepted[: MIN_VERDICTS - 1])
    assert few.uncalibrated
    np.testing.assert_array_equal(few.apply(scores[:3]), scores[:3])
    fitted = calibrate_shapes(scores, accepted)
    said = fitted.apply(np.asarray([0.3, 0.6, 0.85], np.float32))
    assert not fitted.uncalibrated
    np.testing.assert_allclose(said, [0.15, 0.3, 0.42], atol=0.08)
    (suggestion,) = suggest(found((PLACE, [0.6, 0.0, 0.0])), calibration=fitted)
    assert suggestion.score == pytest.approx(0.6)
    assert suggestion.confidence == pytest.approx(float(said[1]), abs=1e-3)


def test_verdicts_of_one_kind_do_not_lead_to_certainty() -> None:
    fitted = calibrate_shapes(np.full(150, 0.6, np.float32), np.ones(150, bool))
    assert 0.6 < fitted.apply(np.asarray([0.6], np.float32))[0] < 0.999
