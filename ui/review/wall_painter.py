"""How a cell of the wall looks: its picture, the words below it, and its marks, which are told by shape as well as by colour."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap, QStaticText
from PySide6.QtWidgets import QWidget

from annotator.domain.records import Label
from ui.review.marks import RIGHT, WRONG
from ui.review.wall_layout import CAPTION_PX
from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import text_on

TEXTS_KEPT = 4000
VEIL = 150


class WallPainter:
    """Keeps laid-out captions: on a wall of one label there are a hundred different ones."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._texts: dict[str, tuple[QStaticText, float]] = {}
        self.label_of: Callable[[int], Label | None] = _nobody

    def paint_picture(self, painter: QPainter, at: QRect, pixmap: QPixmap | None, *, lost: bool) -> None:
        """The crop, or an empty frame where it is not there (yet)."""
        if pixmap is not None:
            painter.drawPixmap(at.topLeft(), pixmap)
            return
        tokens = theme().tokens
        painter.fillRect(at, QColor(tokens.raised))
        if lost:
            painter.setFont(caption_font())
            painter.setPen(QColor(tokens.muted))
            words = self._widget.tr("cannot be read")
            painter.drawText(at, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)

    def paint_caption(self, painter: QPainter, at: QRect, text: str, short: str) -> None:
        """The words under the picture, in the painter's font; the short ones where the long do not fit."""
        static, width = self._text(text)
        if width > at.width():
            static, width = self._text(short)
        painter.setPen(QColor(theme().tokens.muted))
        painter.drawStaticText(QPointF(at.left() + 1, at.bottom() + 2), static)

    def paint_state(
        self, painter: QPainter, at: QRect, mark: int | None, *, selected: bool, current: bool, focused: bool
    ) -> None:
        """Wrong: veiled with a cross. Right: a tick. Another label: its chip. Selected and current: frames."""
        tokens = theme().tokens
        if mark == WRONG:
            veil = QColor(tokens.surround)
            veil.setAlpha(VEIL)
            painter.fillRect(at, veil)
            self._frame(painter, at, QColor(tokens.bad), 2)
            self._cross(painter, at)
        elif mark == RIGHT:
            self._frame(painter, at, QColor(tokens.good), 2)
            self._tick(painter, at)
        elif mark is not None:
            self._chip(painter, at, self.label_of(mark))
        if selected:
            tint = QColor(tokens.accent)
            tint.setAlpha(56)
            painter.fillRect(at, tint)
            self._frame(painter, at, QColor(tokens.accent), 2)
        if current and focused:
            self._frame(painter, at.adjusted(-3, -3, 3, 3), QColor(tokens.text), 2)

    def paint_band(self, painter: QPainter, band: QRectF) -> None:
        """The rectangle of a drag."""
        tokens = theme().tokens
        fill = QColor(tokens.accent)
        fill.setAlpha(40)
        painter.setPen(QPen(QColor(tokens.accent), 1))
        painter.setBrush(fill)
        painter.drawRect(band)

    def _text(self, text: str) -> tuple[QStaticText, float]:
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) > TEXTS_KEPT:
                self._texts.clear()
            static = QStaticText(text)
            static.setTextFormat(Qt.TextFormat.PlainText)
            known = self._texts[text] = static, QFontMetrics(caption_font()).horizontalAdvance(text)
        return known

    @staticmethod
    def _frame(painter: QPainter, at: QRect, color: QColor, width: int) -> None:
        painter.setPen(QPen(color, width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(at).adjusted(width / 2, width / 2, -width / 2, -width / 2))

    @staticmethod
    def _cross(painter: QPainter, at: QRect) -> None:
        tokens = theme().tokens
        disk = QRectF(at.center().x() - 11, at.center().y() - 11, 22, 22)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.bad))
        painter.drawEllipse(disk)
        painter.setPen(QPen(QColor(tokens.on_accent), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        inner = disk.adjusted(7, 7, -7, -7)
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    @staticmethod
    def _tick(painter: QPainter, at: QRect) -> None:
        tokens = theme().tokens
        disk = QRectF(at.right() - 20, at.top() + 4, 16, 16)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.good))
        painter.drawEllipse(disk)
        painter.setPen(QPen(QColor(tokens.on_accent), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline([disk.topLeft() + QPointF(*point) for point in ((4.5, 8.5), (7, 11), (11.5, 5.5))])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _chip(self, painter: QPainter, at: QRect, label: Label | None) -> None:
        tokens = theme().tokens
        color = (label.color if label is not None else "") or tokens.muted
        self._frame(painter, at, QColor(color), 3)
        metrics = QFontMetrics(caption_font())
        name = metrics.elidedText(
            label.name if label is not None else "?", Qt.TextElideMode.ElideRight, at.width() - 14
        )
        chip = QRectF(at.left() + 3, at.top() + 3, metrics.horizontalAdvance(name) + 10, CAPTION_PX - 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(chip, 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(caption_font())
        painter.setPen(QColor(text_on(color)))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, name)


def _nobody(label_id: int) -> Label | None:
    return None
