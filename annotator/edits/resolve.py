"""What an edit of an annotation means for the suggestion it came from, or for one that says the same.

Editing an annotation that came from a suggestion turns *accepted* into *corrected*; deleting it makes the verdict *rejected*;
drawing the same label at an IoU of .7 or more resolves the open suggestion. Each in the same edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Decision, ImageState, Source, Task
from annotator.domain.overlap import SAME_PLACE, iou
from annotator.domain.page import Page
from annotator.domain.records import Annotation, Suggestion, Verdict, new_id, now
from annotator.edits.apply import apply_changes
from annotator.edits.changes import AnnotationChange, Change, Edit, ImageChange, RowChange, VerdictChange


def added(page: Page, annotation: Annotation) -> list[RowChange]:
    """An annotation made by hand; the most overlapping open suggestion of its label at its place is resolved with it."""
    suggestion = same_suggestion(page, annotation)
    if suggestion is None:
        return [AnnotationChange(None, annotation)]
    decision = Decision.ACCEPTED if suggestion.geometry == annotation.geometry else Decision.CORRECTED
    linked = replace(annotation, suggestion_id=suggestion.id)
    return [AnnotationChange(None, linked), judged(suggestion, decision, linked, annotation.annotator)]


def changed(page: Page, before: Annotation, after: Annotation, annotator: str) -> list[RowChange]:
    """An annotation whose content a person changed."""
    if before.source in (Source.ACCEPTED, Source.CERTIFIED):
        after = replace(after, source=Source.CORRECTED)
    changes: list[RowChange] = [AnnotationChange(before, replace(after, updated_at=now()))]
    for verdict in verdicts_of(page, before):
        if verdict.decision is Decision.ACCEPTED:
            corrected = replace(verdict, decision=Decision.CORRECTED, annotator=annotator)
            changes.append(VerdictChange(verdict, corrected))
    return changes


def removed(page: Page, annotation: Annotation, annotator: str) -> list[RowChange]:
    """An annotation that a person deleted."""
    changes: list[RowChange] = [AnnotationChange(annotation, None)]
    for verdict in verdicts_of(page, annotation):
        rejected = replace(verdict, decision=Decision.REJECTED, annotation_id=None, annotator=annotator)
        changes.append(VerdictChange(verdict, rejected))
    return changes


def judged(
    suggestion: Suggestion, decision: Decision, annotation: Annotation | None, annotator: str, seconds: float = 0.0
) -> VerdictChange:
    """A new verdict on an open suggestion."""
    annotation_id = None if annotation is None else annotation.id
    verdict = Verdict(suggestion.id, suggestion.image_id, decision, annotation_id, annotator, now(), seconds)
    return VerdictChange(None, verdict, suggestion)


def from_suggestion(suggestion: Suggestion, label_id: int, annotator: str, source: Source) -> Annotation:
    """The annotation that takes over a suggestion."""
    moment = now()
    return Annotation(
        new_id(),
        suggestion.image_id,
        label_id,
        suggestion.geometry,
        annotator=annotator,
        created_at=moment,
        updated_at=moment,
        suggestion_id=suggestion.id,
        source=source,
    )


def verdicts_of(page: Page, annotation: Annotation) -> list[Verdict]:
    """The verdicts that made ``annotation``: none if it was drawn, several if suggestions said the same twice."""
    return [verdict for verdict in page.verdicts if verdict.annotation_id == annotation.id]


def same_suggestion(page: Page, annotation: Annotation) -> Suggestion | None:
    """The open suggestion that says what ``annotation`` says, the most overlapping one; tags are resolved by their group."""
    if annotation.kind in (GeometryKind.TAG, GeometryKind.CAPTION):
        return None
    best, most = None, SAME_PLACE
    for suggestion in page.suggestions:
        if suggestion.label_id == annotation.label_id and suggestion.geometry.kind is not GeometryKind.TAG:
            overlap = iou(annotation.geometry, suggestion.geometry)
            if overlap >= most:
                best, most = suggestion, overlap
    return best


def finished(title: str, page: Page, changes: Iterable[RowChange], annotator: str, done: Task | None = None) -> Edit:
    """The edit of one page. Work on a new or skipped image puts it in progress; ``done`` names a task that it completes."""
    rows: list[Change] = list(changes)
    if not rows:
        return Edit(title, page.image.id, (), annotator)
    tasks = page.done if done is None else page.done | {done}
    state = page.image.state
    if done is not None:
        state = ImageState.DONE
    elif state in (ImageState.NEW, ImageState.SKIPPED):
        state = ImageState.IN_PROGRESS
    if state is not page.image.state or tasks != page.done:
        rows.append(ImageChange(page.image, replace(page.image, state=state), page.done, tasks))
    return Edit(title, page.image.id, tuple(rows), annotator)


def joined(title: str, edits: Iterable[Edit], annotator: str) -> Edit:
    """One edit of several: their changes in order. It names an image when all concern the same one."""
    parts = tuple(edits)
    images = {edit.image_id for edit in parts}
    changes = tuple(change for edit in parts for change in edit.changes)
    return Edit(title, images.pop() if len(images) == 1 else None, changes, annotator)


def after(page: Page, edit: Edit) -> Page:
    """``page`` after ``edit``, for builders that chain several."""
    return apply_changes(page, edit.changes)
