"""Pages that were read lately, kept true by applying this session's own edits to them.

Reading a page costs a dozen statements and every annotation on it; an edit changes one or two of them. What is kept is dropped
as soon as anyone else changes the image, and after an edit whose effect a page alone cannot tell.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from annotator.domain.page import Page
from annotator.edits.apply import apply_changes
from annotator.edits.changes import Edit, RowChange, VerdictChange
from annotator.events import ChangeSet

KEPT = 8


class RecentPages:
    """The last few pages by image id. Methods may be called from any thread."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._guard = threading.Lock()
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._moment = 0

    @property
    def moment(self) -> int:
        """Changes whenever something happened that a page being read now may have missed."""
        return self._moment

    def get(self, image_id: int) -> Page | None:
        """The page as it is now, or None when it must be read."""
        with self._guard:
            page = self._pages.get(image_id)
            if page is not None:
                self._pages.move_to_end(image_id)
            return page

    def put(self, page: Page, moment: int) -> None:
        """Keep a page whose reading began at ``moment``; passed over when something happened since."""
        with self._guard:
            if moment != self._moment:
                return
            self._pages[page.image.id] = page
            self._pages.move_to_end(page.image.id)
            while len(self._pages) > self._limit:
                self._pages.popitem(last=False)

    def apply(self, edit: Edit) -> None:
        """Follow an edit of this session, the moment it is performed."""
        with self._guard:
            self._moment += 1
            if edit.reaches_everywhere:
                self._pages.clear()
                return
            rows: dict[int, list[RowChange]] = {}
            for row in edit.rows():
                if row.image_id in self._pages:
                    rows.setdefault(row.image_id, []).append(row)
            for image_id, changes in rows.items():
                if any(_reopens(change) for change in changes):
                    del self._pages[image_id]
                else:
                    self._pages[image_id] = apply_changes(self._pages[image_id], changes)

    def hear(self, changes: ChangeSet, annotator: str) -> None:
        """Drop what someone else changed. The echo of this session's own edits has been applied already."""
        if changes.edit_id is not None and changes.initiator == annotator and not changes.everything:
            return
        with self._guard:
            self._moment += 1
            if changes.everything or changes.label_ids or not changes.image_ids:
                self._pages.clear()
            for image_id in changes.image_ids:
                self._pages.pop(image_id, None)

    def clear(self) -> None:
        """Read everything anew."""
        with self._guard:
            self._moment += 1
            self._pages.clear()


def _reopens(change: RowChange) -> bool:
    """Whether a verdict goes: its suggestion is open again only if no later run has superseded it, which the store knows."""
    return isinstance(change, VerdictChange) and change.after is None
