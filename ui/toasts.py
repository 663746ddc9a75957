"""Short messages at the lower left of the picture, clear of the buttons that decide: at most three; errors stay until read."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui.theme import themed_icon
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from ui.widgets.basics import icon_button, label, push_button

LIMIT = 3
SECONDS = 6
BRIEF_SECONDS = 2
WIDTH, LEAST_WIDTH = 360, 200
_ICONS = {
    "info": ("info", "muted"),
    "good": ("check-circle", "good"),
    "error": ("warning-circle", "bad"),
    "brief": ("arrow-u-up-left", "muted"),
    "offer": ("download-simple", "accent"),
}


class Toast(QFrame):
    """One message."""

    closed = Signal(object)
    acted = Signal(object)

    def __init__(self, text: str, cure: str, kind: str, action: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("kind", kind)
        self.kind = kind
        self.text = text
        self.cure = cure
        icon = QLabel()
        icon.setPixmap(themed_icon(*_ICONS[kind]).pixmap(QSize(18, 18)))
        words = QVBoxLayout()
        words.setSpacing(SPACE_1)
        self._words = label(text, wrap=True)
        words.addWidget(self._words)
        if cure:
            words.addWidget(label(cure, "muted", wrap=True))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_2, SPACE_2, SPACE_2)
        layout.setSpacing(SPACE_2)
        layout.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        self.action: QPushButton | None = None
        if action:
            self.action = push_button(action, role="link")
            self.action.clicked.connect(self._act)
            layout.addWidget(self.action, 0, Qt.AlignmentFlag.AlignTop)
        close = icon_button("x", self.tr("Close this message"), token="muted")
        close.clicked.connect(self.dismiss)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(f"{text} {cure}".strip())
        self._left = QTimer(self)
        self._left.setSingleShot(True)
        self._left.timeout.connect(self.dismiss)
        if kind not in ("error", "offer"):
            self._left.start((SECONDS if kind != "brief" else BRIEF_SECONDS) * 1000)

    def say(self, text: str) -> None:
        """Say something else instead, for as long again."""
        self.text = text
        self._words.setText(text)
        self.setAccessibleName(f"{text} {self.cure}".strip())
        self._left.start()

    def dismiss(self) -> None:
        """Go away."""
        self.closed.emit(self)

    def _act(self) -> None:
        self.acted.emit(self)
        self.closed.emit(self)


class Toasts(QObject):
    """The stack of messages over a window."""

    undo_requested = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = self._area = window
        self._clear = 0
        self._toasts: list[Toast] = []
        window.installEventFilter(self)

    def stand_over(self, area: QWidget, clear: int = 0) -> None:
        """Stand at the lower left of a part of the window from now on, ``clear`` pixels above its bottom."""
        self._area.removeEventFilter(self)
        self._area, self._clear = area, clear
        area.installEventFilter(self)
        self._place()

    @property
    def texts(self) -> list[str]:
        """What is on screen now, oldest first."""
        return [toast.text for toast in self._toasts]

    @property
    def shown(self) -> list[Toast]:
        """The messages on screen, oldest first."""
        return list(self._toasts)

    def info(self, text: str, *, undo: bool = False) -> None:
        """Say that something happened."""
        self._add(text, "", "info", self.tr("Undo") if undo else "")

    def good(self, text: str, *, undo: bool = False) -> None:
        """Say that something went well."""
        self._add(text, "", "good", self.tr("Undo") if undo else "")

    def brief(self, text: str) -> None:
        """Say something that replaces what was said briefly before: what Undo took back."""
        if self._toasts and self._toasts[-1].kind == "brief":
            self._toasts[-1].say(text)
            self._place()
            return
        for toast in [t for t in self._toasts if t.kind == "brief"]:
            self._remove(toast)
        self._add(text, "", "brief", "")

    def offer(self, text: str, action: str) -> QPushButton | None:
        """Say something that can be acted on; returns the button. Stays until it is answered."""
        return self._add(text, "", "offer", action).action

    def error(self, text: str, cure: str = "", action: str = "") -> QPushButton | None:
        """Say what failed and what to do; returns the button of the ``action``, if any. Stays until it is closed."""
        if any(t.kind == "error" and t.text == text and t.cure == cure for t in self._toasts):
            return None
        return self._add(text, cure, "error", action).action

    def clear(self) -> None:
        """Take all messages away."""
        for toast in list(self._toasts):
            self._remove(toast)

    def withdraw(self) -> None:
        """Take away what offers something to press: the project that it is about is closed."""
        for toast in [each for each in self._toasts if each.action is not None]:
            self._remove(toast)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show):
            self._place()
        return False

    def _add(self, text: str, cure: str, kind: str, action: str) -> Toast:
        while len(self._toasts) >= LIMIT:
            mild = [t for t in self._toasts if t.kind != "error"]
            self._remove(mild[0] if mild else self._toasts[0])
        toast = Toast(text, cure, kind, action, self._window)
        toast.closed.connect(self._remove)
        toast.acted.connect(self._undo)
        self._toasts.append(toast)
        toast.show()
        self._place()
        return toast

    def _undo(self, toast: Toast) -> None:
        if toast.kind not in ("offer", "error"):
            self.undo_requested.emit()

    def _remove(self, toast: Toast) -> None:
        if toast in self._toasts:
            self._toasts.remove(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def _place(self) -> None:
        corner = self._area.mapTo(self._window, QPoint(SPACE_4, self._area.height() - self._clear - SPACE_2))
        width = min(WIDTH, max(LEAST_WIDTH, self._area.width() - 2 * SPACE_4))
        for toast in reversed(self._toasts):
            layout = toast.layout()
            # Fixed in both directions: a message that grows would otherwise have the whole window laid out again.
            height = layout.totalHeightForWidth(width) if layout is not None else toast.sizeHint().height()
            toast.setFixedSize(width, height)
            corner.setY(corner.y() - height)
            toast.move(corner)
            toast.raise_()
            corner.setY(corner.y() - SPACE_2)
