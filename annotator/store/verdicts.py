"""Verdicts: what people decided about suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from annotator.domain.geometry import Bounds
from annotator.domain.kinds import Decision, Task
from annotator.domain.page import verdict_order
from annotator.domain.records import Suggestion, Verdict
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store import counters, suggestions
from annotator.store.id_arrays import chunks
from annotator.store.ledger import Ledger
from annotator.store.tables import SuggestionRow, VerdictRow
from annotator.store.visibility import verdict_visible

_DECISIONS = {decision.value: decision for decision in Decision}

COLUMNS = (
    VerdictRow.suggestion_id,
    VerdictRow.image_id,
    VerdictRow.decision,
    VerdictRow.annotation_id,
    VerdictRow.annotator,
    VerdictRow.created_at,
    VerdictRow.seconds,
)


def record(row: Any) -> Verdict:
    """The verdict of a row of ``COLUMNS``."""
    return Verdict(row[0], row[1], _DECISIONS[row[2]], *row[3:7])


class VerdictReads:
    """Reads of verdicts in force."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, suggestion_id: UUID) -> Verdict | None:
        """The verdict on a suggestion, if there is one in force."""
        query = select(*COLUMNS).where(VerdictRow.suggestion_id == suggestion_id, verdict_visible())
        row = self._connection.execute(query).first()
        return None if row is None else record(row)

    def for_image(self, image_id: int) -> tuple[Verdict, ...]:
        """The verdicts on one image's suggestions, oldest first."""
        query = select(*COLUMNS).where(VerdictRow.image_id == image_id, verdict_visible())
        return tuple(sorted((record(row) for row in self._connection.execute(query)), key=verdict_order))

    def judged(self, task: Task) -> list[tuple[Suggestion, Verdict]]:
        """All judged suggestions of a task with their verdicts, oldest first: what calibration learns from."""
        query = (
            select(*suggestions.COLUMNS, *COLUMNS)
            .join(VerdictRow, VerdictRow.suggestion_id == SuggestionRow.id)
            .where(SuggestionRow.task == task.value, verdict_visible())
            .order_by(VerdictRow.created_at, VerdictRow.suggestion_id)
        )
        width = len(suggestions.COLUMNS)
        return [(suggestions.record(row[:width]), record(row[width:])) for row in self._connection.execute(query)]

    def judged_by_run(self, run_id: int) -> list[tuple[int, int, int | None]]:
        """(image id, label id, group id) of a run's suggestions that have a verdict in force."""
        columns = (SuggestionRow.image_id, SuggestionRow.label_id, SuggestionRow.group_id)
        query = (
            select(*columns)
            .join(VerdictRow, VerdictRow.suggestion_id == SuggestionRow.id)
            .where(SuggestionRow.run_id == run_id, verdict_visible())
        )
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]

    def timed(self) -> list[tuple[str, float]]:
        """(moment, seconds) of the verdicts whose time was measured, oldest first."""
        query = select(VerdictRow.created_at, VerdictRow.seconds).where(VerdictRow.seconds > 0, verdict_visible())
        return [(row[0], row[1]) for row in self._connection.execute(query.order_by(VerdictRow.created_at))]

    def by_run(self) -> list[tuple[int, Decision, int]]:
        """(run, decision, number) of the verdicts in force."""
        query = (
            select(SuggestionRow.run_id, VerdictRow.decision, func.count())
            .join(VerdictRow, VerdictRow.suggestion_id == SuggestionRow.id)
            .where(verdict_visible())
            .group_by(SuggestionRow.run_id, VerdictRow.decision)
        )
        return [(row[0], _DECISIONS[row[1]], row[2]) for row in self._connection.execute(query)]

    def rejected_tags(self) -> list[tuple[int, int, UUID]]:
        """(image id, label id, suggestion id) of the tags that are rejected, in the order of the verdicts."""
        query = (
            select(SuggestionRow.image_id, SuggestionRow.label_id, SuggestionRow.id)
            .join(VerdictRow, VerdictRow.suggestion_id == SuggestionRow.id)
            .where(SuggestionRow.task == Task.TAGS.value, VerdictRow.decision == Decision.REJECTED.value)
            .where(verdict_visible())
            .order_by(VerdictRow.created_at, VerdictRow.suggestion_id)
        )
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]

    def rejected_on(self, image_ids: Iterable[int], task: Task) -> list[tuple[int, int, Bounds]]:
        """(image id, label id, bounds) of a task's shapes that are rejected on some images."""
        row = SuggestionRow
        found: list[tuple[int, int, Bounds]] = []
        for chunk in chunks(int(i) for i in image_ids):
            query = (
                select(row.image_id, row.label_id, row.x1, row.y1, row.x2, row.y2)
                .join(VerdictRow, VerdictRow.suggestion_id == row.id)
                .where(VerdictRow.image_id.in_(chunk), VerdictRow.decision == Decision.REJECTED.value)
                .where(row.task == task.value, row.x1.is_not(None), verdict_visible())
            )
            found += [
                (r[0], r[1], (r[2] or 0.0, r[3] or 0.0, r[4] or 0.0, r[5] or 0.0))
                for r in self._connection.execute(query)
            ]
        return found

    def of(self, suggestion_ids: Iterable[UUID]) -> dict[UUID, Verdict]:
        """The verdicts in force on some suggestions."""
        found: dict[UUID, Verdict] = {}
        for chunk in chunks(suggestion_ids):
            query = select(*COLUMNS).where(VerdictRow.suggestion_id.in_(chunk), verdict_visible())
            found.update((row[0], record(row)) for row in self._connection.execute(query))
        return found

    def counts(self) -> dict[Decision, int]:
        """How many verdicts there are of each decision, from the counters."""
        found = counters.Counters(self._connection).of(counters.VERDICT)
        return {decision: found.get(decision.value, 0) for decision in Decision}


