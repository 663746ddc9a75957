"""How good tags are: accuracy, calibration error and confusion. Pure functions on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]


def accuracy(predicted: IntArray, truth: IntArray) -> float:
    """Share of rows that agree; nan without rows."""
    return float(np.mean(predicted == truth)) if len(truth) else float("nan")


def calibration_error(confidence: FloatArray, correct: NDArray[np.bool_], *, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width; nan without rows."""
    if not len(confidence):
        return float("nan")
    bin_of = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    gap = np.bincount(bin_of, np.asarray(correct, dtype=np.float64) - confidence, minlength=bins)
    return float(np.abs(gap[count > 0]).sum() / len(confidence))


def confusion(predicted: IntArray, truth: IntArray, classes: int) -> IntArray:
    """(classes, classes) counts, truth in rows, predictions in columns."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
