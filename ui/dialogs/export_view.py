"""What an export would write, and what the format cannot keep: counted before anything is where it is to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from ui.dialogs.report import ReportTable, sentence
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, set_role

if TYPE_CHECKING:
    from annotator.usecases.export_preview import ExportPreview

SAID = 3


class ExportView(QWidget):
    """A line of figures, a line that judges, and the table of losses."""

    def __init__(self) -> None:
        super().__init__()
        self.figures = label("", wrap=True)
        self.verdict = label("", "muted", wrap=True)
        self.more = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.report = ReportTable(narrow=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_2)
        layout.addWidget(label(self.tr("What would be written"), "section"))
        for widget in (self.figures, self.verdict, self.bar):
            layout.addWidget(widget)
        layout.addWidget(self.report, 1)
        layout.addWidget(self.more)
        layout.addStretch(0)

    def show_busy(self) -> None:
        """It is being counted."""
        self._say(self.tr("Looking at what the format can keep"), "muted", "")
        self.bar.setRange(0, 0)
        self.bar.show()

    def show_progress(self, done: int, total: object) -> None:
        """How far it is."""
        if isinstance(total, int) and total > 0:
            self.bar.setRange(0, total)
            self.bar.setValue(done)

    def show_trouble(self, what: str, cure: str) -> None:
        """Why nothing can be written."""
        self._say(what, "bad", cure)
        self.bar.hide()

    def show_preview(self, preview: ExportPreview, name: str) -> None:
        """What would be written."""
        self.bar.hide()
        text = self.tr("{0} annotations on {1} images")
        self.figures.setText(text.format(f"{preview.annotations:,}", f"{preview.images:,}"))
        self.figures.show()
        lost = preview.lossy
        set_role(self.verdict, "warn" if lost else "good")
        words = (
            self.tr("{0} cannot keep all of it as it is:") if lost else self.tr("{0} keeps every annotation as it is.")
        )
        self.verdict.setText(words.format(name))
        self.report.show_report(lost)
        self.report.setVisible(bool(lost))
        said = [*preview.warnings, *map(sentence, preview.notes)]
        if not preview.holds_splits:
            said.insert(0, self.tr("The format does not say which split an image is in."))
        self.more.setText("\n".join(said[:SAID]))
        self.more.setVisible(bool(said))

    def _say(self, text: str, role: str, more: str) -> None:
        self.figures.hide()
        set_role(self.verdict, role)
        self.verdict.setText(text)
        self.more.setText(more)
        self.more.setVisible(bool(more))
        self.report.hide()
