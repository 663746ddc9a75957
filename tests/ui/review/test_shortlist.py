"""A tag is offered as its doubt asks: alone when it is sure, with two or three candidates and their digits when it is not."""

from __future__ import annotations

import pytest

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Task
from annotator.domain.records import Label, Suggestion, new_id
from ui.qt_models.suggestions_model import SuggestionsModel

LABELS = [Label(at + 1, name, "#4E9BFF", at) for at, name in enumerate(("cat", "dog", "fox", "owl", "bee", "ant"))]


@pytest.mark.parametrize(
    ("shares", "uncalibrated", "shown"),
    [
        ((0.98, 0.01, 0.01), False, [("cat", "1")]),
        ((0.6, 0.38, 0.01, 0.01), False, [("cat", "1"), ("dog", "2")]),
        ((0.5, 0.3, 0.18, 0.01, 0.01), False, [("cat", "1"), ("dog", "2"), ("fox", "3")]),
        ((0.25, 0.2, 0.2, 0.2, 0.15), False, [("cat", "1"), ("dog", "2"), ("fox", "3")]),
        ((0.4, 0.2, 0.2, 0.1, 0.1), True, [("cat", "1"), ("dog", "2"), ("fox", "3"), ("owl", "4"), ("bee", "5")]),
    ],
)
def test_the_shortlist_is_as_long_as_the_doubt(
    shares: tuple[float, ...], uncalibrated: bool, shown: list[tuple[str, str]]
) -> None:
    distribution = tuple((at + 1, share) for at, share in enumerate(shares))
    made = Suggestion(
        new_id(), 1, 1, Tag(), distribution, shares[0], shares[0], task=Task.TAGS, group_id=1, uncalibrated=uncalibrated
    )
    model = SuggestionsModel()
    model.set_suggestions([made], LABELS)
    entries = [entry for row in range(model.rowCount()) if (entry := model.entry(row)) is not None]
    assert [(entry.label.name, entry.digit) for entry in entries] == shown
