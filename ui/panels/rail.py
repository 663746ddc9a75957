"""What is left of a column that was folded away: one button that brings it back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import icon_button

WIDTH = 34


class Rail(QWidget):
    """A narrow strip."""

    pressed = Signal()

    def __init__(self, icon: str, tip: str) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        button = icon_button(icon, tip, role="tool")
        button.clicked.connect(self.pressed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_1, SPACE_2, SPACE_1, SPACE_2)
        layout.addWidget(button)
        layout.addStretch(1)
