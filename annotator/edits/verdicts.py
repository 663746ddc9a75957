"""Builders of verdicts: accept, correct or reject what a model suggests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from annotator.domain.geometry import Geometry, GeometryKind
from annotator.domain.kinds import Decision, Source
from annotator.domain.page import Page
from annotator.domain.records import Suggestion, now, one_moment
from annotator.edits import duplicates, resolve, tags
from annotator.edits.changes import AnnotationChange, Change, Edit, RowChange, batched
from annotator.edits.vocabulary import Vocabulary


def accept(
    page: Page,
    suggestion: Suggestion,
    vocabulary: Vocabulary,
    *,
    annotator: str,
    label_id: int | None = None,
    seconds: float = 0.0,
) -> Edit:
    """The suggestion is right; with another ``label_id`` it is corrected. A tag of an exclusive group answers the group."""
    label = suggestion.label_id if label_id is None else label_id
    if suggestion.geometry.kind is GeometryKind.TAG:
        edit = tags.set_tag(page, label, vocabulary, annotator=annotator, suggestions=(suggestion,), seconds=seconds)
        verb = "Accept" if label == suggestion.label_id else "Correct to"
        return replace(edit, title=f"{verb} {vocabulary.name(label)}")
    return _taken_over(page, suggestion, suggestion.geometry, label, vocabulary, annotator, seconds)


def correct(
    page: Page,
    suggestion: Suggestion,
    vocabulary: Vocabulary,
    *,
    annotator: str,
    geometry: Geometry | None = None,
    label_id: int | None = None,
    seconds: float = 0.0,
    extra: Mapping[str, Any] | None = None,
) -> Edit:
    """The suggestion becomes an annotation with another shape or label, and with ``extra``. With neither it is accepted."""
    if geometry is None or suggestion.geometry.kind is GeometryKind.TAG:
        return accept(page, suggestion, vocabulary, annotator=annotator, label_id=label_id, seconds=seconds)
    label = suggestion.label_id if label_id is None else label_id
    return _taken_over(page, suggestion, geometry, label, vocabulary, annotator, seconds, extra)


def reject(page: Page, suggestion: Suggestion, vocabulary: Vocabulary, *, annotator: str, seconds: float = 0.0) -> Edit:
    """The suggestion is wrong."""
    return reject_many((page,), (suggestion,), vocabulary, annotator=annotator, seconds=seconds)


def reject_many(
    pages: Iterable[Page],
    suggestions: Iterable[Suggestion],
    vocabulary: Vocabulary,
    *,
    annotator: str,
    seconds: float = 0.0,
) -> Edit:
    """Suggestions of the given pages are wrong."""
    wanted = _by_image(suggestions)
    edits = []
    for page in pages:
        chosen = _still_open(page, wanted[page.image.id])
        changes = [resolve.judged(s, Decision.REJECTED, None, annotator, seconds) for s in chosen]
        if changes:
            name = vocabulary.name(chosen[0].label_id)
            edits.append(resolve.finished(f"Reject {name}", page, changes, annotator))
    return _one("Reject", edits, annotator)


def accept_many(
    pages: Iterable[Page],
    suggestions: Iterable[Suggestion],
    vocabulary: Vocabulary,
    *,
    annotator: str,
    certificate_id: int | None = None,
    twins: Mapping[UUID, Sequence[Suggestion]] | None = None,
) -> Edit:
    """Suggestions of the given pages are right, in one step; with a certificate their annotations are certified.

    ``twins`` say the same as the suggestion whose id they stand under, and are judged with it.
    """
    with one_moment():
        edits = list(_accepted(pages, _by_image(suggestions), vocabulary, annotator, certificate_id, twins or {}))
    return _one("Accept", edits, annotator)


def _accepted(
    pages: Iterable[Page],
    wanted: Mapping[int, list[Suggestion]],
    vocabulary: Vocabulary,
    annotator: str,
    certificate_id: int | None,
    twins: Mapping[UUID, Sequence[Suggestion]],
) -> Iterator[Edit]:
    for page in pages:
        current = page
        for suggestion in _still_open(page, wanted[page.image.id]):
            if any(verdict.suggestion_id == suggestion.id for verdict in current.verdicts):
                continue  # answered with its group by the one before
            edit = accept(current, suggestion, vocabulary, annotator=annotator)
            if suggestion.id in twins:
                edit = duplicates.with_twins(current, edit, twins[suggestion.id], annotator)
            if certificate_id is not None:
                edit = _certified(edit, certificate_id)
            current = resolve.after(current, edit)
            yield edit


def _taken_over(
    page: Page,
    suggestion: Suggestion,
    geometry: Geometry,
    label_id: int,
    vocabulary: Vocabulary,
    annotator: str,
    seconds: float,
    extra: Mapping[str, Any] | None = None,
) -> Edit:
    same = label_id == suggestion.label_id and geometry == suggestion.geometry
    decision, source = (Decision.ACCEPTED, Source.ACCEPTED) if same else (Decision.CORRECTED, Source.CORRECTED)
    annotation = resolve.from_suggestion(suggestion, label_id, annotator, source)
    top = page.annotations[-1].z_order if page.annotations else 0
    annotation = replace(annotation, geometry=geometry, z_order=top, extra=dict(extra or {}))
    verdict = resolve.judged(suggestion, decision, annotation, annotator, seconds)
    title = f"{'Accept' if same else 'Correct'} {vocabulary.name(label_id)}"
    return resolve.finished(title, page, (AnnotationChange(None, annotation), verdict), annotator)


def _by_image(suggestions: Iterable[Suggestion]) -> defaultdict[int, list[Suggestion]]:
    found: defaultdict[int, list[Suggestion]] = defaultdict(list)
    for suggestion in suggestions:
        found[suggestion.image_id].append(suggestion)
    return found


def _still_open(page: Page, suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    judged = {verdict.suggestion_id for verdict in page.verdicts}
    return [s for s in suggestions if s.id not in judged]


def _certified(edit: Edit, certificate_id: int) -> Edit:
    def certify(change: Change) -> Change:
        if isinstance(change, AnnotationChange) and change.after is not None:
            signed = replace(change.after, source=Source.CERTIFIED, certificate_id=certificate_id, updated_at=now())
            return AnnotationChange(change.before, signed)
        return change

    return replace(edit, changes=tuple(certify(change) for change in edit.changes))


def _one(verb: str, edits: list[Edit], annotator: str) -> Edit:
    if len(edits) == 1:
        return edits[0]
    rows: list[RowChange] = [row for edit in edits for row in edit.rows()]
    number = sum(1 for row in rows if not isinstance(row, AnnotationChange) and hasattr(row, "suggestion"))
    return batched(resolve.joined(f"{verb} {number} suggestions", edits, annotator))
