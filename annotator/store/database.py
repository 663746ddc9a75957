"""The database of one project: how it is opened, read and written.

Readers see one consistent snapshot and never wait. Writers of this process take turns through a lock, those of other
processes through SQLite's own (``BEGIN IMMEDIATE``, five seconds of patience). After each commit one ``ChangeSet`` goes to
the subscribers, on the thread that committed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from annotator.errors import StoreError
from annotator.events import ChangeSet
from annotator.store import problems, schema
from annotator.store.bulk import UNFOLDED, WIDE
from annotator.store.session import Reader, Writer

# Ids often come out of NumPy arrays; without this SQLite would take them for eight-byte blobs and find nothing.
sqlite3.register_adapter(np.int64, int)

_log = logging.getLogger(__name__)

FILE_NAME = "project.db"
_USUAL_CACHE = "cache_size=-12000"
"""Of each connection, and a window has several: what they leave is kept by the system, and read from there in microseconds."""
_WRITERS_CACHE = "cache_size=-32000"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    _USUAL_CACHE,
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)

Subscriber = Callable[[ChangeSet], None]


class OlderDatabase(StoreError):
    """A database of an older version was opened for reading: only who may write can bring it up to date."""


class Database:
    """Use ``create`` or ``open``; ``notices`` holds lines that the person should see, e.g. about a damaged log."""

    def __init__(self, engine: Engine, where: Path | str, *, read_only: bool = False) -> None:
        self.engine = engine
        self.where = where
        self.read_only = read_only
        self.notices: tuple[str, ...] = ()
        self._write_lock = threading.RLock()
        self._subscribers: list[Subscriber] = []
        self._log_is_long = False

    @classmethod
    def create(cls, folder: Path, begin: Callable[[Connection], None] = schema.create) -> Database:
        """Make ``project.db`` in ``folder`` (made too); ``begin`` fills it. Raises ``StoreError`` when there is one already."""
        path = folder / FILE_NAME
        if path.exists():
            raise StoreError(f"{folder} already holds a project.", "Open it, or choose another name.", path=path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"The folder {folder} cannot be made: {error.strerror}."
            raise StoreError(what, "Choose a place where you may write.", path=folder) from error
        database = cls(_sqlite_engine(path), path)
        try:
            database._begin_life(begin)
        except BaseException:
            database.close()
            path.unlink(missing_ok=True)
            raise
        return database

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Database:
        """Open the project in ``folder``, migrating it when it is older. Raises ``StoreError`` with the cure."""
        path = folder / FILE_NAME
        problems.check_header(path)
        wal = path.with_name(path.name + "-wal")
        claimed = problems.committed_frames(wal)
        database = cls(_sqlite_engine(path, read_only=read_only), path, read_only=read_only)
        try:
            database._check_file(path, claimed)
            database._check_schema()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def open_url(cls, url: str, *, create: bool = False) -> Database:
        """Open a database by SQLAlchemy URL, e.g. ``postgresql+psycopg://user@host/project``."""
        parsed = make_url(url)
        database = cls(_server_engine(parsed), parsed.render_as_string(hide_password=True))
        try:
            if create:
                database._begin_life(schema.create)
            else:
                database._check_schema()
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent snapshot; never blocks on writers."""
        with problems.explained(self.where), self.engine.connect() as connection, connection.begin():
            yield Reader(connection)

    @contextmanager
    def write(self, initiator: str = "") -> Iterator[Writer]:
        """One transaction: commits when the block ends, rolls back when it raises, then publishes its ``ChangeSet``."""
        with self._write_lock:
            with problems.explained(self.where), self._writing() as connection, connection.begin():
                writer = Writer(connection, initiator)
                yield writer
                writer.finish()
                self._note_log(connection)
            self.publish(writer.change_set())
        self.fold_log()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A bare write transaction for the lane, which makes its own writers and publishes itself."""
        with self._write_lock, problems.explained(self.where), self._writing() as connection, connection.begin():
            yield connection
            self._note_log(connection)

    def fold_log(self) -> None:
        """Copy what a large transaction left in the write-ahead log into the file; nothing after a small one.

        What was committed is safe without it, so a failure is only logged: SQLite tries again by itself.
        """
        if not self._log_is_long:
            return
        self._log_is_long = False
        try:
            with problems.explained(self.where), self._write_lock, self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        except (StoreError, DBAPIError) as error:
            _log.warning("The write-ahead log of %s was not folded: %s", self.where, error)

    def _note_log(self, connection: Connection) -> None:
        self._log_is_long = self._log_is_long or connection.info.get(UNFOLDED, False)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call ``callback`` after each commit that changed something, until the function that is returned is called."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def publish(self, change_set: ChangeSet) -> None:
        """Hand ``change_set`` to the subscribers. One that fails is logged and does not keep it from the others."""
        if not change_set.tables:
            return
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(change_set)
            except Exception:  # noqa: BLE001  the commit has happened; a view must not make it look failed
                _log.exception("A subscriber of the store failed")

    def close(self) -> None:
        """Close all connections; the write-ahead log is folded into the file."""
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _writing(self) -> Connection:
        if self.read_only:
            raise StoreError(f"{self.where} was opened for reading only.", "Open it for writing.", path=self.where)
        return self.engine.connect().execution_options(writes=True)

    def _begin_life(self, begin: Callable[[Connection], None]) -> None:
        with self.transaction() as connection:
            begin(connection)

    def _check_schema(self) -> None:
        with problems.explained(self.where), self.engine.connect() as connection, connection.begin():
            current = schema.is_current(connection, self.where)
        if not current and self.read_only:
            what = f"{self.where} was made by an older version of Annotator and is not brought up to date yet."
            raise OlderDatabase(what, "Open it once for writing.", path=self.where)
        if not current:
            with self.transaction() as connection:
                schema.upgrade(connection)

    def _check_file(self, path: Path, claimed: int | None) -> None:
        """Notice a file that is cut off, and a log of which only a part could be used."""
        with problems.explained(path), self.engine.connect() as connection:
            used = 0
            if not self.read_only:
                with self._write_lock:
                    used = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()[1]
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
            if claimed == 0 or not self.read_only:
                problems.check_length(path, pages, size)
            if claimed is None or (not self.read_only and used < claimed):
                if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() != "ok":
                    what = f"{path} and its write-ahead log are damaged."
                    raise StoreError(what, "Restore the project folder from a backup.", path=path)
                notice = f"{path.name}-wal was damaged: the project is open as of its last complete save."
                self.notices = (*self.notices, notice)
                _log.warning("%s", notice)


def _sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    database = str(path.absolute())
    query: dict[str, str] = {}
    if read_only:
        quoted = database.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        database, query = f"file:{quoted}", {"mode": "ro", "uri": "true"}
        if not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists():
            query["immutable"] = "1"  # no log may be made beside it, and none is needed
    engine = create_engine(URL.create("sqlite", database=database, query=query), connect_args={"timeout": 5.0})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions by its own rules
        cursor = connection.cursor()
        try:
            for pragma in _PRAGMAS:
                if not (read_only and pragma.startswith("journal")):
                    cursor.execute(f"PRAGMA {pragma}")
        finally:
            cursor.close()

    @event.listens_for(engine, "checkin")
    def give_back(connection: Any, record: Any) -> None:
        if connection is not None and record.info.pop(WIDE, False):
            connection.execute(f"PRAGMA {_USUAL_CACHE}")
        if connection is not None and record.info.pop(UNFOLDED, False):
            connection.execute("PRAGMA wal_autocheckpoint=1000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        if writes:
            connection.exec_driver_sql(f"PRAGMA {_WRITERS_CACHE}")
            connection.info[WIDE] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _server_engine(url: URL) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writes", False):
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))

    return engine
