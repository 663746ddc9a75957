"""Folders with a wrong majority: half of what is tagged hat shows shoes, and a model trained on that believes it.

Cross-validation cannot see this, because the wrong answers outvote the right ones. The labels' names can: the images that the
text bridge is surest of make a prototype of each label, and an image's margin is how much nearer it is to another prototype than
to that of its own tag (CAPro, Qin et al. 2023, after METHODS). Where a label's images fall into two groups, the margin of a whole
group says which of the two is wrong, far better than that of one image: each is moved along the line between the groups by as
much as the groups lie apart in looks and in margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.learning.guesses import balanced

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

SEEDS = 50
HALVES_COMPONENTS = 32
SPREAD = 5.0
MIN_IMAGES = 20
WRONG_MARGIN, APART, SEPARATED = 0.2, 0.3, 0.55
"""From which mean margin of its worse group, which difference between the groups' margins, and which squared distance of the
groups (over their scatter) a label's images are called mixed up."""


@dataclass(frozen=True)
class MixedUp:
    """``score`` (n,) of each answer, higher is more likely wrong; ``other`` (n,) the label that it looks like by the names;
    ``wrong`` (n,) whether it lies in the worse group of a label whose images are mixed up; ``share`` (labels,) of that group
    among the label's images, 0 where nothing is mixed up."""

    score: NDArray[np.float64]
    other: IntArray
    wrong: NDArray[np.bool_]
    share: NDArray[np.float64]


@dataclass(frozen=True)
class _Halves:
    """One label's images in two groups: how far each image lies towards the worse one, and what is known of the groups."""

    towards: NDArray[np.float64]
    worse: NDArray[np.bool_]
    worse_margin: float
    better_margin: float
    separation: float


def mixed_up(rows: FloatArray, classes: IntArray, zero_shot: FloatArray, pool: FloatArray | None = None) -> MixedUp:
    """Judge answers ``classes`` (n,) about ``rows`` (n, d), principal components with the strongest first.

    ``zero_shot`` are the (m, c) probabilities from the labels' names of the ``pool`` (m, d) rows that seed the prototypes, by
    default the judged rows themselves.
    """
    margin, other = text_margins(rows, classes, zero_shot, rows if pool is None else pool)
    score = _standardised(margin)
    wrong = np.zeros(len(classes), dtype=bool)
    share = np.zeros(zero_shot.shape[1])
    for label in range(zero_shot.shape[1]):
        members = np.flatnonzero(classes == label)
        if len(members) < MIN_IMAGES:
            continue
        halves = _halves(rows[members], margin[members])
        apart = max(0.0, halves.worse_margin - halves.better_margin)
        score[members] += SPREAD * apart * halves.separation * halves.towards
        if halves.worse_margin > WRONG_MARGIN and apart > APART and halves.separation > SEPARATED:
            wrong[members] = halves.worse
            share[label] = float(halves.worse.mean())
    return MixedUp(score, other, wrong, share)


def text_margins(
    rows: FloatArray, classes: IntArray, zero_shot: FloatArray, pool: FloatArray
) -> tuple[NDArray[np.float64], IntArray]:
    """(n,) cosine to the nearest other prototype minus that to the own one, and (n,) which other it is."""
    fair = balanced(np.asarray(zero_shot, dtype=np.float32))
    seeds = min(SEEDS, max(1, len(pool) // max(1, fair.shape[1])))
    surest = np.argsort(-fair, axis=0, kind="stable")[:seeds]
    prototypes = np.stack([pool[surest[:, label]].mean(axis=0) for label in range(fair.shape[1])])
    cosine = np.asarray(_unit(rows) @ _unit(prototypes).T, dtype=np.float64)
    at = np.arange(len(classes))
    own = cosine[at, classes].copy()
    cosine[at, classes] = -np.inf
    other = cosine.argmax(axis=1)
    return cosine[at, other] - own, other


def _halves(rows: FloatArray, margin: NDArray[np.float64]) -> _Halves:
    from sklearn.cluster import KMeans

    few = np.asarray(rows[:, :HALVES_COMPONENTS], dtype=np.float64)
    means = KMeans(2, n_init=3, random_state=0).fit(few)
    first, second = means.cluster_centers_
    line = second - first
    along = (few - (first + second) / 2) @ line
    along /= max(float(along.std()), 1e-12)
    in_second = means.labels_ == 1
    if in_second.all() or not in_second.any():
        return _Halves(np.zeros(len(rows)), np.zeros(len(rows), dtype=bool), 0.0, 0.0, 0.0)
    of_first, of_second = float(margin[~in_second].mean()), float(margin[in_second].mean())
    second_worse = of_second > of_first
    separation = float(line @ line) / max(float(means.inertia_) / len(rows), 1e-12)
    return _Halves(
        along if second_worse else -along,
        in_second if second_worse else ~in_second,
        max(of_first, of_second),
        min(of_first, of_second),
        separation,
    )


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-12), dtype=np.float64)


def _unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
