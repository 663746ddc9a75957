"""What a page looks like after an edit: pure, so that the window shows it before the database has it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from annotator.domain.page import Page, annotation_order, in_terms_of, suggestion_order, verdict_order
from annotator.domain.records import Annotation, Image
from annotator.edits.changes import (
    AnnotationChange,
    BatchChange,
    Change,
    Edit,
    ImageChange,
    LabelChange,
    VerdictChange,
)

FEW = 8
"""Up to this number of changes a page is patched; beyond it is composed anew."""

IMAGE_FIELDS = ("state", "reason", "split", "flagged", "note")
"""The fields of an image that a person changes."""


def apply(page: Page, edit: Edit) -> Page:
    """``page`` after ``edit``. Changes of other images pass by.

    A batch acts through its rows, as long as it has them. Taking back a batch, or the deletion of a label, brings back rows that
    no page holds: ask ``History.page`` for that page instead.
    """
    return apply_changes(page, edit.changes)


def apply_changes(page: Page, changes: Iterable[Change]) -> Page:
    """``page`` after ``changes``, in their order."""
    image_id = page.image.id
    drawn: list[AnnotationChange] = []
    judged: list[VerdictChange] = []
    for change in changes:
        match change:
            case AnnotationChange() if change.image_id == image_id:
                drawn.append(change)
            case VerdictChange() if change.image_id == image_id:
                judged.append(change)
            case ImageChange() if change.image_id == image_id:
                page = _with_image(page, change)
            case LabelChange(after=None):
                page, drawn = _without_label(_with_annotations(page, drawn), change), []
            case BatchChange() if change.rows:
                page, drawn = apply_changes(_with_annotations(page, drawn), change.rows), []
    return _with_verdicts(_with_annotations(page, drawn), judged)


def image_difference(before: Image, after: Image) -> dict[str, Any]:
    """The fields of ``after`` that a person changed."""
    return {name: getattr(after, name) for name in IMAGE_FIELDS if getattr(before, name) != getattr(after, name)}


def _with_image(page: Page, change: ImageChange) -> Page:
    image = replace(page.image, **image_difference(change.before, change.after))
    done = (page.done - (change.done_before - change.done_after)) | (change.done_after - change.done_before)
    return replace(page, image=image, done=done)


def _with_annotations(page: Page, changes: list[AnnotationChange]) -> Page:
    if not changes:
        return page
    if len(changes) <= FEW:
        return replace(page, annotations=_with_few(page.annotations, changes))
    table = {annotation.id: annotation for annotation in page.annotations}
    moved = False
    for change in changes:
        before, after = change.before, change.after
        if after is None:
            if before is not None:
                table.pop(before.id, None)
            continue
        moved = moved or before is None or _rank(before) != _rank(after)
        table[after.id] = after
    annotations: Iterable[Annotation] = table.values()
    return replace(page, annotations=tuple(sorted(annotations, key=annotation_order) if moved else annotations))


def _with_few(annotations: tuple[Annotation, ...], changes: list[AnnotationChange]) -> tuple[Annotation, ...]:
    """The same for a few changes of many annotations: no table of all of them is made."""
    found = list(annotations)
    for change in changes:
        before, after = change.before, change.after
        known = after if after is not None else before
        if known is None:
            continue
        place = _place_of(found, before or known, certain=before is not None)
        stays = before is not None and after is not None and _rank(before) == _rank(after)
        if after is not None and stays and place >= 0:
            found[place] = after
            continue
        if place >= 0:
            del found[place]
        if after is not None:
            insort(found, after, key=annotation_order)
    return tuple(found)


def _place_of(found: list[Annotation], known: Annotation, *, certain: bool) -> int:
    """Where an annotation stands, -1 when it does not. ``certain``: it should, so look through all when it moved elsewhere."""
    place = bisect_left(found, annotation_order(known), key=annotation_order)
    if place < len(found) and found[place].id == known.id:
        return place
    return next((at for at, each in enumerate(found) if each.id.int == known.id.int), -1) if certain else -1


def _rank(annotation: Annotation) -> tuple[int, str]:
    return annotation.z_order, annotation.created_at


def _with_verdicts(page: Page, changes: list[VerdictChange]) -> Page:
    if not changes:
        return page
    verdicts = {verdict.suggestion_id: verdict for verdict in page.verdicts}
    open_ones = {suggestion.id: suggestion for suggestion in page.suggestions}
    for change in changes:
        key = change.suggestion_id
        if change.after is not None:
            verdicts[key] = change.after
            open_ones.pop(key, None)
        else:
            verdicts.pop(key, None)
            if change.suggestion is not None and not change.suggestion.superseded:
                open_ones[key] = change.suggestion
    return replace(
        page,
        suggestions=tuple(sorted(open_ones.values(), key=suggestion_order)),
        verdicts=tuple(sorted(verdicts.values(), key=verdict_order)),
    )


def _without_label(page: Page, change: LabelChange) -> Page:
    gone, into = change.label_id, change.merged_into
    suggestions = [in_terms_of(suggestion, {gone: into}) for suggestion in page.suggestions]
    if into is None:
        annotations = [a for a in page.annotations if a.label_id != gone]
    else:
        annotations = [replace(a, label_id=into) if a.label_id == gone else a for a in page.annotations]
    return replace(page, annotations=tuple(annotations), suggestions=tuple(s for s in suggestions if s is not None))
