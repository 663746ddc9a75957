"""The certificate dialog: which error to certify, what that takes, and the certificates that were signed, with their export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHeaderView,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from annotator.domain.kinds import Task
from ui.dialogs.dialog import Dialog
from ui.saving import save_json
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button
from ui.widgets.choices import ComboBox

if TYPE_CHECKING:
    from annotator.project import Project
    from annotator.usecases.results import CertificateStats

TARGET, CHECKS = 5.0, 300


class CertificateDialog(Dialog):
    """``draw_wanted`` brings the task, the greatest error and the number of checks; ``asked`` asks what these would take."""

    draw_wanted = Signal(object, float, int)
    asked = Signal(object, float, int)

    def __init__(self, parent: QWidget, task: Task) -> None:
        super().__init__(
            parent,
            parent.tr("Certify open suggestions"),
            width=720,
            explanation=parent.tr(
                "You check a random sample. What the sample proves good enough is accepted unseen, under a certificate with "
                "your name: at most so many of it are wrong, with 95% confidence."
            ),
        )
        self._certificates: tuple[CertificateStats, ...] = ()
        self.tasks = ComboBox()
        self.tasks.setAccessibleName(self.tr("Suggestions to certify"))
        for text, value in (
            (self.tr("tags"), Task.TAGS),
            (self.tr("boxes"), Task.BOXES),
            (self.tr("masks"), Task.MASKS),
        ):
            self.tasks.addItem(text, value)
        self.tasks.setCurrentIndex(max(0, self.tasks.findData(task)))
        self.target = QDoubleSpinBox()
        self.target.setRange(0.5, 50.0)
        self.target.setDecimals(1)
        self.target.setSuffix(" %")
        self.target.setValue(TARGET)
        self.target.setAccessibleName(self.tr("Greatest share of errors"))
        self.checks = QSpinBox()
        self.checks.setRange(10, 5_000)
        self.checks.setSingleStep(50)
        self.checks.setValue(CHECKS)
        self.checks.setAccessibleName(self.tr("Suggestions to check"))
        for field in (self.target, self.checks):
            field.setFixedWidth(110)
            field.lineEdit().setTextMargins(SPACE_2, 0, SPACE_2, 0)
        self.tasks.setFixedWidth(110)
        self.right = label("", "muted", wrap=True)
        self.forecast = label("", "muted", wrap=True)
        form = QFormLayout()
        form.addRow(self.tr("Suggestions of"), self.tasks)
        form.addRow(self.tr("Right means"), self.right)
        form.addRow(self.tr("At most wrong"), self.target)
        form.addRow(self.tr("Suggestions to check"), self.checks)
        form.addRow(self.tr("Confidence"), label(self.tr("95%, one-sided Clopper-Pearson"), "muted"))
        self.body.addLayout(form)
        self.body.addWidget(self.forecast)
        self.body.addWidget(label(self.tr("Signed certificates"), "section"))
        self.table = QTableWidget(0, 7)
        self.table.setHorizontalHeaderLabels(
            [
                self.tr("Signed"),
                self.tr("By"),
                self.tr("Of"),
                self.tr("Model"),
                self.tr("Sample"),
                self.tr("At most wrong"),
                self.tr("Accepted"),
            ]
        )
        self.table.setProperty("role", "field")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(150)
        self.table.setAccessibleName(self.tr("Signed certificates"))
        self.body.addWidget(self.table, 1)
        self.export_button = push_button(self.tr("Export the certificates…"), role="link")
        self.export_button.clicked.connect(self._ask_where)
        self.buttons.insertWidget(0, self.export_button)
        self.add_close(self.tr("Close"))
        self.start = self.add_button(self.tr("Draw the sample"), primary=True)
        self.start.clicked.connect(self._draw)
        self.tasks.currentIndexChanged.connect(self._ask)
        self.target.valueChanged.connect(self._ask)
        self.checks.valueChanged.connect(self._ask)
        self.start.setEnabled(False)

    def ask_now(self) -> None:
        """Ask what the sample would take, once somebody listens."""
        self._ask()

    def show_forecast(self, text: str, possible: bool, certificates: tuple[CertificateStats, ...]) -> None:
        """What the wish would take, and what was signed before."""
        self.forecast.setText(text)
        self.start.setEnabled(possible)
        self._certificates = certificates
        self.export_button.setVisible(bool(certificates))
        self.table.setRowCount(len(certificates))
        for row, each in enumerate(reversed(certificates)):
            texts = (
                each.signed_at[:16].replace("T", " "),
                each.annotator,
                each.task,
                f"{each.model} {each.model_version[:12]}",
                self.tr("{0} wrong of {1}").format(each.errors, f"{each.audited:,}"),
                f"{each.bound:.1%}",
                f"{each.accepted:,}",
            )
            for column, text_ in enumerate(texts):
                item = QTableWidgetItem(text_)
                item.setToolTip(
                    self.tr("Certificate {0}, seed {1}; right: {2}").format(each.id, each.seed, each.criterion)
                )
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()

    @property
    def task(self) -> Task:
        """Whose suggestions are to be certified; a combo box gives back a plain word."""
        return Task(self.tasks.currentData())

    def _ask(self) -> None:
        words = {
            Task.TAGS: self.tr("the tag is right."),
            Task.BOXES: self.tr("the label is right and the box fits."),
            Task.MASKS: self.tr("the label is right and the outline fits."),
        }
        self.right.setText(words[self.task])
        self.asked.emit(self.task, self.target.value() / 100, self.checks.value())

    def _draw(self) -> None:
        self.draw_wanted.emit(self.task, self.target.value() / 100, self.checks.value())
        self.accept()

    def _ask_where(self) -> None:
        start = str(Path.home() / "certificates.json")
        dialog = QFileDialog(self, self.tr("Export the certificates"), start, "*.json")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(self._export)
        dialog.open()

    def _export(self, path: str) -> None:
        try:
            save_json(Path(path), self._certificates)
        except OSError as error:
            self.forecast.setText(self.tr("{0} could not be written: {1}").format(path, error.strerror or error))


def forecast(
    project: Project, task: Task, max_error: float, checks: int
) -> tuple[Project, str, bool, tuple[CertificateStats, ...]]:
    """In words what a sample would take and could bring, whether it may be drawn, and what was signed. Runs in a thread."""
    from annotator.pseudolabel.certify import needed_audits

    desk = project.review.certificates
    signed, known = desk.signed(), desk.resume(task)
    if known is not None:
        audit, checked = known
        words = "A sample of {0:,} was drawn from this run for {1:.1%}; {2:,} of it are checked. It is taken up again."
        return project, words.format(len(audit.sample), audit.max_error, len(checked)), True, signed
    reason = desk.blocked(task)
    if reason:
        return project, reason, False, signed
    sure, needed = desk.open_confidences(task), needed_audits(max_error)
    if min(checks, len(sure)) < needed:
        words = "{0:.1%} takes at least {1:,} checks without an error; {2:,} suggestions are open."
        return project, words.format(max_error, needed, len(sure)), False, signed
    doubt = np.cumsum(1.0 - sure) / np.arange(1, len(sure) + 1)
    plug_in = int(np.searchsorted(doubt, max_error, side="right"))
    words = "{0:,} suggestions are open. Going by their confidence, about {1:,} of them could pass at {2:.1%}."
    return project, words.format(len(sure), plug_in, max_error), True, signed
