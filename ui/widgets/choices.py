"""Check boxes and drop-down lists that can be seen in both themes; Fusion alone draws their marks in the ground's colour."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QComboBox, QStyle, QStyleOptionButton

from ui.theme import theme, themed_icon
from ui.theme.tokens import SPACE_2

BOX_PX = 16


class CheckBox(QCheckBox):
    """A box with a visible edge, a tick on the accent, and a ring when it has the focus."""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(
            BOX_PX + SPACE_2 + metrics.horizontalAdvance(self.text()) + SPACE_2, max(BOX_PX, metrics.height()) + 4
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        at = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        box = QRectF(at.left() + 0.5, at.center().y() - BOX_PX / 2 + 0.5, BOX_PX - 1, BOX_PX - 1)
        state = self.checkState()
        on = state is not Qt.CheckState.Unchecked
        edge = tokens.text if self.hasFocus() else tokens.accent if on else tokens.control_border
        painter.setPen(QPen(QColor(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(QColor(tokens.accent if on else tokens.panel))
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QPen(QColor(tokens.on_accent), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        if state is Qt.CheckState.Checked:
            x, y = box.left(), box.top()
            painter.drawLine(int(x + 4), int(y + 8), int(x + 7), int(y + 11))
            painter.drawLine(int(x + 7), int(y + 11), int(x + 12), int(y + 5))
        elif state is Qt.CheckState.PartiallyChecked:
            painter.drawLine(int(box.left() + 4), int(box.center().y()), int(box.right() - 4), int(box.center().y()))
        painter.setPen(QColor(tokens.text))
        words = self.rect().adjusted(BOX_PX + SPACE_2, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic, self.text())
        painter.end()


class ComboBox(QComboBox):
    """A drop-down list with a caret."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        side = 12
        box = QRect(self.width() - side - SPACE_2, (self.height() - side) // 2, side, side)
        themed_icon("caret-down", "muted").paint(painter, box)
        painter.end()
