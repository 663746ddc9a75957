"""What a transaction has changed so far: for the one event after the commit, and for the counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from annotator.events import ChangeSet, Table

MANY = 5_000
"""Above this number of images a change set says ``everything``."""


class Ledger:
    """Filled by the writing repositories."""

    def __init__(self, initiator: str = "") -> None:
        self.initiator = initiator
        self.edit_id: int | None = None
        self.counts: Counter[tuple[str, str]] = Counter()
        self._tables: set[Table] = set()
        self._images: dict[int, None] = {}
        self._labels: dict[int, None] = {}
        self._everything = False

    def note(
        self, *tables: Table, images: Iterable[int] = (), labels: Iterable[int] = (), everything: bool = False
    ) -> None:
        """Remember that ``tables`` changed for these images and labels."""
        self._tables.update(tables)
        self._labels.update(dict.fromkeys(labels))
        self._everything = self._everything or everything
        if not self._everything:
            self._images.update(dict.fromkeys(images))
            if len(self._images) > MANY:
                self._everything = True
        if self._everything:
            self._images.clear()

    def count(self, scope: str, key: object, difference: int) -> None:
        """Remember that the counter ``scope``/``key`` changes by ``difference``."""
        self.counts[scope, str(key)] += difference

    def change_set(self) -> ChangeSet:
        """The event."""
        return ChangeSet(
            frozenset(self._tables),
            tuple(self._images),
            tuple(self._labels),
            everything=self._everything,
            edit_id=self.edit_id,
            initiator=self.initiator,
        )