class VerdictWrites(VerdictReads):
    """Reads and writes of verdicts. Suggestions must be written before; they open and close with their verdicts."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger
        self._suggestions = suggestions.SuggestionWrites(connection, ledger)

    def add_many(self, verdicts: Sequence[Verdict], batch: UUID | None = None) -> None:
        """Add verdicts. One that an undone batch left behind gives way; one in force raises ``StoreError``."""
        for chunk in chunks(verdicts):
            ids = [verdict.suggestion_id for verdict in chunk]
            query = select(VerdictRow.suggestion_id).where(VerdictRow.suggestion_id.in_(ids), verdict_visible())
            if self._connection.execute(query).first() is not None:
                raise StoreError("A suggestion was judged elsewhere in the meantime.", "Look at the image again.")
            stale = delete(VerdictRow).where(VerdictRow.suggestion_id.in_(ids), VerdictRow.added_by.is_not(None))
            self._connection.execute(stale)
        if verdicts:
            self._connection.execute(insert(VerdictRow), [{**_row(verdict), "added_by": batch} for verdict in verdicts])
            self._suggestions.set_open((verdict.suggestion_id for verdict in verdicts), False)
            self._counted(verdicts, 1)

    def update_many(self, changes: Iterable[tuple[Verdict, Verdict]]) -> None:
        """Replace verdicts. Raises ``StoreError`` when one is gone."""
        pairs = list(changes)
        if not pairs:
            return
        rows = []
        for _, after in pairs:
            row = _row(after)
            row["key"] = row.pop("suggestion_id")
            rows.append(row)
        names = [name for name in rows[0] if name != "key"]
        statement = update(VerdictRow).where(VerdictRow.suggestion_id == bindparam("key"))
        found = self._connection.execute(statement.values({name: bindparam(name) for name in names}), rows)
        self._check(found.rowcount, len(rows))
        self._counted([before for before, _ in pairs], -1)
        self._counted([after for _, after in pairs], 1)

    def remove_many(self, verdicts: Sequence[Verdict]) -> dict[UUID, UUID]:
        """Take verdicts back; their suggestions open again unless a later run replaced them. Returns the batches of those
        that a batch had added."""
        if not verdicts:
            return {}
        owned: dict[UUID, UUID] = {}
        for chunk in chunks(verdict.suggestion_id for verdict in verdicts):
            query = select(VerdictRow.suggestion_id, VerdictRow.added_by).where(VerdictRow.suggestion_id.in_(chunk))
            for row in self._connection.execute(query):
                if row[1] is not None:
                    owned[row[0]] = row[1]
        statement = delete(VerdictRow).where(VerdictRow.suggestion_id == bindparam("key"))
        rows = [{"key": verdict.suggestion_id} for verdict in verdicts]
        self._check(self._connection.execute(statement, rows).rowcount, len(rows))
        self._suggestions.set_open((verdict.suggestion_id for verdict in verdicts), True)
        self._counted(verdicts, -1)
        return owned

    def _counted(self, verdicts: Sequence[Verdict], sign: int) -> None:
        for verdict in verdicts:
            self._ledger.count(counters.VERDICT, verdict.decision.value, sign)
        self._ledger.note(Table.VERDICT, images=(verdict.image_id for verdict in verdicts))

    @staticmethod
    def _check(changed: int, expected: int) -> None:
        if changed != expected:
            raise StoreError("A verdict was taken back elsewhere in the meantime.", "Look at the image again.")


def _row(verdict: Verdict) -> dict[str, Any]:
    return {
        "suggestion_id": verdict.suggestion_id,
        "image_id": verdict.image_id,
        "decision": verdict.decision.value,
        "annotation_id": verdict.annotation_id,
        "annotator": verdict.annotator,
        "created_at": verdict.created_at,
        "seconds": verdict.seconds,
    }
