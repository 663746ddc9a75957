"""Import and export: which format, which files, what to do with the images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QWidget

from annotator.domain.kinds import Split
from ui.dialogs.dialog import Dialog
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import label, push_button, row
from ui.widgets.choices import CheckBox, ComboBox
from ui.widgets.fields import TextField


def format_names() -> dict[str, str]:
    """The formats by id, as people know them."""
    from annotator.formats import registry

    return {format_id: registry.spec(format_id).title for format_id in registry.formats()}


def _ending(format_id: str) -> str:
    """What a target's name must end in for the format to be found again: nothing for folders."""
    from annotator.formats import registry

    spec = registry.spec(format_id)
    return spec.suffixes[0] if spec.file_only else ""


class _PathField(QWidget):
    """A path with a button that browses."""

    changed = Signal()

    def __init__(self, placeholder: str, *, choose: str, files: bool) -> None:
        super().__init__()
        self._choose_title = choose
        self._files = files
        self.field = TextField(placeholder)
        self.field.textChanged.connect(self._tell)
        browse = push_button(self.tr("Folder…"), role="compact")
        browse.clicked.connect(self._browse_folder)
        buttons: list[QWidget] = [browse]
        if files:
            file = push_button(self.tr("File…"), role="compact")
            file.clicked.connect(self._browse_file)
            buttons.append(file)
        layout = row(self.field, *buttons, spacing=SPACE_2)
        layout.setStretch(0, 1)
        self.setLayout(layout)

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


class ImportDialog(Dialog):
    """``import_wanted`` gives the parameters of the import job."""

    import_wanted = Signal(dict)

    def __init__(self, parent: QWidget, path: str = "", format_id: str = "") -> None:
        explanation = parent.tr(
            "Labels are matched by name, images by their file names. What you have done here stays as it is."
        )
        super().__init__(parent, parent.tr("Import annotations"), width=560, explanation=explanation)
        self.path = _PathField(self.tr("A file, a folder or a zip"), choose=self.tr("Import from"), files=True)
        self.path.set_path(path)
        self.path.changed.connect(self._check)
        self.format = ComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        self.format.addItem(self.tr("Find out"), None)
        for known, title in format_names().items():
            self.format.addItem(title, known)
        self.format.setCurrentIndex(max(0, self.format.findData(format_id or None)))
        self.kind = ComboBox()
        self.kind.setAccessibleName(self.tr("Import as"))
        self.kind.addItem(self.tr("Annotations: someone has checked them"), "annotations")
        self.kind.addItem(self.tr("Suggestions: they wait for your verdict"), "suggestions")
        self.skip_bad = CheckBox(self.tr("Leave out what cannot be read, and list it"))
        form = QFormLayout()
        form.setSpacing(SPACE_3)
        form.addRow(label(self.tr("From"), "muted"), self.path)
        form.addRow(label(self.tr("Format"), "muted"), self.format)
        form.addRow(label(self.tr("As"), "muted"), self.kind)
        form.addRow("", self.skip_bad)
        self.body.addLayout(form)
        self.add_close(self.tr("Cancel"))
        self.start = self.add_button(self.tr("Import"), primary=True)
        self.start.clicked.connect(self._import)
        self._check()

    def _check(self) -> None:
        self.start.setEnabled(bool(self.path.path))

    def _import(self) -> None:
        parameters: dict[str, Any] = {
            "path": self.path.path,
            "format": self.format.currentData(),
            "as_": self.kind.currentData(),
            "skip_bad": self.skip_bad.isChecked(),
        }
        self.accept()
        self.import_wanted.emit(parameters)


class ExportDialog(Dialog):
    """``export_wanted`` gives the parameters of the export job."""

    export_wanted = Signal(dict)

    def __init__(self, parent: QWidget, project_path: Path, *, suggested: str = "coco") -> None:
        explanation = parent.tr(
            "Written to a temporary place and moved when it is whole. A report says what the format could not keep."
        )
        super().__init__(parent, parent.tr("Export"), width=580, explanation=explanation)
        self._project_path = project_path
        self.format = ComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        for known, title in format_names().items():
            self.format.addItem(title, known)
        self.format.setCurrentIndex(max(0, self.format.findData(suggested)))
        self.path = _PathField(self.tr("Where to write"), choose=self.tr("Export to"), files=False)
        self._proposed = ""
        self.images = self._combo(
            self.tr("Images"),
            (
                (self.tr("Leave them where they are"), "none"),
                (self.tr("Copy them"), "copy"),
                (self.tr("Link to them"), "link"),
            ),
        )
        self.scope = self._combo(
            self.tr("Which images"),
            (
                (self.tr("Done or annotated"), "done_or_annotated"),
                (self.tr("Only done"), "done"),
                (self.tr("All: the rest count as empty"), "all"),
            ),
        )
        self.splits = {split: CheckBox(split.value) for split in Split}
        self.suggestions = CheckBox(self.tr("Open suggestions too"))
        self.verify = CheckBox(self.tr("Read it back and compare"))
        self.existing = self._combo(
            self.tr("If it exists"),
            ((self.tr("Stop"), ""), (self.tr("Add to it"), "merge"), (self.tr("Replace it"), "replace")),
        )
        form = QFormLayout()
        form.setSpacing(SPACE_3)
        for text, widget in (
            (self.tr("Format"), self.format),
            (self.tr("To"), self.path),
            (self.tr("Which images"), self.scope),
            (self.tr("Image files"), self.images),
            (self.tr("If it exists"), self.existing),
        ):
            form.addRow(label(text, "muted"), widget)
        form.addRow(label(self.tr("Only the splits"), "muted"), row(*self.splits.values(), None))
        form.addRow("", self.suggestions)
        form.addRow("", self.verify)
        self.body.addLayout(form)
        self.add_close(self.tr("Cancel"))
        self.start = self.add_button(self.tr("Export"), primary=True)
        self.start.clicked.connect(self._export)
        self.format.currentIndexChanged.connect(self._propose)
        self.path.changed.connect(self._check)
        self._propose()

    @staticmethod
    def _combo(name: str, choices: Sequence[tuple[str, str]]) -> QComboBox:
        combo = ComboBox()
        combo.setAccessibleName(name)
        for text, data in choices:
            combo.addItem(text, data)
        return combo

    def _propose(self) -> None:
        """A target beside the project, until the person enters one."""
        if self.path.path == self._proposed:
            name = self._project_path.name.removesuffix(".annotator")
            format_id = self.format.currentData()
            self._proposed = str(self._project_path.parent / f"{name}-{format_id}{_ending(format_id)}")
            self.path.set_path(self._proposed)
        self._check()

    def _check(self) -> None:
        self.start.setEnabled(bool(self.path.path))

    def _export(self) -> None:
        existing = self.existing.currentData()
        parameters: dict[str, Any] = {
            "path": self.path.path,
            "format": self.format.currentData(),
            "include_suggestions": self.suggestions.isChecked(),
            "splits": [split.value for split, box in self.splits.items() if box.isChecked()],
            "scope": self.scope.currentData(),
            "images": self.images.currentData(),
            "merge": existing == "merge",
            "replace": existing == "replace",
            "verify": self.verify.isChecked(),
        }
        self.accept()
        self.export_wanted.emit(parameters)
