"""The queue: in which order a person should see the images, and why each is where it is.

Cold (at most 50 labels) the typical image of each region comes first (TypiClust, Hacohen et al. 2022); later the least certain
ones, spread out by clustering, and from 100 labels on one in ten is drawn at random: verdicts on these calibrate. Constants:
METHODS, "Tags: measured defaults". Other orders can be chosen: what is unlike all that is labelled, and what the labels' names
and the head disagree about.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from annotator.errors import UsageError
from annotator.learning.novelty import novelty
from annotator.learning.pool import Pool

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COLD_LABELS = 50
PICKED = 20
"""How many images at the head of the queue are chosen with care: as many as are answered before the next ranking."""
CLUSTER_COMPONENTS = 128
CLUSTER_ITERATIONS = 20
CLUSTER_ROWS = 20_000
CANDIDATES_PER_PICK = 5
SMALL_CLUSTER = 5
RANDOM_FROM = 100
RANDOM_EVERY = 10
AT_RANDOM = "drawn at random"


class Strategy(StrEnum):
    """How the queue is ordered. ``AUTO`` is typical first, then uncertain."""

    AUTO = "auto"
    TYPICAL = "typiclust"
    UNCERTAIN = "margin"
    UNLIKE = "novel"
    DISAGREEMENT = "disagreement"
    RANDOM = "random"
    IN_ORDER = "in-order"

    @classmethod
    def named(cls, name: str) -> Strategy:
        """The strategy of that name, or ``UsageError`` with the names there are."""
        try:
            return cls(name)
        except ValueError:
            raise UsageError(f"There is no queue strategy '{name}'.", f"Choose one of {', '.join(cls)}.") from None


@dataclass(frozen=True)
class Ranking:
    """Open rows of a pool in the order to see them. ``reasons`` belongs to the first ``len(reasons)`` of ``order``."""

    order: IntArray
    reasons: tuple[str, ...]

    @property
    def picked(self) -> IntArray:
        """The rows that the strategy chose with care; those after them are ordered by uncertainty alone."""
        return self.order[: len(self.reasons)]


def next_batch(
    strategy: Strategy | str,
    pool: Pool,
    probabilities: FloatArray | None,
    *,
    count: int,
    labelled: IntArray,
    closed: IntArray | None = None,
    names: Sequence[str] = (),
    exclusive: bool = True,
    rival: FloatArray | None = None,
    seed: int = 0,
) -> Ranking:
    """Rank the pool's open rows.

    ``probabilities`` (n, c) of the pool's rows, None before anything was suggested; ``labelled`` rows carry labels and steer
    the choice; ``closed`` rows (done, skipped, unreadable) are left out as the labelled are. ``count`` images are chosen with
    care and get a reason; the rest follow, the least certain first. ``names`` are the label names of the columns. ``rival``
    (n, c) is what another source says, e.g. the first guesses; without one, disagreement falls back on doubt.
    """
    strategy = Strategy.named(strategy)
    is_open = np.ones(len(pool), dtype=bool)
    is_open[labelled] = False
    if closed is not None:
        is_open[closed] = False
    count = min(count, int(is_open.sum()))
    by_itself = strategy is Strategy.AUTO
    strategy = _possible(strategy, len(labelled), probabilities, rival)
    if strategy is Strategy.IN_ORDER:
        rows = np.flatnonzero(is_open)
        return Ranking(rows, ("next in the folder",) * count)
    if strategy is Strategy.RANDOM:
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(is_open))
        return Ranking(rows, (AT_RANDOM,) * count)
    chance = _chance(is_open, count, seed + len(labelled)) if by_itself and len(labelled) >= RANDOM_FROM else _nobody()
    is_open[chance] = False
    picked, reasons = _picked(
        strategy, pool, is_open, probabilities, rival, labelled, count - len(chance), names, exclusive, seed
    )
    is_open[picked] = False
    picked, reasons = _mixed(picked, reasons, chance)
    rest = np.flatnonzero(is_open)
    if probabilities is not None:
        rest = rest[np.argsort(margins(probabilities[rest], exclusive), kind="stable")]
    else:
        rest = rest[np.argsort(-pool.typicality[rest], kind="stable")]
    return Ranking(np.concatenate([picked, rest]), reasons)


def _possible(strategy: Strategy, labels: int, probabilities: FloatArray | None, rival: FloatArray | None) -> Strategy:
    """The strategy that there is enough for."""
    if strategy is Strategy.AUTO:
        return Strategy.TYPICAL if labels < COLD_LABELS or probabilities is None else Strategy.UNCERTAIN
    if strategy is Strategy.UNLIKE and labels < COLD_LABELS:
        return Strategy.TYPICAL
    if strategy is Strategy.DISAGREEMENT and rival is None:
        strategy = Strategy.UNCERTAIN
    if strategy in (Strategy.UNCERTAIN, Strategy.DISAGREEMENT) and probabilities is None:
        return Strategy.TYPICAL
    return strategy


def _picked(
    strategy: Strategy,
    pool: Pool,
    is_open: BoolArray,
    probabilities: FloatArray | None,
    rival: FloatArray | None,
    labelled: IntArray,
    count: int,
    names: Sequence[str],
    exclusive: bool,
    seed: int,
) -> tuple[IntArray, tuple[str, ...]]:
    """The rows that a strategy chooses with care, and why each."""
    if strategy is Strategy.TYPICAL:
        picked = _typical(pool, is_open, labelled, count, seed)
        return picked, ("typical of many",) * len(picked)
    if strategy is Strategy.UNLIKE:
        found = novelty(pool, labelled)
        assert found is not None
        rows = np.flatnonzero(is_open)
        picked = rows[np.argsort(-found.distances[rows], kind="stable")[:count]]
        return picked, ("unlike anything labelled",) * len(picked)
    assert probabilities is not None
    if strategy is Strategy.DISAGREEMENT and rival is not None:
        rows = np.flatnonzero(is_open)
        apart = np.abs(probabilities[rows] - rival[rows]).sum(axis=1)
        picked = rows[np.argsort(-apart, kind="stable")[:count]]
        return picked, tuple(dispute(probabilities[row], rival[row], names) for row in picked)
    picked = _uncertain(pool, is_open, probabilities, count, exclusive, seed)
    return picked, tuple(doubt(probabilities[row], names, exclusive) for row in picked)


def _nobody() -> IntArray:
    return np.zeros(0, dtype=np.int64)


def _chance(is_open: BoolArray, count: int, seed: int) -> IntArray:
    """One in ten of the next ``count``, drawn from all open rows alike."""
    return np.random.default_rng(seed).permutation(np.flatnonzero(is_open))[: count // RANDOM_EVERY]


def _mixed(picked: IntArray, reasons: tuple[str, ...], chance: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """The rows of chance among the others: the fifth, the fifteenth, and so on."""
    rows, words = picked.tolist(), list(reasons)
    for number, row in enumerate(chance.tolist()):
        place = number * RANDOM_EVERY + RANDOM_EVERY // 2 - 1
        rows.insert(place, row)
        words.insert(place, AT_RANDOM)
    return np.asarray(rows, dtype=np.int64), tuple(words)


def margins(probabilities: FloatArray, exclusive: bool = True) -> FloatArray:
    """(n,) how far the best answer is from the second, 0 (undecided) to 1 (certain)."""
    if not exclusive:
        return np.asarray(np.abs(2.0 * probabilities - 1.0).min(axis=1, initial=1.0), dtype=np.float32)
    if probabilities.shape[1] < 2:
        return np.asarray(np.abs(2.0 * probabilities[:, 0] - 1.0), dtype=np.float32)
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0], dtype=np.float32)


def doubt(probabilities: FloatArray, names: Sequence[str], exclusive: bool = True) -> str:
    """One row's doubt in words: "dress or t-shirt?"."""

    def name(column: int) -> str:
        return names[column] if column < len(names) else f"label {column + 1}"

    if not exclusive or len(probabilities) < 2:
        return f"{name(int(np.abs(2.0 * probabilities - 1.0).argmin()))}?"
    first, second = np.argsort(-probabilities, kind="stable")[:2]
    return f"{name(int(first))} or {name(int(second))}?"


