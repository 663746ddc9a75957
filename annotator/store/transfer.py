"""All rows of a project as plain JSON, and back into an empty database: ids, order and times stay as they are.

A dump names the schema that its columns belong to. One of an older version goes into a database of that version, which is then
brought up to date as an old project would be.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, LargeBinary, Table, insert, select

from annotator.errors import StoreError
from annotator.store import schema
from annotator.store.tables import Base, JobRow
from annotator.store.types import FileName, UuidBytes, storable_name

_PAGE = 1000
_LEFT_OUT = frozenset({JobRow.__tablename__})
_DROPPED = frozenset({("image", "annotations")})
"""Columns of older schemas that newer ones do without: figures that the rows give anyway."""


def tables() -> tuple[str, ...]:
    """The names of the tables that are transferred, each before those that refer to it."""
    return tuple(table.name for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT)


def dump(connection: Connection, name: str) -> Iterator[bytes]:
    """The rows of a table as lines of JSON, by primary key."""
    table = Base.metadata.tables[name]
    rows = connection.execution_options(yield_per=_PAGE).execute(select(table).order_by(*table.primary_key.columns))
    for row in rows.mappings():
        yield orjson.dumps({str(column.name): _plain(row[column], column.type) for column in table.columns}) + b"\n"


def fill(connection: Connection, revision: str, lines_of: Callable[[str], Iterable[bytes]]) -> None:
    """Make the tables of ``revision`` in an empty database, insert what ``lines_of`` gives for each, and bring it up to date.

    Raises ``StoreError`` for a schema that this program does not know and for a line that is no row.
    """
    if revision not in schema.REVISIONS:
        raise StoreError(
            f"It has the schema {revision}; this program knows {schema.REVISIONS[-1]}.", "Update Annotator."
        )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # labels and edits refer to others of their table
    schema.make(connection, revision)
    for name in tables():
        _restore(connection, Base.metadata.tables[name], lines_of(name))
    schema.upgrade(connection)


def _restore(connection: Connection, table: Table, lines: Iterable[bytes]) -> None:
    page = []
    for number, line in enumerate(lines, 1):
        page.append(_row(table, line, number))
        if len(page) == _PAGE:
            connection.execute(insert(table), page)
            page = []
    if page:
        connection.execute(insert(table), page)


def _row(table: Table, line: bytes, number: int) -> dict[str, Any]:
    try:
        values = orjson.loads(line)
        kept = [(name, value) for name, value in values.items() if (table.name, name) not in _DROPPED]
        return {name: _value(value, table.columns[name].type) for name, value in kept}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{table.name}, line {number}: this is no row of the table ({error}).") from error


def _plain(value: Any, kind: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return storable_name(value) if isinstance(kind, FileName) and isinstance(value, str) else value


def _value(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, UuidBytes):
        return UUID(value)
    return base64.b64decode(value, validate=True) if isinstance(kind, LargeBinary) else value
