"""Ids of images: as int64 arrays, how a query's come out of the database quickly, and which are among others; and in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, func, select

Ids = NDArray[np.int64]
_CHUNK = 500


def chunks(ids: Iterable[Any], size: int = _CHUNK) -> Iterator[list[Any]]:
    """``ids`` in lists that fit into one statement."""
    iterator = iter(ids)
    while chunk := list(islice(iterator, size)):
        yield chunk


def id_array(connection: Connection, query: Select[Any]) -> Ids:
    """The first column of a query, in its order.

    SQLite hands over one long text: for 100,000 ids a quarter of the time of as many rows. It keeps the order of an inner
    query for ``group_concat``: https://sqlite.org/optoverview.html#omit_order_by_on_subqueries_in_from_clause (case 5).
    """
    if connection.dialect.name != "sqlite":
        return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
    inner = query.subquery()
    found = connection.execute(select(func.group_concat(next(iter(inner.c))))).scalar_one()
    return np.fromstring(found, dtype=np.int64, sep=",") if found else np.empty(0, dtype=np.int64)


def among(chosen: Ids, ids: Ids) -> NDArray[np.bool_]:
    """(n,) which of ``ids`` are ``chosen``; ids are small numbers, so that a table of all of them beats sorting."""
    return _marked(chosen, int(ids.max(initial=0)))[ids]


def sorted_once(ids: Ids) -> Ids:
    """``ids``, ascending and each once."""
    return np.flatnonzero(_marked(ids))


def _marked(chosen: Ids, last: int = 0) -> NDArray[np.bool_]:
    """A table of all ids up to ``last``, or the last one of ``chosen``, with those of ``chosen`` marked."""
    table = np.zeros(max(int(chosen.max(initial=0)), last) + 1, dtype=bool)
    table[chosen] = True
    return table
