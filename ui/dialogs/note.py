"""The note on an image, with its flag."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ui.dialogs.popup import Popup
from ui.widgets.basics import label, push_button, row
from ui.widgets.choices import CheckBox
from ui.widgets.fields import NoteField


class NotePopup(Popup):
    """Ctrl+Enter, "Keep" or a click elsewhere keeps the note; Esc does not."""

    kept = Signal(str)
    flag_wanted = Signal()

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, 340)
        self.field = NoteField()
        self.field.setAccessibleName(self.tr("Note on this image"))
        self.field.setPlaceholderText(self.tr("What should the next person know about this image?"))
        self.field.setFixedHeight(84)
        self.flag = CheckBox(self.tr("Flag this image"))
        keep = push_button(self.tr("Keep"), role="primary")
        keep.clicked.connect(self._keep)
        self.body.addWidget(label(self.tr("Note"), "section"))
        self.body.addWidget(self.field)
        self.body.addLayout(row(self.flag, None, label("Ctrl+Enter", "caption"), keep))
        self.field.finished.connect(self._keep)
        self.field.escaped.connect(self.dismiss)
        self.flag.clicked.connect(self.flag_wanted)

    def fill(self, text: str, flagged: bool) -> None:
        """Show what is there."""
        self.field.setPlainText(text)
        self.field.selectAll()
        self.flag.setChecked(flagged)

    def leave(self) -> None:
        """What was written is kept: only Esc throws it away."""
        if not self.isHidden():
            self._keep()

    def _keep(self) -> None:
        self.dismiss()
        self.kept.emit(self.field.toPlainText())
