"""Opening, creating and leaving projects: everything slow happens in a thread, and the window hears how it went."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from annotator.errors import AnnotatorError
from annotator.settings import AppSettings, login_name
from ui.engine_bridge import Answer, Errand, Jobs, JobView
from ui.session import Session

log = logging.getLogger(__name__)
STRIP = 5


@dataclass(frozen=True)
class Opening:
    """What is being opened. ``fresh``: the project was just made, so there are labels to ask for."""

    project: Any
    fresh: bool = False


class Projects(QObject):
    """The only place that opens and closes projects."""

    busy = Signal(str)
    opened = Signal(bool)
    failed = Signal(str, str)
    datasets_found = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, settings: AppSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._settings = settings
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        jobs.finished.connect(self._ended)

    @property
    def annotator(self) -> str:
        """The name that edits carry."""
        return self._settings.state.annotator or login_name()

    def warm_up(self) -> None:
        """Import in the background what opening a project needs, while the annotator looks for one."""
        self._errand.ask("warm", _warm_up)

    def open_path(self, path: Path) -> None:
        """Open a project, or a folder of images (which becomes a project beside it)."""
        self.leave()
        self.busy.emit(self.tr("Opening {0}").format(path.name or str(path)))
        self._errand.ask("open", _open_path, path, self.annotator)

    def open_demo(self) -> None:
        """Make the demo project and open it."""
        self.leave()
        self.busy.emit(self.tr("Drawing the pictures of the demo"))
        self._errand.ask("open", _open_demo, self.annotator)

    def leave(self) -> None:
        """Close the project that is open; everything is written first."""
        if self._session.project is None:
            return
        self._remember()
        self._jobs.detach()
        self._session.close()

    def close(self) -> None:
        """Leave, and stop opening."""
        self.leave()
        self._errand.close()

    def look_for_datasets(self, path: Path | None = None) -> None:
        """Ask whether annotations lie in the project's folders; ``datasets_found`` answers."""
        if self._session.project is not None:
            self._errand.ask("datasets", self._session.project.detect_annotations, path)

    def remove_folder(self, root_id: int) -> None:
        """Stop showing the images of a folder."""
        if self._session.project is not None:
            self._errand.ask("remove", self._session.project.remove_folder, root_id)

    def _answered(self, answer: Answer) -> None:
        if answer.error is not None:
            self._fail(answer)
        elif answer.tag == "open":
            self._show(answer.value)
        elif answer.tag == "datasets" and answer.value:
            self.datasets_found.emit(answer.value)

    def _fail(self, answer: Answer) -> None:
        error = answer.error
        if not isinstance(error, AnnotatorError | OSError):
            log.error("%s failed", answer.tag, exc_info=error)
        what = getattr(error, "what", None) or str(error)
        self.failed.emit(what, getattr(error, "cure", ""))

    def _show(self, opening: Opening) -> None:
        project = opening.project
        self._jobs.attach(project)
        self._session.open(project)
        place = self._settings.state.places.get(str(project.path))
        first = self._session.order.at_offset(0)
        if place is not None and self._session.order.index_of(place) >= 0:
            first = place
        if first is not None:
            self._session.go_to(first)
        self._jobs.submit("scan", quiet=True)
        self._remember()
        self.opened.emit(opening.fresh)
        if opening.fresh:
            self.look_for_datasets()

    def _ended(self, view: JobView) -> None:
        """A scan is over: the list of recent projects tells how many images there are, however this window ends."""
        if view.name == "scan":
            self._remember()

    def _remember(self) -> None:
        project = self._session.project
        if project is None:
            return
        order = self._session.order
        strip = tuple(str(project.images.path_of(i)) for i in project.images.many(order.ids[:STRIP].tolist()))
        self._settings.remember_project(project.path, project.name, len(order.ids), strip)
        if order.current_id is not None:
            self._settings.update(places={**self._settings.state.places, str(project.path): order.current_id})


def _open_path(path: Path, annotator: str) -> Opening:
    """Runs in a thread."""
    from annotator.project import Project

    if not Project.is_project(path):
        folder = Project.folder_for(path)
        if not Project.is_project(folder):
            return _ready(Opening(Project.create(folder, path, annotator=annotator, scan=False), fresh=True))
        path = folder
    return _ready(Opening(Project.open(path, annotator=annotator)))


def _ready(opening: Opening) -> Opening:
    """The project with what grows with it read already: the GUI thread only takes it over."""
    opening.project.queue.order()
    opening.project.history.titles(1)
    return opening


def _warm_up() -> None:
    """Runs in a thread."""
    import annotator.media.frames
    import annotator.media.thumbnails
    import annotator.project
    import annotator.usecases.history
    import annotator.usecases.opening  # noqa: F401


def _open_demo(annotator: str) -> Opening:
    """Runs in a thread."""
    from ui.demo import demo_project

    return _ready(Opening(demo_project(annotator)))


def readable(paths: Sequence[Path]) -> list[Path]:
    """Of dropped paths, the folders; for a dropped file, the folder that it lies in."""
    return list(dict.fromkeys(p if p.is_dir() else p.parent for p in paths))
