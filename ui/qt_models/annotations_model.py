"""The annotations of the image as rows: each label, and under it its annotations unless the label is folded.

The model is flat and knows its groups by offsets, so that neither a row's place nor a change depends on how many rows there are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from annotator.domain.records import Annotation, Label
from ui.differences import Span, difference
from ui.qt_models.suggestions_model import KIND_NAMES

ANNOTATION = Qt.ItemDataRole.UserRole
GROUP = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
ROW_PX = 24
FEW = 64
"""Beyond this number of annotations that differ a reset is cheaper."""


@dataclass(eq=False)
class Group:
    """A label that the image has, and its annotations; ``label`` is None when the project does not know it."""

    label_id: int
    label: Label | None
    members: list[Annotation] = field(default_factory=list)
    hidden: int = 0
    locked: int = 0
    folded: bool = False

    def __len__(self) -> int:
        """Rows: its own, and those of its members that are shown."""
        return 1 + (0 if self.folded else len(self.members))

    @property
    def all_hidden(self) -> bool:
        return self.hidden == len(self.members)

    @property
    def all_locked(self) -> bool:
        return self.locked == len(self.members)

    def count(self, annotation: Annotation, sign: int) -> None:
        """Count what an annotation that comes (1) or goes (-1) is."""
        self.hidden += sign * annotation.hidden
        self.locked += sign * annotation.locked


class AnnotationsModel(QAbstractListModel):
    """Rows for the panel. ``heights`` serves the view, which asks for no row that it does not show."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[Annotation] = ()
        self._ordered: list[Label] = []
        self._places: dict[int, int] = {}
        self._groups: list[Group] = []
        self._starts: list[int] = []
        self._folded: set[int] = set()

    @property
    def shown(self) -> Sequence[Annotation]:
        """What was given last."""
        return self._shown

    def set_annotations(self, annotations: Sequence[Annotation], ordered: Sequence[Label]) -> None:
        """Show these, which are in drawing order, by label in the order of the labels, those drawn last on top.

        A few rows that come, go or change are told one by one; other labels or many changes reset the model.
        """
        span = difference(self._shown, annotations)
        self._shown = annotations
        if list(ordered) != self._ordered or len(span) > FEW:
            self.beginResetModel()
            self._ordered = list(ordered)
            self._places = {label.id: at for at, label in enumerate(ordered)}
            self._groups = _grouped(annotations, self._ordered, self._folded)
            self._count_rows()
            self.endResetModel()
        else:
            self._follow(span)

    def _follow(self, span: Span[Annotation]) -> None:
        gone = {annotation.id: annotation for annotation in span.before}
        come = []
        for annotation in span.after:
            before = gone.get(annotation.id)
            if before is None:
                come.append(annotation)
            elif _place(before) == _place(annotation):
                del gone[annotation.id]
                self._replace(before, annotation)
            else:
                come.append(annotation)
        for annotation in gone.values():
            self._remove(annotation)
        for annotation in come:
            self._insert(annotation)

    def _insert(self, annotation: Annotation) -> None:
        place = bisect_left(self._groups, self._rank(annotation.label_id), key=lambda group: self._rank(group.label_id))
        if place == len(self._groups) or self._groups[place].label_id != annotation.label_id:
            first = self._starts[place] if place < len(self._starts) else self.rowCount()
            known = self._places.get(annotation.label_id)
            label = None if known is None else self._ordered[known]
            group = Group(annotation.label_id, label, [annotation], folded=annotation.label_id in self._folded)
            self.beginInsertRows(QModelIndex(), first, first + len(group) - 1)
            self._groups.insert(place, group)
            group.count(annotation, 1)
            self._count_rows()
            self.endInsertRows()
            return
        group = self._groups[place]
        at = bisect_left(group.members, _order(annotation), key=_order)
        if not group.folded:
            row = self._starts[place] + 1 + at
            self.beginInsertRows(QModelIndex(), row, row)
        group.members.insert(at, annotation)
        group.count(annotation, 1)
        self._count_rows()
        if not group.folded:
            self.endInsertRows()
        self._tell(self._starts[place])

    def _remove(self, annotation: Annotation) -> None:
        place, at = self._find(annotation)
        group, start = self._groups[place], self._starts[place]
        if len(group.members) == 1:
            self.beginRemoveRows(QModelIndex(), start, start + len(group) - 1)
            del self._groups[place]
            self._count_rows()
            self.endRemoveRows()
            return
        if not group.folded:
            self.beginRemoveRows(QModelIndex(), start + 1 + at, start + 1 + at)
        del group.members[at]
        group.count(annotation, -1)
        self._count_rows()
        if not group.folded:
            self.endRemoveRows()
        self._tell(start)

    def _replace(self, before: Annotation, after: Annotation) -> None:
        place, at = self._find(before)
        group = self._groups[place]
        group.members[at] = after
        group.count(before, -1)
        group.count(after, 1)
        self._tell(self._starts[place])
        if not group.folded:
            self._tell(self._starts[place] + 1 + at)

    def _tell(self, row: int) -> None:
        index = self.index(row, 0)
        self.dataChanged.emit(index, index)

    def _find(self, annotation: Annotation) -> tuple[int, int]:
        place = next(at for at, group in enumerate(self._groups) if group.label_id == annotation.label_id)
        return place, bisect_left(self._groups[place].members, _order(annotation), key=_order)

    def _rank(self, label_id: int) -> tuple[int, int]:
        """Where a label's group stands: in the order of the labels, unknown ones last."""
        return self._places.get(label_id, len(self._places)), label_id

    def _count_rows(self) -> None:
        self._starts, row = [], 0
        for group in self._groups:
            self._starts.append(row)
            row += len(group)

    # --- folding -------------------------------------------------------------------------------------------------------

    def fold(self, label_id: int, folded: bool) -> None:
        """Show a label alone, or with its annotations; remembered for other images."""
        (self._folded.add if folded else self._folded.discard)(label_id)
        place = next((at for at, group in enumerate(self._groups) if group.label_id == label_id), -1)
        if place < 0 or self._groups[place].folded == folded:
            return
        first = self._starts[place] + 1
        last = first + len(self._groups[place].members) - 1
        if folded:
            self.beginRemoveRows(QModelIndex(), first, last)
        else:
            self.beginInsertRows(QModelIndex(), first, last)
        self._groups[place].folded = folded
        self._count_rows()
        if folded:
            self.endRemoveRows()
        else:
            self.endInsertRows()
        self._tell(first - 1)

    # --- rows ----------------------------------------------------------------------------------------------------------

    def row_of(self, annotation: Annotation) -> int:
        """The row of an annotation that the model shows; that of its label when this is folded."""
        place, at = self._find(annotation)
        return self._starts[place] + (0 if self._groups[place].folded else 1 + at)

    def rows_of(self, ids: Collection[UUID]) -> list[int]:
        """The rows of these annotations, ascending: one look at every row, for when many are asked for."""
        wanted = {each.int for each in ids}
        found: list[int] = []
        for start, group in zip(self._starts, self._groups, strict=True):
            if not group.folded:
                found += [start + 1 + at for at, each in enumerate(group.members) if each.id.int in wanted]
        return found

    def annotations_at(self, index: Index) -> list[Annotation]:
        """The annotation of a row, or all of a label's."""
        if not index.isValid():
            return []
        group, at = self._at(index.row())
        return list(group.members) if at < 0 else [group.members[at]]

    def heights(self) -> NDArray[np.int64]:
        """The height of every row in pixels."""
        return np.full(self.rowCount(), ROW_PX, np.int64)

    def _at(self, row: int) -> tuple[Group, int]:
        """The group of a row, and the place of the row's annotation in it (-1: the row is the label's)."""
        place = bisect_right(self._starts, row) - 1
        return self._groups[place], row - self._starts[place] - 1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        if parent.isValid() or not self._groups:
            return 0
        return self._starts[-1] + len(self._groups[-1])

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        group, at = self._at(index.row())
        if role == GROUP:
            return group if at < 0 else None
        if role == ANNOTATION:
            return None if at < 0 else group.members[at]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            name = group.label.name if group.label is not None else self.tr("unknown label")
            return f"{name} ({len(group.members)})" if at < 0 else describe(group.members[at])
        return None


