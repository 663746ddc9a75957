"""``project.history``: the edits of the annotator, on pages that also show the tag suggestions which have no row yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from annotator.domain.page import Page
from annotator.domain.records import Label
from annotator.edits.history import History
from annotator.edits.vocabulary import Vocabulary
from annotator.events import ChangeSet, Table
from annotator.job_context import QUIET, JobContext
from annotator.usecases.parts import Parts
from annotator.usecases.review_view import ReviewView

if TYPE_CHECKING:
    from annotator.edits.changes import Edit
    from annotator.usecases.wall import Judgement, WallPile

PAGES_AT_ONCE = 400


class ProjectHistory(History):
    """The history of one annotator over one project."""

    def __init__(self, parts: Parts, review: ReviewView) -> None:
        super().__init__(parts.db, parts.lane, parts.annotator)
        self._parts = parts
        self._review = review
        self._labels_guard = threading.Lock()
        self._labels: tuple[Label, ...] | None = None
        parts.db.subscribe(self._forget_labels)

    def page(self, image_id: int) -> Page:
        """All that is known of an image, with edits that are still being saved and with suggestions made from the tag run."""
        return self._review.complete(super().page(image_id), self._known_labels())

    def pages(self, image_ids: Sequence[int], context: JobContext = QUIET, message: str = "") -> Iterator[Page]:
        """The pages of many images in that order, some hundred with a few statements; tells how far it is, and can be cancelled.

        Waits for the edits that are still being saved. Not for the GUI thread.
        """
        self.flush()
        labels = self._known_labels()
        for start in range(0, len(image_ids), PAGES_AT_ONCE):
            context.check_cancelled()
            context.progress(start, len(image_ids), message)
            with self._parts.db.read() as reader:
                found = reader.pages.load_many(image_ids[start : start + PAGES_AT_ONCE])
            for page in found:
                yield self._review.complete(page, labels)
        context.progress(len(image_ids), len(image_ids), message)

    def vocabulary(self) -> Vocabulary:
        """Labels and groups as the builders of edits need them."""
        with self._parts.db.read() as reader:
            return Vocabulary.of(reader.labels.all(), reader.labels.groups())

    def pile_edit(self, pile: WallPile, judgement: Judgement, title: str, context: JobContext = QUIET) -> Edit:
        """The edit that judges many suggestions of a pile in one step; ``perform`` it. Takes a while: not for the GUI thread."""
        from annotator.usecases import wall

        return wall.pile_edit(self._parts, self, self._review, pile, judgement, context, title)

    def _known_labels(self) -> tuple[Label, ...]:
        with self._labels_guard:
            if self._labels is None:
                with self._parts.db.read() as reader:
                    self._labels = reader.labels.all()
            return self._labels

    def _forget_labels(self, changes: ChangeSet) -> None:
        if changes.touches(Table.LABEL):
            with self._labels_guard:
                self._labels = None
