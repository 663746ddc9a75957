"""What is dropped on the window: folders of pictures are opened or added, datasets are imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject

from ui.engine_bridge import Answer, Errand
from ui.projects import readable

if TYPE_CHECKING:
    from annotator.project import Project
    from annotator.usecases.datasets import FoundDataset
    from ui.main_window import MainWindow


@dataclass(frozen=True)
class Sorted:
    """Dropped paths by what becomes of them. ``found`` are datasets that lie in ``folders`` beside the pictures."""

    folders: tuple[Path, ...] = ()
    datasets: tuple[Path, ...] = ()
    found: tuple[FoundDataset, ...] = ()


class Dropping(QObject):
    """Looks at what was dropped in a thread, and hands it to whoever it is for."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._errand = Errand(self)
        self._errand.answered.connect(self._sorted)

    @staticmethod
    def holds_files(data: QMimeData) -> bool:
        """Whether anything of this machine is being dragged."""
        return any(url.isLocalFile() for url in data.urls())

    def take(self, data: QMimeData) -> bool:
        """Take what was dropped; False when there is nothing to take."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        project = self._window.session.project
        if not paths:
            return False
        if project is not None:
            self._errand.ask("sort", sort_paths, project, paths)
        elif all(_may_be_dataset(path) for path in paths):
            what = self._window.tr("{0} holds no pictures.").format(paths[0].name)
            self._window.toasts.error(
                what, self._window.tr("Open the folder of its pictures first, then drop it again.")
            )
        else:
            self._window.open_path(readable(paths)[0])
        return True

    def close(self) -> None:
        """Wait for the look that is under way."""
        self._errand.close()

    def _sorted(self, answer: Answer) -> None:
        w = self._window
        if answer.error is not None:
            w.toasts.error(getattr(answer.error, "what", str(answer.error)), getattr(answer.error, "cure", ""))
            return
        project, found = answer.value
        if project is not w.session.project:
            return
        for folder in found.folders:
            w.jobs.submit("add_folder", folder=str(folder))
        if found.found:
            w.projects.datasets_found.emit(found.found)
        if found.datasets:
            w.exchange.open_import(str(found.datasets[0]))


def sort_paths(project: Project, paths: Sequence[Path]) -> tuple[Project, Sorted]:
    """A file that is no picture is a dataset, and so is a folder of annotations without pictures. Runs in a thread."""
    from annotator.formats.peek import IMAGE_SUFFIXES, Peek

    folders: list[Path] = []
    datasets: list[Path] = []
    found: list[FoundDataset] = []
    for path in paths:
        if _may_be_dataset(path):
            datasets.append(path)
        elif path.is_dir():
            inside = tuple(each for each in project.detect_annotations(path) if each.format != "imagenet")
            if inside and not Peek(path).of(*IMAGE_SUFFIXES):
                datasets.append(path)
            else:
                folders.append(path)
                found += inside
        else:
            folders.append(path.parent)
    return project, Sorted(tuple(dict.fromkeys(folders)), tuple(datasets), tuple(found))


def _may_be_dataset(path: Path) -> bool:
    from annotator.formats.peek import is_image_name

    return path.is_file() and not is_image_name(path.name)
