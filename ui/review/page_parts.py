"""What the pages of the Review screen have in common: a header with title and figures, and a footer with a hint and buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from annotator.domain.kinds import Task
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import ElidedLabel, row

TASK_WORDS = {Task.TAGS: "tags", Task.BOXES: "boxes", Task.MASKS: "masks", Task.KEYPOINTS: "keypoints"}


class Header(QWidget):
    """A title over a line of figures, with controls at the right."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = ElidedLabel("", "title")
        self.figures = ElidedLabel("", "muted", Qt.TextElideMode.ElideRight)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.figures)
        layout = row(margins=(SPACE_3, SPACE_2, SPACE_3, SPACE_2), spacing=SPACE_3)
        layout.addLayout(words, 1)
        for control in controls:
            layout.addWidget(control)
        self.setLayout(layout)


class Footer(QWidget):
    """What keys do, and the buttons that decide."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hint = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        layout = row(margins=(SPACE_3, SPACE_2, SPACE_3, SPACE_2))
        layout.addWidget(self.hint, 1)
        for control in controls:
            layout.addWidget(control)
        self.setLayout(layout)
