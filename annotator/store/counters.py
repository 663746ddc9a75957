"""The numbers that the screen shows, read in microseconds; and their recount, by which tests and repairs judge them.

Scopes: ``image.state`` by state, ``image.split`` by split ("" for none), ``image.flagged``, ``annotation.label`` by label id,
``suggestion.label`` by label id (open ones, by their most probable label), ``verdict`` by decision, ``done`` by task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, func, select

from annotator.store.tables import AnnotationRow, CounterRow, DoneRow, ImageRow, SuggestionRow, VerdictRow
from annotator.store.tallies import Tallies
from annotator.store.visibility import annotation_visible, verdict_visible

IMAGE_STATE = "image.state"
IMAGE_SPLIT = "image.split"
IMAGE_FLAGGED = "image.flagged"
ANNOTATION_LABEL = "annotation.label"
SUGGESTION_LABEL = "suggestion.label"
VERDICT = "verdict"
DONE = "done"

_OF_SCOPE = select(CounterRow.key, CounterRow.value).where(
    CounterRow.scope == bindparam("scope"), CounterRow.value != 0
)


class Counters:
    """Reads of the counter table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, scope: str) -> dict[str, int]:
        """All counters of a scope that are not zero."""
        return {row[0]: row[1] for row in self._connection.execute(_OF_SCOPE, {"scope": scope})}

    def total(self, scope: str) -> int:
        """The sum over a scope."""
        return sum(self.of(scope).values())

    def recount(self) -> dict[tuple[str, str], int]:
        """All counters from the rows themselves: seconds on a large project, for tests and repairs only."""
        image, annotation, suggestion, verdict = ImageRow, AnnotationRow, SuggestionRow, VerdictRow
        found: Counter[tuple[str, str]] = Counter()
        queries = (
            (IMAGE_STATE, select(image.state, func.count()).group_by(image.state)),
            (IMAGE_SPLIT, select(image.split, func.count()).group_by(image.split)),
            (
                ANNOTATION_LABEL,
                select(annotation.label_id, func.count()).where(annotation_visible()).group_by("label_id"),
            ),
            (
                SUGGESTION_LABEL,
                select(suggestion.label_id, func.count()).where(suggestion.is_open).group_by("label_id"),
            ),
            (VERDICT, select(verdict.decision, func.count()).where(verdict_visible()).group_by(verdict.decision)),
            (DONE, select(DoneRow.task, func.count()).group_by(DoneRow.task)),
            (IMAGE_FLAGGED, select(image.flagged, func.count()).where(image.flagged).group_by(image.flagged)),
        )
        for scope, query in queries:
            for key, value in self._connection.execute(query):
                found[scope, "1" if scope == IMAGE_FLAGGED else str(key)] = int(value)
        return dict(found) | _named(Tallies(self._connection).recount())

    def all(self) -> dict[tuple[str, str], int]:
        """All counters that are not zero, as ``recount`` gives them."""
        rows = self._connection.execute(
            select(CounterRow.scope, CounterRow.key, CounterRow.value).where(CounterRow.value != 0)
        )
        counted = {(scope, key): value for scope, key, value in rows}
        return counted | _named(Tallies(self._connection).all())


def _named(tallies: Mapping[tuple[str, str, int], int]) -> dict[tuple[str, str], int]:
    return {(f"image {image}", f"{scope} {key}"): number for (scope, key, image), number in tallies.items() if number}
