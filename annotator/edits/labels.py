"""Builders of edits of labels. Names are unique; ids come from ``History.next_label_id`` and are never given away twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from annotator.domain.names import label_name
from annotator.domain.palette import label_color
from annotator.domain.records import Label, new_id
from annotator.edits.changes import BatchChange, Change, Edit, LabelChange
from annotator.errors import UsageError


def create_labels(
    labels: Sequence[Label], names: Iterable[str], first_id: int, *, annotator: str, group_id: int | None = 1
) -> Edit:
    """Labels with these names after the existing ``labels``; names that exist and empty ones are passed over."""
    known = {label.name for label in labels}
    place = max((label.position for label in labels), default=-1) + 1
    made: list[Label] = []
    for name in (label_name(each) for each in names):
        if name and name not in known:
            known.add(name)
            position = place + len(made)
            made.append(Label(first_id + len(made), name, label_color(position), position, group_id=group_id))
    title = f'Add label "{made[0].name}"' if len(made) == 1 else f"Add {len(made)} labels"
    return Edit(title, None, tuple(LabelChange(None, label) for label in made), annotator)


def create_label(
    labels: Sequence[Label], name: str, first_id: int, *, annotator: str, group_id: int | None = 1, **values: Any
) -> Edit:
    """One label, with any other of its fields. Raises ``UsageError`` when the name is taken or empty."""
    _check_name(labels, name)
    edit = create_labels(labels, (name,), first_id, annotator=annotator, group_id=group_id)
    made = [replace(c.after, **values) for c in edit.changes if isinstance(c, LabelChange) and c.after is not None]
    return replace(edit, changes=tuple(LabelChange(None, label) for label in made))


def rename_label(labels: Sequence[Label], label: Label, name: str, *, annotator: str) -> Edit:
    """Another name, everywhere. Raises ``UsageError`` when it is taken or empty."""
    name = label_name(name)
    if name == label.name:
        return Edit(f'Rename "{label.name}"', None, (), annotator)
    _check_name(labels, name)
    return _changed(f'Rename "{label.name}" to "{name}"', label, annotator, name=name)


def recolour(label: Label, color: str, *, annotator: str) -> Edit:
    """Another colour (#RRGGBB)."""
    return _changed(f'Recolour "{label.name}"', label, annotator, color=color)


def change_label_fields(label: Label, *, annotator: str, **values: Any) -> Edit:
    """Any other fields of a label: shortcut, synonyms, definition, group, skeleton, attributes."""
    return _changed(f'Change "{label.name}"', label, annotator, **values)


def reorder_labels(labels: Sequence[Label], ids: Sequence[int], *, annotator: str) -> Edit:
    """The order of the panel: ``ids`` first, then the rest as it was."""
    by_id = {label.id: label for label in labels}
    named = [by_id[i] for i in dict.fromkeys(ids) if i in by_id]
    order = [*named, *(label for label in labels if label.id not in set(ids))]
    changes = tuple(
        LabelChange(label, replace(label, position=position))
        for position, label in enumerate(order)
        if label.position != position
    )
    return Edit("Reorder labels", None, changes, annotator)


def merge_labels(label: Label, into: Label, *, annotator: str) -> Edit:
    """All annotations of ``label`` become ``into``, and ``label`` goes."""
    if label.id == into.id:
        raise UsageError(f'"{label.name}" cannot be merged into itself.')
    changes: tuple[Change, ...] = (
        BatchChange(new_id(), True, label_id=label.id, into_id=into.id),
        LabelChange(label, None, into.id),
    )
    return Edit(f'Merge "{label.name}" into "{into.name}"', None, changes, annotator)


def delete_label(label: Label, *, annotator: str) -> Edit:
    """``label`` goes, and all its annotations with it."""
    changes = (BatchChange(new_id(), True, label_id=label.id), LabelChange(label, None))
    return Edit(f'Delete label "{label.name}"', None, changes, annotator)


def _changed(title: str, label: Label, annotator: str, **values: Any) -> Edit:
    new = replace(label, **values)
    return Edit(title, None, () if new == label else (LabelChange(label, new),), annotator)


def _check_name(labels: Sequence[Label], name: str) -> None:
    name = label_name(name)
    if not name:
        raise UsageError("A label needs a name.")
    if any(label.name == name for label in labels):
        raise UsageError(f'There is already a label "{name}".', "Choose another name, or merge the two.")
