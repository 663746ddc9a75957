"""Prompts: what they say to a model, and that they come back from JSON as they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain.geometry import Box
from annotator.domain.prompt import Prompt, Step, StepKind, around, click, spread_along

places = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda p: (p[0] / 4, p[1] / 4))
steps = st.one_of(
    st.builds(Step, st.just(StepKind.CLICK), st.tuples(places), st.booleans()),
    st.builds(Step, st.just(StepKind.BOX), st.tuples(places, places)),
    st.builds(Step, st.just(StepKind.STROKE), st.lists(places, min_size=1, max_size=30).map(tuple), st.booleans()),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(steps, max_size=6))
def test_a_prompt_survives_json(made: list[Step]) -> None:
    prompt = Prompt(tuple(made))
    assert Prompt.from_json(prompt.to_json()) == prompt
    points, labels = prompt.clicks()
    assert points.shape == (len(labels), 2)


def test_a_second_box_takes_the_place_of_the_first() -> None:
    prompt = around(Box(1, 2, 30, 40)).with_step(click(5, 6)).with_step(Step(StepKind.BOX, ((9.0, 9.0), (3.0, 4.0))))
    assert prompt.box == Box(3, 4, 9, 9)
    assert [s.kind for s in prompt.steps] == [StepKind.CLICK, StepKind.BOX]
    assert prompt.without_last().box is None


def test_only_negative_clicks_say_nothing() -> None:
    assert not Prompt((click(3, 3, positive=False),)).can_be_answered
    assert Prompt((click(3, 3, positive=False), click(9, 9))).can_be_answered


def test_a_stroke_becomes_clicks_at_equal_distances() -> None:
    stroke = Step(StepKind.STROKE, tuple((float(x), 0.0) for x in range(100)), positive=False)
    points, labels = Prompt((click(1, 1), stroke)).clicks()
    assert labels.tolist() == [True] + [False] * 12
    assert points[1].tolist() == [0, 0]
    assert points[-1].tolist() == [99, 0]
    assert np.allclose(np.diff(points[1:, 0]), 9)


def test_a_stroke_on_the_spot_is_one_click() -> None:
    assert spread_along(((2.0, 3.0), (2.0, 3.0))) == ((2.0, 3.0),)


@pytest.mark.parametrize("data", [[{"kind": "click"}], [{"kind": "poke", "points": [], "positive": True}], [7]])
def test_what_is_no_prompt_is_refused(data: list[object]) -> None:
    with pytest.raises(ValueError, match=r"prompt|poke|StepKind"):
        Prompt.from_json(data)  # type: ignore[arg-type]
