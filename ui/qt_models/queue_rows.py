"""What the queue panel shows of each image: rows are read in pages when they come into view and kept until they change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.domain.kinds import ImageState, Split
from annotator.domain.records import Image

if TYPE_CHECKING:
    from annotator.project import Project
    from ui.figures import Figures
    from ui.session import Session

PAGE = 64
KEPT = 4096


@dataclass(frozen=True)
class QueueRow:
    """One thumbnail's words."""

    id: int
    name: str
    uri: str
    state: ImageState
    flagged: bool
    split: Split | None
    suggestions: int
    reason: str
    caption: str


class QueueRows:
    """Rows by image id. ``get`` never reads more than one page of the store."""

    def __init__(self, figures: Figures, session: Session) -> None:
        self._figures = figures
        self._session = session
        self._project: Project | None = None
        self._rows: OrderedDict[int, QueueRow] = OrderedDict()

    def follow(self, project: Project | None) -> None:
        """Read from ``project`` from now on."""
        self._project = project
        self._rows.clear()

    def forget(self, ids: Iterable[int] | None = None) -> None:
        """Read these rows anew when they are next seen; None for all."""
        if ids is None:
            self._rows.clear()
        else:
            for image_id in ids:
                self._rows.pop(image_id, None)

    def load(self, ids: list[int]) -> None:
        """Read what is not known of ``ids`` in one query per page."""
        missing = [i for i in ids if i not in self._rows]
        for start in range(0, len(missing), PAGE):
            self._read(missing[start : start + PAGE])

    def get(self, image_id: int) -> QueueRow | None:
        """The row of an image, None when it has gone."""
        if image_id not in self._rows:
            self._read([image_id])
        return self._rows.get(image_id)

    def _read(self, ids: list[int]) -> None:
        if self._project is None or not ids:
            return
        counts, tags = self._project.images.open_on(ids), self._project.images.tags(ids)
        for image in self._project.images.many(ids):
            reason = self._project.queue.reason(image.id)
            self._rows[image.id] = QueueRow(
                image.id,
                image.name,
                image.uri,
                image.state,
                image.flagged,
                image.split,
                counts.get(image.id, 0) + self._figures.open_on(image.id),
                reason,
                self._caption(image, reason, tags.get(image.id, ())),
            )
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)

    def _caption(self, image: Image, reason: str, tags: tuple[int, ...]) -> str:
        """What helps most under a small picture: its tags, else what the machine asks, else what it guesses, else the name."""
        labels, guess = self._session.labels, self._figures.guess_on(image.id)
        names = [labels[label_id].name for label_id in tags if label_id in labels]
        if names:
            return ", ".join(names)
        if reason.endswith("?"):
            return reason
        return f"{labels[guess].name}?" if guess is not None and guess in labels else image.name
