"""What a person says of whole images: done, skipped, flag, note, split; for the one on screen or for several thumbnails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Split, Task
from annotator.domain.page import Page
from annotator.edits import images, tags
from annotator.edits.changes import Edit
from ui.canvas_binding import CanvasBinding
from ui.engine_bridge import Jobs, JobView
from ui.session import Session
from ui.tools import TOOLS

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.project import Project

AT_ONCE = 40
NAME = "images"

_TASK_OF_KIND = {
    GeometryKind.BOX: Task.BOXES,
    GeometryKind.ROTATED_BOX: Task.BOXES,
    GeometryKind.POLYGON: Task.MASKS,
    GeometryKind.MASK: Task.MASKS,
    GeometryKind.KEYPOINTS: Task.KEYPOINTS,
    GeometryKind.POINT: Task.KEYPOINTS,
}


class ImageEdits(QObject):
    """``chosen`` tells which thumbnails are chosen; when there are any, the edits are about all of them at once."""

    tagged = Signal(int)
    bulk_done = Signal(str)
    finished_all = Signal()

    def __init__(
        self, session: Session, jobs: Jobs, binding: CanvasBinding, chosen: Callable[[], list[int]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._binding = binding
        self._chosen = chosen
        self._jobs = jobs
        self._making: dict[int, str] = {}
        jobs.finished.connect(self._made)
        jobs.failed.connect(self._given_up)
        jobs.cancelled.connect(self._given_up)

    def task(self) -> Task:
        """What the annotator works on: the tool's task, else that of the image's annotations, else tags."""
        task = TOOLS[self._binding.tool].task
        page = self._session.page
        if task is None and page is not None:
            task = next((_TASK_OF_KIND[a.kind] for a in page.annotations if a.kind in _TASK_OF_KIND), None)
        return task or Task.TAGS

    def done(self) -> None:
        """The image is complete for the task: go on to the next. For several thumbnails: all of them are."""
        make = partial(images.mark_done, task=self.task(), annotator=self._session.annotator)
        if not self._edit(make, self.tr("{0} images are done")) and not self._session.step(1):
            self.finished_all.emit()

    def skip(self) -> None:
        """Leave the image out and go on."""
        if not self._edit(partial(_skip, annotator=self._session.annotator), self.tr("Skipped {0} images")):
            self._session.step(1)

    def flag(self) -> None:
        """Flag the image, or take the flag away; of several, flag all unless all are flagged."""
        self._edit(partial(_flag, annotator=self._session.annotator), self.tr("Changed the flag of {0} images"))

    def note(self, text: str) -> None:
        """Write a note on the image."""
        image = self._session.image
        if image is not None and image.note != text.strip():
            self._session.perform(images.note(image, text.strip(), annotator=self._session.annotator))

    def set_split(self, split: Split | None) -> None:
        """Put the image, or several, into a part of the dataset."""
        name = split.value if split is not None else self.tr("no split")
        make = partial(_set_split, split=split, annotator=self._session.annotator)
        self._edit(make, self.tr("{0} images:") + f" {name}")

    def tag_chosen(self, label_id: int) -> bool:
        """Give a tag to all chosen thumbnails; False when none are chosen."""
        label = self._session.labels.get(label_id)
        ids = self._chosen()
        if not ids or label is None:
            return False
        who, words = self._session.annotator, self._session.vocabulary
        make = partial(tags.tag_many, label_id=label_id, vocabulary=words, annotator=who)
        self._edit(make, self.tr("Tagged {0} images") + f" “{label.name}”")
        self.tagged.emit(len(ids))
        return True

    def _edit(self, make: Callable[[list[Page]], Edit], words: str) -> bool:
        """Make an edit of the chosen thumbnails, else of the image on screen; whether it was about several.

        The pages of many are read in a job, so that the window goes on answering, and it can be cancelled.
        """
        session, ids = self._session, self._chosen()
        if not ids:
            if session.page is not None:
                session.perform(make([session.page]))
            return False
        title = words.format(f"{len(ids):,}")
        if len(ids) <= AT_ONCE:
            self._finish(title, make([session.read_page(i) for i in ids]))
        else:
            self._making[self._jobs.work(NAME, title, _make, ids=ids, make=make).id] = title
        return True

    def _made(self, view: JobView) -> None:
        title = self._making.pop(view.id, None)
        if title is not None:
            edit, view.result = view.result, None  # the rows of a large edit are not kept for the log of jobs
            self._finish(title, edit)

    def _given_up(self, view: JobView) -> None:
        self._making.pop(view.id, None)

    def _finish(self, title: str, edit: Edit) -> None:
        if edit.changes:
            self._session.perform_later(edit)
            self.bulk_done.emit(title)


def _make(project: Project, context: JobContext, *, ids: list[int], make: Callable[[list[Page]], Edit]) -> Edit:
    """Runs in a thread."""
    return make(list(project.history.pages(ids, context)))


def _skip(pages: list[Page], *, annotator: str) -> Edit:
    return images.skip([p.image for p in pages], annotator=annotator)


def _flag(pages: list[Page], *, annotator: str) -> Edit:
    flagged = not all(p.image.flagged for p in pages)
    return images.flag([p.image for p in pages], flagged, annotator=annotator)


def _set_split(pages: list[Page], *, split: Split | None, annotator: str) -> Edit:
    return images.set_split([p.image for p in pages], split, annotator=annotator)
