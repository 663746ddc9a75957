"""Opens the Models dialog and carries out what it asks: who serves what, fetching weights, and looking at the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from annotator.usecases.serving import Role, Served
from ui.engine_bridge import Answer, Errand, JobView

if TYPE_CHECKING:
    from ui.dialogs.models_dialog import ModelsDialog
    from ui.main_window import MainWindow


class Models(QObject):
    """``chosen`` says that another model serves a role."""

    chosen = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: ModelsDialog | None = None
        self._pull: JobView | None = None
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        jobs = window.jobs
        for signal in (jobs.started, jobs.progressed, jobs.finished, jobs.failed, jobs.cancelled):
            signal.connect(self._follow)

    def open(self) -> None:
        """Show the dialog."""
        from annotator.usecases.model_view import all_models, machine
        from annotator.usecases.serving import serving
        from ui.dialogs.models_dialog import ModelsDialog

        project = self._window.session.project
        if project is None:
            return
        served = {role: serving(project.settings, role) for role in Role}
        dialog = self._dialog = ModelsDialog(self._window, all_models(), served)
        dialog.chosen.connect(self._choose)
        dialog.pull_wanted.connect(self._fetch)
        dialog.cancel_wanted.connect(self._stop)
        dialog.hash_wanted.connect(self._hash)
        dialog.finished.connect(self._closed)
        if self._pull is not None:
            dialog.follow(self._pull)
        self._errand.ask("machine", machine)
        self._window.dialogs.show(dialog)

    def close(self) -> None:
        """Bring nothing more."""
        self._errand.close()

    def _choose(self, role: Role, served: Served) -> None:
        from annotator.usecases.serving import choose

        project = self._window.session.project
        if project is not None:
            choose(project.settings, role, served)
            self.chosen.emit(role)

    def _fetch(self, model_id: str) -> None:
        if self._pull is None:
            self._window.jobs.submit("pull", model=model_id)

    def _stop(self) -> None:
        if self._pull is not None:
            self._window.jobs.cancel(self._pull.id)

    def _hash(self, path: str) -> None:
        from pathlib import Path

        from annotator.usecases.model_view import file_hash

        self._errand.ask(f"hash {path}", file_hash, Path(path))

    def _follow(self, view: JobView) -> None:
        if view.name != "pull":
            return
        from ui.engine_bridge import JobState

        running = view.state is JobState.RUNNING
        self._pull = view if running else None
        if self._dialog is not None:
            self._dialog.follow(view)
            if not running:
                from annotator.usecases.model_view import all_models

                self._dialog.show_models(all_models())

    def _answered(self, answer: Answer) -> None:
        if self._dialog is None:
            return
        if answer.error is not None:
            self._dialog.tell(str(getattr(answer.error, "what", answer.error)))
        elif answer.tag == "machine":
            self._dialog.show_machine(answer.value)
        else:
            self._dialog.show_hash(answer.tag.removeprefix("hash "), answer.value)

    def _closed(self, result: Any) -> None:
        if self.sender() is self._dialog:
            self._dialog = None
