"""The queue for boxes: the most doubtful pictures first, with a reason that names the label in doubt."""

from __future__ import annotations

import numpy as np

from annotator.learning.box_queue import rank_by_boxes

NAMES = {1: "cat", 2: "dog"}


def ranked(*boxes: tuple[int, int, float], images: tuple[int, ...] = (5, 6, 7)) -> tuple[list[int], list[str]]:
    """(image, label, confidence) of suggested boxes."""
    columns = [np.asarray([box[at] for box in boxes], kind) for at, kind in enumerate((np.int64, np.int64, np.float64))]
    order, reasons = rank_by_boxes(np.asarray(images), *columns, NAMES)
    return order.tolist(), reasons


def test_doubtful_before_clear() -> None:
    order, reasons = ranked((5, 1, 0.99), (5, 2, 0.98), (6, 2, 0.5), (6, 1, 0.45), (6, 1, 0.97), (7, 1, 0.6))
    assert order == [6, 7, 5]
    assert reasons == ["dog and 1 more?", "cat?", "boxes look clear"]


def test_a_picture_on_which_nothing_was_found_stands_before_clear_ones() -> None:
    order, reasons = ranked((5, 1, 0.99), (7, 1, 0.5), (7, 1, 0.5), images=(5, 6, 7))
    assert order == [7, 6, 5]
    assert reasons[1] == "nothing found here"


def test_one_hard_box_among_many_clear_ones_weighs_as_one() -> None:
    many = [(5, 1, 0.99)] * 40 + [(5, 1, 0.5)]
    order, _ = ranked(*many, (6, 1, 0.6), (6, 1, 0.6), images=(5, 6))
    assert order == [6, 5]


def test_every_picture_is_there_once_without_any_box() -> None:
    order, reasons = ranked(images=tuple(range(40)))
    assert sorted(order) == list(range(40))
    assert len(reasons) == 20
