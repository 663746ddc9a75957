"""The export: which images, in which format, where to; and before anything is written, what the format cannot keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from annotator.domain.kinds import Split
from ui.asking import Asking
from ui.dialogs.dialog import Dialog
from ui.dialogs.export_view import ExportView
from ui.dialogs.path_field import PathField, format_names
from ui.soon import Soon
from ui.theme.tokens import SPACE_2, SPACE_6
from ui.widgets.basics import label, row
from ui.widgets.choices import CheckBox, ComboBox

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.export_preview import ExportPreview

TYPING_MS = 350
NOW, SHOWN, VERSION = "now", "shown", "version "
STOP = ""


@dataclass(frozen=True)
class Source:
    """What can be exported beside the dataset as it is: the images that the queue shows, and the named ``versions``."""

    shown: Sequence[int] | None = None
    versions: Sequence[str] = ()


class ExportDialog(Dialog):
    """``export_wanted`` gives the parameters of the export job; ``last`` are those of the time before, also kept by who asked."""

    export_wanted = Signal(dict)

    def __init__(
        self,
        parent: QWidget,
        project: Project,
        source: Source | None = None,
        last: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> None:
        explanation = parent.tr("Written to a temporary place and moved when it is whole.")
        super().__init__(parent, parent.tr("Export"), width=780, explanation=explanation)
        self._project_path = project.path
        self._source = source or Source()
        self.asking = Asking(project, self)
        self.asking.answered.connect(self._answered)
        self.asking.failed.connect(self._failed)
        self.asking.progressed.connect(self._progressed)
        self._soon = Soon(self._look, self, TYPING_MS)
        self.view = ExportView()
        self.format = self._combo(self.tr("Format"), [(title, known) for known, title in format_names().items()])
        self.format.setCurrentIndex(self.format.findData("coco"))
        self.path = PathField(self.tr("Where to write"), choose=self.tr("Export to"), files=False)
        self.path.folder.setText(self.tr("In…"))
        self.zip = CheckBox(self.tr("One zip file"))
        self.source = self._combo(self.tr("What to export"), self._sources())
        self.scope = self._combo(
            self.tr("Which images"),
            (
                (self.tr("Done or annotated"), "done_or_annotated"),
                (self.tr("Only done"), "done"),
                (self.tr("All: the rest count as empty"), "all"),
            ),
        )
        self.splits = {split: CheckBox(split.value) for split in Split}
        self.apart = CheckBox(self.tr("Each split by itself"))
        self.apart.setChecked(True)
        self.images = self._combo(
            self.tr("Image files"),
            (
                (self.tr("Leave them where they are"), "none"),
                (self.tr("Copy them"), "copy"),
                (self.tr("Link to them"), "link"),
            ),
        )
        self.suggestions = CheckBox(self.tr("Open suggestions too"))
        self.verify = CheckBox(self.tr("Read it back and compare"))
        self.existing = self._combo(
            self.tr("If it exists"),
            ((self.tr("Stop"), STOP), (self.tr("Add to it"), "merge"), (self.tr("Replace it"), "replace")),
        )
        self.there = label("", "warn", wrap=True)
        self._proposed = ""
        self._build()
        self._restore(last or {}, version)
        self._connect()
        self._propose()

    def _sources(self) -> list[tuple[str, str]]:
        choices = [(self.tr("The dataset as it is now"), NOW)]
        if self._source.shown is not None:
            text = self.tr("What the queue shows: {0} images").format(f"{len(self._source.shown):,}")
            choices.append((text, SHOWN))
        return choices + [(self.tr("Version {0}").format(name), VERSION + name) for name in self._source.versions]

    @staticmethod
    def _combo(name: str, choices: Sequence[tuple[str, Any]]) -> QComboBox:
        combo = ComboBox()
        combo.setAccessibleName(name)
        for text, data in choices:
            combo.addItem(text, data)
        return combo

    def _build(self) -> None:
        form = self._form = QFormLayout()
        form.setSpacing(SPACE_2)
        for text, widget in (
            (self.tr("Format"), self.format),
            (self.tr("To"), self.path),
            ("", self.zip),
            (self.tr("If it exists"), self.existing),
            ("", self.there),
            (self.tr("What"), self.source),
            (self.tr("Which images"), self.scope),
        ):
            # A box to tick is as wide as its words, so that it is ticked where it is clicked.
            form.addRow(label(text, "muted"), row(widget, None) if isinstance(widget, CheckBox) else widget)
        form.addRow(label(self.tr("Only the splits"), "muted"), row(*self.splits.values(), None))
        form.addRow("", row(self.apart, None))
        form.addRow(label(self.tr("Image files"), "muted"), self.images)
        form.addRow("", row(self.suggestions, None))
        form.addRow("", row(self.verify, None))
        left = QVBoxLayout()
        left.addLayout(form)
        left.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(SPACE_6)
        columns.addLayout(left, 3)
        columns.addWidget(self.view, 4)
        self.body.addLayout(columns, 1)
        self.add_close(self.tr("Cancel"))
        self.start = self.add_button(self.tr("Export"), primary=True)
        self.start.clicked.connect(self._export)
        self.resize(1080, 560)

    def _connect(self) -> None:
        for combo in (self.source, self.scope, self.images):
            combo.currentIndexChanged.connect(self._changed)
        for box in (*self.splits.values(), self.suggestions, self.apart):
            box.toggled.connect(self._changed)
        self.format.currentIndexChanged.connect(self._propose)
        self.zip.toggled.connect(self._propose)
        self.path.changed.connect(self._check)
        self.existing.currentIndexChanged.connect(self._check)
        self.finished.connect(self._leave)

    def _restore(self, last: Mapping[str, Any], version: str) -> None:
        """The choices of the last time, as far as they can still be made."""
        for combo, key in ((self.format, "format"), (self.scope, "scope"), (self.images, "images")):
            place = combo.findData(last.get(key))
            if place >= 0:
                combo.setCurrentIndex(place)
        wanted = last.get("splits", [])
        for split, box in self.splits.items():
            box.setChecked(split.value in wanted)
        self.apart.setChecked(not last.get("flat", False))
        self.suggestions.setChecked(bool(last.get("include_suggestions", False)))
        self.verify.setChecked(bool(last.get("verify", False)))
        self.zip.setChecked(str(last.get("path", "")).endswith(".zip") and not self._spec().file_only)
        if version:
            self.source.setCurrentIndex(max(0, self.source.findData(VERSION + version)))

    # --- the target ----------------------------------------------------------------------------------------------------

    def _spec(self) -> Any:
        from annotator.formats import registry

        return registry.spec(self.format.currentData())

    def _ending(self) -> str:
        spec = self._spec()
        if spec.file_only:
            return str(spec.suffixes[0])
        return ".zip" if self.zip.isChecked() else ""

    def _propose(self, what: object = None) -> None:
        """A target beside the project, until the person enters one; its ending follows the format and the zip."""
        self.zip.setEnabled(not self._spec().file_only)
        ending = self._ending()
        if self.path.path in ("", self._proposed):
            name = self._project_path.name.removesuffix(".annotator")
            self._proposed = str(self._project_path.parent / f"{name}-{self.format.currentData()}{ending}")
            self.path.set_path(self._proposed)
        elif ending == ".zip" and not self.path.path.endswith(".zip"):
            self.path.set_path(f"{self.path.path}.zip")
        elif not ending:
            self.path.set_path(self.path.path.removesuffix(".zip"))
        self._changed()

    def _check(self, what: object = None) -> None:
        """What stands at the target is refused, added to or replaced: that is said before, and chosen by the person."""
        place = Path(self.path.path) if self.path.path else None
        exists = place is not None and place.exists() and not (place.is_dir() and not any(place.iterdir()))
        self.existing.setEnabled(exists)
        choice = self.existing.currentData() if exists else STOP
        name = place.name if place is not None else ""
        words = {
            STOP: self.tr("{0} exists: choose whether to add to it or to replace it."),
            "merge": self.tr("{0} exists: what is in it stays, files of the same name are written anew."),
            "replace": self.tr("{0} exists: it is removed, with all that is in it, once the export is whole."),
        }
        self.there.setText(words[choice].format(name) if exists else "")
        for widget in (self.existing, self.there):
            self._form.setRowVisible(widget, exists)
        self.start.setEnabled(place is not None and not (exists and choice == STOP))

    # --- looking -------------------------------------------------------------------------------------------------------

    def _changed(self, what: object = None) -> None:
        self._check()
        self.asking.call_off()
        self.view.show_busy()
        self._soon.ask()

    def _look(self) -> None:
        self.asking.ask("look", look, self.parameters())

    def _progressed(self, done: int, total: object) -> None:
        self.view.show_progress(done, total)

    def _answered(self, tag: str, preview: ExportPreview) -> None:
        self.view.show_preview(preview, self.format.currentText())

    def _failed(self, tag: str, what: str, cure: str) -> None:
        self.view.show_trouble(what, cure)

    # --- the answer ----------------------------------------------------------------------------------------------------

    def parameters(self) -> dict[str, Any]:
        """What the job gets."""
        existing = self.existing.currentData() if self.existing.isEnabled() else STOP
        source = self.source.currentData()
        return {
            "path": self.path.path,
            "format": self.format.currentData(),
            "include_suggestions": self.suggestions.isChecked(),
            "splits": [split.value for split, box in self.splits.items() if box.isChecked()],
            "scope": self.scope.currentData(),
            "images": self.images.currentData(),
            "merge": existing == "merge",
            "replace": existing == "replace",
            "verify": self.verify.isChecked(),
            "version": source.removeprefix(VERSION) if source.startswith(VERSION) else "",
            "only": self._source.shown if source == SHOWN else None,
            "flat": not self.apart.isChecked(),
        }

    def _export(self) -> None:
        parameters = self.parameters()
        self.accept()
        self.export_wanted.emit(parameters)

    def _leave(self, result: int) -> None:
        self._soon.forget()
        self.asking.close()


def look(project: Project, context: JobContext, parameters: Mapping[str, Any]) -> ExportPreview:
    """The report that the export would give. Runs in a thread."""
    from annotator.usecases.export import ExportRequest

    only = parameters["only"]
    request = ExportRequest(
        Path(parameters["path"] or "export"),
        parameters["format"],
        parameters["include_suggestions"],
        tuple(Split(name) for name in parameters["splits"]),
        parameters["scope"],
        parameters["images"],
        version=parameters["version"],
        only=None if only is None else tuple(only),
        flat=parameters["flat"],
    )
    return project.preview_export(request, context=context)