def dispute(probabilities: FloatArray, rival: FloatArray, names: Sequence[str]) -> str:
    """One row's disagreement in words: "dress, or skirt by its name?"."""
    first, second = int(probabilities.argmax()), int(rival.argmax())
    if first == second:
        return doubt(probabilities, names)
    said = [names[column] if column < len(names) else f"label {column + 1}" for column in (first, second)]
    return f"{said[0]}, or {said[1]} by its name?"


def _clusters(rows: FloatArray, count: int, seed: int, weights: FloatArray | None = None) -> KMeans:
    means = KMeans(min(count, len(rows)), n_init=1, init="k-means++", max_iter=CLUSTER_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        # Copies of one picture leave clusters empty, which is as good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return means.fit(rows, sample_weight=weights)


def _typical(pool: Pool, is_open: BoolArray, labelled: IntArray, count: int, seed: int) -> IntArray:
    """The densest open image of each cluster that has no label yet, large clusters first."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    index = np.flatnonzero(is_open)
    if len(index) > CLUSTER_ROWS:
        index = np.sort(np.random.default_rng(seed).choice(index, CLUSTER_ROWS, replace=False))
    index = np.concatenate([index, labelled]).astype(np.int64)
    rows = pool.components[index, :CLUSTER_COMPONENTS]
    cluster = _clusters(rows, len(labelled) + count, seed).labels_
    clusters = int(cluster.max()) + 1
    opened = is_open[index]
    size = np.bincount(cluster[opened], minlength=clusters)
    covered = np.bincount(cluster[~opened], minlength=clusters)
    # Uncovered clusters first, tiny ones after them (they are often outliers), the largest first.
    order = np.lexsort((-size, size < SMALL_CLUSTER, covered))
    queues = []
    for each in order:
        members = index[(cluster == each) & opened]
        queues.append(members[np.argsort(-pool.typicality[members], kind="stable")])
    picked: list[int] = []
    for depth in range(max((len(queue) for queue in queues), default=0)):
        picked.extend(int(queue[depth]) for queue in queues if depth < len(queue))
        if len(picked) >= count:
            break
    return np.asarray(picked[:count], dtype=np.int64)


def _uncertain(
    pool: Pool, is_open: BoolArray, probabilities: FloatArray, count: int, exclusive: bool, seed: int
) -> IntArray:
    """Of the 5 n least certain open images, one near the centre of each of n clusters; the least certain first."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    index = np.flatnonzero(is_open)
    margin = margins(probabilities[index], exclusive)
    nearest = np.argsort(margin, kind="stable")[: CANDIDATES_PER_PICK * count]
    index, margin = index[nearest], margin[nearest]
    if len(index) <= count:
        return index
    rows = pool.components[index, :CLUSTER_COMPONENTS]
    means = _clusters(rows, count, seed, np.maximum(1.0 - margin, 1e-3))
    distance = np.linalg.norm(rows - means.cluster_centers_[means.labels_], axis=1)
    chosen = [int(np.flatnonzero(means.labels_ == each)[distance[means.labels_ == each].argmin()]) for each in
              np.unique(means.labels_)]  # fmt: skip
    chosen += [at for at in range(len(index)) if at not in set(chosen)][: count - len(chosen)]
    return index[np.sort(np.asarray(chosen, dtype=np.int64))]
