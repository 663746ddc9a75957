"""Figures over the whole project that cost more than a frame: counted in a thread, soon after something changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.kinds import Task
from annotator.events import ChangeSet, Table
from ui.engine_bridge import Answer, Errand
from ui.ordering import Ids
from ui.session import Session

if TYPE_CHECKING:
    from annotator.project import Project

DELAY_MS = 250
NOTHING: tuple[Ids, Ids, Ids] = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


class Figures(QObject):
    """Open suggestions by confidence and by label, and annotations by label; ``changed`` when they are known anew."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.histogram: Sequence[int] = ()
        self.by_label: dict[int, tuple[int, int]] = {}
        self._open = NOTHING
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._ask)
        session.opened.connect(self._ask)
        session.closed.connect(self._forget)
        session.changes.connect(self._changed)

    def open_on(self, image_id: int) -> int:
        """Open tag suggestions of one image, as of the last count."""
        ids, counts, _ = self._open
        place = int(np.searchsorted(ids, image_id))
        return int(counts[place]) if place < len(ids) and ids[place] == image_id else 0

    def guess_on(self, image_id: int) -> int | None:
        """The label that is suggested for an image with the most confidence, as of the last count."""
        ids, _, labels = self._open
        place = int(np.searchsorted(ids, image_id))
        return int(labels[place]) if place < len(ids) and ids[place] == image_id else None

    def close(self) -> None:
        """Count no more."""
        self._timer.stop()
        self._errand.close()

    def _changed(self, changes: ChangeSet) -> None:
        wanted = (Table.ANNOTATION, Table.SUGGESTION, Table.VERDICT, Table.RUN, Table.SETTING, Table.LABEL, Table.IMAGE)
        if changes.everything or changes.touches(*wanted):
            self._timer.start()

    def _ask(self) -> None:
        if self._session.project is not None:
            self._errand.ask("figures", _count, self._session.project)

    def _answered(self, answer: Answer) -> None:
        if answer.error is None and self._session.project is not None and answer.value[0] is self._session.project:
            _, self.histogram, self.by_label, self._open = answer.value
            self.changed.emit()

    def _forget(self) -> None:
        self._timer.stop()
        self.histogram, self.by_label = (), {}
        self._open = NOTHING
        self.changed.emit()


def _count(project: Project) -> tuple[Project, list[int], dict[int, tuple[int, int]], tuple[Ids, Ids, Ids]]:
    """Runs in a thread."""
    histogram = [int(n) for n in project.review.confidence_histogram(Task.TAGS)]
    written = project.labels.counts()
    is_open = project.review.open_counts()
    ids = {*written, *is_open}
    pile = project.review.pile()  # the most confident first: that is the one that ``unique`` finds
    images, first, counts = np.unique(pile.image_ids, return_index=True, return_counts=True)
    per_image = images, counts, pile.label_ids[first]
    return project, histogram, {i: (written.get(i, (0, 0))[0], is_open.get(i, 0)) for i in ids}, per_image
