"""How confident the open suggestions are, with the slider that hides the others on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import SPACE_2, SPACE_3

BARS_PX = 30
STEP = 0.05


class ConfidenceSlider(QWidget):
    """Bars for twenty classes of confidence and one handle. Arrow keys move it by 0.05, Home and End to the ends."""

    changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._counts: tuple[int, ...] = ()
        self._value = 0.0
        self._calibrated = True
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("Hide suggestions below this confidence"))
        self.set_calibrated(True)
        self.setFixedHeight(BARS_PX + 28)
        theme().changed.connect(self.update)

    @property
    def value(self) -> float:
        """The confidence below which suggestions are hidden."""
        return self._value

    def set_counts(self, counts: Sequence[int]) -> None:
        """Show how many suggestions fall into each class of equal width from 0 to 1."""
        self._counts = tuple(int(c) for c in counts)
        self.update()

    @property
    def caption(self) -> str:
        """What the numbers are."""
        return self.tr("confidence") if self._calibrated else self.tr("confidence, uncalibrated")

    def set_calibrated(self, calibrated: bool) -> None:
        """Say whether the numbers are probabilities yet."""
        self._calibrated = calibrated
        told = [self.tr("Drag to hide suggestions below a confidence.")]
        if not calibrated:
            told.append(
                self.tr("Too few verdicts to calibrate yet: read the numbers as an order, not as probabilities.")
            )
        self.setToolTip("\n".join(told))
        self.update()

    def set_value(self, value: float) -> None:
        """Move the handle."""
        value = round(min(max(value, 0.0), 1.0), 2)
        if value != self._value:
            self._value = value
            self.setAccessibleDescription(f"{value:.2f}")
            self.update()
            self.changed.emit(value)

    def sizeHint(self) -> QSize:
        return QSize(200, BARS_PX + 28)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -STEP,
            Qt.Key.Key_Down: -STEP,
            Qt.Key.Key_Right: STEP,
            Qt.Key.Key_Up: STEP,
            Qt.Key.Key_Home: -1.0,
            Qt.Key.Key_End: 1.0,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.set_value(self._value + step)

    def _track(self) -> QRectF:
        return QRectF(SPACE_3, SPACE_2 / 2, self.width() - 2 * SPACE_3, BARS_PX)

    def _drag(self, event: QMouseEvent) -> None:
        track = self._track()
        self.set_value((event.position().x() - track.left()) / max(1.0, track.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        track = self._track()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = max(self._counts, default=0)
        for index, count in enumerate(self._counts):
            width = track.width() / len(self._counts)
            height = max(2.0, track.height() * count / top) if count else 0.0
            shown = (index + 1) / len(self._counts) > self._value + 1e-6
            painter.setBrush(QColor(tokens.accent if shown else tokens.control_border))
            painter.drawRoundedRect(
                QRectF(track.left() + index * width + 0.5, track.bottom() - height, width - 1, height), 1.5, 1.5
            )
        x = track.left() + self._value * track.width()
        y = track.bottom() + 4
        painter.setBrush(QColor(tokens.border))
        painter.drawRoundedRect(QRectF(track.left(), y - 1.5, track.width(), 3), 1.5, 1.5)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(QRectF(x, y - 1.5, track.right() - x, 3), 1.5, 1.5)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(QColor(tokens.accent if self.hasFocus() else tokens.panel))
        painter.drawEllipse(QRectF(x - 5, y - 5, 10, 10))
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        words = self.tr("all shown") if self._value == 0 else self.tr("from {0}%").format(round(self._value * 100))
        below = QRectF(track.left() - 4, y + 4, track.width() + 8, 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.caption)
        painter.end()
