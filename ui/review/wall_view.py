"""The wall: hundreds of crops on screen out of any number, of which only those that come into view are loaded and painted.

Scrolling moves what is painted already and paints the rest; a crop is scaled once, when it is first painted. So a frame costs
what the new row costs, whatever the size of the pile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from ui.review.crops import Crop, CropLoader
from ui.review.marks import Marks
from ui.review.wall_layout import CAPTION_PX, GAP, Cell, WallLayout
from ui.review.wall_painter import WallPainter
from ui.review.wall_pictures import WallPictures
from ui.theme import theme
from ui.theme.theme import caption_font

if TYPE_CHECKING:
    from annotator.usecases.wall import WallPile

HEIGHTS = (56, 72, 96, 128, 176, 240, 320)
USUAL = 3
CLICK_PX = 5
EDGE_MS = 30
FEW = 64
"""So many cells are painted again one by one."""


class WallView(QAbstractScrollArea):
    """A click marks as wrong, a drag selects. ``marks`` are shared with the screen; ``caption`` says what stands under a row."""

    cursor_moved = Signal(int)
    clicked = Signal(int)
    open_wanted = Signal(int)
    zoomed = Signal(int)

    def __init__(self, crops: CropLoader, marks: Marks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._marks = marks
        self._pile: WallPile | None = None
        self._rows = np.zeros(0, np.int64)
        self._place_of = np.zeros(0, np.int64)
        self._zoom = USUAL
        self._layout = WallLayout(np.zeros(0), 1, HEIGHTS[USUAL])
        self.pictures = WallPictures(crops)
        self.painter = WallPainter(self)
        self._pressed: QPoint | None = None
        self._band: QRect | None = None
        self._cursor = -1
        self._anchor = -1
        self._toggles = True
        self.caption: Callable[[int], str] = str
        self.short_caption: Callable[[int], str] = str
        self.tip: Callable[[int], str] = str
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Wall of suggestions"))
        # Without a hole in it, scrolling moves the pixels that are there instead of painting them anew.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._drift = QTimer(self)
        self._drift.setInterval(EDGE_MS)
        self._drift.timeout.connect(self._drag_on)
        crops.ready.connect(self._crop_ready)
        marks.touched.connect(self._marks_touched)
        theme().changed.connect(self.repaint_all)

    # --- what is shown -------------------------------------------------------------------------------------------------

    def show_pile(self, pile: WallPile | None, rows: np.ndarray, *, keep_place: bool = False) -> None:
        """Show these ``rows`` of ``pile`` in their order. ``keep_place``: the same pile, read anew or filtered."""
        before = self._key_of_cursor() if keep_place else None
        top = self.verticalScrollBar().value()
        self._pile, self._rows = pile, np.asarray(rows, np.int64)
        self._place_of = np.full(0 if pile is None else len(pile), -1, np.int64)
        self._place_of[self._rows] = np.arange(len(self._rows))
        self._lay_out()
        self.verticalScrollBar().setValue(top if keep_place else 0)
        row = pile.rows_by_key.get(before, -1) if pile is not None and before is not None else -1
        self._cursor = int(self._place_of[row]) if row >= 0 else min(0, len(self._rows) - 1)
        self._anchor = -1
        self.refresh()
        self.cursor_moved.emit(self.current_row)

    def set_toggles(self, toggles: bool) -> None:
        """Whether a click marks as wrong; else it only puts the cursor there."""
        self._toggles = toggles

    @property
    def pile(self) -> WallPile | None:
        """The pile that is shown."""
        return self._pile

    @property
    def rows(self) -> np.ndarray:
        """The rows of the pile that are shown, in their order."""
        return self._rows

    @property
    def current_row(self) -> int:
        """The row under the cursor, -1 when the wall is empty."""
        return int(self._rows[self._cursor]) if 0 <= self._cursor < len(self._rows) else -1

    @property
    def zoom(self) -> int:
        """The step of the crops' size."""
        return self._zoom

    def set_zoom(self, step: int) -> None:
        """Show larger or smaller crops; the cursor stays in view."""
        step = min(max(step, 0), len(HEIGHTS) - 1)
        if step != self._zoom:
            self._zoom = step
            middle = self.verticalScrollBar().value() + self.viewport().height() // 2
            held = self._cursor if self._is_in_view(self._cursor) else self._layout.at(GAP + 1, middle)
            self._lay_out()
            if held >= 0:
                self._reveal(held, centre=True)
            self.refresh()
            self.zoomed.emit(step)

    def chosen_rows(self) -> list[int]:
        """What keys are about: the selection, else the row under the cursor."""
        if self._marks.selected:
            return sorted(self._marks.selected)
        return [self.current_row] if self.current_row >= 0 else []

    def go_to(self, place: int, *, extend: bool = False) -> None:
        """Put the cursor there; ``extend`` selects everything on the way."""
        if not len(self._rows):
            return
        place = min(max(place, 0), len(self._rows) - 1)
        if extend:
            self._anchor = self._anchor if self._anchor >= 0 else max(self._cursor, 0)
            first, last = sorted((self._anchor, place))
            self._marks.select(self._rows[first : last + 1].tolist())
        else:
            self._anchor = -1
        self._update_place(self._cursor)
        self._cursor = place
        self._reveal(place)
        self._update_place(place)
        row = self.current_row
        self.setAccessibleDescription(f"{place + 1:,} / {len(self._rows):,}: {self.tip(row)}")
        self.cursor_moved.emit(row)

    def refresh(self) -> None:
        """Paint everything in view again."""
        self.viewport().update()

    def _marks_touched(self, rows: Collection[int] | None) -> None:
        if rows is None or len(rows) > FEW:
            self.refresh()
            return
        for row in rows:
            self._update_place(self.place_of(row))

    def repaint_all(self) -> None:
        """Make the pictures anew, too: colours have changed."""
        self.pictures.clear()
        self.refresh()

    def cell_rect(self, place: int) -> QRect:
        """Where the picture of a place is on the viewport."""
        cell = self._layout.cell(place)
        return QRect(cell.x, cell.y - self.verticalScrollBar().value(), cell.width, cell.height)

    def place_of(self, row: int) -> int:
        """Where a row of the pile stands, -1 when it is not shown."""
        return int(self._place_of[row]) if 0 <= row < len(self._place_of) else -1

    def crop_of(self, row: int) -> Crop:
        """The crop of a row in the size that is shown."""
        assert self._pile is not None
        return self.pictures.crop_of(self._pile, row, HEIGHTS[self._zoom] * self.devicePixelRatioF())

    # --- geometry ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        aspects = np.zeros(0) if self._pile is None else self._pile.aspects[self._rows]
        self._layout = WallLayout(aspects, self.viewport().width(), HEIGHTS[self._zoom])
        bar = self.verticalScrollBar()
        bar.setSingleStep(max(20, self._layout.row_px // 3))
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, self._layout.total_px - self.viewport().height()))

    def _reveal(self, place: int, *, centre: bool = False) -> None:
        bar, row = self.verticalScrollBar(), self._layout.row_of(place)
        top = row * self._layout.row_px
        bottom = top + self._layout.row_px + GAP
        if centre:
            bar.setValue(top - (self.viewport().height() - self._layout.row_px) // 2)
        elif top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + self.viewport().height():
            bar.setValue(bottom - self.viewport().height())

    def _is_in_view(self, place: int) -> bool:
        return 0 <= place < len(self._rows) and self.cell_rect(place).intersects(self.viewport().rect())

    def _key_of_cursor(self) -> object:
        return self._pile.key(self.current_row) if self._pile is not None and self.current_row >= 0 else None

    def _update_place(self, place: int) -> None:
        if 0 <= place < len(self._rows):
            self.viewport().update(self.cell_rect(place).adjusted(-4, -4, 4, CAPTION_PX + 4))

    def _place_at(self, point: QPoint) -> int:
        return self._layout.at(point.x(), point.y() + self.verticalScrollBar().value())

    # --- mouse ---------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint() + QPoint(0, self.verticalScrollBar().value())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        self._stretch_band(event.position().toPoint())
        near_edge = not self.viewport().rect().adjusted(0, 12, 0, -12).contains(event.position().toPoint())
        if self._band is not None and near_edge:
            self._drift.start()
        else:
            self._drift.stop()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drift.stop()
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        if self._band is not None:
            self._band = None
            self.refresh()
            return
        place = self._place_at(event.position().toPoint())
        if place >= 0:
            self._click(place, event.modifiers())
        elif self._marks.selected:
            self._marks.select(())

    def _click(self, place: int, modifiers: Qt.KeyboardModifier) -> None:
        row = int(self._rows[place])
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.go_to(place, extend=True)
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self.go_to(place)
            self._marks.select(self._marks.selected ^ {row})
        else:
            self.go_to(place)
            if self._marks.selected:
                self._marks.select(())
            if self._toggles:
                self._marks.toggle([row])
            self.clicked.emit(row)

    def _stretch_band(self, point: QPoint) -> None:
        assert self._pressed is not None
        here = point + QPoint(0, self.verticalScrollBar().value())
        if self._band is None and (here - self._pressed).manhattanLength() < CLICK_PX:
            return
        self._band = QRect(self._pressed, here).normalized()
        band = self._band
        found = self._layout.inside(band.left(), band.top(), band.right() + 1, band.bottom() + 1)
        self._marks.select(self._rows[found].tolist())
        self.refresh()

    def _drag_on(self) -> None:
        """Scroll while a drag holds at the edge."""
        point = self.viewport().mapFromGlobal(self.cursor().pos())
        by = -24 if point.y() < 12 else 24 if point.y() > self.viewport().height() - 12 else 0
        if by and self._pressed is not None:
            self.verticalScrollBar().setValue(self.verticalScrollBar().value() + by)
            self._stretch_band(point)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_zoom(self._zoom + (1 if event.angleDelta().y() > 0 else -1))
            event.accept()
        else:
            super().wheelEvent(event)

    # --- keys ----------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        rows = max(1, self.viewport().height() // self._layout.row_px)
        target: Callable[[], int] | None = {
            Qt.Key.Key_Left: lambda: self._cursor - 1,
            Qt.Key.Key_Right: lambda: self._cursor + 1,
            Qt.Key.Key_Up: lambda: self._layout.beside(max(self._cursor, 0), -1),
            Qt.Key.Key_Down: lambda: self._layout.beside(max(self._cursor, 0), 1),
            Qt.Key.Key_PageUp: lambda: self._layout.beside(max(self._cursor, 0), -rows),
            Qt.Key.Key_PageDown: lambda: self._layout.beside(max(self._cursor, 0), rows),
            Qt.Key.Key_Home: lambda: 0,
            Qt.Key.Key_End: lambda: len(self._rows) - 1,
        }.get(key)
        if target is not None and len(self._rows):
            self.go_to(target(), extend=bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_A and modifiers & Qt.KeyboardModifier.ControlModifier:
            self._marks.select(self._rows.tolist())
        elif key == Qt.Key.Key_Escape and (self._marks.selected or len(self._marks)):
            if self._marks.selected:
                self._marks.select(())
            else:
                self._marks.clear()
        else:
            super().keyPressEvent(event)

    # --- painting ------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() == event.size().width():
            self._lay_out()
            return
        held = self._cursor if self._is_in_view(self._cursor) else -1
        self._lay_out()
        if held >= 0:
            self._reveal(held)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        if self._band is None:
            self.viewport().scroll(dx, dy)
        else:
            self.refresh()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._place_at(event.pos())
            if place >= 0:
                QToolTip.showText(event.globalPos(), self.tip(int(self._rows[place])), self)
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        offset = self.verticalScrollBar().value()
        area, torn = event.rect(), event.region()
        painter = QPainter(self.viewport())
        painter.setFont(caption_font())
        painter.fillRect(area, QColor(theme().tokens.surround))
        first = max(0, (area.top() + offset - GAP) // self._layout.row_px)
        last = min(self._layout.rows - 1, (area.bottom() + offset + 4) // self._layout.row_px)
        for row in range(first, last + 1):
            for place, cell in zip(self._layout.places(row), self._layout.cells(row), strict=True):
                at = QRect(cell.x, cell.y - offset, cell.width, cell.height)
                if torn.intersects(at.adjusted(-4, -4, 4, CAPTION_PX + 4)):
                    self._paint_cell(painter, place, at)
        if self._band is not None:
            self.painter.paint_band(painter, QRectF(self._band.translated(0, -offset)))
        painter.end()

    def _paint_cell(self, painter: QPainter, place: int, at: QRect) -> None:
        assert self._pile is not None
        row = int(self._rows[place])
        crop = self.crop_of(row)
        label = self.painter.label_of(int(self._pile.label_ids[row]))
        color = "" if label is None else label.color
        pixmap = self.pictures.get(crop, at.size(), self.devicePixelRatioF(), color)
        lost = pixmap is None and self.pictures.is_lost(crop)
        self.painter.paint_picture(painter, at, pixmap, lost=lost)
        self.painter.paint_caption(painter, at, self.caption(row), self.short_caption(row))
        self.painter.paint_state(
            painter,
            at,
            self._marks.get(row),
            selected=row in self._marks.selected,
            current=place == self._cursor,
            focused=self.hasFocus(),
        )

    def _crop_ready(self, crop: Crop) -> None:
        """Paint the cells in view that show this crop."""
        if self._pile is None:
            return
        for place in self.visible_places():
            row = int(self._rows[place])
            if int(self._pile.image_ids[row]) == crop.image_id and self.crop_of(row) == crop:
                self._update_place(place)

    def visible_places(self) -> Iterable[int]:
        """The places in view."""
        offset = self.verticalScrollBar().value()
        first = max(0, (offset - GAP) // self._layout.row_px)
        last = min(self._layout.rows - 1, (offset + self.viewport().height()) // self._layout.row_px)
        if last < first:
            return range(0)
        return range(self._layout.places(first).start, self._layout.places(last).stop)

    def cells(self) -> list[Cell]:
        """The cells in view, for tests and benchmarks."""
        return [self._layout.cell(place) for place in self.visible_places()]
