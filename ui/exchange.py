"""Datasets in and out of the open project: their dialogs, the jobs that these ask for, splits and versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from ui.engine_bridge import JobView

if TYPE_CHECKING:
    from annotator.edits.changes import Edit
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.splitting import SplitPlan
    from ui.main_window import MainWindow

SPLITTING = "divide"
FORGOTTEN = ("only", "version", "merge", "replace")


class Exchange(QObject):
    """One method for each dialog; what a person chose for an export is remembered for each project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.jobs.finished.connect(self._finished)

    # --- import and export ---------------------------------------------------------------------------------------------

    def open_import(self, path: str = "", format_id: str = "") -> None:
        """Import annotations."""
        from ui.dialogs.import_dialog import ImportDialog

        project = self._window.session.project
        if project is not None:
            dialog = ImportDialog(self._window, project, path, format_id)
            dialog.import_wanted.connect(self._import)
            self._window.dialogs.show(dialog)

    def open_export(self, version: str = "") -> None:
        """Export the dataset, or a version of it."""
        from ui.dialogs.export_dialog import ExportDialog, Source

        w, project = self._window, self._window.session.project
        if project is not None:
            shown = w.session.order.ids.tolist() if w.queue.is_filtered() else None
            last = w.settings.state.exports.get(str(project.path), {})
            dialog = ExportDialog(w, project, Source(shown, project.version_names()), last, version)
            dialog.export_wanted.connect(self._export)
            w.dialogs.show(dialog)

    def open_report(self, result: Any) -> None:
        """What an import took over, or an export wrote."""
        from ui.dialogs.report import ReportDialog

        self._window.dialogs.show(ReportDialog(self._window, result))

    def _import(self, parameters: dict[str, Any]) -> None:
        self._window.jobs.submit("import", **parameters)

    def _export(self, parameters: dict[str, Any]) -> None:
        w, project = self._window, self._window.session.project
        if project is not None:
            kept = {key: value for key, value in parameters.items() if key not in FORGOTTEN}
            exports: Mapping[str, Any] = {**w.settings.state.exports, str(project.path): kept}
            w.settings.update(exports=exports)
            w.jobs.submit("export", quiet=True, **parameters)

    # --- splits and versions -------------------------------------------------------------------------------------------

    def open_splits(self) -> None:
        """Divide the images into train, val and test."""
        from ui.dialogs.splits_dialog import SplitsDialog

        project = self._window.session.project
        if project is not None:
            dialog = SplitsDialog(self._window, project)
            dialog.divide_wanted.connect(self._divide)
            self._window.dialogs.show(dialog)

    def open_versions(self) -> None:
        """Named versions of the dataset."""
        from ui.dialogs.versions_dialog import VersionsDialog

        project = self._window.session.project
        if project is not None:
            dialog = VersionsDialog(self._window, project)
            dialog.export_wanted.connect(self.open_export)
            dialog.pile_wanted.connect(self._window.screens.show_pile)
            self._window.dialogs.show(dialog)

    def _divide(self, planned: SplitPlan) -> None:
        self._window.jobs.work(SPLITTING, self.tr("Dividing into splits"), _split_edit, planned=planned)

    def _finished(self, view: JobView) -> None:
        if view.name != SPLITTING:
            return
        edit, number = view.result
        view.result = None  # the rows of a large edit are not kept for the log of jobs
        if edit.changes:
            self._window.session.perform(edit)
            text = self.tr("1 image has another split") if number == 1 else self.tr("{0} images have another split")
            self._window.news.tell_undoable(text.format(f"{number:,}"))


def _split_edit(project: Project, context: JobContext, *, planned: SplitPlan) -> tuple[Edit, int]:
    """The edit, and how many images it moves. Runs in a thread."""
    from annotator.edits.changes import batched

    return batched(project.split_edit(planned, context=context)), len(planned.of_image)
