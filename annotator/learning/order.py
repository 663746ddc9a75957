"""How a new ranking enters the queue without moving what a person is looking at or about to see.

Apart from ``queue``, which makes rankings, because a window that opens needs this and none of the clustering.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

KEEP_NEXT = 10


def rerank(
    order: IntArray,
    ranked: IntArray,
    *,
    position: int | None,
    visited: IntArray | None = None,
    keep_next: int = KEEP_NEXT,
) -> IntArray:
    """A queue (ids) in a new order that a person can live with.

    What lies before ``position``, the current image, the visited ones and the next ``keep_next`` that are not visited keep
    their places; where ``position`` is None nobody is looking, and only visited ones do. All other places are filled with
    ``ranked`` ids in turn, then with what is left of the old order. Ids in ``ranked`` that the queue has not seen come last.
    """
    order = np.asarray(order, dtype=np.int64)
    fixed = np.isin(order, visited) if visited is not None else np.zeros(len(order), dtype=bool)
    if position is not None:
        ahead = np.flatnonzero(~fixed & (np.arange(len(order)) > position))
        fixed[: position + 1] = True
        fixed[ahead[:keep_next]] = True
    kept = order[fixed]
    movable = np.concatenate([ranked[~np.isin(ranked, kept)], order[~fixed & ~np.isin(order, ranked)]])
    result = np.empty(len(kept) + len(movable), dtype=np.int64)
    places = np.zeros(len(result), dtype=bool)
    places[: len(order)] = fixed
    result[places] = kept
    result[~places] = movable
    return result
