"""A table of text that lays out only the rows in view: as quick with a hundred thousand rows as with ten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from ui.theme import theme

Index = QModelIndex | QPersistentModelIndex
_TOP = QModelIndex()
MEASURED = 60
WIDEST = 220


class RowsModel(QAbstractTableModel):
    """Rows of text. Columns in ``numbers`` stand at the right; ``tokens`` names the colour of a row's first cell."""

    def __init__(self, headers: Sequence[str], numbers: frozenset[int], parent: Any = None) -> None:
        super().__init__(parent)
        self._headers = list(headers)
        self._numbers = numbers
        self._rows: Sequence[Sequence[str]] = ()
        self._tokens: Sequence[str] = ()

    def set_rows(self, rows: Sequence[Sequence[str]], tokens: Sequence[str] = ()) -> None:
        """Show these instead."""
        self.beginResetModel()
        self._rows, self._tokens = rows, tokens
        self.endResetModel()

    def change(self, rows: Sequence[Sequence[str]]) -> None:
        """The same rows with other words: what is chosen stays chosen."""
        self._rows = rows
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self._headers) - 1))

    def text(self, row: int, column: int) -> str:
        """What a cell says."""
        return self._rows[row][column]

    def rowCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(self._headers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if index.column() in self._numbers else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 0 and index.row() < len(self._tokens):
            return QColor(getattr(theme().tokens, self._tokens[index.row()]))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in self._numbers else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class RowsTable(QTableView):
    """A table that reads like a list; ``opened`` brings the row of a double click or Enter. ``stretched`` takes what is left."""

    opened = Signal(int)

    def __init__(self, headers: Sequence[str], *, name: str, numbers: Sequence[int] = (), stretched: int = -1) -> None:
        super().__init__()
        self.rows = RowsModel(headers, frozenset(numbers), self)
        self.setModel(self.rows)
        self.setProperty("role", "field")
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setResizeContentsPrecision(MEASURED)
        header.setMaximumSectionSize(WIDEST)
        for column in range(len(headers)):
            last = column == (stretched if stretched >= 0 else len(headers) - 1)
            mode = QHeaderView.ResizeMode.Stretch if last else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
        self.doubleClicked.connect(self._open)

    def show_rows(self, rows: Sequence[Sequence[str]], tokens: Sequence[str] = ()) -> None:
        """Show these instead."""
        self.rows.set_rows(rows, tokens)

    def chosen_rows(self) -> list[int]:
        """The rows that are selected."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.row())
