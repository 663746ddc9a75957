"""A part of the right column: a header that folds its body away."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ui.theme import set_icon
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import Figure, label, line

HEADER_PX = 30


class Section(QWidget):
    """A title row with a caret, a count and trailing buttons, above a body that can be folded."""

    folded_changed = Signal(bool)

    def __init__(self, title: str, body: QWidget, *trailing: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = body
        self._folded = False
        self._caret = QToolButton()
        self._caret.setProperty("role", "header")
        self._caret.setAccessibleName(title)
        self._caret.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._caret.clicked.connect(self.toggle)
        self._title = label(title, "section")
        self._count = Figure()
        header = QHBoxLayout()
        header.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        header.setSpacing(SPACE_1)
        for part in (self._caret, self._title, self._count):
            header.addWidget(part)
        header.addStretch(1)
        for widget in trailing:
            header.addWidget(widget)
        self.header = QWidget()
        self.header.setFixedHeight(HEADER_PX)
        self.header.setLayout(header)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line())
        layout.addWidget(self.header)
        layout.addWidget(body, 1)
        self._show_caret()

    @property
    def folded(self) -> bool:
        """Whether only the header is seen."""
        return self._folded

    def set_count(self, text: str) -> None:
        """The figure beside the title."""
        self._count.setText(text)

    def toggle(self) -> None:
        """Fold or unfold."""
        self.set_folded(not self._folded)

    def set_folded(self, folded: bool) -> None:
        """Show only the header, or all."""
        if folded == self._folded:
            return
        self._folded = folded
        self.body.setVisible(not folded)
        self.setMaximumHeight(HEADER_PX + 1 if folded else 16777215)
        vertical = QSizePolicy.Policy.Fixed if folded else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self._show_caret()
        self.folded_changed.emit(folded)

    def _show_caret(self) -> None:
        set_icon(self._caret, "caret-right" if self._folded else "caret-down", "muted")
        self._caret.setIconSize(self._caret.iconSize() * 0.66)
