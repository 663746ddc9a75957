"""How well a semantic head agrees with what is painted: mean IoU over labels, on the pixels that are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotator.learning.semantic import UNKNOWN, label_map
from annotator.models.protocols import FloatArray

IdMap = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Pixels by label id: in both the prediction and the truth, and in either."""

    both: Counter[int] = field(default_factory=Counter)
    either: Counter[int] = field(default_factory=Counter)


def agreement(probabilities: FloatArray, label_ids: IdMap, truth: IdMap) -> Agreement:
    """Of probabilities (rows, columns, k) of ``label_ids`` (k,) with the truth (h, w), whose −1 do not count."""
    known = truth != UNKNOWN
    said, true = label_ids[label_map(probabilities, *truth.shape)][known], truth[known]
    both, either = Counter[int](), Counter[int]()
    for label_id in np.union1d(np.unique(said), np.unique(true)).tolist():
        both[label_id] = int(np.count_nonzero((said == label_id) & (true == label_id)))
        either[label_id] = int(np.count_nonzero((said == label_id) | (true == label_id)))
    return Agreement(both, either)


def total(parts: Iterable[Agreement]) -> float | None:
    """Mean IoU over the labels that occur in any of the images; None when nothing is known."""
    both, either = Counter[int](), Counter[int]()
    for each in parts:
        both.update(each.both)
        either.update(each.either)
    return float(np.mean([both[label_id] / either[label_id] for label_id in either])) if either else None
