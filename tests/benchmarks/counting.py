"""Counting what an operation does instead of timing it: calls of functions on this thread, statements of SQL on all threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def calls_of(action: Callable[[], object]) -> int:
    """How many functions ``action`` calls on this thread, those written in C among them."""
    count = 0

    def note(frame: Any, what: str, argument: Any) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def statements_of(action: Callable[[], object]) -> int:
    """How many statements of SQL are executed while ``action`` runs, by whichever thread."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(found)
