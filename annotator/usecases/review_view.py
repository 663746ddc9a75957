"""``project.review``: the open suggestions, by image, by label and by confidence, and the figures about them.

Tag suggestions come from the array of the run that is shown (see ``tag_table``) and from rows that were imported after it;
suggestions of other tasks from their rows.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Geometry
from annotator.domain.kinds import Task
from annotator.domain.page import Page
from annotator.domain.records import ImageFilter, Label, Suggestion
from annotator.events import ChangeSet, Table
from annotator.usecases.open_piles import OPEN_STATES, Ids, Pile, joined, open_piles, tag_suggestions
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import TAG_RUN

if TYPE_CHECKING:
    from annotator.usecases.certification import CertificateDesk
    from annotator.usecases.findings import Findings
    from annotator.usecases.insights import Insights
    from annotator.usecases.novelty import NovelPile
    from annotator.usecases.tag_table import TagTable
    from annotator.usecases.tasks import Ready
    from annotator.usecases.wall import Walls

BINS = 20
FEW = 100
COUNTED = (Table.ANNOTATION, Table.SUGGESTION, Table.VERDICT, Table.IMAGE)
"""What decides, image by image, whether a suggestion is open."""


@dataclass(frozen=True)
class Origin:
    """Where a confidence comes from: the run's ``model``, its ``version`` and ``device``, and the ``verdicts`` drawn at random
    that calibrate it (None: those of an imported or another task's suggestion are not counted)."""

    run_id: int
    model: str
    version: str
    device: str
    verdicts: int | None


class ReviewView:
    """Reads of open suggestions. Methods may be called from any thread; counts are kept until something changes.

    A ``live`` view follows the store's changes for as long as the project is open; others serve one job. ``reason`` says why an
    image is in the queue: its suggestions carry that along, because verdicts on what chance drew calibrate.
    """

    def __init__(self, parts: Parts, *, live: bool = False, reason: Callable[[int], str] | None = None) -> None:
        self._parts = parts
        self._reason = reason
        self._lock = threading.RLock()
        self._counting = threading.RLock()
        self._moment = 0
        self._table: TagTable | None = None
        self._table_run: int | None = None
        self._known = False
        self._open: Pile | None = None
        self._stale: set[int] = set()
        if live:
            parts.db.subscribe(self._changed)

    @cached_property
    def certificates(self) -> CertificateDesk:
        """Bulk acceptance under a certificate, step by step."""
        from annotator.usecases.certification import CertificateDesk

        return CertificateDesk(self._parts, self)

    @cached_property
    def findings(self) -> Findings:
        """What the last audit found, and the answers to it."""
        from annotator.usecases.findings import Findings

        return Findings(self._parts)

    @cached_property
    def insights(self) -> Insights:
        """The figures behind the Insights screen."""
        from annotator.usecases.insights import Insights

        return Insights(self._parts, self)

    def novel(self) -> NovelPile:
        """The "new?" pile: open images unlike anything that is labelled, the strangest first."""
        from annotator.usecases import novelty

        return novelty.read(self._parts, self._open_pile().image_ids)

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

        return open_tag_suggestions(page, table, labels, "" if self._reason is None else self._reason(page.image.id))

    def pile(self, label_id: int | None = None, min_confidence: float = 0.0) -> Pile:
        """Open tag suggestions of a label (or all) from a confidence on, the most confident first."""
        every = self._open_pile()
        keep = every.confidences >= min_confidence
        if label_id is not None:
            keep &= every.label_ids == label_id
        return every.pick(np.flatnonzero(keep)[np.argsort(-every.confidences[keep], kind="stable")])

    def suggested_ids(self, wanted: ImageFilter) -> Ids:
        """The images with open suggestions of any task that have the labels and the confidence of ``wanted``, in no order and
        perhaps more than once."""
        pile = self._open_pile()
        least = 0.0 if wanted.min_confidence is None else wanted.min_confidence
        most = 1.0 if wanted.max_confidence is None else wanted.max_confidence
        labels = wanted.label_ids if wanted.suggested else frozenset()
        keep = (pile.confidences >= least) & (pile.confidences <= most)
        if labels:
            keep &= np.isin(pile.label_ids, np.asarray(sorted(labels), np.int64))
        with self._parts.db.read() as reader:
            others = reader.suggestions.image_ids([task for task in Task if task is not Task.TAGS], labels, least, most)
        return np.concatenate([pile.image_ids[keep], others])

    def suggestions(self, image_ids: Ids) -> list[Suggestion]:
        """The open tag suggestions of some images, e.g. those of a pile that are about to be accepted."""
        pile = self._open_pile()
        asked = pile.pick(np.isin(pile.image_ids, image_ids))
        wanted = set(zip(asked.image_ids.tolist(), asked.label_ids.tolist(), strict=True))
        made = tag_suggestions(self._parts, self.table(), np.unique(np.asarray(image_ids, np.int64)))
        return [s for s in made if (s.image_id, s.label_id) in wanted]

    def geometry(self, suggestion_id: UUID) -> Geometry | None:
        """The shape of a suggestion that was written; None when there is no such row."""
        with self._parts.db.read() as reader:
            found = reader.suggestions.get(suggestion_id)
        return None if found is None else found.geometry

    @cached_property
    def walls(self) -> Walls:
        """Piles as the Review wall shows them."""
        from annotator.usecases.wall import Walls

        return Walls(self._parts, self)

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

    def origin(self, suggestion: Suggestion) -> Origin:
        """Where the numbers of a suggestion come from."""
        table = self.table()
        verdicts = None
        if table is not None and table.run_id == suggestion.run_id:
            mine = [each for each in table.groups if each.group.group_id == suggestion.group_id]
            verdicts = mine[0].calibration.verdicts if mine else None
        return self._origin(suggestion.run_id, verdicts)

    def in_force(self) -> Origin | None:
        """The run whose tags are shown; None before the first."""
        table = self.table()
        if table is None:
            return None
        return self._origin(table.run_id, max((each.calibration.verdicts for each in table.groups), default=0))

    def _origin(self, run_id: int, verdicts: int | None) -> Origin:
        with self._parts.db.read() as reader:
            run = reader.runs.get(run_id)
        return Origin(run_id, run.model_id, run.model_version, str(run.parameters.get("device", "")), verdicts)

    def ready(self) -> Ready:
        """Which tasks can suggest, and which can train, with what the project holds now."""
        from annotator.usecases import tasks

        return tasks.ready(self._parts)

    def uncalibrated(self) -> bool:
        """Whether confidences are still the model's own numbers."""
        table = self.table()
        return table is None or table.uncalibrated

    def _changed(self, changes: ChangeSet) -> None:
        with self._lock:
            if changes.touches(Table.SETTING, Table.RUN):
                self._known = False
            if changes.everything or changes.touches(Table.RUN, Table.SETTING, Table.LABEL):
                self._moment += 1
                self._open, self._stale = None, set()
            elif changes.touches(*COUNTED):
                self._moment += 1
                if self._open is not None:
                    self._stale.update(changes.image_ids)

    @property
    def is_counted(self) -> bool:
        """Whether the open suggestions are known, so that a question about all of them is answered at once."""
        with self._lock:
            return self._open is not None and len(self._stale) <= FEW

    def _open_pile(self) -> Pile:
        """All open tag suggestions, in no order. After edits of a few images only these are looked at anew.

        Counting a hundred thousand takes a third of a second; whoever reads a page meanwhile does not wait for it.
        """
        with self._counting:
            table = self.table()
            with self._lock:
                moment, known, stale = self._moment, self._open, sorted(self._stale)
            if known is not None and not stale:
                return known
            if known is None or len(stale) > FEW:
                found = joined(open_piles(self._parts, table))
            else:
                rest = known.pick(~np.isin(known.image_ids, np.asarray(stale, np.int64)))
                found = joined([rest, self._pile_of(stale)])
            with self._lock:
                if moment == self._moment:
                    self._open, self._stale = found, set()
                # Else something happened meanwhile: this answer is as good as one a moment ago, and the next counts again.
            return found

    def _pile_of(self, image_ids: list[int]) -> Pile:
        """What the pages of a few images show."""
        with self._parts.db.read() as reader:
            labels = reader.labels.all()
            known = [image.id for image in reader.images.many(image_ids) if image.state in OPEN_STATES]
            pages = [self.complete(reader.pages.load(image_id), labels) for image_id in known]
        found = [s for page in pages for s in page.suggestions if s.task is Task.TAGS and Task.TAGS not in page.done]
        return Pile(
            np.asarray([s.image_id for s in found], np.int64),
            np.asarray([s.label_id for s in found], np.int64),
            np.asarray([s.confidence for s in found], np.float32),
        )
