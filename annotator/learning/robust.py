"""Training beyond the plain probe, from 200 labels on: pseudo-labels through a gate, a look-ahead teacher, trimmed losses.

- ``gated``: the probe's own words about open images train it once more, where its confidence passes the gate, at three tenths of
  their confidence, and no label gets more from them than from its answers.
- ``look_ahead``: the pseudo-labels come from a teacher that follows trial steps of the student (FST, Du et al. 2022, on a frozen
  encoder: a step is a whole fit).
- ``trimmed``: answers that heads which did not see them contradict most are left out (loss-tail trimming).

What each gains is in decision record 010. Nothing here reads or writes a database.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.learning.probe import EARLY_ITERATIONS, Linear, fit_softmax, softmax

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

CANDIDATES = 2_000
PSEUDO_WEIGHT = 0.3
TURNS = 3
MOMENTUM = 0.5
TRIMMED = 0.05
FOLDS = 5


@dataclass(frozen=True)
class Labelled:
    """What is known: ``rows`` (m, d) normalised features, their ``classes`` (m,) among ``columns``, and ``weights`` (m,)."""

    rows: FloatArray
    classes: IntArray
    weights: FloatArray
    columns: int

    def pick(self, keep: NDArray[np.bool_]) -> Labelled:
        """Some of them."""
        return Labelled(self.rows[keep], self.classes[keep], self.weights[keep], self.columns)

    def fit(self, strength: float, start: Linear | None, iterations: int | None = None) -> Linear:
        """The plain probe."""
        more = {} if iterations is None else {"iterations": iterations}
        return fit_softmax(self.rows, self.targets, self.weights, strength=strength, start=start, **more)

    @property
    def targets(self) -> FloatArray:
        """(m, columns) one-hot."""
        return one_hot(self.classes, self.columns)


def one_hot(classes: IntArray, columns: int) -> FloatArray:
    """(m, columns) rows with a 1 at their class."""
    table = np.zeros((len(classes), columns), dtype=np.float32)
    table[np.arange(len(classes)), classes] = 1.0
    return table


def candidates(open_rows: IntArray, seed: int) -> IntArray:
    """At most 2,000 of the open rows, the same ones for the same rows."""
    if len(open_rows) <= CANDIDATES:
        return open_rows
    return np.sort(np.random.default_rng(seed).choice(open_rows, CANDIDATES, replace=False))


def gated(known: Labelled, pool: FloatArray, gate: float, strength: float, start: Linear | None) -> Linear:
    """The probe on ``known`` and on what it says of ``pool`` (k, d) from confidence ``gate`` on."""
    plain = known.fit(strength, start)
    return _with_pseudo(known, pool, softmax(plain.scores(pool)), gate, strength, plain)


def look_ahead(known: Labelled, pool: FloatArray, gate: float, strength: float, start: Linear | None) -> Linear:
    """The same with the words of a teacher: a running mean of the student and its trial steps."""
    student = known.fit(strength, start)
    teacher = student
    for _ in range(TURNS):
        said = softmax(teacher.scores(pool))
        ahead = _with_pseudo(known, pool, said, gate, strength, student, EARLY_ITERATIONS)
        teacher = Linear(
            MOMENTUM * teacher.weights + (1 - MOMENTUM) * ahead.weights,
            MOMENTUM * teacher.bias + (1 - MOMENTUM) * ahead.bias,
        )
    return _with_pseudo(known, pool, softmax(teacher.scores(pool)), gate, strength, student)


def trimmed(known: Labelled, strength: float, start: Linear | None) -> Linear:
    """The probe without the twentieth of the answers that five folds find least likely."""
    fold = np.arange(len(known.classes)) % FOLDS
    likely = np.zeros(len(known.classes))
    for each in range(FOLDS):
        inside = fold == each
        head = known.pick(~inside).fit(strength, None, EARLY_ITERATIONS)
        likely[inside] = softmax(head.scores(known.rows[inside]))[np.arange(inside.sum()), known.classes[inside]]
    keep = np.ones(len(likely), dtype=bool)
    keep[np.argsort(likely, kind="stable")[: int(TRIMMED * len(likely))]] = False
    return known.pick(keep).fit(strength, start)


def admitted(said: FloatArray, gate: float, counts: NDArray[np.integer]) -> tuple[IntArray, IntArray, FloatArray]:
    """(row, class, weight) of what passes the gate: (k, c) probabilities ``said``, ``counts`` (c,) answers of each label.

    Weights are confidences times ``PSEUDO_WEIGHT``, and less where a label would get more from them than it has answers.
    """
    classes, confidence = said.argmax(axis=1), said.max(axis=1)
    rows = np.flatnonzero((confidence >= gate) & (counts[classes] > 0))
    classes = classes[rows]
    share = np.bincount(classes, minlength=len(counts))
    balance = np.minimum(1.0, counts[classes] / np.maximum(share[classes], 1))
    return rows, classes, np.asarray(PSEUDO_WEIGHT * confidence[rows] * balance, dtype=np.float32)


def _with_pseudo(
    known: Labelled,
    pool: FloatArray,
    said: FloatArray,
    gate: float,
    strength: float,
    start: Linear,
    iterations: int | None = None,
) -> Linear:
    rows, classes, weights = admitted(said, gate, np.bincount(known.classes, minlength=known.columns))
    if not len(rows):
        return start
    both = Labelled(
        np.concatenate([known.rows, pool[rows]]),
        np.concatenate([known.classes, classes]),
        np.concatenate([known.weights, weights]),
        known.columns,
    )
    return both.fit(strength, start, iterations)
