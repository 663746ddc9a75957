"""First guesses: tag probabilities for a pool before anybody has labelled anything.

The text bridge's probabilities are balanced, the surest images of each label become seeds, and the seeds spread over the
kNN graph of the pool (constants and measurements: METHODS, "Tags: measured defaults", and decision record 002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.learning.neighbours import propagate
from annotator.learning.pool import Pool

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

BALANCE_POWER = 0.5
BALANCE_ROUNDS = 10
SEEDS_PER_LABEL = 64


def rows_to_one(values: FloatArray, fallback: FloatArray | None = None) -> FloatArray:
    """Non-negative rows scaled to sum 1; a row of zeros takes ``fallback``'s row, or is uniform."""
    total = values.sum(axis=1, keepdims=True)
    spare = np.full_like(values, 1.0 / max(1, values.shape[1])) if fallback is None else fallback
    return np.asarray(np.where(total > 1e-12, values / np.maximum(total, 1e-12), spare), dtype=np.float32)


def balanced(probabilities: FloatArray, *, power: float = BALANCE_POWER) -> FloatArray:
    """Sinkhorn scaling of (n, c) probabilities towards label totals ∝ total^(1 − power); rows keep sum 1.

    A bridge from text favours some names over others; power 1 would force equal totals, 0 leaves them as they are.
    """
    scaled = rows_to_one(np.asarray(probabilities, dtype=np.float32))
    wanted = np.maximum(scaled.sum(axis=0), 1e-9) ** (1.0 - power)
    wanted *= len(scaled) / wanted.sum()
    for _ in range(BALANCE_ROUNDS):
        scaled = scaled * (wanted / np.maximum(scaled.sum(axis=0), 1e-9))
        scaled = rows_to_one(scaled)
    return scaled


def seeds(probabilities: FloatArray, *, per_label: int = SEEDS_PER_LABEL) -> tuple[IntArray, IntArray]:
    """(row, label) of the surest images of each label, at most ``per_label`` and n / c, each image seeding its best label."""
    rows, labels = probabilities.shape
    per_label = min(per_label, max(1, rows // max(1, labels)))
    best = probabilities.argmax(axis=1)
    chosen_rows: list[IntArray] = []
    chosen_labels: list[IntArray] = []
    for label in range(labels):
        candidates = np.flatnonzero(best == label)
        order = np.argsort(-probabilities[candidates, label], kind="stable")[:per_label]
        chosen_rows.append(candidates[order])
        chosen_labels.append(np.full(len(order), label, dtype=np.int64))
    return np.concatenate(chosen_rows), np.concatenate(chosen_labels)


def first_guesses(pool: Pool, zero_shot: FloatArray) -> FloatArray:
    """(n, c) tag probabilities of an exclusive group from the (n, c) ``zero_shot`` ones and the pool's graph."""
    if len(pool) == 0:
        return np.zeros_like(zero_shot, dtype=np.float32)
    fair = balanced(zero_shot)
    rows, labels = seeds(fair)
    planted = np.zeros_like(fair)
    planted[rows, labels] = 1.0
    return rows_to_one(propagate(pool.graph, planted), fallback=fair)
