"""Which confidences the wall shows: the histogram of the pile with two handles on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import SPACE_2, SPACE_3

BARS_PX = 34
STEP = 0.05


class RangeSlider(QWidget):
    """Bars and two handles. Arrow keys move the lower one by 0.05, with Shift the upper one; Home and End open it fully."""

    changed = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self._counts: tuple[int, ...] = ()
        self._ends = (0.0, 1.0)
        self._held = 0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("Show suggestions of this range of confidence"))
        self.setToolTip(self.tr("Drag the ends: only suggestions of this range are shown, accepted and rejected."))
        self.setFixedHeight(BARS_PX + 28)
        theme().changed.connect(self.update)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest confidence that is shown."""
        return self._ends

    def set_counts(self, counts: Sequence[int]) -> None:
        """How many suggestions fall into each class of equal width from 0 to 1."""
        self._counts = tuple(int(c) for c in counts)
        self.update()

    def set_ends(self, low: float, high: float) -> None:
        """Move both handles."""
        low, high = round(min(max(low, 0.0), 1.0), 2), round(min(max(high, 0.0), 1.0), 2)
        low, high = min(low, high), max(low, high)
        if (low, high) != self._ends:
            self._ends = low, high
            self.setAccessibleDescription(f"{low:.2f} – {high:.2f}")
            self.update()
            self.changed.emit(low, high)

    def sizeHint(self) -> QSize:
        return QSize(200, BARS_PX + 28)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        value = self._value(event)
        low, high = self._ends
        if abs(value - low) == abs(value - high):
            self._held = 0 if value < low else 1
        else:
            self._held = 0 if abs(value - low) < abs(value - high) else 1
        self._drag(value)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(self._value(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        low, high = self._ends
        step = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Down: -STEP, Qt.Key.Key_Right: STEP, Qt.Key.Key_Up: STEP}.get(key)
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.set_ends(0.0, 1.0)
        elif step is None:
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.set_ends(low, max(low, high + step))
        else:
            self.set_ends(min(high, low + step), high)

    def _drag(self, value: float) -> None:
        low, high = self._ends
        if self._held == 0:
            self.set_ends(min(value, high), high)
        else:
            self.set_ends(low, max(value, low))

    def _value(self, event: QMouseEvent) -> float:
        track = self._track()
        return (event.position().x() - track.left()) / max(1.0, track.width())

    def _track(self) -> QRectF:
        return QRectF(SPACE_3, SPACE_2 / 2, self.width() - 2 * SPACE_3, BARS_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, track = theme().tokens, self._track()
        low, high = self._ends
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = max(self._counts, default=0)
        for index, count in enumerate(self._counts):
            width = track.width() / len(self._counts)
            height = max(2.0, track.height() * count / top) if count else 0.0
            middle = (index + 0.5) / len(self._counts)
            painter.setBrush(QColor(tokens.accent if low <= middle <= high else tokens.control_border))
            bar = QRectF(track.left() + index * width + 0.5, track.bottom() - height, width - 1, height)
            painter.drawRoundedRect(bar, 1.5, 1.5)
        xs = [track.left() + end * track.width() for end in self._ends]
        y = track.bottom() + 4
        painter.setBrush(QColor(tokens.border))
        painter.drawRoundedRect(QRectF(track.left(), y - 1.5, track.width(), 3), 1.5, 1.5)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(QRectF(xs[0], y - 1.5, xs[1] - xs[0], 3), 1.5, 1.5)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(QColor(tokens.accent if self.hasFocus() else tokens.panel))
        for x in xs:
            painter.drawEllipse(QRectF(x - 5, y - 5, 10, 10))
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        below = QRectF(track.left() - 4, y + 4, track.width() + 8, 14)
        words = self.tr("all") if self._ends == (0.0, 1.0) else f"{low:.0%} – {high:.0%}"
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(below, left, self.tr("confidence"))
        painter.end()
