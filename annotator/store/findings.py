"""Decisions about the audit's findings: which were fixed, kept as they are, or skipped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from annotator.domain.kinds import FindingState
from annotator.domain.records import FindingDecision
from annotator.events import Table
from annotator.store.id_arrays import chunks
from annotator.store.ledger import Ledger
from annotator.store.tables import FindingRow

_COLUMNS = (
    FindingRow.key,
    FindingRow.image_id,
    FindingRow.kind,
    FindingRow.state,
    FindingRow.annotator,
    FindingRow.created_at,
)


class FindingReads:
    """Reads of decisions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def decided(self) -> dict[str, FindingDecision]:
        """All decisions by the key of their finding."""
        found = self._connection.execute(select(*_COLUMNS).order_by(FindingRow.created_at, FindingRow.key))
        return {row[0]: FindingDecision(row[0], row[1], row[2], FindingState(row[3]), row[4], row[5]) for row in found}


class FindingWrites(FindingReads):
    """Reads and writes of decisions."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def put(self, decisions: Iterable[FindingDecision]) -> None:
        """Store decisions; one about a finding that was decided before takes its place."""
        for chunk in chunks(decisions):
            self._connection.execute(delete(FindingRow).where(FindingRow.key.in_([each.key for each in chunk])))
            self._connection.execute(insert(FindingRow), [_row(each) for each in chunk])
            self._ledger.note(Table.FINDING, images=(each.image_id for each in chunk))

    def remove(self, decisions: Iterable[FindingDecision]) -> None:
        """Take decisions back."""
        for chunk in chunks(decisions):
            self._connection.execute(delete(FindingRow).where(FindingRow.key.in_([each.key for each in chunk])))
            self._ledger.note(Table.FINDING, images=(each.image_id for each in chunk))


def _row(decision: FindingDecision) -> dict[str, Any]:
    return {
        "key": decision.key,
        "image_id": decision.image_id,
        "kind": decision.kind,
        "state": decision.state.value,
        "annotator": decision.annotator,
        "created_at": decision.created_at,
    }
