"""Dialogs that show rows: problems, folders, and the jobs' log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from annotator.domain.kinds import ImageState
from annotator.domain.records import Image
from ui.dialogs.dialog import Dialog
from ui.engine_bridge import JobState, JobView
from ui.widgets.basics import label, push_button


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, name: str) -> QTableWidget:
    """A plain table that reads like a list."""
    rows = list(rows)
    result = QTableWidget(len(rows), len(headers))
    result.setProperty("role", "field")
    result.setAccessibleName(name)
    result.setHorizontalHeaderLabels(list(headers))
    result.verticalHeader().hide()
    result.setShowGrid(False)
    result.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    result.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    result.setWordWrap(False)
    for y, cells in enumerate(rows):
        for x, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            result.setItem(y, x, item)
    header = result.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for x in range(len(headers)):
        last = x == len(headers) - 1
        header.setSectionResizeMode(
            x, QHeaderView.ResizeMode.Stretch if last else QHeaderView.ResizeMode.ResizeToContents
        )
    return result


class ProblemsDialog(Dialog):
    """Images that cannot be used, with the reason."""

    rescan_wanted = Signal()

    def __init__(self, parent: QWidget, problems: Sequence[Image]) -> None:
        explanation = parent.tr(
            "These images cannot be shown. Mend or bring back the files and scan again; everything else goes on."
        )
        super().__init__(parent, parent.tr("Problems"), width=720, explanation=explanation)
        words = {ImageState.MISSING: self.tr("missing"), ImageState.UNREADABLE: self.tr("unreadable")}
        rows = [(p.uri, words.get(p.state, p.state.value), p.reason) for p in problems]
        if rows:
            self.table = table([self.tr("Image"), self.tr("State"), self.tr("Why")], rows, name=self.tr("Problems"))
            self.body.addWidget(self.table, 1)
        else:
            self.body.addWidget(label(self.tr("No problems: every image of this project can be read."), wrap=True))
        scan = self.add_button(self.tr("Scan again"))
        scan.clicked.connect(self._scan)
        self.add_close()
        self.resize(760, 420 if rows else 180)

    def _scan(self) -> None:
        self.accept()
        self.rescan_wanted.emit()


class FoldersDialog(Dialog):
    """The folders that images come from."""

    add_wanted = Signal(str)
    remove_wanted = Signal(int)
    rescan_wanted = Signal()

    def __init__(self, parent: QWidget, roots: Sequence[Any]) -> None:
        explanation = parent.tr(
            "Images stay where they are. Removing a folder hides its images; their annotations are kept and return with it."
        )
        super().__init__(parent, parent.tr("Folders"), width=640, explanation=explanation)
        self.list = QTreeWidget()
        self.list.setProperty("role", "field")
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setAccessibleName(self.tr("Folders of this project"))
        for root in roots:
            item = QTreeWidgetItem([str(root.path)])
            item.setData(0, Qt.ItemDataRole.UserRole, root.id)
            self.list.addTopLevelItem(item)
        self.body.addWidget(self.list, 1)
        add = push_button(self.tr("Add a folder…"))
        add.clicked.connect(self._choose)
        self.remove = push_button(self.tr("Remove"))
        self.remove.setEnabled(False)
        self.remove.clicked.connect(self._remove)
        scan = push_button(self.tr("Scan again"))
        scan.clicked.connect(self._scan)
        for place, button in enumerate((add, self.remove, scan)):
            self.buttons.insertWidget(place, button)
        self.list.itemSelectionChanged.connect(self._chosen)
        self.add_close()
        self.resize(660, 320)

    def _chosen(self) -> None:
        self.remove.setEnabled(bool(self.list.selectedItems()))

    def _choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Add a folder of images"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._add)
        dialog.open()

    def _add(self, path: str) -> None:
        self.accept()
        self.add_wanted.emit(str(Path(path)))

    def _remove(self) -> None:
        items = self.list.selectedItems()
        if items:
            self.accept()
            self.remove_wanted.emit(int(items[0].data(0, Qt.ItemDataRole.UserRole)))

    def _scan(self) -> None:
        self.accept()
        self.rescan_wanted.emit()


class JobsDialog(Dialog):
    """The last jobs and what they said."""

    def __init__(self, parent: QWidget, jobs: Sequence[JobView]) -> None:
        super().__init__(parent, parent.tr("Jobs"), width=680)
        self._jobs = list(reversed(jobs))
        words = {
            JobState.RUNNING: self.tr("running"),
            JobState.DONE: self.tr("done"),
            JobState.FAILED: self.tr("failed"),
            JobState.CANCELLED: self.tr("cancelled"),
        }
        rows = [(j.title, words[j.state], j.what or j.message) for j in self._jobs]
        self.table = table([self.tr("Job"), self.tr("State"), self.tr("What it says")], rows, name=self.tr("Jobs"))
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setAccessibleName(self.tr("Log of the chosen job"))
        if rows:
            self.body.addWidget(self.table, 2)
            self.body.addWidget(label(self.tr("Log"), "section"))
            self.body.addWidget(self.log, 1)
            self.table.currentCellChanged.connect(self._show)
            self.table.setCurrentCell(0, 0)
        else:
            text = self.tr("Long work is listed here: scanning, suggesting, learning, importing and exporting.")
            self.body.addWidget(label(text, "muted", wrap=True))
        self.add_close()
        self.resize(720, 440 if rows else 180)

    def _show(self, row: int, column: int, old_row: int, old_column: int) -> None:
        job = self._jobs[row]
        lines = list(job.log)
        if job.what:
            lines.append(f"{job.what} {job.cure}".strip())
        self.log.setPlainText("\n".join(lines) or self.tr("It had nothing to say."))
