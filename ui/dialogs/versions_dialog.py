"""Named versions of the dataset: keep one, compare two, see the images that differ, export one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from ui.asking import Asking
from ui.dialogs.dialog import Dialog
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, line, push_button, row, set_role
from ui.widgets.choices import ComboBox
from ui.widgets.fields import TextField
from ui.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.results import VersionResult
    from annotator.usecases.versions import Changes

CURRENT = "current"


class VersionsDialog(Dialog):
    """``export_wanted`` names a version; ``pile_wanted`` brings a title and the images behind a figure."""

    export_wanted = Signal(str)
    pile_wanted = Signal(str, list)

    def __init__(self, parent: QWidget, project: Project) -> None:
        explanation = parent.tr(
            "A version is the dataset as it was at one moment. Exported again, it gives the same bytes."
        )
        super().__init__(parent, parent.tr("Versions"), width=720, explanation=explanation)
        self.asking = Asking(project, self)
        self.asking.answered.connect(self._answered)
        self.asking.failed.connect(self._failed)
        self.versions: tuple[VersionResult, ...] = ()
        self._changes: Changes | None = None
        self._piles: list[list[int]] = []
        self.name = TextField(self.tr("Name of a new version"))
        self.note = TextField(self.tr("What it is for (may be empty)"))
        self.keep = push_button(self.tr("Keep the dataset as it is now"))
        self.said = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        headers = [self.tr("Version"), self.tr("Kept at"), self.tr("By"), self.tr("Images"), self.tr("Annotations")]
        self.table = RowsTable([*headers, self.tr("Note")], name=self.tr("Versions"), numbers=(3, 4))
        self.before, self.after = ComboBox(), ComboBox()
        self.before.setAccessibleName(self.tr("Compare from"))
        self.after.setAccessibleName(self.tr("Compare to"))
        self.images_added = self._figure()
        self.images_removed = self._figure()
        self.images_changed = self._figure()
        columns = [self.tr("Label"), self.tr("Added"), self.tr("Removed"), self.tr("Changed"), self.tr("Images")]
        self.labels = RowsTable(columns, name=self.tr("Differences by label"), numbers=(1, 2, 3, 4), stretched=0)
        self._build()
        self._connect()
        self._reload()

    def _figure(self) -> QPushButton:
        button = push_button("", role="link")
        button.clicked.connect(self._open_images)
        button.hide()
        return button

    def _build(self) -> None:
        creating = row(self.name, self.note, self.keep)
        creating.setStretch(0, 2)
        creating.setStretch(1, 3)
        self.body.addLayout(creating)
        self.body.addWidget(self.said)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.table, 3)
        self.body.addWidget(line())
        self.compare = push_button(self.tr("Compare"))
        comparing = row(
            label(self.tr("What changed from"), "muted"), self.before, label(self.tr("to"), "muted"), self.after
        )
        comparing.addWidget(self.compare)
        comparing.addStretch(1)
        self.body.addLayout(comparing)
        figures = QHBoxLayout()
        figures.setSpacing(SPACE_2)
        for button in (self.images_added, self.images_removed, self.images_changed):
            figures.addWidget(button)
        figures.addStretch(1)
        self.body.addLayout(figures)
        self.body.addWidget(self.labels, 3)
        self.export = push_button(self.tr("Export this version…"), icon="export")
        self.buttons.insertWidget(0, self.export)
        self.add_close()
        self.resize(860, 600)

    def _connect(self) -> None:
        self.name.textChanged.connect(self._enable)
        self.name.returnPressed.connect(self._keep)
        self.note.returnPressed.connect(self._keep)
        self.keep.clicked.connect(self._keep)
        self.compare.clicked.connect(self._compare)
        self.export.clicked.connect(self._export)
        self.table.selectionModel().selectionChanged.connect(self._enable)
        self.table.opened.connect(self._export_row)
        self.labels.opened.connect(self._open_label)
        self.finished.connect(self._leave)

    # --- asking --------------------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        self._work(self.tr("Reading the versions"))
        self.asking.ask("list", read_versions)

    def _keep(self) -> None:
        if self.name.text().strip() and not self.asking.busy:
            self._work(self.tr("Keeping the dataset"))
            self.asking.ask("keep", keep_version, self.name.text().strip(), self.note.text().strip())

    def _compare(self) -> None:
        if self.before.currentData() and not self.asking.busy:
            self._work(self.tr("Comparing"))
            self.asking.ask("compare", compare, self.before.currentData(), self.after.currentData())

    def _work(self, text: str) -> None:
        set_role(self.said, "muted")
        self.said.setText(text)
        self.bar.show()
        self._enable()

    def _failed(self, tag: str, what: str, cure: str) -> None:
        self.bar.hide()
        set_role(self.said, "bad")
        self.said.setText(f"{what} {cure}".strip())
        self._enable()

    def _answered(self, tag: str, answer: object) -> None:
        self.bar.hide()
        self.said.setText("")
        if tag == "compare":
            self._show_changes(answer)  # type: ignore[arg-type]
        else:
            self._show_versions(answer)  # type: ignore[arg-type]
            if tag == "keep":
                set_role(self.said, "good")
                self.said.setText(self.tr("Kept as {0}.").format(self.name.text().strip()))
                self.name.clear()
                self.note.clear()
        self._enable()

    # --- what is shown -------------------------------------------------------------------------------------------------

    def _show_versions(self, found: tuple[VersionResult, ...]) -> None:
        self.versions = found
        self.table.show_rows(
            [
                (
                    each.name,
                    each.created_at[:16].replace("T", " "),
                    each.annotator,
                    f"{each.images:,}",
                    f"{each.annotations:,}",
                    each.note,
                )
                for each in found
            ]
        )
        self.before.clear()
        self.after.clear()
        self.after.addItem(self.tr("now"), CURRENT)
        for each in reversed(found):
            self.before.addItem(each.name, each.name)
            self.after.addItem(each.name, each.name)
        if found:
            self.table.selectRow(len(found) - 1)
        else:
            set_role(self.said, "muted")
            self.said.setText(self.tr("There is no version yet: give a name, and the dataset is kept as it is now."))

    def _show_changes(self, changes: Changes) -> None:
        self._changes = changes
        for button, ids, words in (
            (self.images_added, changes.images_added, self.tr("{0} images added")),
            (self.images_removed, changes.images_removed, self.tr("{0} images removed")),
            (self.images_changed, changes.images_changed, self.tr("{0} images changed")),
        ):
            button.setText(words.format(f"{len(ids):,}"))
            button.setProperty("images", ids)
            button.setEnabled(bool(ids))
            button.show()
        found = changes.result().labels
        self._piles = [changes.on_images[each.name] for each in found]
        self.labels.show_rows(
            [
                (
                    each.name or self.tr("(captions)"),
                    f"{each.added - each.changed:,}",
                    f"{each.removed - each.changed:,}",
                    f"{each.changed:,}",
                    f"{len(changes.on_images[each.name]):,}",
                )
                for each in found
            ]
        )
        if not found:
            set_role(self.said, "muted")
            self.said.setText(self.tr("No annotation differs."))

    def _enable(self, *what: object) -> None:
        busy = self.asking.busy
        self.keep.setEnabled(bool(self.name.text().strip()) and not busy)
        self.compare.setEnabled(self.before.count() > 0 and not busy)
        self.export.setEnabled(bool(self.table.chosen_rows()))

    # --- going on ------------------------------------------------------------------------------------------------------

    def _open_images(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self._show_pile(button.text(), button.property("images"))

    def _open_label(self, at: int) -> None:
        if self._piles:
            self._show_pile(self.labels.rows.text(at, 0), self._piles[at])

    def _show_pile(self, what: str, ids: list[int]) -> None:
        changes = self._changes
        if changes is not None and ids:
            after = self.tr("now") if changes.after == CURRENT else changes.after
            title = self.tr("{0}: {1} to {2}").format(what, changes.before, after)
            self.accept()
            self.pile_wanted.emit(title, list(ids))

    def _export(self) -> None:
        for at in self.table.chosen_rows()[:1]:
            self._export_row(at)

    def _export_row(self, at: int) -> None:
        name = self.versions[at].name
        self.accept()
        self.export_wanted.emit(name)

    def _leave(self, result: int) -> None:
        self.asking.close()


def read_versions(project: Project, context: JobContext) -> tuple[VersionResult, ...]:
    """Runs in a thread."""
    return project.versions()


def keep_version(project: Project, context: JobContext, name: str, note: str) -> tuple[VersionResult, ...]:
    """Keep the dataset, then list all versions. Runs in a thread."""
    project.create_version(name, note, context=context)
    return project.versions()


def compare(project: Project, context: JobContext, before: str, after: str) -> Changes:
    """Runs in a thread."""
    return project.version_changes(before, after, context=context)
