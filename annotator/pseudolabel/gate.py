"""The gate that pseudo-labels pass before they may train a head, from 200 labels on.

The share of verdicts that were right at a confidence of at least τ, bounded from below (Wilson), must itself reach τ: CW-BASS's
second version, on verdicts that cost nothing because the person gave them anyway. Where it does not, the threshold rises
until it does, or nothing passes. The gate admits to training only; it never accepts anything for the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

MIN_LABELS = 200
TARGET = 0.9
LEVEL = 0.95


def wilson_lower(
    right: NDArray[np.integer] | int, total: NDArray[np.integer] | int, *, level: float = LEVEL
) -> FloatArray:
    """One-sided lower Wilson bound of a share, 0 for a total of 0."""
    z = float(norm.ppf(level))
    right, total = np.asarray(right, dtype=np.float64), np.asarray(total, dtype=np.float64)
    n = np.maximum(total, 1.0)
    share = right / n
    centre = share + z * z / (2 * n)
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.where(total > 0, np.maximum(0.0, (centre - spread) / (1 + z * z / n)), 0.0)


@dataclass(frozen=True)
class Gate:
    """``threshold`` of confidence from which pseudo-labels may train, None when it is shut; the figures behind it."""

    threshold: float | None
    target: float
    share_right: float
    lower_bound: float
    verdicts: int

    def admits(self, confidence: FloatArray) -> NDArray[np.bool_]:
        """(n,) which suggestions may train."""
        if self.threshold is None:
            return np.zeros(len(confidence), dtype=bool)
        return np.asarray(confidence >= self.threshold)


def fit_gate(
    confidence: FloatArray, correct: NDArray[np.bool_], *, n_labelled: int, target: float = TARGET, level: float = LEVEL
) -> Gate:
    """The lowest threshold ≥ ``target`` whose verdicts are right often enough; shut below 200 labels.

    ``confidence`` (m,) and ``correct`` (m,) of held-out verdicts: ones that neither trained nor calibrated the head.
    """
    order = np.argsort(-np.asarray(confidence), kind="stable")
    sure = np.asarray(confidence)[order]
    right, total = np.cumsum(np.asarray(correct, dtype=np.int64)[order]), np.arange(1, len(order) + 1)
    bound = wilson_lower(right, total, level=level)
    # Verdicts of one confidence stand or fall together: only the last of each may be a threshold.
    last = np.append(sure[1:] < sure[:-1], True) if len(sure) else np.zeros(0, dtype=bool)
    passing = np.flatnonzero(last & (sure >= target) & (bound >= target))
    if n_labelled < MIN_LABELS or len(passing) == 0:
        above = int((sure >= target).sum())
        share = float(right[above - 1] / above) if above else 0.0
        return Gate(None, target, share, float(bound[above - 1]) if above else 0.0, above)
    at = int(passing[-1])
    threshold = float(target) if at == int((sure >= target).sum()) - 1 else float(sure[at])
    return Gate(threshold, target, float(right[at] / total[at]), float(bound[at]), int(total[at]))


def admitted(
    probabilities: FloatArray, is_open: NDArray[np.bool_], gate: Gate, *, per_label: int
) -> tuple[IntArray, IntArray, NDArray[np.float32]]:
    """Pseudo-labels that may train: (rows, classes, confidences) of open rows, the surest ``per_label`` of each label."""
    classes, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    may = np.flatnonzero(gate.admits(confidence) & is_open)
    chosen = [
        members[np.argsort(-confidence[members], kind="stable")][:per_label]
        for members in (may[classes[may] == label] for label in range(probabilities.shape[1]))
    ]
    rows = np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.int64)
    return rows, classes[rows], np.asarray(confidence[rows], dtype=np.float32)
