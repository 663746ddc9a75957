"""What is unlike anything labelled: the mean distance of an image to the five nearest labelled ones (METHODS, Trust Licence).

Distances are of normalised principal components, 0 to 2. Labelled images have such a distance to the other labelled ones; what
lies farther out than 99 of 100 of them is called new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.learning.pool import Pool

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NEIGHBOURS = 5
MIN_LABELLED = 50
"""Fewer labelled images show too little of what there is: nearly everything would be new."""
NEW_QUANTILE = 0.99
MOST_KNOWN = 4_000
"""Of more labelled images every k-th is compared with."""
BLOCK_ROWS = 2048


@dataclass(frozen=True)
class Novelty:
    """``distances`` (n,) of the pool's rows to what is labelled, and the ``threshold`` from which one counts as new."""

    distances: FloatArray
    threshold: float


def novelty(pool: Pool, labelled: IntArray) -> Novelty | None:
    """How new each row of the pool is, labelled rows compared with the others; None with fewer than 50 labelled ones."""
    if len(labelled) < MIN_LABELLED:
        return None
    known = labelled[:: -(-len(labelled) // MOST_KNOWN)]
    rows = pool.components
    found = distances(rows, rows[known], own=_own(len(pool), known))
    return Novelty(found, float(np.quantile(found[known], NEW_QUANTILE)))


def distances(rows: FloatArray, known: FloatArray, *, own: IntArray | None = None) -> FloatArray:
    """(n,) mean distance of (n, d) ``rows`` to their five nearest of the (m, d) ``known``, by direction alone.

    ``own`` (n,) is the index of a row among ``known`` that must not count as its neighbour, −1 where it is not among them.
    """
    unit = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-12)
    result = np.empty(len(rows), dtype=np.float32)
    count = min(NEIGHBOURS, len(known) - (own is not None))
    for at in range(0, len(rows), BLOCK_ROWS):
        block = rows[at : at + BLOCK_ROWS]
        cosine = (block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)) @ unit.T
        if own is not None:
            mine = own[at : at + BLOCK_ROWS]
            there = np.flatnonzero(mine >= 0)
            cosine[there, mine[there]] = -1.0
        nearest = np.partition(cosine, -count, axis=1)[:, -count:]
        result[at : at + BLOCK_ROWS] = np.sqrt(np.maximum(2.0 - 2.0 * nearest, 0.0)).mean(axis=1)
    return result


def _own(rows: int, known: IntArray) -> IntArray:
    own = np.full(rows, -1, dtype=np.int64)
    own[known] = np.arange(len(known))
    return own
