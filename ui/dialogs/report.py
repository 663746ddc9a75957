"""The report at the end of an import and an export: what was kept, converted (how) and dropped (why), to read and to keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHeaderView, QWidget

from annotator.formats.report import Outcome, ReportRow
from annotator.usecases.results import ImportResult
from ui.dialogs.dialog import Dialog
from ui.dialogs.path_field import format_names
from ui.saving import save_json
from ui.widgets.basics import label, push_button
from ui.widgets.rows_table import RowsTable

TOKENS = {Outcome.KEPT: "good", Outcome.CONVERTED: "warn", Outcome.DROPPED: "bad"}
SAID = 6
IMAGES, EXAMPLES = 5, 6
EXAMPLES_PX = 150


class ReportTable(RowsTable):
    """The rows of a report, losses first; a ``narrow`` one leaves out on how many images and on which."""

    def __init__(self, *, narrow: bool = False) -> None:
        headers = ("Outcome", "Label", "What", "How or why", "Count", "Images", "Such as")
        words = [QCoreApplication.translate("ReportTable", each) for each in headers]
        name = QCoreApplication.translate("ReportTable", "Report: kept, converted and dropped")
        super().__init__(words, name=name, numbers=(4, 5), stretched=3)
        header = self.horizontalHeader()
        header.setMaximumSectionSize(10_000)
        header.setSectionResizeMode(EXAMPLES, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(EXAMPLES, EXAMPLES_PX)
        for column in (IMAGES, EXAMPLES) if narrow else ():
            self.hideColumn(column)

    def show_report(self, rows: Sequence[ReportRow]) -> None:
        """Show these."""
        words = {
            Outcome.KEPT: self.tr("kept"),
            Outcome.CONVERTED: self.tr("converted"),
            Outcome.DROPPED: self.tr("dropped"),
        }
        texts = [
            (
                words[each.outcome],
                each.label or "–",
                each.kind,
                each.detail,
                f"{each.count:,}",
                f"{each.images:,}",
                ", ".join(name.rsplit("/", 1)[-1] for name in each.examples),
            )
            for each in rows
        ]
        self.show_rows(texts, [TOKENS[each.outcome] for each in rows])


def sentence(note: str) -> str:
    """A note as a sentence."""
    return f"{note[:1].upper()}{note[1:]}."


def counted(rows: Sequence[ReportRow]) -> dict[Outcome, int]:
    """How many things met each outcome."""
    return {outcome: sum(row.count for row in rows if row.outcome is outcome) for outcome in Outcome}


class ReportDialog(Dialog):
    """What an import took over or an export wrote, and what could not be kept as it was."""

    def __init__(self, parent: QWidget, result: Any) -> None:
        self._result = result
        self._imports = isinstance(result, ImportResult)
        name = format_names().get(result.format, result.format)
        numbers = f"{result.annotations:,}", f"{result.images:,}"
        if self._imports:
            title = parent.tr("Imported from {0}").format(name)
            text = parent.tr("{0} annotations on {1} images came in from {2}.").format(*numbers, result.path)
        else:
            title = parent.tr("Exported as {0}").format(name)
            text = parent.tr("{0} annotations on {1} images are in {2}.").format(*numbers, result.path)
        super().__init__(parent, title, width=680, explanation=text)
        self._tell_losses()
        self.table = ReportTable()
        self.table.show_report(result.rows)
        if result.rows:
            self.body.addWidget(self.table, 1)
        self._tell_more()
        self.trouble = label("", "bad", wrap=True)
        self.trouble.hide()
        self.body.addWidget(self.trouble)
        self.save = push_button(self.tr("Save as JSON…"))
        self.save.clicked.connect(self._ask_where)
        self.buttons.insertWidget(0, self.save)
        if not self._imports:
            self.folder = push_button(self.tr("Open the folder"), icon="folder-open")
            self.folder.clicked.connect(self._open_folder)
            self.buttons.insertWidget(0, self.folder)
        close = self.add_close()
        close.setDefault(True)
        close.setFocus()
        self.resize(900, 460 if result.rows else 220)

    def _tell_losses(self) -> None:
        found = counted(self._result.rows)
        if not self._result.rows or not (found[Outcome.DROPPED] or found[Outcome.CONVERTED]):
            self.body.addWidget(label(self.tr("Every annotation is as it was."), "good", wrap=True))
            return
        words = self.tr("{0} kept, {1} converted, {2} dropped").format(*(f"{found[o]:,}" for o in Outcome))
        self.body.addWidget(label(words, "warn", wrap=True))

    def _tell_more(self) -> None:
        result = self._result
        if self._imports and result.labels:
            names = ", ".join(result.labels[:SAID]) + (" …" if len(result.labels) > SAID else "")
            self.body.addWidget(label(self.tr("New labels: {0}").format(names), wrap=True))
        for text in (*result.warnings, *map(sentence, result.notes))[:SAID]:
            self.body.addWidget(label(text, "muted", wrap=True))
        if self._imports:
            return
        if result.verified is not None:
            self._tell_verified(result.verified)
        signed = self.tr("✓ Certificate {0}: at most {1} of {2} annotations wrong, signed by {3} on {4}.")
        for x in result.certificates:
            words = signed.format(x.id, f"{x.bound:.1%}", f"{x.annotations:,}", x.annotator, x.signed_at[:10])
            self.body.addWidget(label(words, wrap=True))

    def _tell_verified(self, verified: Any) -> None:
        if not verified.unexplained:
            text = self.tr("✓ Read back and compared: {0} annotations are there as they were sent")
            text = text.format(f"{verified.same:,}")
            if verified.announced:
                text += self.tr(", {0} as the report says").format(f"{verified.announced:,}")
            self.body.addWidget(label(f"{text}.", "good", wrap=True))
            return
        text = self.tr("The export does not hold what was sent. Keep the project; this is a mistake of the program:")
        self.body.addWidget(label("\n".join((text, *verified.differences)), "bad", wrap=True))

    # --- keeping it ----------------------------------------------------------------------------------------------------

    def _ask_where(self) -> None:
        place = Path(self._result.path)
        start = str(place.parent / f"{place.stem}-report.json")
        dialog = QFileDialog(self, self.tr("Save the report"), start, "*.json")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(self._save)
        dialog.open()

    def _save(self, path: str) -> None:
        try:
            save_json(Path(path), self._result)
        except OSError as error:
            self.trouble.setText(self.tr("{0} could not be written: {1}").format(path, error.strerror or error))
            self.trouble.show()
        else:
            self.save.setText(self.tr("Saved as {0}").format(Path(path).name))

    def _open_folder(self) -> None:
        place = Path(self._result.path)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(place if place.is_dir() else place.parent)))
