"""The effort of a simulated annotator: a good segmenter saves it, a bad one costs more than drawing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from annotator.models.protocols import Candidates, FloatArray, ModelInfo, RGBImage
from annotator.simulate.actions import Actions
from annotator.simulate.masks import MOST_CLICKS, Effort, actions_to_draw, effort, largest_error

BoolMask = NDArray[np.bool_]


class Answering:
    """A segmenter with fixed answers to the first, second, ... prompt; remembers the clicks it was given."""

    info = ModelInfo("answering", "0", "cpu")

    def __init__(self, *answers: list[BoolMask]) -> None:
        self.answers = answers
        self.clicks: list[tuple[list[list[float]], list[bool]]] = []

    def encode(self, image: RGBImage) -> object:
        return image

    def segment(
        self,
        encoding: object,
        points: FloatArray,
        point_labels: BoolMask,
        box: FloatArray | None = None,
        previous: object | None = None,
    ) -> Candidates:
        self.clicks.append((points.tolist(), point_labels.tolist()))
        masks = self.answers[min(len(points), len(self.answers) - 1)]
        return Candidates(np.stack(masks), np.ones(len(masks), np.float32), tuple(range(len(masks))))

    def refine(self, encoding: object, mask: BoolMask, points: FloatArray, point_labels: BoolMask) -> BoolMask:
        return mask


@pytest.fixture
def square() -> BoolMask:
    plane = np.zeros((60, 80), np.bool_)
    plane[10:50, 20:60] = True
    return plane


IMAGE = np.zeros((60, 80, 3), np.uint8)
BY_HAND = Actions(keys=1, clicks=4)
"""Of the square."""


def test_a_right_answer_costs_a_drag_and_a_key(square: BoolMask) -> None:
    assert effort(Answering([square]), IMAGE, [square]) == Effort(Actions(keys=1, drags=1), BY_HAND)


def test_the_second_candidate_costs_one_key_more(square: BoolMask) -> None:
    assert effort(Answering([~square, square]), IMAGE, [square]).assisted == Actions(keys=2, drags=1)


def test_clicks_go_to_the_largest_error_until_it_is_good(square: BoolMask) -> None:
    half = square.copy()
    half[:, 40:] = False
    segmenter = Answering([half], [square])
    assert effort(segmenter, IMAGE, [square]).assisted == Actions(keys=1, clicks=1, drags=1)
    ((x, y),), labels = segmenter.clicks[1]
    assert labels == [True]
    assert (40 < x < 60) and (10 < y < 50)


def test_what_cannot_be_mended_is_drawn_after_all(square: BoolMask) -> None:
    assert effort(Answering([~square]), IMAGE, [square, np.zeros_like(square)]) == Effort(
        Actions(clicks=MOST_CLICKS, drags=1) + BY_HAND, BY_HAND
    )


def test_too_much_is_answered_with_a_negative_click(square: BoolMask) -> None:
    x, y, positive = largest_error(np.ones_like(square), square)
    assert not positive
    assert not square[int(y), int(x)]
    with pytest.raises(ValueError, match="same"):
        largest_error(square, square)


def test_a_hole_is_an_outline_of_its_own(square: BoolMask) -> None:
    assert actions_to_draw(square) == BY_HAND
    square[20:30, 30:40] = False
    assert actions_to_draw(square).total > 8
