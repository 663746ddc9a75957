"""Carries out what was decided about a pile: the edit is made in the background, with progress, and performed in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from ui.engine_bridge import Jobs, JobView
from ui.session import Session

if TYPE_CHECKING:
    from annotator.edits.changes import Edit
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.wall import Judgement, WallPile

NAME, TAGS = "pile", "tag images"


class Judging(QObject):
    """``said`` tells in words what was done; ``failed`` when nothing has changed."""

    said = Signal(str)
    failed = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._waiting: dict[int, Judgement] = {}
        self._tagging: dict[int, int] = {}
        jobs.finished.connect(self._finished)
        jobs.failed.connect(self._ended)
        jobs.cancelled.connect(self._ended)

    def judge(self, pile: WallPile, judgement: Judgement, title: str) -> None:
        """Give these verdicts."""
        view = self._jobs.work(NAME, title, _make, pile=pile, judgement=judgement, what=title)
        self._waiting[view.id] = judgement

    def tag(self, images: list[int], label_id: int | None, name: str = "") -> None:
        """Give whole images a tag; without ``label_id`` the label ``name`` is made first."""
        from ui.review.images_page import tag_images

        title = self.tr("Tagging {0} images").format(f"{len(images):,}")
        view = self._jobs.work(TAGS, title, tag_images, images=images, label_id=label_id, new_name=name)
        self._tagging[view.id] = len(images)

    def _finished(self, view: JobView) -> None:
        if view.id in self._tagging:
            number = self._tagging.pop(view.id)
            self._session.perform_later(view.result)
            self.said.emit(self.tr("Tagged {0} images").format(f"{number:,}"))
        judgement = self._waiting.pop(view.id, None)
        if judgement is None:
            return
        edit: Edit = view.result
        view.result = None  # the rows of a large edit are not kept for the log of jobs
        if not edit.changes:
            self.failed.emit()
            return
        self._session.perform_later(edit)
        self.said.emit(self._words(judgement))

    def _ended(self, view: JobView) -> None:
        self._tagging.pop(view.id, None)
        if self._waiting.pop(view.id, None) is not None:
            self.failed.emit()

    def _words(self, judgement: Judgement) -> str:
        parts: list[str] = []
        for number, words in (
            (len(judgement.accepted), self.tr("accepted {0}")),
            (len(judgement.rejected), self.tr("rejected {0}")),
            (len(judgement.relabelled), self.tr("relabelled {0}")),
        ):
            if number:
                parts.append(words.format(f"{number:,}"))
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


def _make(project: Project, context: JobContext, **parameters: Any) -> Edit:
    """Runs in a thread."""
    return project.history.pile_edit(parameters["pile"], parameters["judgement"], parameters["what"], context)
