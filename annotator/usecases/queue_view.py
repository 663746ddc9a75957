"""``project.queue``: the images in the order in which a person should see them.

The order is an array of ids in the project's cache, made by ``ranking``; this view keeps the person's walk through it steady:
what was visited, the current image and the next ten stay where they are when a new ranking arrives, and images that a scan
adds come after those that are ranked.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import ImageState
from annotator.domain.records import ImageFilter
from annotator.events import ChangeSet, Table
from annotator.learning.order import rerank
from annotator.store.counters import IMAGE_STATE
from annotator.usecases import ranking
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import QUEUE_STRATEGY

Ids = NDArray[np.int64]

SHOWN = frozenset({ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE, ImageState.SKIPPED})
OPEN = (ImageState.NEW, ImageState.IN_PROGRESS)


class QueueView:
    """The order and the person's place in it. Methods may be called from any thread; ``live`` as in ``ReviewView``."""

    def __init__(self, parts: Parts, *, live: bool = False) -> None:
        self._parts = parts
        self._lock = threading.RLock()
        self._order: Ids | None = None
        self._reasons: dict[int, str] = {}
        self._visited: list[int] = []
        self._pending: set[int] = set()
        self._reload = False
        self._rerank = False
        if live:
            parts.db.subscribe(self._changed)

    def order(self) -> Ids:
        """Ids of all images that can be shown, in the order to see them."""
        with self._lock:
            if self._order is None or self._reload:
                self._load()
            if self._rerank:
                self._take_ranking()
            if self._pending:
                self._take_pending()
            assert self._order is not None
            return self._order

    def reason(self, image_id: int) -> str:
        """Why the image stands where it is, or nothing."""
        with self._lock:
            self.order()
            return self._reasons.get(image_id, "")

    def shown_reason(self, image_id: int) -> str:
        """The same without reading anything: nothing while nobody has asked for the order."""
        with self._lock:
            return self._reasons.get(image_id, "")

    def strategy(self) -> str:
        """How the next ranking will be made: the name of a strategy, "auto" unless another was chosen."""
        with self._parts.db.read() as reader:
            return str(reader.settings.get(QUEUE_STRATEGY, "auto"))

    def choose_strategy(self, name: str) -> None:
        """Rank by another strategy from the next round on; raises ``UsageError`` when there is none of that name."""
        from annotator.learning.queue import Strategy

        chosen = Strategy.named(name).value
        self._parts.lane.submit(lambda writer: writer.settings.set(QUEUE_STRATEGY, chosen), "queue").result()

    def remaining(self) -> int:
        """How many images are neither done nor skipped."""
        with self._parts.db.read() as reader:
            found = reader.counters.of(IMAGE_STATE)
        return sum(found.get(state.value, 0) for state in OPEN)

    def visited(self, image_id: int) -> None:
        """The person looks at this image now."""
        with self._lock:
            if not self._visited or self._visited[-1] != image_id:
                self._visited.append(image_id)

    def _changed(self, changes: ChangeSet) -> None:
        with self._lock:
            if changes.touches(Table.QUEUE):
                self._rerank = True
            if changes.touches(Table.IMAGE):
                if changes.everything:
                    self._reload = True
                else:
                    self._pending.update(changes.image_ids)

    def _load(self) -> None:
        """Read the images anew, keeping the order of those already in it."""
        with self._parts.db.read() as reader:
            ids = reader.images.ids(ImageFilter(states=SHOWN))
        before, self._reload, self._pending = self._order, False, set()
        if before is None:
            ranked, self._reasons = ranking.read(self._parts)
            before, self._rerank = ranked, False
        kept = before[np.isin(before, ids)] if len(before) else before
        self._order = np.concatenate([kept, ids[~np.isin(ids, kept)]]) if len(kept) else ids

    def _take_ranking(self) -> None:
        assert self._order is not None
        self._rerank = False
        ranked, reasons = ranking.read(self._parts)
        order, before = self._order, self._reasons
        current = self._visited[-1] if self._visited else None
        at = np.flatnonzero(order == current) if current is not None else np.zeros(0, np.int64)
        position = int(at[0]) if len(at) else None
        visited = np.asarray(self._visited, np.int64)
        self._order = rerank(order, ranked[np.isin(ranked, order)], position=position, visited=visited)
        # What keeps its place is there for the reason that it had: an image drawn at random must not lose that.
        kept = set(order[self._order[: len(order)] == order].tolist())
        self._reasons = {**reasons, **{image: why for image, why in before.items() if image in kept}}

    def _take_pending(self) -> None:
        """Images that changed: new ones go to the end, those that cannot be shown any more leave."""
        assert self._order is not None
        changed, self._pending = self._pending, set()
        with self._parts.db.read() as reader:
            shown = reader.images.passing(sorted(changed), ImageFilter(states=SHOWN))
        hidden = np.setdiff1d(np.fromiter(changed, np.int64, len(changed)), shown)
        order = self._order
        if len(hidden):
            order = order[~np.isin(order, hidden)]
        fresh = shown[~np.isin(shown, order)]
        self._order = np.concatenate([order, fresh]) if len(fresh) else order
