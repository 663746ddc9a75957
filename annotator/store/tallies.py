"""How many of an image's annotations in force have a given annotator or attribute: what lists are filtered by.

Kept by the transactions that change annotations, like the counters. A filter that asked the annotations themselves would look at
one index entry per annotation, or seek once per image: 50 to 115 ms for 100,000 images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Column, ColumnElement, Connection, Integer, MetaData, Select, Text, func, literal, select
from sqlalchemy import Table as TemporaryTable
from sqlalchemy.dialects import postgresql, sqlite

from annotator.domain.records import Annotation
from annotator.store.id_arrays import chunks
from annotator.store.tables import AnnotationRow, TallyRow
from annotator.store.types import load_mapping
from annotator.store.visibility import annotation_visible

ANNOTATOR = "annotator"
ATTRIBUTE = "attribute"
KEY_CHARS = 200
"""Longer names and values are not counted: PostgreSQL indexes no long ones, and nobody filters by them."""
_ADD = (
    "INSERT INTO image_tally (scope, key, image_id, number) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (scope, key, image_id) DO UPDATE SET number = number + excluded.number"
)
Differences = Counter[tuple[str, str, int]]
"""By scope, key and image id."""


def attribute_key(name: str, value: Any) -> str:
    """The key of an attribute's value."""
    return orjson.dumps([name, value]).decode()


def attribute_of(key: str) -> tuple[str, Any]:
    """Name and value of an attribute's key."""
    name, value = orjson.loads(key)
    return name, value


def _attribute_keys(attributes: Mapping[str, Any]) -> list[str]:
    keys = (attribute_key(name, value) for name, value in attributes.items())
    return [key for key in keys if len(key) <= KEY_CHARS]


def differences(annotations: Iterable[Annotation], sign: int) -> Differences:
    """What annotations that come (1) or go (-1) change."""
    found: Differences = Counter()
    whose: Counter[tuple[str, int]] = Counter()
    for annotation in annotations:
        whose[annotation.annotator, annotation.image_id] += sign
        if annotation.attributes:
            for key in _attribute_keys(annotation.attributes):
                found[ATTRIBUTE, key, annotation.image_id] += sign
    for (annotator, image), number in whose.items():
        found[ANNOTATOR, annotator[:KEY_CHARS], image] += number
    return found


