"""Suggestions that say the same twice: of one label at one place. The more confident one leads; its twins go where it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import shapely

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Decision
from annotator.domain.overlap import SAME_PLACE, iou
from annotator.domain.page import Page
from annotator.domain.records import Suggestion
from annotator.edits.changes import AnnotationChange, Edit, RowChange, VerdictChange
from annotator.edits.resolve import judged

MOST = 3_000
"""An image with more open suggestions than this is not reviewed one by one, and nothing is merged on it."""
_NEAR = 0.3
_PLACELESS = (GeometryKind.TAG, GeometryKind.CAPTION)


def twins_of(suggestions: Sequence[Suggestion]) -> dict[UUID, UUID]:
    """For each suggestion that repeats a more confident one of its label (IoU of .7 or more): the id of that one.

    ``suggestions`` come the most confident first. A suggestion that is a twin leads none.
    """
    placed = [s for s in suggestions if s.geometry.kind not in _PLACELESS]
    if len(placed) < 2 or len(placed) > MOST:
        return {}
    leader: dict[UUID, UUID] = {}
    for first, second in _near_pairs(placed):
        a, b = placed[first], placed[second]
        if a.label_id == b.label_id and a.id not in leader and b.id not in leader and _same_place(a, b):
            leader[b.id] = a.id
    return leader


def with_twins(page: Page, edit: Edit, twins: Iterable[Suggestion], annotator: str) -> Edit:
    """The edit that judges a suggestion, judging its twins that are open on ``page`` in the same way."""
    verdict = next((c.after for c in edit.changes if isinstance(c, VerdictChange) and c.before is None), None)
    if verdict is None:
        return edit
    added = [c.after for c in edit.changes if isinstance(c, AnnotationChange) and c.before is None]
    taken = next((a for a in added if a is not None and a.id == verdict.annotation_id), None)
    known = {v.suggestion_id for v in page.verdicts} | {
        c.after.suggestion_id for c in edit.changes if isinstance(c, VerdictChange) and c.after is not None
    }
    more: list[RowChange] = []
    for twin in twins:
        if twin.id in known:
            continue
        decision = verdict.decision
        if taken is not None:
            decision = Decision.ACCEPTED if taken.geometry == twin.geometry else Decision.CORRECTED
        more.append(judged(twin, decision, taken, annotator, verdict.seconds))
    return replace(edit, changes=(*edit.changes, *more)) if more else edit


def by_leader(suggestions: Sequence[Suggestion], leader: dict[UUID, UUID]) -> dict[UUID, list[Suggestion]]:
    """The twins of each suggestion that has any."""
    found: defaultdict[UUID, list[Suggestion]] = defaultdict(list)
    for suggestion in suggestions if leader else ():
        if suggestion.id in leader:
            found[leader[suggestion.id]].append(suggestion)
    return dict(found)


def _near_pairs(placed: Sequence[Suggestion]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, whose bounds overlap enough to be worth a closer look, in the order of i, then of j."""
    bounds = np.array([s.geometry.bounds() or (0, 0, 0, 0) for s in placed], np.float64)
    boxes = shapely.box(*bounds.T)
    first, second = shapely.STRtree(boxes).query(boxes)
    later = first < second
    first, second = first[later], second[later]
    a, b = bounds[first], bounds[second]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    both = np.clip(sides, 0, None).prod(axis=1)
    either = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - both
    near = (both >= _NEAR * either) | (either == 0)
    first, second = first[near], second[near]
    order = np.lexsort((second, first))
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _same_place(a: Suggestion, b: Suggestion) -> bool:
    return a.geometry.kind is b.geometry.kind and iou(a.geometry, b.geometry) >= SAME_PLACE
