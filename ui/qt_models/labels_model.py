"""The labels in the order of the panel, with their counts; dropping rows asks for a new order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QByteArray, QMimeData, QModelIndex, QPersistentModelIndex, Qt, Signal

from annotator.domain.records import Label

MIME = "application/x-annotator-labels"
LABEL = Qt.ItemDataRole.UserRole
COUNTS = Qt.ItemDataRole.UserRole + 1
DIGIT = Qt.ItemDataRole.UserRole + 2
Index = QModelIndex | QPersistentModelIndex


def digit_of(label: Label, position: int) -> str:
    """The key that gives the label: its own shortcut, else the digit of its place among the first nine."""
    if label.shortcut:
        return label.shortcut
    return str(position + 1) if position < 9 else ""


class LabelsModel(QAbstractListModel):
    """Rows are labels that the filter lets through."""

    reordered = Signal(list)
    renamed = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self._all: list[Label] = []
        self._rows: list[tuple[int, Label]] = []
        self._counts: Mapping[int, tuple[int, int]] = {}
        self._filter = ""

    def set_labels(self, labels: Sequence[Label], counts: Mapping[int, tuple[int, int]]) -> None:
        """Show these labels; ``counts`` are (annotations, suggestions) by id."""
        self._counts = counts
        if [(r.id, r.name, r.color, r.shortcut) for r in self._all] == [
            (r.id, r.name, r.color, r.shortcut) for r in labels
        ]:
            self._all = list(labels)
            self._rows = [(place, label) for place, label in enumerate(self._all) if self._passes(label)]
            if self._rows:
                self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
            return
        self.beginResetModel()
        self._all = list(labels)
        self._rows = [(place, label) for place, label in enumerate(self._all) if self._passes(label)]
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """Show only labels whose name or synonyms have ``text``."""
        self.beginResetModel()
        self._filter = text.strip().lower()
        self._rows = [(place, label) for place, label in enumerate(self._all) if self._passes(label)]
        self.endResetModel()

    def label_at(self, row: int) -> Label | None:
        """The label of a row."""
        return self._rows[row][1] if 0 <= row < len(self._rows) else None

    def row_of(self, label_id: int | None) -> int:
        """The row of a label, -1 when it is not shown."""
        return next((row for row, (_, label) in enumerate(self._rows) if label.id == label_id), -1)

    def exact(self, name: str) -> Label | None:
        """The label of that name, whatever its case."""
        return next((label for label in self._all if label.name.lower() == name.strip().lower()), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        place, label = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return label.name
        if role == LABEL:
            return label
        if role == COUNTS:
            return self._counts.get(label.id, (0, 0))
        if role == DIGIT:
            return digit_of(label, place)
        if role == Qt.ItemDataRole.ToolTipRole:
            annotations, suggestions = self._counts.get(label.id, (0, 0))
            text = self.tr("{0}: {1} annotations, {2} open suggestions").format(label.name, annotations, suggestions)
            return f"{text}\n{label.definition}" if label.definition else text
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        label = self.label_at(index.row())
        name = str(value).strip()
        if label is None or role != Qt.ItemDataRole.EditRole or not name or name == label.name:
            return False
        self.renamed.emit(label.id, name)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
        return flags | Qt.ItemFlag.ItemIsDragEnabled if not self._filter else flags

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, QByteArray(",".join(str(i.row()) for i in indexes).encode()))
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        if not data.hasFormat(MIME):
            return False
        moved = sorted(int(r) for r in bytes(data.data(MIME).data()).decode().split(","))
        target = row if row >= 0 else parent.row() if parent.isValid() else len(self._all)
        ids = [label.id for label in self._all]
        taken = [ids[r] for r in moved]
        head = [i for r, i in enumerate(ids) if r < target and r not in moved]
        tail = [i for r, i in enumerate(ids) if r >= target and r not in moved]
        if head + taken + tail != ids:
            self.reordered.emit(head + taken + tail)
        # The store answers with the new order; the view must not remove the rows itself.
        return False

    def _passes(self, label: Label) -> bool:
        return not self._filter or any(self._filter in word.lower() for word in (label.name, *label.synonyms))
