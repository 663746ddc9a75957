"""Buttons, captions, lines and empty states: the vocabulary that panels are written in."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ui.theme import set_icon, theme, themed_icon
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_3


def icon_button(
    name: str, tip: str, *, role: str = "small", checkable: bool = False, token: str = "text"
) -> QToolButton:
    """A button that is only an icon; ``tip`` is also its accessible name."""
    button = QToolButton()
    button.setProperty("role", role)
    button.setToolTip(tip)
    button.setAccessibleName(tip.split("  ")[0])
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    set_icon(button, name, token)
    return button


def push_button(text: str, *, role: str = "", icon: str = "") -> QPushButton:
    """A button with a text; ``role`` is "primary", "compact", "link" or empty."""
    button = QPushButton(text)
    if role:
        button.setProperty("role", role)
    if icon:
        set_icon(button, icon, "on_accent" if role == "primary" else "text")
    button.setAutoDefault(False)
    button.setCursor(Qt.CursorShape.PointingHandCursor if role == "link" else Qt.CursorShape.ArrowCursor)
    return button


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A text; ``role`` is "title", "caption", "section", "muted", "key", "good", "warn", "bad" or empty."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        result.setProperty("role", role)
    result.setWordWrap(wrap)
    return result


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another role and repaint it."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def line(upright: bool = False) -> QFrame:
    """A hairline."""
    result = QFrame()
    result.setProperty("role", "upright" if upright else "line")
    return result


def row(
    *widgets: QWidget | int | None, spacing: int = SPACE_2, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """Widgets side by side; an int is a gap, None stretches."""
    layout = QHBoxLayout()
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)
    for item in widgets:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        else:
            layout.addWidget(item)
    return layout


class ElidedLabel(QLabel):
    """A text that gives way in the middle when there is no room; the whole is in the tooltip."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._full = ""
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Show ``text``, shortened where it must be."""
        self._full = text
        self.setAccessibleName(text)
        self._elide()

    def full_text(self) -> str:
        """The whole text."""
        return self._full

    def resizeEvent(self, event: object) -> None:
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, self._mode, max(0, self.width()))
        self.setText(shown)
        self.setToolTip(self._full if shown != self._full else "")


class Figure(QLabel):
    """A short text that changes with every edit or image. Its place only grows: what is around it is not laid out again."""

    def __init__(self, role: str = "caption") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setFixedSize(0, self.sizeHint().height())

    def setText(self, text: str) -> None:
        if text == self.text():
            return
        super().setText(text)
        self.ensurePolished()
        wanted = self.sizeHint()
        if wanted.width() > self.width() or wanted.height() > self.height():
            self.setFixedSize(wanted.expandedTo(self.size()))


class EmptyState(QWidget):
    """What a panel shows when it has nothing: what it is for, and the one key or click that fills it."""

    pressed = Signal()

    def __init__(self, icon: str, text: str, action: str = "", key: str = "") -> None:
        super().__init__()
        self._icon_name = icon
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = label(text, "muted", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_1, SPACE_3, SPACE_1)
        layout.setSpacing(SPACE_1)
        layout.addStretch(1)
        layout.addWidget(self._icon)
        layout.addWidget(self._text)
        if action:
            self.button = push_button(f"{action}   {key}".rstrip(), role="link")
            self.button.clicked.connect(self.pressed)
            layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        theme().changed.connect(self._dress)
        self._dress()

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._text.setText(text)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """The words matter more than the picture."""
        words = self._text.heightForWidth(max(1, self.width() - 2 * SPACE_3))
        button = getattr(self, "button", None)
        needed = words + 22 + 4 * SPACE_1 + (button.sizeHint().height() if button is not None else 0)
        self._icon.setVisible(self.height() >= needed)

    def text(self) -> str:
        """What is said."""
        return self._text.text()

    def _dress(self) -> None:
        self._icon.setPixmap(themed_icon(self._icon_name, "muted").pixmap(22, 22))