class Tallies:
    """Reads and writes of the tallies."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keys(self, scope: str, limit: int | None = 100) -> list[str]:
        """The first keys of a scope that some image has, by name: one seek each."""
        found: list[str] = []
        row = TallyRow
        query = select(func.min(row.key)).where(row.scope == scope)
        while limit is None or len(found) < limit:
            after = query.where(row.key > found[-1]) if found else query
            key: str | None = self._connection.execute(after).scalar_one()
            if key is None:
                return self._used(scope, found)
            found.append(key)
        return self._used(scope, found)

    def annotations_on(self, ids: Iterable[int]) -> dict[int, int]:
        """How many annotations in force each of some images has; those without any are left out."""
        row = TallyRow
        query = select(row.image_id, func.sum(row.number)).where(row.scope == ANNOTATOR, row.number != 0)
        whose = self.keys(ANNOTATOR, limit=None)
        found: dict[int, int] = {}
        for chunk in chunks(ids):
            asked = query.where(row.key.in_(whose), row.image_id.in_(chunk)).group_by(row.image_id)
            found.update({image: int(number) for image, number in self._connection.execute(asked)})
        return found

    def add(self, changes: Mapping[tuple[str, str, int], int]) -> None:
        """Add differences."""
        rows = [(*key, number) for key, number in changes.items() if number]
        if rows and self._connection.dialect.name == "sqlite":
            self._connection.exec_driver_sql(_ADD, rows)
        elif rows:
            names = ("scope", "key", "image_id", "number")
            self._connection.execute(self._upsert(self._insert()), [dict(zip(names, row, strict=True)) for row in rows])

    def add_chosen(self, chosen: ColumnElement[bool], sign: int) -> dict[int, int]:
        """The annotations that fulfil ``chosen`` come (1) or go (-1): counted where they are, for bulk edits, and read once.

        Returns how many there are of each label.
        """
        row, census, meaning = AnnotationRow, _census(), _meaning()
        tables = (census, meaning)
        for table in tables:
            table.create(self._connection)
        read = select(row.image_id, func.substr(row.annotator, 1, KEY_CHARS), row.attributes, row.label_id)
        self._connection.execute(census.insert().from_select(list(census.columns), read.where(chosen)))
        found, told, number = census.columns, meaning.columns, func.count() * literal(sign)
        whose = select(literal(ANNOTATOR), found.annotator, found.image_id, number)
        self._add_from(whose.group_by(found.annotator, found.image_id))
        texts = self._connection.execute(select(found.attributes).where(found.attributes != "").distinct()).scalars()
        keys = [{"attributes": text, "key": key} for text in texts for key in _attribute_keys(load_mapping(text))]
        if keys:
            self._connection.execute(meaning.insert(), keys)
            which = select(literal(ATTRIBUTE), told.key, found.image_id, number)
            self._add_from(which.where(told.attributes == found.attributes).group_by(told.key, found.image_id))
        labels = select(found.label_id, func.count()).group_by(found.label_id)
        by_label = {label: int(total) for label, total in self._connection.execute(labels)}
        for table in tables:
            table.drop(self._connection)
        return by_label

    def _add_from(self, counted: Select[Any]) -> None:
        columns = ["scope", "key", "image_id", "number"]
        self._connection.execute(self._upsert(self._insert().from_select(columns, counted)))

    def _attributes(self, chosen: ColumnElement[bool], sign: int) -> Differences:
        row, found = AnnotationRow, Differences()
        query = select(row.image_id, row.attributes, func.count()).where(chosen, row.attributes != "")
        for image, text, number in self._connection.execute(query.group_by(row.image_id, row.attributes)):
            for key in _attribute_keys(load_mapping(text)):
                found[ATTRIBUTE, key, image] += sign * number
        return found

    def recount(self) -> dict[tuple[str, str, int], int]:
        """All tallies from the annotations themselves: for tests and repairs only."""
        row = AnnotationRow
        query = select(func.substr(row.annotator, 1, KEY_CHARS), row.image_id, func.count())
        rows = self._connection.execute(query.where(annotation_visible()).group_by(row.annotator, row.image_id))
        found = self._attributes(annotation_visible(), 1)
        for annotator, image, number in rows:
            found[ANNOTATOR, annotator, image] += number
        return dict(found)

    def all(self) -> dict[tuple[str, str, int], int]:
        """All tallies that are not zero, as ``recount`` gives them."""
        row = TallyRow
        rows = self._connection.execute(select(row.scope, row.key, row.image_id, row.number).where(row.number != 0))
        return {(scope, key, image): number for scope, key, image, number in rows}

    def _used(self, scope: str, keys: list[str]) -> list[str]:
        """Those of ``keys`` that an image still has."""
        row = TallyRow
        there = select(row.image_id).where(row.scope == scope, row.number > 0)
        return [key for key in keys if self._connection.execute(there.where(row.key == key).limit(1)).first()]

    def _insert(self) -> Any:
        return (sqlite if self._connection.dialect.name == "sqlite" else postgresql).insert(TallyRow)

    @staticmethod
    def _upsert(statement: Any) -> Any:
        return statement.on_conflict_do_update(
            index_elements=[TallyRow.scope, TallyRow.key, TallyRow.image_id],
            set_={"number": TallyRow.number + statement.excluded.number},
        )


def _census() -> TemporaryTable:
    """What a bulk edit counts of each annotation that it touches."""
    texts = (Column("annotator", Text), Column("attributes", Text))
    columns = (Column("image_id", Integer), *texts, Column("label_id", Integer))
    return TemporaryTable("census", MetaData(), *columns, prefixes=["TEMPORARY"])


def _meaning() -> TemporaryTable:
    """The keys that the text of an annotation's attributes stands for."""
    columns = (Column("attributes", Text), Column("key", Text))
    return TemporaryTable("meaning", MetaData(), *columns, prefixes=["TEMPORARY"])


def with_tally(scope: str, key: str | None = None) -> Select[Any]:
    """The ids of the images that have ``key``, or any key of the scope: an id then comes once for each."""
    row = TallyRow
    there = select(row.image_id).where(row.scope == scope, row.number > 0)
    return there if key is None else there.where(row.key == key[:KEY_CHARS])
