"""In which order the keys walk the suggestions of an image, and which of them only repeat another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from annotator.domain.records import Suggestion
from annotator.edits import duplicates


class Walk(StrEnum):
    """What Tab goes by."""

    CONFIDENCE = "confidence"
    POSITION = "position"


class Walking:
    """Remembers for the suggestions that it saw last which ones are twins: after a verdict the others stay what they were."""

    def __init__(self) -> None:
        self.by = Walk.CONFIDENCE
        self._stood: Suggestion | None = None
        self._every: Sequence[Suggestion] = ()
        self._compared: Sequence[Suggestion] = ()  # kept, so that no other suggestion can have one's address
        self._known: frozenset[int] = frozenset()
        self._leader: dict[UUID, UUID] = {}
        self._leading: list[Suggestion] = []

    def leading(self, every: Sequence[Suggestion]) -> list[Suggestion]:
        """Without twins, the most confident first, as ``every`` comes."""
        if every is not self._every:
            ids = frozenset(map(id, every))
            if not ids <= self._known:
                self._leader, self._known, self._compared = duplicates.twins_of(every), ids, every
            self._every = every
            here = {s.id for s in every} if self._leader else frozenset[UUID]()
            # A twin whose leader is gone without it, as when only the leader was undone, speaks for itself.
            self._leading = [s for s in every if self._leader.get(s.id) not in here] if self._leader else list(every)
        return self._leading

    def visible(self, every: Sequence[Suggestion], threshold: float) -> list[Suggestion]:
        """Those that the slider lets through, in the order of the walk."""
        leading = self.leading(every)
        shown = leading[: bisect_right(leading, -threshold, key=_doubt)]
        return sorted(shown, key=_place) if self.by is Walk.POSITION else shown

    def stand_on(self, every: Sequence[Suggestion], suggestion_id: UUID | None) -> None:
        """The keys are on this one."""
        if self.by is Walk.POSITION and suggestion_id is not None:
            self._stood = next((s for s in every if s.id == suggestion_id), self._stood)

    def following(self, visible: Sequence[Suggestion]) -> UUID | None:
        """Where the keys go when the one that they were on has been judged."""
        if self.by is Walk.POSITION and self._stood is not None:
            place = _place(self._stood)
            return next((s.id for s in visible if _place(s) > place), visible[0].id if visible else None)
        return visible[0].id if visible else None

    def twins(self, every: Sequence[Suggestion]) -> dict[UUID, list[Suggestion]]:
        """The twins of each suggestion that has any."""
        self.leading(every)
        return duplicates.by_leader(every, self._leader)


def _doubt(suggestion: Suggestion) -> float:
    return -suggestion.confidence


def _place(suggestion: Suggestion) -> tuple[float, float]:
    """Top to bottom, then left to right; what has no place comes first."""
    bounds = suggestion.geometry.bounds()
    return (-1.0, -1.0) if bounds is None else (bounds[1], bounds[0])
