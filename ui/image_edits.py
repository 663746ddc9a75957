"""What a person says of whole images: done, skipped, flag, note, split; for the one on screen or for several thumbnails."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Split, Task
from annotator.domain.page import Page
from annotator.edits import images, tags
from ui.canvas_binding import CanvasBinding
from ui.session import Session
from ui.tools import TOOLS

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
        self, session: Session, binding: CanvasBinding, chosen: Callable[[], list[int]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._binding = binding
        self._chosen = chosen

    def has_image(self) -> bool:
        """Whether an image is on screen."""
        return self._session.page is not None

    def task(self) -> Task:
        """What the annotator works on: the tool's task, else that of the image's annotations, else tags."""
        task = TOOLS[self._binding.tool].task
        page = self._session.page
        if task is None and page is not None:
            task = next((_TASK_OF_KIND[a.kind] for a in page.annotations if a.kind in _TASK_OF_KIND), None)
        return task or Task.TAGS

    def done(self) -> None:
        """The image is complete for the task: go on to the next. For several thumbnails: all of them are."""
        pages, several = self._pages()
        if not pages:
            return
        self._session.perform(images.mark_done(pages, self.task(), annotator=self._session.annotator))
        if several:
            self.bulk_done.emit(self.tr("{0} images are done").format(len(pages)))
        elif not self._session.step(1):
            self.finished_all.emit()

    def skip(self) -> None:
        """Leave the image out and go on."""
        pages, several = self._pages()
        if not pages:
            return
        self._session.perform(images.skip([p.image for p in pages], annotator=self._session.annotator))
        if several:
            self.bulk_done.emit(self.tr("Skipped {0} images").format(len(pages)))
        else:
            self._session.step(1)

    def flag(self) -> None:
        """Flag the image, or take the flag away."""
        pages, several = self._pages()
        if not pages:
            return
        flagged = not all(p.image.flagged for p in pages)
        self._session.perform(images.flag([p.image for p in pages], flagged, annotator=self._session.annotator))
        if several:
            words = self.tr("Flagged {0} images") if flagged else self.tr("Took the flag off {0} images")
            self.bulk_done.emit(words.format(len(pages)))

    def note(self, text: str) -> None:
        """Write a note on the image."""
        image = self._session.image
        if image is not None and image.note != text.strip():
            self._session.perform(images.note(image, text.strip(), annotator=self._session.annotator))

    def set_split(self, split: Split | None) -> None:
        """Put the image, or several, into a part of the dataset."""
        pages, several = self._pages()
        if not pages:
            return
        self._session.perform(images.set_split([p.image for p in pages], split, annotator=self._session.annotator))
        if several:
            self.bulk_done.emit(
                self.tr("{0} images: {1}").format(len(pages), split.value if split else self.tr("no split"))
            )

    def tag_chosen(self, label_id: int) -> bool:
        """Give a tag to all chosen thumbnails; False when none are chosen."""
        pages, several = self._pages()
        label = self._session.labels.get(label_id)
        if not several or label is None:
            return False
        who = self._session.annotator
        self._session.perform(tags.tag_many(pages, label_id, self._session.vocabulary, annotator=who))
        self.bulk_done.emit(self.tr("Tagged {0} images “{1}”").format(len(pages), label.name))
        self.tagged.emit(len(pages))
        return True

    def _pages(self) -> tuple[list[Page], bool]:
        """The pages that an edit is about, and whether they are several chosen thumbnails."""
        ids = self._chosen()
        if ids and self._session.project is not None:
            return [self._session.read_page(i) for i in ids], True
        return ([self._session.page] if self._session.page is not None else []), False
