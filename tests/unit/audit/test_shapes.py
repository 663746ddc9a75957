"""Annotations against what a model sees: loose outlines, other labels, what is missing and what is too much."""

from __future__ import annotations

import pytest

from annotator.audit.shapes import Shape, Trouble, disagreements, loose_outlines
from annotator.domain.geometry import Box, Polygon

DOG, CAT = 1, 2


def box(x: float, y: float, size: float = 100, label: int = DOG, score: float = 0.9) -> Shape:
    return Shape(Box(x, y, x + size, y + size), label, score)


def test_what_agrees_is_no_finding() -> None:
    outline = Polygon.of([(300, 300), (400, 300), (400, 400), (300, 400)])
    assert disagreements([box(0, 0), Shape(outline, CAT)], [box(5, 5), box(300, 300, label=CAT)]) == []
    assert disagreements([], []) == []


@pytest.mark.parametrize(
    ("annotations", "proposals", "trouble"),
    [
        ([box(0, 0)], [box(40, 0)], Trouble.LOOSE),
        ([box(0, 0)], [box(2, 2, label=CAT)], Trouble.LABEL),
        ([], [box(0, 0)], Trouble.MISSING),
        ([box(0, 0)], [], Trouble.EXTRA),
        ([box(0, 0)], [box(90, 90, score=0.3)], Trouble.EXTRA),
    ],
)
def test_each_trouble_has_its_name(annotations: list[Shape], proposals: list[Shape], trouble: Trouble) -> None:
    (found,) = disagreements(annotations, proposals)
    assert found.trouble is trouble
    assert (found.annotation, found.proposal) == (
        -1 if trouble is Trouble.MISSING else 0,
        -1 if trouble is Trouble.EXTRA else 0,
    )


def test_an_unsure_proposal_speaks_for_an_annotation_and_never_against_it() -> None:
    assert disagreements([box(0, 0)], [box(40, 0, score=0.2)]) == []
    assert disagreements([box(0, 0)], [box(2, 2, label=CAT, score=0.5)]) == []
    assert disagreements([], [box(0, 0, score=0.5)]) == []


def test_one_thing_is_paired_once_and_missed_once() -> None:
    found = disagreements([box(0, 0)], [box(1, 1), box(300, 300), box(302, 300, score=0.8)])
    assert [each.trouble for each in found] == [Trouble.MISSING] and found[0].proposal == 1


def test_of_two_alike_the_one_of_the_same_label_is_the_pair() -> None:
    assert disagreements([box(0, 0)], [box(3, 3, label=CAT), box(4, 4)]) == []


def test_an_outline_is_loose_where_the_segmenter_sees_less_than_half_of_it() -> None:
    found = loose_outlines([box(0, 0), box(300, 0), box(600, 0)], [box(0, 0, 90), box(320, 20, 60), box(640, 40, 30)])
    assert [(each.annotation, each.trouble) for each in found] == [(2, Trouble.LOOSE), (1, Trouble.LOOSE)]
