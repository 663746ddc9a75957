"""Which images train, validate and test: stratified by label, whole groups at a time, kept when images are added.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", 2011): the rarest label
that still has open groups goes first, each of its groups to the split that lacks that label most.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

Ints = NDArray[np.int64]


def stratified(
    labels: csr_matrix, sizes: Ints, current: Ints, fractions: Sequence[float], keys: Sequence[str], *, seed: int = 0
) -> Ints:
    """(n,) split of each of n groups, an index into ``fractions``.

    ``labels`` (n, l): how many images of a group have each label; ``sizes`` (n,): its images; ``current`` (n,): its split so far
    or −1. Groups that have one keep it and count. The result depends on ``keys``, names of the groups, and not on their order.
    Raises ValueError for fractions that are negative or all zero.
    """
    share = np.asarray(fractions, np.float64)
    if share.size == 0 or (share < 0).any() or share.sum() <= 0:
        raise ValueError(f"fractions must not be negative and one must be positive, got {list(fractions)}")
    share = share / share.sum()
    result = np.array(current, np.int64)
    rows, columns = csr_matrix(labels), csc_matrix(labels)
    wanted = share[:, None] * np.asarray(rows.sum(axis=0)).reshape(1, -1)
    room = share * sizes.sum()
    for split in range(len(share)):
        held = result == split
        wanted[split] -= np.asarray(rows[held].sum(axis=0)).ravel()
        room[split] -= sizes[held].sum()
    work = _Work(rows, sizes, result, wanted, room, share > 0)
    order = np.argsort([_mark(key, seed) for key in keys], kind="stable") if len(keys) else np.zeros(0, np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    for label in _rarest_first(columns, result):
        members = columns.indices[columns.indptr[label] : columns.indptr[label + 1]]
        for group in sorted(members[result[members] < 0].tolist(), key=place.__getitem__):
            work.assign(group, label)
    for group in order[result[order] < 0].tolist():
        work.assign(group, None)
    return result


class _Work:
    """What each split still wants, of each label and in all."""

    def __init__(
        self, rows: csr_matrix, sizes: Ints, result: Ints, wanted: NDArray[Any], room: NDArray[Any], used: NDArray[Any]
    ) -> None:
        self._rows, self._sizes, self._result, self._wanted, self._room = rows, sizes, result, wanted, room
        self._out = np.where(used, 0.0, -np.inf)

    def assign(self, group: int, label: int | None) -> None:
        """Give a group to the split that lacks ``label`` most, then to the one that lacks images most."""
        room = self._room + self._out
        lack = room if label is None else self._wanted[:, label] + self._out
        best = np.flatnonzero(lack == lack.max())
        split = int(best[np.argmax(room[best])])
        self._result[group] = split
        self._room[split] -= self._sizes[group]
        inside = slice(self._rows.indptr[group], self._rows.indptr[group + 1])
        self._wanted[split, self._rows.indices[inside]] -= self._rows.data[inside]


def _rarest_first(columns: csc_matrix, result: Ints) -> list[int]:
    """The labels by the number of their open groups, those with none left out."""
    free = (result < 0).astype(np.int64)
    counts = [
        int(free[columns.indices[a:b]].sum()) for a, b in zip(columns.indptr[:-1], columns.indptr[1:], strict=True)
    ]
    return [label for label in np.argsort(counts, kind="stable").tolist() if counts[label]]


def _mark(key: str, seed: int) -> int:
    digest = blake2b(key.encode("utf-8", "surrogateescape"), digest_size=8, salt=(seed % 2**64).to_bytes(8, "little"))
    return int.from_bytes(digest.digest()) >> 1
