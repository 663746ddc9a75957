"""How good tags are: accuracy, macro recall, calibration error, mean average precision. Pure functions on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]


def accuracy(predicted: IntArray, truth: IntArray) -> float:
    """Share of rows that agree; nan without rows."""
    return float(np.mean(predicted == truth)) if len(truth) else float("nan")


def macro_recall(predicted: IntArray, truth: IntArray) -> float:
    """Mean over the classes that occur in ``truth`` of the share found; nan without rows."""
    if not len(truth):
        return float("nan")
    return float(np.mean([np.mean(predicted[truth == label] == label) for label in np.unique(truth)]))


def calibration_error(confidence: FloatArray, correct: NDArray[np.bool_], *, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width; nan without rows."""
    if not len(confidence):
        return float("nan")
    bin_of = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    gap = np.bincount(bin_of, np.asarray(correct, dtype=np.float64) - confidence, minlength=bins)
    return float(np.abs(gap[count > 0]).sum() / len(confidence))


def average_precision(score: FloatArray, relevant: NDArray[np.bool_]) -> float:
    """Area under precision over recall of one ranking (ties broken by order); nan when nothing is relevant."""
    hits = np.asarray(relevant, dtype=bool)[np.argsort(-np.asarray(score), kind="stable")]
    if not hits.any():
        return float("nan")
    ranks = np.flatnonzero(hits) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def mean_average_precision(scores: FloatArray, relevant: NDArray[np.bool_]) -> float:
    """Mean over the columns of (n, c) that have a relevant row; nan when none has."""
    each = [average_precision(scores[:, label], relevant[:, label]) for label in range(scores.shape[1])]
    found = [value for value in each if not np.isnan(value)]
    return float(np.mean(found)) if found else float("nan")


def confusion(predicted: IntArray, truth: IntArray, classes: int) -> IntArray:
    """(classes, classes) counts, truth in rows, predictions in columns."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
