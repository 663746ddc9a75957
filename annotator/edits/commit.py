"""Writes an edit: its rows, its line in the log and what the counters follow, inside one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import orjson

from annotator.domain.kinds import Task
from annotator.domain.records import Annotation, Label, Suggestion, Verdict
from annotator.edits import codec
from annotator.edits.apply import image_difference
from annotator.edits.changes import (
    AnnotationChange,
    BatchChange,
    Change,
    Edit,
    FindingChange,
    ImageChange,
    LabelChange,
    VerdictChange,
)
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store.edit_log import EditKind, LoggedEdit
from annotator.store.session import Writer

C = TypeVar("C", AnnotationChange, VerdictChange, ImageChange)


@dataclass
class _Owners:
    """Which rows belong to batches. Rows that an edit removes leave their owners in the log, and its inverse gives them back."""

    annotations: dict[UUID, tuple[UUID | None, UUID | None]]
    verdicts: dict[UUID, UUID]

    def dump(self) -> str:
        if not self.annotations and not self.verdicts:
            return ""
        annotations = {str(key): value for key, value in self.annotations.items()}
        return orjson.dumps([annotations, {str(k): v for k, v in self.verdicts.items()}]).decode()

    @classmethod
    def load(cls, text: str) -> _Owners:
        if not text:
            return cls({}, {})
        annotations, verdicts = orjson.loads(text)

        def batch(value: str | None) -> UUID | None:
            return None if value is None else UUID(value)

        return cls(
            {UUID(key): (batch(added), batch(removed)) for key, (added, removed) in annotations.items()},
            {UUID(key): UUID(value) for key, value in verdicts.items()},
        )


def commit(writer: Writer, edit: Edit, kind: EditKind = EditKind.DO, inverts: int | None = None) -> int:
    """Write ``edit`` and its line; returns the line's id. ``inverts`` is the line that an undo or redo takes back.

    Raises ``StoreError`` when what the edit changes was changed elsewhere since it was made; nothing is written then.
    """
    inverted = None if inverts is None else writer.edits.get(inverts)
    before, now_removed = _Owners.load(inverted.ownership if inverted else ""), _Owners({}, {})
    _write_labels(writer, edit.changes)
    _write_rows(writer, edit.changes, before, now_removed)
    for change in edit.changes:
        if isinstance(change, BatchChange):
            _write_batch(writer, change, before, now_removed)
    _write_findings(writer, [c for c in edit.changes if isinstance(c, FindingChange)])
    for change in edit.changes:
        if isinstance(change, LabelChange) and change.after is None:
            writer.labels.remove(change.label_id, change.merged_into)
    line = LoggedEdit(
        0, edit.annotator, kind, edit.title, edit.image_id, edit.created_at,
        codec.dump_changes(edit.changes), now_removed.dump(), inverts,
    )  # fmt: skip
    edit_id = writer.edits.append(line)
    writer.ledger.edit_id = edit_id
    return edit_id


def _write_labels(writer: Writer, changes: Iterable[Change]) -> None:
    """Labels that come or change; those that go do so last, after their annotations."""
    updated: list[Label] = []
    for change in changes:
        if isinstance(change, LabelChange) and change.after is not None:
            if change.before is None:
                writer.labels.add(change.after)
            else:
                updated.append(change.after)
    writer.labels.update(updated)


def _write_findings(writer: Writer, changes: list[FindingChange]) -> None:
    writer.findings.remove(c.before for c in changes if c.before is not None and c.after is None)
    writer.findings.put(c.after for c in changes if c.after is not None)


def _write_rows(writer: Writer, changes: Iterable[Change], owners: _Owners, removed: _Owners) -> None:
    rows = tuple(changes)
    _write_annotations(
        writer, _net([c for c in rows if isinstance(c, AnnotationChange)], _annotation_key), owners, removed
    )
    _write_verdicts(writer, _net([c for c in rows if isinstance(c, VerdictChange)], _verdict_key), owners, removed)
    _write_images(writer, _net([c for c in rows if isinstance(c, ImageChange)], _image_key))


def _annotation_key(change: AnnotationChange) -> Any:
    return (change.after or change.before).id  # type: ignore[union-attr]


def _verdict_key(change: VerdictChange) -> Any:
    return change.suggestion_id


def _image_key(change: ImageChange) -> Any:
    return change.image_id


def _net(changes: list[C], key: Callable[[C], Any]) -> list[C]:
    """One change per row: from what was before the first to what is after the last."""
    found: dict[Any, C] = {}
    for change in changes:
        first = found.get(key(change))
        if first is None:
            found[key(change)] = change
        elif isinstance(change, ImageChange) and isinstance(first, ImageChange):
            found[key(change)] = _joined(first, change)
        else:
            found[key(change)] = replace(change, before=first.before)
    return [c for c in found.values() if c.before is not None or c.after is not None]


def _joined(first: ImageChange, second: ImageChange) -> Any:
    """Two changes of one image, each of which may know only the fields it changes."""
    new = image_difference(second.before, second.after)
    old = {
        name: getattr(second.before, name) for name in new if name not in image_difference(first.before, first.after)
    }
    gone = (first.done_before - first.done_after) | (second.done_before - second.done_after)
    come = (first.done_after - first.done_before) | (second.done_after - second.done_before)
    both = gone & come
    return ImageChange(replace(first.before, **old), replace(first.after, **new), gone - both, come - both)


def _write_annotations(writer: Writer, changes: list[AnnotationChange], owners: _Owners, removed: _Owners) -> None:
    repository = writer.annotations
    gone = [c.before for c in changes if c.before is not None and c.after is None]
    removed.annotations |= repository.remove_many(gone)
    repository.update_many((c.before, c.after) for c in changes if c.before is not None and c.after is not None)
    fresh = [c.after for c in changes if c.before is None and c.after is not None]
    repository.add_many(fresh, ownership=owners.annotations)


def _write_verdicts(writer: Writer, changes: list[VerdictChange], owners: _Owners, removed: _Owners) -> None:
    repository = writer.verdicts
    writer.suggestions.add_missing(_judged(changes))
    removed.verdicts |= repository.remove_many([c.before for c in changes if c.before is not None and c.after is None])
    repository.update_many((c.before, c.after) for c in changes if c.before is not None and c.after is not None)
    by_batch: dict[UUID | None, list[Verdict]] = defaultdict(list)
    for change in changes:
        if change.before is None and change.after is not None:
            by_batch[owners.verdicts.get(change.suggestion_id)].append(change.after)
    for batch, verdicts in by_batch.items():
        repository.add_many(verdicts, batch)


def _judged(changes: Iterable[VerdictChange]) -> list[Suggestion]:
    return [c.suggestion for c in changes if c.before is None and c.suggestion is not None]


def _write_images(writer: Writer, changes: list[ImageChange]) -> None:
    """Images that get the same value of a field are written together."""
    values: dict[tuple[str, Any], list[int]] = defaultdict(list)
    done: dict[tuple[Task, bool], list[int]] = defaultdict(list)
    for change in changes:
        new = image_difference(change.before, change.after)
        if "state" in new or "reason" in new:
            values["state", (change.after.state, change.after.reason)].append(change.image_id)
        for name in ("split", "flagged", "note"):
            if name in new:
                values[name, new[name]].append(change.image_id)
        for task in change.done_after ^ change.done_before:
            done[task, task in change.done_after].append(change.image_id)
    for (name, value), ids in values.items():
        match name:
            case "state":
                writer.images.set_state(ids, *value)
            case "split":
                writer.images.set_split(ids, value)
            case "flagged":
                writer.images.set_flag(ids, value)
            case "note":
                for image_id in ids:
                    writer.images.set_note(image_id, value)
    for (task, is_done), ids in done.items():
        writer.images.set_done(ids, task, is_done)


def _write_batch(writer: Writer, change: BatchChange, owners: _Owners, removed: _Owners) -> None:
    known = writer.batches.applied(change.batch_id)
    if known is not None:
        writer.batches.toggle(change.batch_id, change.applied)
        _turn_differences(writer, change, owners, removed)
    elif not change.applied:
        raise StoreError("A bulk edit that was never saved cannot be undone.")
    else:
        writer.batches.begin(change.batch_id)
        _fill_batch(writer, change, removed)
    writer.ledger.note(Table.ANNOTATION, everything=True)


def _fill_batch(writer: Writer, change: BatchChange, removed: _Owners) -> None:
    """Write the rows of a new batch: what it adds and removes carries its mark, every other difference is kept as a record."""
    batch = change.batch_id
    if change.label_id is not None and change.into_id is not None:
        writer.batches.move_label(batch, change.label_id, change.into_id)
    elif change.label_id is not None:
        writer.batches.remove_label(batch, change.label_id)
    drawn = _net([c for c in change.rows if isinstance(c, AnnotationChange)], _annotation_key)
    judged = _net([c for c in change.rows if isinstance(c, VerdictChange)], _verdict_key)
    images = _net([c for c in change.rows if isinstance(c, ImageChange)], _image_key)
    added: list[Annotation] = [c.after for c in drawn if c.before is None and c.after is not None]
    writer.annotations.add_many(added, batch=batch)
    writer.annotations.hide_many([c.before for c in drawn if c.before is not None and c.after is None], batch)
    writer.suggestions.add_missing(_judged(judged))
    writer.verdicts.add_many([c.after for c in judged if c.before is None and c.after is not None], batch)
    others: list[Any] = [c for c in drawn if c.before is not None and c.after is not None]
    others += [c for c in judged if c.before is not None]
    others += images
    _write_rows(writer, others, _Owners({}, {}), removed)
    writer.batches.add_diffs(batch, ((c.image_id, codec.dump_changes((c,))) for c in others))


def _turn_differences(writer: Writer, change: BatchChange, owners: _Owners, removed: _Owners) -> None:
    changes = [c for text in writer.batches.diffs(change.batch_id) for c in codec.load_changes(text)]
    if not change.applied:
        changes = [c.inverse() for c in reversed(changes)]
    _write_rows(writer, changes, owners, removed)
