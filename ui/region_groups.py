"""Opens the dialog of regions that look alike and carries out what it asks: make the groups, name one, take a name back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from ui.engine_bridge import Answer, Errand, JobState, JobView

if TYPE_CHECKING:
    from annotator.project import Project
    from ui.dialogs.region_groups import RegionGroupsDialog
    from ui.main_window import MainWindow
    from ui.review.crops import CropLoader

JOBS = ("group_regions", "name_regions")


def read_groups(project: Project) -> tuple[Any, dict[int, tuple[int, int]]]:
    """The groups, and (w, h) of the pictures of their examples; on a background thread."""
    views = project.region_groups()
    ids = sorted({image_id for view in views for image_id, _ in view.examples})
    return views, {image.id: (image.width, image.height) for image in project.images.many(ids)}


class RegionGroups(QObject):
    """One dialog at a time; work that it began goes on when it is closed."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: RegionGroupsDialog | None = None
        self._crops: CropLoader | None = None
        self._work: JobView | None = None
        self._pending: dict[str, str] = {}
        self._naming: dict[str, str] = {}
        self._errand = Errand(self)
        self._errand.answered.connect(self._read)
        jobs = window.jobs
        for signal in (jobs.started, jobs.progressed, jobs.finished, jobs.failed, jobs.cancelled):
            signal.connect(self._follow)

    def open(self) -> None:
        """Show the groups that there are."""
        from ui.dialogs.region_groups import RegionGroupsDialog
        from ui.review.crops import CropLoader

        session = self._window.session
        if session.project is None:
            return
        crops = self._crops = CropLoader(self)
        crops.follow(session.project)
        names = [label.name for label in session.ordered_labels()]
        dialog = self._dialog = RegionGroupsDialog(self._window, crops, names)
        dialog.made_wanted.connect(self._make)
        dialog.named.connect(self._name)
        dialog.cancel_wanted.connect(self._stop)
        dialog.finished.connect(self._closed)
        if self._work is not None:
            dialog.follow(self._work)
        self._read_groups()
        self._window.dialogs.show(dialog)

    def close(self) -> None:
        """Bring nothing more."""
        self._errand.close()
        self._let_go()

    def _make(self, count: int) -> None:
        if self._work is None:
            self._window.jobs.submit("group_regions", quiet=True, groups=count)

    def _name(self, group: str, label: str) -> None:
        self._pending[group] = label
        self._name_pending()

    def _name_pending(self) -> None:
        """Name what waits, once nothing else is under way."""
        if self._pending and self._work is None and self._window.session.project is not None:
            self._naming, self._pending = self._pending, {}
            self._window.jobs.submit("name_regions", quiet=True, names=self._naming)

    def _stop(self) -> None:
        if self._work is not None:
            self._window.jobs.cancel(self._work.id)

    def _follow(self, view: JobView) -> None:
        if view.name not in JOBS:
            return
        self._work = view if view.state is JobState.RUNNING else None
        if self._dialog is not None:
            self._dialog.follow(view)
        if view.state is JobState.RUNNING:
            return
        if view.name == "name_regions":
            self._named(view.state is JobState.DONE)
        elif view.state is JobState.DONE:
            self._read_groups()

    def _named(self, done: bool) -> None:
        """Names hold now, or none of those that were asked for does."""
        names, self._naming = self._naming, {}
        if not done:
            self._pending = {}
        if self._dialog is not None:
            self._dialog.hold(names) if done else self._dialog.let_go()
        self._name_pending()

    def _read_groups(self) -> None:
        project = self._window.session.project
        if project is not None and self._dialog is not None:
            self._errand.ask("groups", read_groups, project)

    def _read(self, answer: Answer) -> None:
        if self._dialog is None:
            return
        if answer.error is not None:
            self._window.toasts.error(
                str(getattr(answer.error, "what", answer.error)), getattr(answer.error, "cure", "")
            )
        else:
            self._dialog.show_groups(*answer.value)

    def _closed(self, result: int) -> None:
        if self.sender() is self._dialog:
            self._let_go()

    def _let_go(self) -> None:
        self._dialog = None
        if self._crops is not None:
            self._crops.close()
            self._crops.deleteLater()
            self._crops = None
