"""Wrong tags: answers that a model trained without them would give to another label.

The score is the log-odds margin log(max over other labels p) − log(p of the given label) from five cross-validated probes
(multinomial logistic regression, C = 1). Positive: the model prefers another label. Nothing is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
MIN_ANSWERS = 20
FLOOR = 1e-6


@dataclass(frozen=True)
class Margins:
    """For each answer: ``margin`` (n,) float, the ``other`` label's column (n,) and the probability ``p`` (n,) of that label."""

    margin: NDArray[np.float64]
    other: NDArray[np.int64]
    p: NDArray[np.float64]


def margins(features: NDArray[np.floating], classes: NDArray[np.int64], *, seed: int = 0) -> Margins:
    """Margins of the answers ``classes`` (n,) ≥ 0 about rows of ``features`` (n, d), d about 256 principal components.

    Raises ``ValueError`` with fewer than 20 answers or a single class: then there is nothing to disagree.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold

    found, columns = np.unique(classes, return_inverse=True)
    if len(classes) < MIN_ANSWERS or len(found) < 2:
        raise ValueError(f"an audit needs {MIN_ANSWERS} answers of two labels, got {len(classes)} of {len(found)}")
    scores = np.full((len(classes), len(found)), FLOOR)
    for train, test in KFold(FOLDS, shuffle=True, random_state=seed).split(features):
        if len(np.unique(columns[train])) < 2:
            scores[np.ix_(test, np.unique(columns[train]))] = 1.0
            continue
        probe = LogisticRegression(C=1.0, max_iter=100).fit(features[train], columns[train])
        scores[np.ix_(test, probe.classes_)] = np.maximum(probe.predict_proba(features[test]), FLOOR)
    rows = np.arange(len(classes))
    given = scores[rows, columns].copy()
    scores[rows, columns] = -1.0
    other = scores.argmax(axis=1)
    best = scores[rows, other]
    return Margins(np.log(best) - np.log(given), found[other].astype(np.int64), best)
