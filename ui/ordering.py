"""The order in which images come: an array of ids, restricted by a filter, with a place in it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.domain.records import ImageFilter

if TYPE_CHECKING:
    from annotator.project import Project

Ids = NDArray[np.int64]


class Sorting(StrEnum):
    """How the queue panel sorts."""

    QUEUE = "queue"
    NAME = "name"


class Order:
    """The ids that the queue shows, and where in them the annotator stands."""

    def __init__(self) -> None:
        self.ids: Ids = np.empty(0, np.int64)
        self.wanted = ImageFilter()
        self.sorting = Sorting.QUEUE
        self.current_id: int | None = None
        self._index = -1

    @property
    def is_plain(self) -> bool:
        """Whether the whole queue is shown, in its own order: kept in memory, not asked of the store."""
        return self.wanted == ImageFilter() and self.sorting is Sorting.QUEUE

    @property
    def index(self) -> int:
        """The place of the current image, -1 when the filter hides it."""
        return self._index

    def follow(self, project: Project) -> None:
        """Read the ids of ``project`` anew."""
        self.take(read_ids(project, self.wanted, self.sorting))

    def take(self, ids: Ids) -> None:
        """Show these."""
        self.ids = ids
        self._find()

    def stand_at(self, image_id: int) -> None:
        """The annotator looks at ``image_id`` now."""
        self.current_id = image_id
        for place in (self._index, self._index + 1, self._index - 1):
            if 0 <= place < len(self.ids) and self.ids[place] == image_id:
                self._index = place
                return
        self._find()

    def at_offset(self, by: int) -> int | None:
        """The id ``by`` places from the current one, None beyond the ends; the first one when nothing is current."""
        if len(self.ids) == 0:
            return None
        place = self._index + by if self._index >= 0 else 0
        return int(self.ids[place]) if 0 <= place < len(self.ids) else None

    def ahead(self, count: int) -> list[int]:
        """The next ``count`` ids and the one before, nearest first: what is worth decoding now."""
        places = [*range(self._index + 1, self._index + 1 + count), self._index - 1]
        return [int(self.ids[p]) for p in places if 0 <= p < len(self.ids)]

    def index_of(self, image_id: int) -> int:
        """The place of an id, -1 when it is not shown."""
        found = np.flatnonzero(self.ids == image_id)
        return int(found[0]) if len(found) else -1

    def _find(self) -> None:
        self._index = -1 if self.current_id is None else self.index_of(self.current_id)


def read_ids(project: Project, wanted: ImageFilter, sorting: Sorting) -> Ids:
    """The ids that pass ``wanted``, in order. May be called from any thread."""
    if sorting is Sorting.NAME:
        from annotator.usecases.image_view import ImageOrder  # type: ignore[attr-defined]

        return project.images.ids(wanted, ImageOrder.NAME)
    queue = project.queue.order()
    if wanted == ImageFilter():
        return queue
    passing = project.images.ids(wanted)
    shown = queue[np.isin(queue, passing)]
    # Images that cannot be shown are not in the queue, but a filter may ask for them.
    return np.concatenate([shown, passing[~np.isin(passing, shown)]])


def is_quick(project: Project, wanted: ImageFilter) -> bool:
    """Whether the ids come within a frame or two: those of a filter by suggestions must have been counted."""
    by_suggestions = (
        wanted.suggested is not None or wanted.min_confidence is not None or wanted.max_confidence is not None
    )
    return not by_suggestions or project.review.is_counted
