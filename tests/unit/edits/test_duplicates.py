"""Suggestions that say the same twice are one to the person: they are found, and judged together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotator.domain.geometry import Box, Geometry, Mask, Polygon, Tag
from annotator.domain.kinds import Decision, Task
from annotator.domain.page import Page
from annotator.domain.records import Image, Label, Suggestion, new_id
from annotator.edits import duplicates, shapes, verdicts
from annotator.edits.duplicates import by_leader, twins_of, with_twins
from annotator.edits.resolve import after
from annotator.edits.vocabulary import Vocabulary

WORDS = Vocabulary.of([Label(1, "cat", group_id=1), Label(2, "dog", group_id=1)], [])


def said(geometry: Geometry, sure: float, label: int = 1) -> Suggestion:
    return Suggestion(new_id(), 1, 1, geometry, ((label, sure),), sure, sure, task=Task.BOXES)


def page_of(*suggestions: Suggestion) -> Page:
    return Page(Image(1, "a.png", width=200, height=200), suggestions=suggestions)


FIRST, SAME, OTHER = Box(10, 10, 50, 50), Box(11, 10, 51, 51), Box(30, 30, 70, 70)


def test_the_most_confident_leads_those_of_its_label_at_its_place() -> None:
    lead, twin, apart, dog = said(FIRST, 0.9), said(SAME, 0.8), said(OTHER, 0.7), said(SAME, 0.6, label=2)
    leader = twins_of([lead, twin, apart, dog])
    assert leader == {twin.id: lead.id}
    assert by_leader([lead, twin, apart, dog], leader) == {lead.id: [twin]}


def test_a_chain_of_near_boxes_does_not_become_one() -> None:
    chain = [said(Box(10 + 5 * n, 10, 50 + 5 * n, 50), 0.9 - n / 100) for n in range(5)]
    leader = twins_of(chain)
    assert leader[chain[1].id] == chain[0].id
    assert chain[2].id not in leader  # 20% off from the first, though near to its twin


@pytest.mark.parametrize(
    "twin",
    [said(Polygon.of([(10, 10), (50, 10), (50, 50), (10, 50)]), 0.8), said(Tag(), 0.8), said(FIRST.moved(200, 0), 0.8)],
)
def test_other_kinds_and_places_are_no_twins(twin: Suggestion) -> None:
    assert twins_of([said(FIRST, 0.9), twin]) == {}


def test_masks_merge_by_their_pixels() -> None:
    first, second = (Mask(10, 10, 20, 20, (n, 400 - n)) for n in (0, 40))
    lead, twin = said(first, 0.9), said(second, 0.5)
    assert twins_of([lead, twin]) == {twin.id: lead.id}


def test_a_crowd_is_left_as_it_is() -> None:
    assert twins_of([said(FIRST, 0.5)] * (duplicates.MOST + 1)) == {}


def test_twins_are_judged_with_their_leader_and_come_back_with_it() -> None:
    lead, twin = said(FIRST, 0.9), said(SAME, 0.8)
    page = page_of(lead, twin)
    edit = with_twins(page, verdicts.accept(page, lead, WORDS, annotator="ann"), [twin], "ann")
    judged = after(page, edit)
    (annotation,) = judged.annotations
    assert judged.suggestions == ()
    assert {v.suggestion_id: (v.decision, v.annotation_id) for v in judged.verdicts} == {
        lead.id: (Decision.ACCEPTED, annotation.id),
        twin.id: (Decision.CORRECTED, annotation.id),
    }
    assert after(judged, edit.inverse()) == page
    gone = after(judged, shapes.delete(judged, [annotation.id], annotator="ann"))
    assert {v.decision for v in gone.verdicts} == {Decision.REJECTED}
    assert {v.annotation_id for v in gone.verdicts} == {None}


def test_rejecting_one_rejects_its_twins() -> None:
    lead, twin, other = said(FIRST, 0.9), said(SAME, 0.8), said(OTHER, 0.7)
    page = page_of(lead, twin, other)
    judged = after(page, with_twins(page, verdicts.reject(page, lead, WORDS, annotator="ann"), [twin], "ann"))
    assert [s.id for s in judged.suggestions] == [other.id]
    assert {v.decision for v in judged.verdicts} == {Decision.REJECTED}


def test_accepting_many_takes_each_thing_once() -> None:
    lead, twin, other = said(FIRST, 0.9), said(SAME, 0.8), said(OTHER, 0.7)
    page = page_of(lead, twin, other)
    edit = verdicts.accept_many([page], [lead, other], WORDS, annotator="ann", twins={lead.id: [twin]})
    judged = after(page, edit)
    assert sorted(a.geometry.bounds() for a in judged.annotations) == [FIRST.bounds(), OTHER.bounds()]
    assert judged.suggestions == ()
    assert after(judged, edit.inverse()) == page


def test_a_twin_that_was_judged_already_is_left_alone() -> None:
    lead, twin = said(FIRST, 0.9), said(SAME, 0.8)
    page = page_of(lead, twin)
    page = after(page, verdicts.reject(page, twin, WORDS, annotator="ann"))
    edit = verdicts.accept(page, lead, WORDS, annotator="ann")
    assert with_twins(page, edit, [twin], "ann") == edit
    assert replace(edit, changes=()) == with_twins(page, replace(edit, changes=()), [twin], "ann")
