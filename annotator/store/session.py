"""What a transaction offers: repositories, and in a writer the collection of what changed and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from sqlalchemy import Connection, insert, update

from annotator.events import ChangeSet, Table
from annotator.store.annotations import AnnotationReads, AnnotationWrites
from annotator.store.batches import BatchReads, BatchWrites
from annotator.store.counters import Counters
from annotator.store.edit_log import EditLog
from annotator.store.findings import FindingReads, FindingWrites
from annotator.store.images import ImageReads, ImageWrites
from annotator.store.labels import LabelReads, LabelWrites
from annotator.store.ledger import Ledger
from annotator.store.pages import PageReads
from annotator.store.runs import RunReads, RunWrites
from annotator.store.settings import SettingReads, SettingWrites
from annotator.store.suggestions import SuggestionReads, SuggestionWrites
from annotator.store.tables import CounterRow
from annotator.store.verdicts import VerdictReads, VerdictWrites


class Reader:
    """One snapshot of the project. Everything it returns is a frozen record or a NumPy array."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def images(self) -> ImageReads:
        return ImageReads(self.connection)

    @cached_property
    def labels(self) -> LabelReads:
        return LabelReads(self.connection)

    @cached_property
    def annotations(self) -> AnnotationReads:
        return AnnotationReads(self.connection)

    @cached_property
    def suggestions(self) -> SuggestionReads:
        return SuggestionReads(self.connection)

    @cached_property
    def verdicts(self) -> VerdictReads:
        return VerdictReads(self.connection)

    @cached_property
    def findings(self) -> FindingReads:
        return FindingReads(self.connection)

    @cached_property
    def runs(self) -> RunReads:
        return RunReads(self.connection)

    @cached_property
    def settings(self) -> SettingReads:
        return SettingReads(self.connection)

    @cached_property
    def batches(self) -> BatchReads:
        return BatchReads(self.connection)

    @cached_property
    def edits(self) -> EditLog:
        return EditLog(self.connection)

    @cached_property
    def counters(self) -> Counters:
        return Counters(self.connection)

    @cached_property
    def pages(self) -> PageReads:
        return PageReads(self.connection)


class Writer(Reader):
    """A transaction that is being written. Its repositories also write; ``finish`` settles the counters."""

    def __init__(self, connection: Connection, initiator: str = "") -> None:
        super().__init__(connection)
        self.ledger = Ledger(initiator)

    @cached_property
    def images(self) -> ImageWrites:
        return ImageWrites(self.connection, self.ledger)

    @cached_property
    def labels(self) -> LabelWrites:
        return LabelWrites(self.connection, self.ledger)

    @cached_property
    def annotations(self) -> AnnotationWrites:
        return AnnotationWrites(self.connection, self.ledger)

    @cached_property
    def suggestions(self) -> SuggestionWrites:
        return SuggestionWrites(self.connection, self.ledger)

    @cached_property
    def verdicts(self) -> VerdictWrites:
        return VerdictWrites(self.connection, self.ledger)

    @cached_property
    def findings(self) -> FindingWrites:
        return FindingWrites(self.connection, self.ledger)

    @cached_property
    def runs(self) -> RunWrites:
        return RunWrites(self.connection, self.ledger)

    @cached_property
    def settings(self) -> SettingWrites:
        return SettingWrites(self.connection, self.ledger)

    @cached_property
    def batches(self) -> BatchWrites:
        return BatchWrites(self.connection, self.ledger)

    def finish(self) -> None:
        """Write the counters' differences; called once, before the commit."""
        write_counts(self.connection, self.ledger.counts)

    def change_set(self) -> ChangeSet:
        """What this transaction changed."""
        return self.ledger.change_set()


def write_counts(connection: Connection, counts: Counter[tuple[str, str]]) -> None:
    """Add differences to the counter table."""
    for (scope, key), difference in counts.items():
        if difference == 0:
            continue
        found = connection.execute(
            update(CounterRow)
            .where(CounterRow.scope == scope, CounterRow.key == key)
            .values(value=CounterRow.value + difference)
        )
        if found.rowcount == 0:
            connection.execute(insert(CounterRow), {"scope": scope, "key": key, "value": difference})


def merged(change_sets: Iterable[ChangeSet]) -> ChangeSet:
    """One ``ChangeSet`` for several submissions that one commit made durable."""
    sets = [s for s in change_sets if s.tables]
    if len(sets) == 1:
        return sets[0]
    tables: set[Table] = set()
    images: dict[int, None] = {}
    labels: dict[int, None] = {}
    for each in sets:
        tables |= each.tables
        images.update(dict.fromkeys(each.image_ids))
        labels.update(dict.fromkeys(each.label_ids))
    initiators = {s.initiator for s in sets}
    return ChangeSet(
        frozenset(tables),
        tuple(images),
        tuple(labels),
        everything=any(s.everything for s in sets),
        edit_id=max((s.edit_id for s in sets if s.edit_id is not None), default=None),
        initiator=initiators.pop() if len(initiators) == 1 else "",
    )
