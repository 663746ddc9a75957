"""Labels and their groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select, update

from annotator.domain.records import Label, LabelGroup, Skeleton
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store import counters
from annotator.store.ledger import Ledger
from annotator.store.tables import LabelGroupRow, LabelRow
from annotator.store.types import dump_json, dump_mapping, load_mapping

_COLUMNS = (
    LabelRow.id,
    LabelRow.name,
    LabelRow.color,
    LabelRow.position,
    LabelRow.shortcut,
    LabelRow.synonyms,
    LabelRow.definition,
    LabelRow.parent_id,
    LabelRow.group_id,
    LabelRow.skeleton,
    LabelRow.attributes_schema,
)


def _record(row: Any) -> Label:
    skeleton = None
    if row[9]:
        data = orjson.loads(row[9])
        skeleton = Skeleton(tuple(data["points"]), tuple((a, b) for a, b in data["edges"]))
    synonyms = tuple(orjson.loads(row[5])) if row[5] else ()
    values = (*row[:5], synonyms, *row[6:9], skeleton, load_mapping(row[10]))
    return Label(*values)


class LabelReads:
    """Reads of labels."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[Label, ...]:
        """The labels in the order of the panel, deleted ones left out."""
        query = select(*_COLUMNS).where(LabelRow.deleted.is_(False)).order_by(LabelRow.position, LabelRow.id)
        return tuple(_record(row) for row in self._connection.execute(query))

    def get(self, label_id: int) -> Label:
        """The label; raises ``StoreError`` when there is none or it was deleted."""
        query = select(*_COLUMNS).where(LabelRow.id == label_id, LabelRow.deleted.is_(False))
        row = self._connection.execute(query).first()
        if row is None:
            raise StoreError(f"The project has no label number {label_id}.")
        return _record(row)

    def by_name(self, name: str) -> Label | None:
        """The label of that exact name, if there is one."""
        query = select(*_COLUMNS).where(LabelRow.name == name, LabelRow.deleted.is_(False)).order_by(LabelRow.id)
        row = self._connection.execute(query).first()
        return None if row is None else _record(row)

    def groups(self) -> tuple[LabelGroup, ...]:
        """All groups; the first is the one that new labels join."""
        query = select(LabelGroupRow.id, LabelGroupRow.name, LabelGroupRow.exclusive).order_by(LabelGroupRow.id)
        return tuple(LabelGroup(row[0], row[1], bool(row[2])) for row in self._connection.execute(query))

    def next_id(self) -> int:
        """An id that no label has had."""
        return int(self._connection.execute(select(func.coalesce(func.max(LabelRow.id), 0))).scalar_one()) + 1

    def aliases(self, revived: Collection[int] = ()) -> dict[int, int | None]:
        """For each deleted label the one that it was merged into, following chains; None when it is simply gone.

        ``revived`` are taken as not deleted.
        """
        query = select(LabelRow.id, LabelRow.merged_into).where(LabelRow.deleted)
        rows = self._connection.execute(query)
        direct: dict[int, int | None] = {row[0]: row[1] for row in rows if row[0] not in revived}
        found: dict[int, int | None] = {}
        for label in direct:
            target, seen = direct[label], {label}
            while target is not None and target in direct and target not in seen:
                seen.add(target)
                target = direct[target]
            found[label] = None if target in seen else target
        return found

    def counts(self) -> dict[int, tuple[int, int]]:
        """For each label how many annotations and open suggestions it has, from the counters."""
        reads, aliases = counters.Counters(self._connection), self.aliases()
        found: dict[int, list[int]] = {}
        for index, scope in enumerate((counters.ANNOTATION_LABEL, counters.SUGGESTION_LABEL)):
            for key, number in reads.of(scope).items():
                label = aliases.get(int(key), int(key))
                if label is not None:
                    found.setdefault(label, [0, 0])[index] += number
        return {label: (pair[0], pair[1]) for label, pair in found.items()}


class LabelWrites(LabelReads):
    """Reads and writes of labels. In the window they go through edits, so that they can be undone."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def add(self, label: Label) -> int:
        """Add a label; id 0 asks for a fresh one. A deleted label with this id comes back."""
        row = _row(label)
        known = self._connection.execute(select(LabelRow.deleted).where(LabelRow.id == label.id)).scalar_one_or_none()
        if known is not None:
            if not known:
                raise StoreError(f"There is already a label number {label.id}.")
            self._connection.execute(update(LabelRow).where(LabelRow.id == label.id).values(row))
            label_id = label.id
        else:
            label_id = label.id or self.next_id()
            self._connection.execute(insert(LabelRow), {**row, "id": label_id})
        self._ledger.note(Table.LABEL, labels=(label_id,))
        return label_id

    def update(self, labels: Iterable[Label]) -> None:
        """Write labels that exist; raises ``StoreError`` for one that does not."""
        for label in labels:
            found = self._connection.execute(
                update(LabelRow).where(LabelRow.id == label.id, LabelRow.deleted.is_(False)).values(_row(label))
            )
            if found.rowcount == 0:
                raise StoreError(f'The label "{label.name}" is no longer there.')
            self._ledger.note(Table.LABEL, labels=(label.id,))

    def remove(self, label_id: int, merged_into: int | None = None) -> None:
        """Delete a label, or merge it into another. Its annotations are not touched."""
        values = {"deleted": True, "merged_into": merged_into}
        found = self._connection.execute(
            update(LabelRow).where(LabelRow.id == label_id, LabelRow.deleted.is_(False)).values(values)
        )
        if found.rowcount == 0:
            raise StoreError(f"The project has no label number {label_id}.")
        self._ledger.note(Table.LABEL, labels=(label_id,) if merged_into is None else (label_id, merged_into))

    def add_group(self, name: str, exclusive: bool = True) -> int:
        """Add a group, or change whether the one of that name is exclusive; returns its id."""
        self._ledger.note(Table.LABEL)
        query = select(LabelGroupRow.id).where(LabelGroupRow.name == name)
        found = self._connection.execute(query).scalar_one_or_none()
        if found is not None:
            self._connection.execute(update(LabelGroupRow).where(LabelGroupRow.id == found).values(exclusive=exclusive))
            return found
        row = {"name": name, "exclusive": exclusive}
        return int(self._connection.execute(insert(LabelGroupRow).returning(LabelGroupRow.id), row).scalar_one())


def _row(label: Label) -> dict[str, Any]:
    skeleton = label.skeleton
    return {
        "id": label.id,
        "deleted": False,
        "merged_into": None,
        "name": label.name,
        "color": label.color,
        "position": label.position,
        "shortcut": label.shortcut,
        "synonyms": dump_json(list(label.synonyms)) if label.synonyms else "",
        "definition": label.definition,
        "parent_id": label.parent_id,
        "group_id": label.group_id,
        "skeleton": dump_json({"points": skeleton.points, "edges": skeleton.edges}) if skeleton else "",
        "attributes_schema": dump_mapping(label.attributes_schema),
    }
