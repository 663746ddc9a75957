"""The one writer lane: a thread that takes submissions in order and makes them durable.

What waits together is written in one transaction, each submission in its own savepoint: one that fails is undone and
reported alone, and the commit costs one flush of the disk for all.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection

from annotator.errors import StoreError
from annotator.events import ChangeSet
from annotator.store import problems
from annotator.store.database import Database
from annotator.store.session import Writer, merged

T = TypeVar("T")

_GROUP_SECONDS = 0.02
"""A group stops growing after this time, so that no other process waits long for its turn."""


@dataclass(frozen=True)
class _Submission:
    work: Callable[[Writer], Any]
    future: Future[Any]
    initiator: str


@dataclass(frozen=True)
class _Outcome:
    future: Future[Any]
    result: Any = None
    changes: ChangeSet | None = None
    error: BaseException | None = None


class WriteLane:
    """First in, first out. Futures complete on the lane's thread, after the commit and after the event was published."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Writer], T], initiator: str = "") -> Future[T]:
        """Run ``work`` with a writer on the lane; the future has its result once that is on disk.

        It raises what ``work`` raised, or ``StoreError`` when the commit failed. Raises ``StoreError`` after ``close``.
        """
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise StoreError("The project is closed: nothing more can be saved.", "Open it again.")
            self._waiting.put(_Submission(work, future, initiator))
        return future

    def flush(self, timeout: float | None = None) -> None:
        """Return when all that was submitted so far is on disk or has failed. Raises ``TimeoutError``."""
        self.submit(lambda writer: None).result(timeout)

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        stop = False
        while not stop:
            if self._waiting.empty():
                self._database.fold_log()  # once nobody waits for anything
            first = self._waiting.get()
            if first is None:
                return
            group: deque[_Submission] = deque([first])
            stop = self._commit(group)
        self._database.fold_log()

    def _commit(self, group: deque[_Submission]) -> bool:
        """Write ``group`` and what arrives meanwhile. True when the lane was asked to stop."""
        outcomes: list[_Outcome] = []
        stop = False
        until = time.monotonic() + _GROUP_SECONDS
        try:
            with self._database.transaction() as connection:
                while group:
                    submission = group.popleft()
                    if submission.future.set_running_or_notify_cancel():
                        outcomes.append(self._write_one(connection, submission))
                        _check_alive(connection)
                    if not group and time.monotonic() < until and not stop:
                        stop = self._take_waiting(group)
        except Exception as error:  # noqa: BLE001  handed to those who wait for it
            outcomes += [_Outcome(each.future) for each in group if each.future.set_running_or_notify_cancel()]
            outcomes = [replace(each, error=each.error or error) for each in outcomes]
        changes = [each.changes for each in outcomes if each.error is None and each.changes is not None]
        if changes:
            self._database.publish(merged(changes))
        for outcome in outcomes:  # in the order of submission: who waits for the last one finds all others finished
            if outcome.error is None:
                outcome.future.set_result(outcome.result)
            else:
                outcome.future.set_exception(outcome.error)
        return stop

    def _take_waiting(self, group: deque[_Submission]) -> bool:
        try:
            following = self._waiting.get_nowait()
        except queue.Empty:
            return False
        if following is None:
            return True
        group.append(following)
        return False

    def _write_one(self, connection: Connection, submission: _Submission) -> _Outcome:
        writer = Writer(connection, submission.initiator)
        try:
            with problems.explained(self._database.where), connection.begin_nested():
                result = submission.work(writer)
                writer.finish()
        except Exception as error:  # noqa: BLE001  handed to the one who waits for it
            return _Outcome(submission.future, error=error)
        return _Outcome(submission.future, result, writer.change_set())


def _check_alive(connection: Connection) -> None:
    """Raise ``StoreError`` when a failure (a full disk) has ended the whole transaction and not only a savepoint."""
    driver = connection.connection.dbapi_connection
    if not getattr(driver, "in_transaction", True):
        raise StoreError("Saving was interrupted.", "Free some space on the disk and try again.")
