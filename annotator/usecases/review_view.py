"""``project.review``: the open suggestions, by image, by label and by confidence, and the figures about them.

Tag suggestions come from the array of the run that is shown (see ``tag_table``); suggestions of other tasks from their rows.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import ImageState, Task
from annotator.domain.page import Page
from annotator.domain.records import ImageFilter, Label, Suggestion
from annotator.events import ChangeSet, Table
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import TAG_RUN

if TYPE_CHECKING:
    from annotator.usecases.tag_table import GroupTable, TagTable

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]

BINS = 20
OPEN_STATES = frozenset({ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE, ImageState.SKIPPED})


@dataclass(frozen=True)
class Pile:
    """Open tag suggestions, the most confident first: ``image_ids``, ``label_ids`` and ``confidences``, all (n,)."""

    image_ids: Ids
    label_ids: Ids
    confidences: FloatArray

    def __len__(self) -> int:
        return len(self.image_ids)


class ReviewView:
    """Reads of open suggestions. Methods may be called from any thread; counts are kept until something changes.

    A ``live`` view follows the store's changes for as long as the project is open; others serve one job.
    """

    def __init__(self, parts: Parts, *, live: bool = False) -> None:
        self._parts = parts
        self._lock = threading.RLock()
        self._table: TagTable | None = None
        self._table_run: int | None = None
        self._known = False
        self._piles: tuple[Pile, ...] | None = None
        if live:
            parts.db.subscribe(self._changed)

    def table(self) -> TagTable | None:
        """The tag predictions that are shown, or None before the first run."""
        with self._lock:
            if not self._known:
                with self._parts.db.read() as reader:
                    run_id = reader.settings.get(TAG_RUN)
                if run_id is None:
                    self._table = None
                elif run_id != self._table_run or self._table is None:
                    # Imported here: a project is opened, and its first picture shown, before there is anything to suggest.
                    from annotator.usecases import tag_table

                    self._table = tag_table.read(self._parts, run_id)
                self._table_run = run_id
                self._known = True
            return self._table

    def open_suggestions(self, image_id: int) -> tuple[Suggestion, ...]:
        """The open suggestions of one image, the most confident first."""
        with self._parts.db.read() as reader:
            page = reader.pages.load(image_id)
            labels = reader.labels.all()
        return self.complete(page, labels).suggestions

    def complete(self, page: Page, labels: tuple[Label, ...]) -> Page:
        """``page`` with the open tag suggestions that have no row yet."""
        table = self.table()
        if table is None:
            return page
        from annotator.usecases.shown import open_tag_suggestions

        return open_tag_suggestions(page, table, labels)

    def pile(self, label_id: int | None = None, min_confidence: float = 0.0) -> Pile:
        """Open tag suggestions of a label (or all) from a confidence on, the most confident first."""
        piles = self._open_piles()
        images = np.concatenate([p.image_ids for p in piles] or [np.zeros(0, np.int64)])
        labels = np.concatenate([p.label_ids for p in piles] or [np.zeros(0, np.int64)])
        sure = np.concatenate([p.confidences for p in piles] or [np.zeros(0, np.float32)])
        keep = sure >= min_confidence
        if label_id is not None:
            keep &= labels == label_id
        order = np.flatnonzero(keep)[np.argsort(-sure[keep], kind="stable")]
        return Pile(images[order], labels[order], sure[order])

    def suggestions(self, image_ids: Ids) -> list[Suggestion]:
        """The open tag suggestions of some images, e.g. those of a pile that are about to be accepted."""
        table = self.table()
        if table is None:
            return []
        wanted: set[tuple[int, int]] = set()
        for pile in self._open_piles():
            inside = np.isin(pile.image_ids, image_ids)
            wanted.update(zip(pile.image_ids[inside].tolist(), pile.label_ids[inside].tolist(), strict=True))
        made = table.suggestions(np.unique(np.asarray(image_ids, np.int64)))
        return [s for s in made if (s.image_id, s.label_id) in wanted]

    def open_counts(self) -> dict[int, int]:
        """Label id to its number of open suggestions of all tasks."""
        found = Counter(self.pile().label_ids.tolist())
        with self._parts.db.read() as reader:
            for task in Task:
                if task is not Task.TAGS:
                    found.update(s.label_id for s in reader.suggestions.pile(task))
        return dict(found)

    def confidence_histogram(self, task: Task = Task.TAGS, bins: int = BINS) -> NDArray[np.int64]:
        """(bins,) counts of open suggestions by confidence over [0, 1]."""
        if task is Task.TAGS:
            values = np.asarray(self.pile().confidences, np.float64)
        else:
            with self._parts.db.read() as reader:
                values = reader.suggestions.confidences(task)
        return np.histogram(values, bins=bins, range=(0.0, 1.0))[0].astype(np.int64)

    def uncalibrated(self) -> bool:
        """Whether confidences are still the model's own numbers."""
        table = self.table()
        return table is None or table.uncalibrated

    def _changed(self, changes: ChangeSet) -> None:
        with self._lock:
            if changes.touches(Table.SETTING, Table.RUN):
                self._known = False
            if changes.touches(Table.ANNOTATION, Table.VERDICT, Table.RUN, Table.SETTING, Table.LABEL, Table.IMAGE):
                self._piles = None

    def _open_piles(self) -> tuple[Pile, ...]:
        with self._lock:
            table = self.table()
            if self._piles is None:
                self._piles = () if table is None else tuple(open_piles(self._parts, table))
            return self._piles


