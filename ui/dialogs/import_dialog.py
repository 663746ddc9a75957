"""The import: where from, in which format and why, what it would bring, what its labels become; then the job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from annotator.errors import FormatError
from annotator.formats import damage
from annotator.formats.peek import Peek
from ui.asking import Asking
from ui.dialogs.dialog import Dialog
from ui.dialogs.import_view import ImportView
from ui.dialogs.path_field import PathField, format_names
from ui.dialogs.picture_previews import DrawnPicture, colors_of, draw_pictures
from ui.soon import Soon
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button, row
from ui.widgets.choices import CheckBox, ComboBox

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.datasets import FoundDataset
    from annotator.usecases.import_preview import ImportPreview

TYPING_MS = 350


@dataclass(frozen=True)
class Look:
    """What lies at a path: the formats it may be in, and when that is clear or was said, what an import would bring."""

    found: tuple[FoundDataset, ...]
    preview: ImportPreview | None = None
    pictures: tuple[DrawnPicture, ...] = ()


class ImportDialog(Dialog):
    """``import_wanted`` gives the parameters of the import job."""

    import_wanted = Signal(dict)

    def __init__(self, parent: QWidget, project: Project, path: str = "", format_id: str = "") -> None:
        explanation = parent.tr("Nothing is written before you press Import. What you have done here stays as it is.")
        super().__init__(parent, parent.tr("Import annotations"), width=760, explanation=explanation)
        self._project = project
        self.asking = Asking(project, self)
        self.asking.answered.connect(self._answered)
        self.asking.failed.connect(self._failed)
        self.asking.progressed.connect(self._progressed)
        self._soon = Soon(self._look, self, TYPING_MS)
        self._names = format_names()
        self.path = PathField(self.tr("A file, a folder or a zip"), choose=self.tr("Import from"), files=True)
        self.format = ComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        self.format.addItem(self.tr("Find out"), "")
        for known, title in self._names.items():
            self.format.addItem(title, known)
        self.format.setCurrentIndex(max(0, self.format.findData(format_id)))
        self.seen = label("", "muted", wrap=True)
        self.kind = ComboBox()
        self.kind.setAccessibleName(self.tr("Import as"))
        self.kind.addItem(self.tr("Annotations: someone has checked them"), "annotations")
        self.kind.addItem(self.tr("Suggestions: they wait for your verdict"), "suggestions")
        self.merging = ComboBox()
        self.merging.setAccessibleName(self.tr("Images that have annotations"))
        self.merging.addItem(self.tr("Add what is new to them"), False)
        self.merging.addItem(self.tr("Leave them as they are"), True)
        self.skip_bad = CheckBox(self.tr("Leave out what cannot be read, and list it"))
        self.view = ImportView(project)
        self._build()
        self.path.set_path(path)
        self.path.changed.connect(self._changed)
        self.format.currentIndexChanged.connect(self._changed)
        self.skip_bad.toggled.connect(self._changed)
        self.finished.connect(self._leave)
        self._changed()

    def _build(self) -> None:
        form = self._form = QFormLayout()
        form.setSpacing(SPACE_2)
        form.addRow(label(self.tr("From"), "muted"), self.path)
        formats = row(self.format, self.seen)
        formats.setStretch(1, 1)
        form.addRow(label(self.tr("Format"), "muted"), formats)
        self.choices = QVBoxLayout()
        form.addRow("", self.choices)
        form.addRow(label(self.tr("As"), "muted"), row(self.kind, self.skip_bad, None))
        form.addRow(label(self.tr("Images that have annotations"), "muted"), row(self.merging, None))
        self.body.addLayout(form)
        self.body.addWidget(self.view, 1)
        self.add_close(self.tr("Cancel"))
        self.start = self.add_button(self.tr("Import"), primary=True)
        self.start.clicked.connect(self._import)
        self.resize(980, 660)

    # --- looking -------------------------------------------------------------------------------------------------------

    def _changed(self, what: object = None) -> None:
        self.asking.call_off()
        self.start.setEnabled(False)
        self.seen.setText("")
        self._offer(())
        if self.path.path:
            self.view.show_busy(self.tr("Looking at {0}").format(self.path.path))
            self._soon.ask()
        else:
            self._soon.forget()
            self.view.show_nothing(self.tr("Choose a file, a folder or a zip: what it holds is shown here first."))

    def _look(self) -> None:
        if self.path.path:
            colors = {each.name: each.color for each in self._project.labels.all()}
            arguments = Path(self.path.path), self.format.currentData(), self.skip_bad.isChecked(), colors
            self.asking.ask("look", look, *arguments)

    def _progressed(self, done: int, total: object) -> None:
        self.view.show_progress(done, total)

    def _failed(self, tag: str, what: str, cure: str) -> None:
        self.view.show_trouble(what, cure)

    def _answered(self, tag: str, found: Look) -> None:
        named = {each.format: each.reason for each in found.found}
        if found.preview is not None:
            reason = named.get(found.preview.format, "")
            name = self._names[found.preview.format]
            self.seen.setText(
                self.tr("{0}: {1}").format(name, reason) if reason else self.tr("As you say: {0}").format(name)
            )
            self.view.show_preview(found.preview, found.pictures)
            self.start.setEnabled(found.preview.matched > 0)
            return
        if not named:
            what = self.tr("{0} is in no format that is known here.").format(self.path.path)
            self.view.show_trouble(what, self.tr("Choose the format if you know it, or another file."))
            return
        self._offer(found.found)
        self.view.show_nothing(self.tr("This may be several formats. Which one is it?"))

    def _offer(self, found: tuple[FoundDataset, ...]) -> None:
        """Buttons for the formats that it may be in, with what speaks for each."""
        while (item := self.choices.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._form.setRowVisible(self.choices, bool(found))
        for each in found:
            button = push_button(self.tr("{0}: {1}").format(self._names[each.format], each.reason), role="link")
            button.setProperty("format", each.format)
            button.clicked.connect(self._choose)
            self.choices.addWidget(button)

    def _choose(self) -> None:
        self.format.setCurrentIndex(self.format.findData(self.sender().property("format")))

    # --- the answer ----------------------------------------------------------------------------------------------------

    def _import(self) -> None:
        preview = self.view.preview
        if preview is None:
            return
        parameters: dict[str, Any] = {
            "path": self.path.path,
            "format": preview.format,
            "as_": self.kind.currentData(),
            "skip_bad": self.skip_bad.isChecked(),
            "labels": self.view.renamed(),
            "leave_annotated": self.merging.currentData(),
        }
        self.accept()
        self.import_wanted.emit(parameters)

    def _leave(self, result: int) -> None:
        self._soon.forget()
        self.asking.close()


def look(
    project: Project, context: JobContext, path: Path, format_id: str, skip_bad: bool, colors: dict[str, str]
) -> Look:
    """Find out the format, count, and draw the first pictures. Runs in a thread."""
    if not path.exists():
        raise FormatError(f"There is nothing at {path}.", "Check the name.", path=path)
    found = project.detect_annotations(path)
    if not format_id and not found:
        damage.check(Peek(path))
    if not format_id and len(found) != 1:
        return Look(found)
    preview = project.preview_import(path, format_id or found[0].format, skip_bad=skip_bad, context=context)
    palette = colors_of([each.name for each in preview.labels], colors)
    return Look(found, preview, draw_pictures(preview.pictures, palette, context))
