"""What dialogs have in common: they are opened, never waited for, and answer with signals."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ui.theme.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from ui.widgets.basics import label, push_button


class Dialog(QDialog):
    """A title, a body and a row of buttons. Deletes itself when it is closed."""

    def __init__(self, parent: QWidget, title: str, *, width: int = 520, explanation: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(width)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE_6, SPACE_4, SPACE_6, SPACE_4)
        outer.setSpacing(SPACE_3)
        outer.addWidget(label(title, "title"))
        if explanation:
            outer.addWidget(label(explanation, "muted", wrap=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE_2)
        outer.addLayout(self.body, 1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(SPACE_2)
        self.buttons.addStretch(1)
        outer.addSpacing(SPACE_2)
        outer.addLayout(self.buttons)

    def add_button(self, text: str, *, primary: bool = False) -> QPushButton:
        """A button at the lower right; the primary one answers Enter."""
        button = push_button(text, role="primary" if primary else "")
        button.setDefault(primary)
        self.buttons.addWidget(button)
        return button

    def add_close(self, text: str = "") -> QPushButton:
        """The button that only closes."""
        button = self.add_button(text or self.tr("Close"))
        button.clicked.connect(self.reject)
        return button
