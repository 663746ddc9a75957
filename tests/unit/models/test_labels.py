"""A foreign model's names and a project's labels."""

from __future__ import annotations

import pytest

from annotator.domain.records import Label
from annotator.models.labels import map_names

LABELS = (
    Label(7, "Traffic light", synonyms=("signal",)),
    Label(3, "car", synonyms=("automobile", "traffic-light")),
    Label(9, "Café"),
)


def test_by_name_then_by_synonym_else_ignored() -> None:
    assert map_names(["traffic_light", "AUTOMOBILE", "signal", "zebra"], LABELS) == (7, 3, 7, None)


def test_spelling_does_not_matter() -> None:
    assert map_names(["traffic  LIGHT", "Cafe\u0301", " car "], LABELS) == (7, 9, 3)
    assert map_names(["cafe"], LABELS) == (None,)


def test_a_choice_comes_first() -> None:
    assert map_names(["car", "zebra", "signal"], LABELS, {"car": "ignore", "zebra": 9}) == (None, 9, 7)
    with pytest.raises(ValueError, match="'zebra' is mapped to 8"):
        map_names(["zebra"], LABELS, {"zebra": 8})


def test_of_two_that_would_do_the_first_wins() -> None:
    assert map_names(["car"], [Label(1, "CAR"), Label(2, "car")]) == (1,)
    assert map_names([], LABELS) == () and map_names(["car"], []) == (None,)