def describe(annotation: Annotation) -> str:
    """One annotation in a few words: its kind and size."""
    bounds = annotation.geometry.bounds()
    kind = KIND_NAMES[annotation.kind]
    if bounds is None:
        return kind
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    if width == 0 and height == 0:
        return f"{kind}  {bounds[0]:.0f}, {bounds[1]:.0f}"
    return f"{kind}  {width:.0f} × {height:.0f}"


def _grouped(annotations: Iterable[Annotation], ordered: Sequence[Label], folded: set[int]) -> list[Group]:
    """By label in the order of the labels, unknown ones last; within a label the top ones first, and else as they were drawn."""
    members: dict[int, list[Annotation]] = {}
    for annotation in sorted(annotations, key=attrgetter("z_order"), reverse=True):
        members.setdefault(annotation.label_id, []).append(annotation)
    known = {label.id: label for label in ordered}
    ids = [label_id for label_id in known if label_id in members]
    ids += sorted(label_id for label_id in members if label_id not in known)
    groups = []
    for label_id in ids:
        each = members[label_id]
        hidden, locked = sum(map(attrgetter("hidden"), each)), sum(map(attrgetter("locked"), each))
        groups.append(Group(label_id, known.get(label_id), each, hidden, locked, label_id in folded))
    return groups


def _order(annotation: Annotation) -> tuple[int, str, bytes]:
    """The key of the order within a label."""
    return -annotation.z_order, annotation.created_at, annotation.id.bytes


def _place(annotation: Annotation) -> tuple[int, int, str]:
    return annotation.label_id, annotation.z_order, annotation.created_at
