"""A small sheet over the window that goes away with Esc or a click elsewhere, and gives the focus back."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsDropShadowEffect, QVBoxLayout, QWidget

from ui.theme import theme
from ui.theme.tokens import SPACE_2
from ui.widgets.fields import is_typing


class Popup(QFrame):
    """``closed`` says that it went away; the widget that had the focus has it again."""

    closed = Signal()

    def __init__(self, host: QWidget, width: int) -> None:
        super().__init__(host)
        self.setObjectName("popup")
        self.setFixedWidth(width)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._before: QWidget | None = None
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(28)
        shadow.setOffset(0, 6)
        shade = QColor(theme().tokens.text if not theme().tokens.is_dark else theme().tokens.surround)
        shade.setAlpha(90 if theme().tokens.is_dark is False else 200)
        shadow.setColor(shade)
        self.setGraphicsEffect(shadow)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        self.body.setSpacing(SPACE_2)
        self.hide()

    def open_at(self, point: QPoint, focus: QWidget) -> None:
        """Show with the top left corner at ``point`` of the window, kept inside it."""
        self._before = QApplication.focusWidget()
        self.adjustSize()
        host = self.parentWidget()
        assert host is not None
        x = min(max(SPACE_2, point.x()), host.width() - self.width() - SPACE_2)
        y = min(max(SPACE_2, point.y()), host.height() - self.height() - SPACE_2)
        self.move(x, max(SPACE_2, y))
        self.show()
        self.raise_()
        focus.setFocus(Qt.FocusReason.PopupFocusReason)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def open_centred(self, focus: QWidget, top: int = 72) -> None:
        """Show in the middle of the window, ``top`` pixels from its upper edge."""
        host = self.parentWidget()
        assert host is not None
        self.open_at(QPoint((host.width() - self.width()) // 2, top), focus)

    def dismiss(self) -> None:
        """Go away and give the focus back."""
        if self.isHidden():
            return
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        inside = QApplication.focusWidget()
        self.hide()
        if self._before is not None and (inside is None or self.isAncestorOf(inside) or inside is self):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def leave(self) -> None:
        """Somebody went on elsewhere while the sheet was open."""
        self.dismiss()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if is_typing(event):
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget) and self.isVisible():
            inside = watched is self or self.isAncestorOf(watched)
            if not inside and watched.window() is self.window():
                self.leave()
        return False
