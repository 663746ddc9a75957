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


class AnnotationsModel(QAbstractItemModel):
    """An index of a label has internal id 0; one of an annotation has its group's row + 1."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: list[Group] = []

    def set_annotations(self, annotations: Sequence[Annotation], ordered: Sequence[Label]) -> None:
        """Show these, grouped by label in the order of the labels, those drawn last on top."""
        self.beginResetModel()
        by_label: dict[int, list[Annotation]] = {}
        for annotation in sorted(annotations, key=_top_first):
            by_label.setdefault(annotation.label_id, []).append(annotation)
        self._groups = [(label, by_label.pop(label.id)) for label in ordered if label.id in by_label]
        self._groups += [(None, rest) for rest in by_label.values()]
        self.endResetModel()

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
        if not self.hasIndex(row, column, parent):
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


def _top_first(annotation: Annotation) -> tuple[int, str]:
    return -annotation.z_order, annotation.created_at