def open_piles(parts: Parts, table: TagTable) -> list[Pile]:
    """The open suggestions of every group: not answered, not judged, the image not done, the file there."""
    with parts.db.read() as reader:
        labels = reader.labels.all()
        tags = reader.annotations.labels_of_kind(GeometryKind.TAG.value)
        shown = reader.images.ids(ImageFilter(states=OPEN_STATES))
        done = reader.images.done_ids(Task.TAGS)
        judged = {s.id: s for s, _ in reader.verdicts.judged(Task.TAGS) if s.run_id == table.run_id}
    usable = np.isin(table.ids, shown) & ~np.isin(table.ids, done)
    alive = {label.id for label in labels}
    return [_open_of_group(table, each, tags, usable, alive, list(judged.values())) for each in table.groups]


def _open_of_group(
    table: TagTable,
    each: GroupTable,
    tags: list[tuple[int, int, str]],
    usable: NDArray[np.bool_],
    alive: set[int],
    judged: list[Suggestion],
) -> Pile:
    group = each.group
    values = each.confidences()
    members = np.asarray(group.label_ids, np.int64)
    values[:, [at for at, label in enumerate(group.label_ids) if label not in alive]] = 0
    mine = [(image, label) for image, label, _ in tags if label in group.label_ids]
    if group.exclusive:
        answered = np.asarray(
            [image for image, _ in mine] + [s.image_id for s in judged if s.group_id == group.group_id], np.int64
        )
        is_open = usable & ~np.isin(table.ids, answered)
        top = values.argmax(axis=1) if len(values) else np.zeros(0, np.int64)
        best = values[np.arange(len(values)), top] if len(values) else np.zeros(0, np.float32)
        is_open &= (best > 0) & (best >= 1.0 - values.sum(axis=1))
        rows = np.flatnonzero(is_open)
        return Pile(table.ids[rows], members[top[rows]], best[rows])
    pairs = mine + [(s.image_id, s.label_id) for s in judged if s.group_id == group.group_id]
    for column, label in enumerate(group.label_ids):
        said = np.asarray([image for image, one in pairs if one == label], np.int64)
        values[np.isin(table.ids, said), column] = 0
    rows, columns = np.nonzero((values >= 0.5) & usable[:, None])
    return Pile(table.ids[rows], members[columns], values[rows, columns])
