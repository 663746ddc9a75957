"""Builders of edits of tags: an image has at most one of each exclusive group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from annotator.domain.geometry import GeometryKind, Tag
from annotator.domain.kinds import Decision, ImageState, Source, Task
from annotator.domain.page import Page
from annotator.domain.records import Annotation, Suggestion, new_annotation, now, one_moment
from annotator.edits import resolve
from annotator.edits.changes import AnnotationChange, Edit, ImageChange, RowChange, batched
from annotator.edits.vocabulary import Vocabulary


def set_tag(
    page: Page,
    label_id: int,
    vocabulary: Vocabulary,
    *,
    annotator: str,
    suggestions: Iterable[Suggestion] = (),
    seconds: float = 0.0,
) -> Edit:
    """The image has this tag. In an exclusive group it replaces the one that was there, answers the group's suggestion and, with
    that, completes the task. ``suggestions`` are those shown but not yet on the page. Whoever says what another person has said
    stands by it from then on; the log keeps both, and so is it known that they agree."""  # fmt: skip
    title = f"Tag {vocabulary.name(label_id)}"
    group = vocabulary.exclusive_group(label_id)
    answered = _answered(page, label_id, group, vocabulary, suggestions)
    rivals = _rivals(page, label_id, group, vocabulary)
    tag = next((a for a in rivals if a.label_id == label_id), None)
    changes: list[RowChange] = []
    if tag is None and rivals and group is not None:
        old = rivals.pop(0)
        step = resolve.changed(page, old, replace(old, label_id=label_id, annotator=annotator), annotator)
        tag = _drawn(step)
        changes += step
    elif tag is None:
        tag = _new_tag(page, label_id, annotator, answered)
        changes.append(AnnotationChange(None, tag))
    elif tag.annotator not in ("", annotator):
        tag = replace(tag, annotator=annotator, updated_at=now())
        changes.append(AnnotationChange(next(a for a in rivals if a.id == tag.id), tag))
    for rival in rivals:
        if rival.id != tag.id:
            changes += resolve.removed(page, rival, annotator)
    for suggestion in answered:
        decision = Decision.ACCEPTED if suggestion.label_id == label_id else Decision.CORRECTED
        changes.append(resolve.judged(suggestion, decision, tag, annotator, seconds))
    if not changes and (group is None or Task.TAGS in page.done):
        return Edit(title, page.image.id, (), annotator)
    if not changes:
        return _completed(title, page, annotator)
    return resolve.finished(title, page, changes, annotator, Task.TAGS if group is not None else None)


def clear_tag(page: Page, label_id: int, vocabulary: Vocabulary, *, annotator: str) -> Edit:
    """The image does not have this tag. A group that was answered by it is open again."""
    changes = [c for tag in _tags(page) if tag.label_id == label_id for c in resolve.removed(page, tag, annotator)]
    title = f"Remove tag {vocabulary.name(label_id)}"
    edit = resolve.finished(title, page, changes, annotator)
    if not changes or Task.TAGS not in page.done or vocabulary.exclusive_group(label_id) is None:
        return edit
    left = page.done - {Task.TAGS}
    state = page.image.state if left or page.image.state is not ImageState.DONE else ImageState.IN_PROGRESS
    reopened = ImageChange(page.image, replace(page.image, state=state), page.done, left)
    rows = tuple(c for c in edit.changes if not isinstance(c, ImageChange))
    return replace(edit, changes=(*rows, reopened))


def tag_many(pages: Iterable[Page], label_id: int, vocabulary: Vocabulary, *, annotator: str) -> Edit:
    """Many images get a tag in one step, as a batch already where they are very many: build it off the GUI thread."""
    with one_moment():
        edits = [set_tag(page, label_id, vocabulary, annotator=annotator) for page in pages]
    return batched(resolve.joined(f"Tag {vocabulary.name(label_id)} on {len(edits)} images", edits, annotator))


def _tags(page: Page) -> list[Annotation]:
    return [annotation for annotation in page.annotations if annotation.kind is GeometryKind.TAG]


def _rivals(page: Page, label_id: int, group: int | None, vocabulary: Vocabulary) -> list[Annotation]:
    """The tags of the page that stand where the new one goes: its own label, or any of its exclusive group."""
    if group is None:
        return [tag for tag in _tags(page) if tag.label_id == label_id]
    return [tag for tag in _tags(page) if vocabulary.exclusive_group(tag.label_id) == group]


def _answered(
    page: Page, label_id: int, group: int | None, vocabulary: Vocabulary, more: Iterable[Suggestion]
) -> list[Suggestion]:
    """The open tag suggestions that the new tag answers."""
    judged = {verdict.suggestion_id for verdict in page.verdicts}
    known = {s.id: s for s in (*page.suggestions, *more) if s.geometry.kind is GeometryKind.TAG and s.id not in judged}
    if group is None:
        return [s for s in known.values() if s.label_id == label_id]
    return [s for s in known.values() if group in (s.group_id, vocabulary.exclusive_group(s.label_id))]


def _new_tag(page: Page, label_id: int, annotator: str, answered: list[Suggestion]) -> Annotation:
    """A tag by hand, or the annotation that takes over the suggestion which it answers."""
    if not answered:
        return new_annotation(page.image.id, label_id, Tag(), annotator)
    same = next((s for s in answered if s.label_id == label_id), None)
    source = Source.ACCEPTED if same is not None else Source.CORRECTED
    return resolve.from_suggestion(same or answered[0], label_id, annotator, source)


def _drawn(changes: Iterable[RowChange]) -> Annotation:
    for change in changes:
        if isinstance(change, AnnotationChange) and change.after is not None:
            return change.after
    raise ValueError("no annotation in these changes")


def _completed(title: str, page: Page, annotator: str) -> Edit:
    done = ImageChange(page.image, replace(page.image, state=ImageState.DONE), page.done, page.done | {Task.TAGS})
    return Edit(title, page.image.id, (done,), annotator)
