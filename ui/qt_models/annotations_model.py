"""The annotations of the image as a tree: labels, and under each its annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QSize, Qt

from annotator.domain.records import Annotation, Label
from ui.qt_models.suggestions_model import KIND_NAMES

ANNOTATION = Qt.ItemDataRole.UserRole
GROUP = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
Group = tuple[Label | None, list[Annotation]]
ROOT = 0
FEW = 64
"""Beyond this number of rows that differ a reset is cheaper."""


class AnnotationsModel(QAbstractItemModel):
    """An index of a label has internal id 0; one of an annotation has its group's row + 1."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: list[Group] = []

    def set_annotations(self, annotations: Sequence[Annotation], ordered: Sequence[Label]) -> bool:
        """Show these, grouped by label in the order of the labels, those drawn last on top.

        Rows that come, go or change are told one by one, so that the view keeps the thousands of others. True when the labels
        or the order differ: then the model was reset.
        """
        groups = _grouped(annotations, ordered)
        changes = _row_changes(self._groups, groups)
        if changes is None:
            self.beginResetModel()
            self._groups = groups
            self.endResetModel()
            return True
        for place, (gone, come, changed) in enumerate(changes):
            members = self._groups[place][1]
            self._groups[place] = (groups[place][0], members)
            parent = self.createIndex(place, 0, ROOT)
            for row in reversed(gone):
                self.beginRemoveRows(parent, row, row)
                del members[row]
                self.endRemoveRows()
            for row in come:
                self.beginInsertRows(parent, row, row)
                members.insert(row, groups[place][1][row])
                self.endInsertRows()
            for row in changed:
                members[row] = groups[place][1][row]
                index = self.createIndex(row, 0, place + 1)
                self.dataChanged.emit(index, index)
            self.dataChanged.emit(parent, parent)
        return False

    def group(self, row: int) -> Group:
        """The label of a top row and its annotations."""
        return self._groups[row]

    def index_of(self, annotation_id: UUID) -> QModelIndex:
        """Where an annotation stands; an invalid index when it is not there."""
        for place, (_, members) in enumerate(self._groups):
            for row, annotation in enumerate(members):
                if annotation.id == annotation_id:
                    return self.createIndex(row, 0, place + 1)
        return QModelIndex()

    def annotations_at(self, index: Index) -> list[Annotation]:
        """The annotation of a row, or all of a label's."""
        if not index.isValid():
            return []
        if index.internalId() == ROOT:
            return list(self._groups[index.row()][1])
        return [self._groups[index.internalId() - 1][1][index.row()]]

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's signature
        if column != 0 or not 0 <= row < self.rowCount(parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else ROOT)

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        if not index.isValid() or index.internalId() == ROOT:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, ROOT)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._groups)
        return len(self._groups[parent.row()][1]) if parent.internalId() == ROOT else 0

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        return not parent.isValid() or parent.internalId() == ROOT

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(60, 24)
        top = index.internalId() == ROOT
        label, annotations = self._groups[index.row() if top else index.internalId() - 1]
        if role == GROUP:
            return (label, annotations) if top else None
        if role == ANNOTATION:
            return None if top else annotations[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            name = label.name if label is not None else self.tr("unknown label")
            return f"{name} ({len(annotations)})" if top else describe(annotations[index.row()])
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


def _grouped(annotations: Sequence[Annotation], ordered: Sequence[Label]) -> list[Group]:
    """By label in the order of the labels; annotations come and stay in the order of drawing, the top ones first."""
    by_label: dict[int, list[Annotation]] = {}
    for annotation in sorted(annotations, key=_height, reverse=True):
        by_label.setdefault(annotation.label_id, []).append(annotation)
    groups: list[Group] = [(label, by_label.pop(label.id)) for label in ordered if label.id in by_label]
    return groups + [(None, rest) for rest in by_label.values()]


def _height(annotation: Annotation) -> int:
    return annotation.z_order


def _row_changes(before: list[Group], after: list[Group]) -> list[tuple[list[int], list[int], list[int]]] | None:
    """For each group the rows that go (as they were), come and change (as they will be); None when more than rows differ."""
    if [_label_of(group) for group in before] != [_label_of(group) for group in after]:
        return None
    changes = []
    for (_, old), (_, new) in zip(before, after, strict=True):
        start, end = _common_ends(old, new)
        gone, come = old[start : len(old) - end], new[start : len(new) - end]
        if len(gone) + len(come) > FEW:
            return None
        was, will = [a.id for a in gone], [a.id for a in come]
        if [i for i in was if i in will] != [i for i in will if i in was]:
            return None
        changes.append(
            (
                [start + at for at, one in enumerate(was) if one not in will],
                [start + at for at, one in enumerate(will) if one not in was],
                [start + at for at, one in enumerate(will) if one in was],
            )
        )
    return changes


def _label_of(group: Group) -> int | None:
    return group[0].id if group[0] is not None else None


def _common_ends(old: list[Annotation], new: list[Annotation]) -> tuple[int, int]:
    """How many of both are the same objects at the start, and after those at the end."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] is not new[at]), least)
    rest = least - start
    end = next((at for at in range(rest) if old[-1 - at] is not new[-1 - at]), rest)
    return start, end
