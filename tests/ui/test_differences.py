"""What differs between two pages is found and followed, whatever the edit was."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from annotator.domain.geometry import Box, Tag
from annotator.domain.records import Annotation, Label, Suggestion, new_annotation, new_id
from ui.annotation_index import AnnotationIndex
from ui.differences import difference
from ui.qt_models.suggestions_model import ENTRY, SuggestionsModel

LABELS = [Label(1, "cat"), Label(2, "dog")]


class One:
    """Compared by identity only."""


@given(st.lists(st.sampled_from([One() for _ in range(6)])), st.integers(0, 9), st.integers(0, 9), st.integers(0, 3))
def test_the_span_turns_the_old_into_the_new_and_is_as_short_as_the_edit(
    old: list[One], start: int, length: int, fresh: int
) -> None:
    come = [One() for _ in range(fresh)]
    new = [*old[:start], *come, *old[start + length :]]
    span = difference(old, new)
    assert [*old[: span.start], *span.after, *old[span.start + len(span.before) :]] == new
    assert list(span.before) == old[span.start : span.start + len(span.before)]
    assert len(span) <= len(old[start : start + length]) + fresh


def test_the_index_follows_pages_and_finds_in_the_order_that_was_asked() -> None:
    pick, index, page = random.Random(3), AnnotationIndex(), []
    gone: list[Annotation] = []
    for _ in range(60):
        page = list(page)
        if page and pick.random() < 0.4:
            gone.append(page.pop(pick.randrange(len(page))))
        else:
            page.insert(pick.randint(0, len(page)), new_annotation(1, 1, Tag(), "ada"))
        asked = pick.sample([*page, *gone], pick.randint(0, len(page)))
        assert index.find(page, [a.id for a in asked]) == [a for a in asked if a in page]


def suggestion(confidence: float, kind: type = Box) -> Suggestion:
    geometry = Tag() if kind is Tag else Box(0, 0, 5, 5)
    return Suggestion(new_id(), 1, 1, geometry, ((1, confidence), (2, 1 - confidence)), confidence, confidence)


def rows(model: SuggestionsModel) -> list[tuple[object, int]]:
    found = [model.index(row).data(ENTRY) for row in range(model.rowCount())]
    assert model.heights().tolist() == [24 if entry.rank else 28 for entry in found]
    return [(entry.suggestion.id, entry.rank) for entry in found]


def test_suggestions_that_come_and_go_leave_the_others_where_they_are(qtbot: object) -> None:
    pick, model, shown = random.Random(5), SuggestionsModel(), []
    resets: list[None] = []
    model.set_suggestions([], LABELS)
    model.modelReset.connect(lambda: resets.append(None))
    for _ in range(80):
        shown = list(shown)
        if shown and pick.random() < 0.5:
            del shown[pick.randrange(len(shown))]
        else:
            shown.append(suggestion(pick.uniform(0.1, 0.9), pick.choice((Box, Tag))))
        shown.sort(key=lambda s: -s.confidence)
        model.set_suggestions(shown, LABELS)
        fresh = SuggestionsModel()
        fresh.set_suggestions(shown, LABELS)
        assert rows(model) == rows(fresh)
    assert not resets
