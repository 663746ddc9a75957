"""Inserts of many rows at the speed of the driver, and room for transactions that touch a large part of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from annotator.store.tables import Base
from annotator.store.types import UuidBytes

WIDE = "keeps more pages"
UNFOLDED = "leaves its log"


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
    identities = [place for place, name in enumerate(names) if isinstance(types[name], UuidBytes)]
    values = [list(row.values()) for row in rows]
    for plain in values:
        for place in identities:
            identity = plain[place]
            if identity is not None:
                plain[place] = identity.bytes
    connection.exec_driver_sql(statement, [tuple(plain) for plain in values])


def keep_more_pages(connection: Connection) -> None:
    """Let SQLite keep up to 256 MB of pages until the connection is given back, and leave its log as it is after the commit.

    A hundred thousand annotations lie on most pages of their table: with the usual cache each page is written to the log and
    read again several times, which doubles the time of such a change. Copying the log into the file afterwards would take as long
    again, while somebody waits for *saved*, which the log alone makes true: ``Database.fold_log`` does it then.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-262144")
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        connection.info[WIDE] = True
        connection.info[UNFOLDED] = True
