"""Inserts of many rows at the speed of the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from annotator.store.tables import Base
from annotator.store.types import UuidBytes


def insert_rows(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, which all have the same keys: the columns' names.

    On SQLite the statement and its parameters go to the driver as they are, UUIDs as their bytes: half the time of a statement
    that SQLAlchemy binds row by row. Not for columns of type ``FileName``.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    places = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.__tablename__} ({', '.join(names)}) VALUES ({places})"
    types = {column.name: column.type for column in table.__table__.columns}
    identities = [name for name in names if isinstance(types[name], UuidBytes)]
    values = []
    for row in rows:
        plain = dict(row)
        for name in identities:
            if plain[name] is not None:
                plain[name] = plain[name].bytes
        values.append(tuple(plain.values()))
    connection.exec_driver_sql(statement, values)
