"""A path that is typed or chosen, and the formats that may be there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from ui.theme.tokens import SPACE_2
from ui.widgets.basics import push_button, row
from ui.widgets.fields import TextField


def format_names() -> dict[str, str]:
    """The formats by id, as people know them."""
    from annotator.formats import registry

    return {format_id: registry.spec(format_id).title for format_id in registry.formats()}


class PathField(QWidget):
    """A path with buttons that browse: for a folder, and with ``files`` for a file that exists."""

    changed = Signal()

    def __init__(self, placeholder: str, *, choose: str, files: bool) -> None:
        super().__init__()
        self._choose_title = choose
        self.field = TextField(placeholder)
        self.field.textChanged.connect(self._tell)
        self.folder = push_button(self.tr("Folder…"), role="compact")
        self.folder.clicked.connect(self._browse_folder)
        buttons: list[QWidget] = [self.folder]
        if files:
            self.file = push_button(self.tr("File…"), role="compact")
            self.file.clicked.connect(self._browse_file)
            buttons.append(self.file)
        layout = row(self.field, *buttons, spacing=SPACE_2)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.setFocusProxy(self.field)

    @property
    def path(self) -> str:
        """What is entered."""
        return self.field.text().strip()

    def set_path(self, path: str) -> None:
        """Enter a path."""
        self.field.setText(path)

    def _tell(self, text: str) -> None:
        self.changed.emit()

    def _browse_folder(self) -> None:
        self._browse(QFileDialog.FileMode.Directory)

    def _browse_file(self) -> None:
        self._browse(QFileDialog.FileMode.ExistingFile)

    def _browse(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self, self._choose_title, self.path or str(Path.home()))
        dialog.setFileMode(mode)
        dialog.fileSelected.connect(self.set_path)
        dialog.open()
