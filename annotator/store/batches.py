"""Batches: bulk edits that are undone and redone by turning a flag."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from annotator.domain.records import now
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store import counters
from annotator.store.bulk import keep_more_pages
from annotator.store.ledger import Ledger
from annotator.store.suggestions import SuggestionWrites
from annotator.store.tables import (
    AnnotationRow,
    BatchDiffRow,
    BatchLabelRow,
    BatchRow,
    SuggestionRow,
    VerdictRow,
)
from annotator.store.tallies import Tallies
from annotator.store.visibility import annotation_visible


class BatchReads:
    """Reads of batches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def applied(self, batch_id: UUID) -> bool | None:
        """Whether the batch is in force; None when it was never written."""
        return self._connection.execute(select(BatchRow.applied).where(BatchRow.id == batch_id)).scalar_one_or_none()

    def diffs(self, batch_id: UUID, image_id: int | None = None) -> list[str]:
        """The change records of a batch, of one image or of all, in the order in which they were made."""
        query = select(BatchDiffRow.payload).where(BatchDiffRow.batch_id == batch_id).order_by(BatchDiffRow.id)
        if image_id is not None:
            query = query.where(BatchDiffRow.image_id == image_id)
        return list(self._connection.execute(query).scalars())


class BatchWrites(BatchReads):
    """Reads and writes of batches."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger
        self._suggestions = SuggestionWrites(connection, ledger)

    def begin(self, batch_id: UUID) -> None:
        """Make a batch, in force; its rows name it when they are written."""
        self._connection.execute(insert(BatchRow), {"id": batch_id, "applied": True, "created_at": now()})

    def add_diffs(self, batch_id: UUID, diffs: Iterable[tuple[int, str]]) -> None:
        """Keep change records as (image id, payload)."""
        rows = [{"batch_id": batch_id, "image_id": image, "payload": payload} for image, payload in diffs]
        if rows:
            self._connection.execute(insert(BatchDiffRow), rows)

    def remove_label(self, batch_id: UUID, label_id: int) -> int:
        """Let the batch remove all annotations of a label; returns how many."""
        chosen = and_(AnnotationRow.label_id == label_id, annotation_visible())
        return self._hide(batch_id, chosen)

    def move_label(self, batch_id: UUID, label_id: int, into: int) -> int:
        """Let the batch give all annotations of a label to another one; returns how many."""
        keep_more_pages(self._connection)
        chosen = and_(AnnotationRow.label_id == label_id, annotation_visible())
        columns = (AnnotationRow.id, AnnotationRow.image_id)
        rows = [
            {"batch_id": batch_id, "annotation_id": row[0], "image_id": row[1], "before_id": label_id, "after_id": into}
            for row in self._connection.execute(select(*columns).where(chosen))
        ]
        if rows:
            self._connection.execute(insert(BatchLabelRow), rows)
            self._relabel(batch_id, applied=True)
        return len(rows)

    def toggle(self, batch_id: UUID, applied: bool) -> None:
        """Put a batch in force or take it back. Raises ``StoreError`` when it is already so."""
        found = self._connection.execute(
            update(BatchRow).where(BatchRow.id == batch_id, BatchRow.applied.is_(not applied)).values(applied=applied)
        )
        if found.rowcount == 0:
            raise StoreError("A bulk edit was undone or redone elsewhere in the meantime.", "Look at the images again.")
        keep_more_pages(self._connection)
        others = select(BatchRow.id).where(BatchRow.applied, BatchRow.id != batch_id)
        free = or_(AnnotationRow.removed_by.is_(None), AnnotationRow.removed_by.not_in(others))
        there = or_(AnnotationRow.added_by.is_(None), AnnotationRow.added_by.in_(others))
        sign = 1 if applied else -1
        self._count_annotations(and_(AnnotationRow.added_by == batch_id, free), sign)
        self._count_annotations(and_(AnnotationRow.removed_by == batch_id, there), -sign)
        self._judge(batch_id, applied)
        self._relabel(batch_id, applied)
        self._ledger.note(Table.ANNOTATION)

    def _hide(self, batch_id: UUID, chosen: ColumnElement[bool]) -> int:
        keep_more_pages(self._connection)
        self._count_annotations(chosen, -1)
        return self._connection.execute(update(AnnotationRow).where(chosen).values(removed_by=batch_id)).rowcount

    def _count_annotations(self, chosen: ColumnElement[bool], sign: int) -> None:
        for label, number in Tallies(self._connection).add_chosen(chosen, sign).items():
            self._ledger.count(counters.ANNOTATION_LABEL, label, sign * number)
        self._ledger.note(Table.ANNOTATION, everything=True)

    def _judge(self, batch_id: UUID, applied: bool) -> None:
        """The verdicts of the batch come or go: count them, close or open their suggestions."""
        mine = VerdictRow.added_by == batch_id
        query = select(VerdictRow.decision, func.count()).where(mine).group_by(VerdictRow.decision)
        decisions = self._connection.execute(query).all()
        if not decisions:
            return
        for decision, number in decisions:
            self._ledger.count(counters.VERDICT, decision, number if applied else -number)
        judged = select(VerdictRow.suggestion_id).where(mine)
        chosen = [SuggestionRow.id.in_(judged), SuggestionRow.is_open.is_(applied)]
        if not applied:
            chosen.append(SuggestionRow.superseded.is_(False))
        columns = (SuggestionRow.image_id, SuggestionRow.label_id)
        rows = self._connection.execute(select(*columns, func.count()).where(*chosen).group_by(*columns))
        changed = {(row[0], row[1]): int(row[2]) for row in rows}
        self._connection.execute(update(SuggestionRow).where(*chosen).values(is_open=not applied))
        self._suggestions.count_open(changed, -1 if applied else 1)
        self._ledger.note(Table.VERDICT)

    def _relabel(self, batch_id: UUID, applied: bool) -> None:
        moved = BatchLabelRow
        old, new = (moved.before_id, moved.after_id) if applied else (moved.after_id, moved.before_id)
        pairs = self._connection.execute(select(old, new).where(moved.batch_id == batch_id).distinct()).all()
        for old_id, new_id in pairs:
            # What is moved is all that the smaller label has: it is counted before and after, in the label's index.
            smaller = old_id if applied else new_id
            before = self._shown(smaller)
            mine = and_(
                moved.batch_id == batch_id, moved.annotation_id == AnnotationRow.id, old == old_id, new == new_id
            )
            here = and_(mine, AnnotationRow.label_id == old_id)
            self._connection.execute(update(AnnotationRow).where(here).values(label_id=new_id))
            number = abs(self._shown(smaller) - before)
            self._ledger.count(counters.ANNOTATION_LABEL, old_id, -number)
            self._ledger.count(counters.ANNOTATION_LABEL, new_id, number)
            self._ledger.note(Table.ANNOTATION, labels=(old_id, new_id), everything=True)

    def _shown(self, label_id: int) -> int:
        """How many annotations of a label are in force."""
        query = select(func.count()).where(AnnotationRow.label_id == label_id, annotation_visible())
        return int(self._connection.execute(query).scalar_one())
