"""The piles that can be looked at, by task, each with its label's colour and how many suggestions are open in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui.theme import theme, themed_icon
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_2

ROW_PX, TITLE_PX = 28, 26
ENTRY = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class PileEntry:
    """A line of the list: a title (no ``choice``), or a pile. ``icon`` is drawn where there is no colour."""

    text: str
    choice: Any = None
    color: str = ""
    icon: str = ""
    count: int | None = None


class PileModel(QAbstractListModel):
    """The entries."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[PileEntry] = []

    def show(self, entries: Sequence[PileEntry]) -> None:
        """Show these; views keep their place when only counts have changed."""
        if [(e.text, e.choice) for e in entries] == [(e.text, e.choice) for e in self._entries]:
            self._entries = list(entries)
            if entries:
                self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
            return
        self.beginResetModel()
        self._entries = list(entries)
        self.endResetModel()

    def entry(self, row: int) -> PileEntry | None:
        """What a row shows."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, choice: Any) -> int:
        """The row of a pile, -1 when it is not there."""
        return next((row for row, e in enumerate(self._entries) if e.choice is not None and e.choice == choice), -1)

    def choices(self) -> list[Any]:
        """The piles from top to bottom."""
        return [e.choice for e in self._entries if e.choice is not None]

    def count_of(self, choice: Any) -> int:
        """How many a pile has, 0 where nobody knows."""
        entry = self.entry(self.row_of(choice))
        return (entry.count or 0) if entry is not None else 0

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._entries)

    def flags(self, index: Index) -> Qt.ItemFlag:
        entry = self.entry(index.row())
        if entry is None or entry.choice is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        if role == ENTRY:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.text if entry.count is None else f"{entry.text}, {entry.count:,}"
        return None


class PileDelegate(QStyledItemDelegate):
    """Paints a line."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        entry: PileEntry = index.data(ENTRY)
        return QSize(80, ROW_PX if entry.choice is not None else TITLE_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        entry: PileEntry = index.data(ENTRY)
        rect: QRect = option.rect
        left, right = rect.left() + SPACE_2, rect.right() - SPACE_2
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry.choice is None:
            painter.setFont(ui_font(11, bold=True))
            painter.setPen(QColor(tokens.muted))
            at = QRect(left, rect.top() + 4, right - left, rect.height() - 4)
            painter.drawText(at, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, entry.text)
            painter.restore()
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.selected if chosen else tokens.raised))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), 4, 4)
        mark = QRect(left, rect.center().y() - 6, 13, 13)
        if entry.icon:
            themed_icon(entry.icon, "muted").paint(painter, mark.adjusted(-2, -2, 2, 2))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(entry.color or tokens.muted))
            painter.drawRoundedRect(mark, 3, 3)
        number = "" if entry.count is None else f"{entry.count:,}"
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        width = painter.fontMetrics().horizontalAdvance(number)
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(right - width, rect.top(), width, rect.height()), vertical, number)
        painter.setFont(ui_font())
        painter.setPen(QColor(tokens.text))
        room = QRect(mark.right() + SPACE_2, rect.top(), right - width - mark.right() - 2 * SPACE_2, rect.height())
        name = painter.fontMetrics().elidedText(entry.text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | vertical, name)
        painter.restore()


class PileList(QListView):
    """Up and Down go through the piles; the one under the cursor is shown."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.entries = PileModel()
        self.setModel(self.entries)
        self.setItemDelegate(PileDelegate(self))
        self.setAccessibleName(self.tr("Piles"))
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._current: Any = None
        self.selectionModel().currentChanged.connect(self._moved)
        theme().changed.connect(self.viewport().update)

    @property
    def current(self) -> Any:
        """The pile that is chosen."""
        return self._current

    def show_entries(self, entries: Sequence[PileEntry]) -> None:
        """Show these piles and keep the chosen one."""
        self.entries.show(entries)
        row = self.entries.row_of(self._current)
        if row >= 0 and self.currentIndex().row() != row:
            self._select(row)

    def forget(self) -> None:
        """No pile is there, and none is chosen."""
        self._current = None
        self.entries.show(())

    def choose(self, choice: Any) -> None:
        """Choose a pile."""
        row = self.entries.row_of(choice)
        if row >= 0:
            self._select(row)

    def _select(self, row: int) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(self.entries.index(row), flags)

    def _moved(self, current: QModelIndex, previous: QModelIndex) -> None:
        entry = self.entries.entry(current.row())
        if entry is not None and entry.choice is not None and entry.choice != self._current:
            self._current = entry.choice
            self.chosen.emit(entry.choice)
