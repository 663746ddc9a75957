"""The shortlist of an unsure tag: the labels that stand between the best one and certainty (ShrinkMatch, Yang et al. 2023).

Labels are struck from the class space, the likeliest confuser first, until the best label holds 95% of what is left. The best one
and the struck ones are the shortlist, each with its own digit. It needs calibrated probabilities: on raw overconfident ones it
would be too short, and before any calibration too long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

ENOUGH = 0.95
MOST = 3
"""Longer lists help nobody: the person then sees all labels."""


def sizes(probabilities: FloatArray, *, enough: float = ENOUGH) -> IntArray:
    """(n,) how many labels each row's shortlist holds: 1 where the best one is sure, from (n, c) calibrated probabilities."""
    if probabilities.shape[1] == 0:
        return np.zeros(len(probabilities), dtype=np.int64)
    falling = -np.sort(-np.asarray(probabilities, dtype=np.float64), axis=1)
    after = np.maximum(falling.sum(axis=1, keepdims=True) - np.cumsum(falling, axis=1), 0.0)
    best = np.maximum(falling[:, :1], 1e-12)
    return np.asarray((best / (best + after) >= enough).argmax(axis=1) + 1, dtype=np.int64)


def shortlist(
    distribution: tuple[tuple[int, float], ...], *, enough: float = ENOUGH, most: int = MOST
) -> tuple[int, ...]:
    """The label ids to offer for a suggestion's ``distribution`` of (label id, probability), best first.

    One where the best is sure, two or three where they are what it may be, none where more than ``most`` would be needed.
    The probability that the distribution leaves out, of labels beyond its end, counts as a further label.
    """
    if not distribution:
        return ()
    values = [probability for _, probability in distribution]
    values.append(max(0.0, 1.0 - sum(values)))
    for size in range(1, len(distribution) + 1):
        if values[0] >= enough * (values[0] + sum(values[size:])):
            return tuple(label_id for label_id, _ in distribution[:size]) if size <= most else ()
    return ()
