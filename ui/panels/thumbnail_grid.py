"""A grid or a list of thumbnails over an array of ids: only what is in view is read, loaded and painted.

Cells have one size, so a place is a division and a hundred thousand images cost what twenty do.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from annotator.domain.kinds import ImageState
from ui.ordering import Ids
from ui.qt_models.queue_rows import QueueRow, QueueRows
from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import CAPTION_PX, RADIUS, SPACE_1, SPACE_2
from ui.thumbnails import ThumbnailLoader

LINE_PX = CAPTION_PX + 3

STATE_TOKENS = {
    ImageState.NEW: "",
    ImageState.IN_PROGRESS: "accent",
    ImageState.DONE: "good",
    ImageState.SKIPPED: "muted",
    ImageState.MISSING: "warn",
    ImageState.UNREADABLE: "bad",
}


class Layout(StrEnum):
    """How thumbnails stand."""

    GRID = "grid"
    LIST = "list"


class ThumbnailGrid(QAbstractScrollArea):
    """Keyboard: arrows, Page up/down, Home, End; Shift and Ctrl choose several. A click or arrow shows the image."""

    activated = Signal(int)
    chosen_changed = Signal()

    def __init__(self, rows: QueueRows, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._thumbnails = thumbnails
        self._ids: Ids = np.empty(0, np.int64)
        self._current_id = -1
        self._cursor = -1
        self._anchor = -1
        self._chosen: set[int] = set()
        self._mode = Layout.GRID
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Images in the queue"))
        self.viewport().setAutoFillBackground(False)
        thumbnails.ready.connect(self._thumbnail_ready)
        theme().changed.connect(self.viewport().update)

    # --- what is shown -------------------------------------------------------------------------------------------------

    def set_ids(self, ids: Ids) -> None:
        """Show these images; the scroll position and the choice stay where they can."""
        self._ids = ids
        if self._chosen:
            still = self._chosen & set(ids.tolist())
            if still != self._chosen:
                self._chosen = still
                self.chosen_changed.emit()
        self._cursor = self._place_of(self._current_id)
        self._lay_out()

    def set_current(self, image_id: int) -> None:
        """Mark the image that is on the canvas and bring it into view."""
        before = self._place_of(self._current_id)
        self._current_id = image_id
        self._cursor = self._place_of(image_id)
        if self._cursor >= 0:
            self._reveal(self._cursor)
        self._update_place(before)
        self._update_place(self._cursor)

    def set_mode(self, mode: Layout) -> None:
        """Grid or list."""
        self._mode = mode
        self._lay_out()
        if self._cursor >= 0:
            self._reveal(self._cursor)

    @property
    def mode(self) -> Layout:
        """Grid or list."""
        return self._mode

    def chosen(self) -> list[int]:
        """The ids chosen for a bulk edit, in the order of the queue; empty unless two or more are chosen."""
        if len(self._chosen) < 2:
            return []
        wanted = np.fromiter(self._chosen, np.int64, len(self._chosen))
        return self._ids[np.isin(self._ids, wanted)].tolist()

    def choose(self, ids: set[int]) -> None:
        """Choose these images."""
        self._chosen = set(ids)
        self.chosen_changed.emit()
        self.viewport().update()

    def refresh(self) -> None:
        """Paint again what may have changed."""
        self.viewport().update()

    # --- geometry ------------------------------------------------------------------------------------------------------

    def columns(self) -> int:
        """Cells in a row."""
        if self._mode is Layout.LIST:
            return 1
        return max(1, (self.viewport().width() - SPACE_1) // 78)

    def cell(self, place: int) -> QRect:
        """The rectangle of a place on the viewport."""
        columns = self.columns()
        row, column = divmod(place, columns)
        width, height = self._cell_size()
        return QRect(SPACE_1 + column * width, row * height - self.verticalScrollBar().value(), width, height)

    def place_at(self, point: QPoint) -> int:
        """The place under a point of the viewport, -1 outside."""
        width, height = self._cell_size()
        column, row = (point.x() - SPACE_1) // width, (point.y() + self.verticalScrollBar().value()) // height
        place = row * self.columns() + column
        return place if 0 <= column < self.columns() and 0 <= place < len(self._ids) else -1

    def _cell_size(self) -> tuple[int, int]:
        room = self.viewport().width() - 2 * SPACE_1
        if self._mode is Layout.LIST:
            return max(1, room), 52
        width = max(1, room // self.columns())
        return width, round((width - 8) * 0.75) + 2 * LINE_PX + 14

    def _lay_out(self) -> None:
        height = self._cell_size()[1]
        total = -(-len(self._ids) // self.columns()) * height + SPACE_1
        bar = self.verticalScrollBar()
        bar.setSingleStep(height // 2)
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, total - self.viewport().height()))
        self.viewport().update()

    def _places_in_view(self) -> range:
        height = self._cell_size()[1]
        first = self.verticalScrollBar().value() // height * self.columns()
        count = (self.viewport().height() // height + 2) * self.columns()
        return range(first, max(first, min(first + count, len(self._ids))))

    def _reveal(self, place: int) -> None:
        height = self._cell_size()[1]
        top = place // self.columns() * height
        bar = self.verticalScrollBar()
        if top < bar.value():
            bar.setValue(top)
        elif top + height > bar.value() + self.viewport().height():
            bar.setValue(top + height - self.viewport().height())

    def _update_place(self, place: int) -> None:
        if place >= 0:
            self.viewport().update(self.cell(place))

    def _place_of(self, image_id: int) -> int:
        for place in (self._cursor, self._cursor + 1, self._cursor - 1):
            if 0 <= place < len(self._ids) and self._ids[place] == image_id:
                return place
        found = np.flatnonzero(self._ids == image_id)
        return int(found[0]) if len(found) else -1

    # --- events --------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos())
            row = self._rows.get(int(self._ids[place])) if place >= 0 else None
            if row is not None:
                QToolTip.showText(event.globalPos(), f"{row.uri}\n{row.reason}".strip(), self)
            return True
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._go(place, event.modifiers())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = self.columns()
        page = max(1, self.viewport().height() // self._cell_size()[1]) * columns
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_Home: -len(self._ids),
            Qt.Key.Key_End: len(self._ids),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.choose(set(self._ids.tolist()))
        elif key == Qt.Key.Key_Escape and self._chosen:
            self.choose(set())
        elif key in steps and len(self._ids):
            place = min(max((self._cursor if self._cursor >= 0 else 0) + steps[key], 0), len(self._ids) - 1)
            self._go(place, event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        else:
            super().keyPressEvent(event)

    def _go(self, place: int, modifiers: Qt.KeyboardModifier) -> None:
        image_id = int(self._ids[place])
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            anchor = self._anchor if self._anchor >= 0 else max(self._cursor, 0)
            first, last = sorted((anchor, place))
            self._anchor, self._cursor = anchor, place
            self._reveal(place)
            self.choose(set(self._ids[first : last + 1].tolist()))
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._anchor = place
            start = self._chosen or ({self._current_id} if self._current_id >= 0 else set())
            self.choose(start ^ {image_id})
        else:
            self._anchor = self._cursor = place
            if self._chosen:
                self.choose(set())
            self._reveal(place)
            self.activated.emit(image_id)

    def _thumbnail_ready(self, image_id: int) -> None:
        places = self._places_in_view()
        found = np.flatnonzero(self._ids[places.start : places.stop] == image_id)
        if len(found):
            self._update_place(places.start + int(found[0]))

    # --- painting ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(caption_font())
        places = self._places_in_view()
        ids = self._ids[places.start : places.stop].tolist()
        self._rows.load(ids)
        for place, image_id in zip(places, ids, strict=True):
            cell = self.cell(place)
            if event.region().intersects(cell):
                self._paint_cell(painter, cell, image_id)
        painter.end()

    def _paint_cell(self, painter: QPainter, cell: QRect, image_id: int) -> None:
        tokens = theme().tokens
        row = self._rows.get(image_id)
        inner = cell.adjusted(2, 2, -2, -2)
        current, chosen = image_id == self._current_id, image_id in self._chosen
        if current or chosen:
            painter.setPen(QPen(QColor(tokens.accent), 2) if current else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.selected))
            painter.drawRoundedRect(QRectF(inner).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        if self._mode is Layout.LIST:
            frame = QRect(inner.left() + 4, inner.top() + 4, 54, inner.height() - 8)
            words = QRect(frame.right() + SPACE_2, inner.top() + 9, inner.right() - frame.right() - 12, 2 * LINE_PX)
        else:
            frame = inner.adjusted(4, 4, -4, -(2 * LINE_PX + 6))
            words = QRect(inner.left() + 5, frame.bottom() + 2, inner.width() - 8, 2 * LINE_PX)
        self._paint_picture(painter, frame, image_id, row)
        if row is not None:
            self._paint_words(painter, words, row)
            self._paint_marks(painter, frame, row)

    def _paint_picture(self, painter: QPainter, frame: QRect, image_id: int, row: QueueRow | None) -> None:
        tokens = theme().tokens
        pixmap = self._thumbnails.get(image_id)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(frame, 4, 4)
        if pixmap is not None:
            size = pixmap.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            scale = pixmap.width() / max(1, size.width())
            source = QRectF(0, 0, frame.width() * scale, frame.height() * scale)
            source.moveCenter(QRectF(pixmap.rect()).center())
            painter.drawPixmap(QRectF(frame), pixmap, source)
        elif row is not None and row.state in (ImageState.UNREADABLE, ImageState.MISSING):
            painter.setPen(QColor(tokens.muted))
            text = self.tr("cannot be read") if row.state is ImageState.UNREADABLE else self.tr("missing")
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_words(self, painter: QPainter, words: QRect, row: QueueRow) -> None:
        """In the grid the caption on two lines; in the list the name and below it the caption."""
        tokens = theme().tokens
        metrics = QFontMetrics(painter.font())
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if self._mode is Layout.LIST:
            lines = [metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, words.width())]
            if row.caption != row.name:
                lines.append(metrics.elidedText(row.caption, Qt.TextElideMode.ElideRight, words.width()))
        elif row.caption != row.name:
            lines = two_lines(row.caption, metrics, words.width())
        else:
            lines = [metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, words.width())]
        for number, text in enumerate(lines):
            strong = self._mode is Layout.LIST and number == 0
            painter.setPen(QColor(tokens.text if strong else tokens.muted))
            painter.drawText(QRect(words.left(), words.top() + number * LINE_PX, words.width(), LINE_PX), left, text)

    def _paint_marks(self, painter: QPainter, frame: QRect, row: QueueRow) -> None:
        """The state as a dot (with a sign, for those who see no colour) and the number of suggestions."""
        tokens = theme().tokens
        token = STATE_TOKENS[row.state]
        if token:
            dot = QRectF(frame.left() + 4, frame.top() + 4, 11, 11)
            painter.setPen(QPen(QColor(tokens.panel), 1.5))
            painter.setBrush(QColor(getattr(tokens, token)))
            painter.drawEllipse(dot)
            painter.setPen(QPen(QColor(tokens.on_accent), 1.5))
            if row.state is ImageState.DONE:
                painter.drawPolyline(
                    [dot.topLeft() + QPoint(3, 6), dot.topLeft() + QPoint(5, 8), dot.topLeft() + QPoint(8, 4)]
                )
            elif row.state in (ImageState.SKIPPED, ImageState.MISSING, ImageState.UNREADABLE):
                painter.drawLine(dot.topLeft() + QPoint(3, 6), dot.topLeft() + QPoint(8, 6))
        badges = ([f"{row.suggestions}"] if row.suggestions else []) + (["⚑"] if row.flagged else [])
        right = frame.right() - 2
        for text in badges:
            width = max(15, QFontMetrics(painter.font()).horizontalAdvance(text) + 8)
            badge = QRectF(right - width, frame.top() + 3, width, 14)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.panel))
            painter.drawRoundedRect(badge, 7, 7)
            painter.setPen(QColor(tokens.warn if text == "⚑" else tokens.text))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
            right -= width + 2


def two_lines(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """``text`` broken at a space into at most two lines, the second shortened where it must be."""
    if metrics.horizontalAdvance(text) <= width:
        return [text]
    words = text.split(" ")
    fitting = [n for n in range(1, len(words)) if metrics.horizontalAdvance(" ".join(words[:n])) <= width]
    if not fitting:
        return [metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)]
    rest = " ".join(words[fitting[-1] :])
    return [" ".join(words[: fitting[-1]]), metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width)]
