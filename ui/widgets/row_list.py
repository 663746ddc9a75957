"""A list that costs what is in view, however many rows its model has.

Qt's own lists and trees lay out every row through the model when one comes or goes: 10 ms for 5,000 rows of a Python model.
Here the heights come as one array, so that a place is a look-up and an edit beside 20,000 rows costs what it costs beside 20.
Selection, keys, mouse, delegates and accessibility are those of ``QListView``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QCursor, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

Index = QModelIndex | QPersistentModelIndex
MOVES = QAbstractItemView.CursorAction


class MeasuredModel(Protocol):
    """What the model of a ``RowList`` can say of its rows without being asked for each."""

    def heights(self) -> NDArray[np.int64]:
        """The height of every row in pixels, (n,)."""


class RowList(QListView):
    """Rows below each other, each as wide as the view. The model is flat and tells the heights of its rows."""

    def __init__(self, model: MeasuredModel, parent: QWidget | None = None) -> None:
        self._model = model
        self._tops = np.zeros(1, np.int64)
        super().__init__(parent)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setModel(model)  # type: ignore[arg-type]

    # --- where rows are ------------------------------------------------------------------------------------------------

    def doItemsLayout(self) -> None:
        """Take the heights anew; called by Qt after a reset, and here when rows come or go."""
        self._tops = np.concatenate([[0], np.cumsum(self._model.heights())])
        self.updateGeometries()
        self.viewport().update()

    def visualRect(self, index: Index) -> QRect:
        row = index.row()
        if not index.isValid() or row >= len(self._tops) - 1:
            return QRect()
        top, bottom = int(self._tops[row]), int(self._tops[row + 1])
        return QRect(0, top - self.verticalOffset(), self.viewport().width(), bottom - top)

    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self._row_at(point.y() + self.verticalOffset())
        inside = 0 <= point.x() < self.viewport().width()
        return self.model().index(row, 0) if inside and 0 <= row < len(self._tops) - 1 else QModelIndex()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Bring a row into view, by as little as possible or as ``hint`` says."""
        rect = self.visualRect(index)
        if rect.isNull():
            return
        bar, room = self.verticalScrollBar(), self.viewport().height()
        above, below = rect.top(), rect.top() + rect.height() - room
        match hint:
            case QAbstractItemView.ScrollHint.PositionAtTop:
                bar.setValue(bar.value() + above)
            case QAbstractItemView.ScrollHint.PositionAtBottom:
                bar.setValue(bar.value() + below)
            case QAbstractItemView.ScrollHint.PositionAtCenter:
                bar.setValue(bar.value() + (above + below) // 2)
            case _ if above < 0:
                bar.setValue(bar.value() + above)
            case _ if below > 0:
                bar.setValue(bar.value() + min(below, above))

    def updateGeometries(self) -> None:
        bar, room = self.verticalScrollBar(), self.viewport().height()
        bar.setSingleStep(int(self._tops[1]) if len(self._tops) > 1 else 1)
        bar.setPageStep(room)
        bar.setRange(0, max(0, int(self._tops[-1]) - room))

    def _row_at(self, y: int) -> int:
        return int(np.searchsorted(self._tops, y, side="right")) - 1

    # --- rows that come and go -----------------------------------------------------------------------------------------

    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        self.doItemsLayout()

    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        # The base looks for a row to be current next; Qt's list would lay out all rows besides.
        QAbstractItemView.rowsAboutToBeRemoved(self, parent, start, end)
        self.scheduleDelayedItemsLayout()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        self.viewport().update(self.visualRect(first).united(self.visualRect(last)))

    # --- choosing and walking ------------------------------------------------------------------------------------------

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        selection = QItemSelection()
        if len(self._tops) > 1:
            first = max(0, self._row_at(rect.normalized().top() + self.verticalOffset()))
            last = min(len(self._tops) - 2, self._row_at(rect.normalized().bottom() + self.verticalOffset()))
            if first <= last:
                selection.select(self.model().index(first, 0), self.model().index(last, 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region = QRegion()
        for part in range(selection.count()):
            found = selection.at(part)
            region += self.visualRect(found.topLeft()).united(self.visualRect(found.bottomRight()))
        return region

    def moveCursor(self, action: MOVES, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        last = len(self._tops) - 2
        row = self.currentIndex().row()
        here = int(self._tops[row]) if 0 <= row <= last else 0
        target = {
            MOVES.MoveUp: row - 1,
            MOVES.MovePrevious: row - 1,
            MOVES.MoveDown: row + 1,
            MOVES.MoveNext: row + 1,
            MOVES.MovePageUp: self._row_at(here - self.viewport().height()),
            MOVES.MovePageDown: self._row_at(here + self.viewport().height()),
            MOVES.MoveHome: 0,
            MOVES.MoveEnd: last,
        }.get(action, row)
        return self.model().index(min(max(target, 0), last), 0) if last >= 0 else QModelIndex()

    # --- painting ------------------------------------------------------------------------------------------------------

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverMove, QEvent.Type.HoverEnter, QEvent.Type.HoverLeave, QEvent.Type.Leave):
            self.viewport().update()
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        area, offset = event.rect(), self.verticalOffset()
        first = max(0, self._row_at(area.top() + offset))
        last = min(len(self._tops) - 2, self._row_at(area.bottom() + offset))
        pointer = self.viewport().mapFromGlobal(QCursor.pos())
        under = self.indexAt(pointer).row() if self.viewport().underMouse() else -1
        for row in range(first, last + 1):
            index = self.model().index(row, 0)
            self.itemDelegate().paint(painter, self._option(index, row == under), index)
        painter.end()

    def _option(self, index: QModelIndex, hovered: bool) -> QStyleOptionViewItem:
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        option.rect = self.visualRect(index)
        state = option.state
        if self.selectionModel().isSelected(index):
            state |= QStyle.StateFlag.State_Selected
        if hovered:
            state |= QStyle.StateFlag.State_MouseOver
        if index == self.currentIndex() and self.hasFocus():
            state |= QStyle.StateFlag.State_HasFocus
        option.state = state
        return option
