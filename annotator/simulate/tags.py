"""The loop of tags played by a simulated annotator: what the queue offers gets its true label, a head learns, others are scored.

The same functions as in the window: ``next_batch`` for the queue, ``gated_round`` for the head and its release. Scored images
never enter the pool, so they reach neither the graph, the mean, the principal components nor the queue. Each label given is
one action, an accepted suggestion and a corrected one alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.job_context import QUIET, JobContext
from annotator.learning.heads import TagHead
from annotator.learning.metrics import accuracy
from annotator.learning.pool import Pool
from annotator.learning.problem import Recipe, TagProblem
from annotator.learning.queue import Strategy, next_batch
from annotator.learning.rounds import Previous, answers
from annotator.learning.tags import fit_tags
from annotator.pseudolabel.rounds import Option, gated_round

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

ROUND = 20
"""Labels between two rounds: what the window waits for before it trains by itself."""


@dataclass(frozen=True)
class TagTask:
    """The arrays of a simulation. Rows of ``pool_*`` may be labelled, rows of ``scored_*`` are only ever scored.

    ``pool_vectors`` (n, d), ``pool_truth`` (n,) classes, ``zero_shot`` (n, c) or None; ``scored_vectors`` (m, d),
    ``scored_truth`` (m,).
    """

    pool_vectors: NDArray[np.floating]
    pool_truth: IntArray
    zero_shot: FloatArray | None
    scored_vectors: NDArray[np.floating]
    scored_truth: IntArray
    names: tuple[str, ...]

    def score(self, head: TagHead) -> float:
        """Share of the scored images that the head names rightly."""
        return accuracy(answers(head, self.scored_vectors), self.scored_truth)


@dataclass(frozen=True)
class Point:
    """Accuracy of each seed after ``budget`` labels, and the mean number of actions they took."""

    budget: int
    accuracies: tuple[float, ...]
    actions: float

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.accuracies))

    @property
    def sd(self) -> float:
        """Standard deviation over the seeds, 0 for one seed."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else 0.0


@dataclass(frozen=True)
class Simulation:
    """The learning curve; ``zero_labels`` is the accuracy of the first guesses, ``full_supervision`` that of all labels."""

    curve: tuple[Point, ...]
    zero_labels: float
    full_supervision: float


def simulate_tags(
    task: TagTask,
    budgets: Sequence[int],
    *,
    strategy: Strategy = Strategy.AUTO,
    seeds: int = 3,
    options: Sequence[Option] = (),
    context: JobContext = QUIET,
) -> Simulation:
    """Play the loop once per seed, stopping at each of ``budgets`` (those beyond the pool stop at its end)."""
    stops = sorted(set(budgets))
    total = seeds * len(stops) + 1
    curves: list[list[tuple[float, int]]] = []
    zero: list[float] = []
    for seed in range(seeds):
        pool = Pool(np.arange(len(task.pool_vectors)), task.pool_vectors, seed=seed)
        player = Loop(task, pool, strategy, seed, options)
        zero.append(task.score(player.head))
        curve = []
        for at, stop in enumerate(stops):
            context.check_cancelled()
            player.play_to(min(stop, len(pool)))
            curve.append((task.score(player.head), player.actions))
            context.progress(seed * len(stops) + at + 1, total, f"Simulating: seed {seed + 1}, {stop} labels")
        curves.append(curve)
    pool = Pool(np.arange(len(task.pool_vectors)), task.pool_vectors)
    everything = TagProblem(pool, len(task.names), task.zero_shot, np.arange(len(pool)), task.pool_truth)
    full = task.score(fit_tags(everything, Recipe.PROBE).head)
    context.progress(total, total, "Simulating")
    points = tuple(
        Point(stop, tuple(curve[at][0] for curve in curves), float(np.mean([curve[at][1] for curve in curves])))
        for at, stop in enumerate(stops)
    )
    return Simulation(points, float(np.mean(zero)), full)


class Loop:
    """One run of the loop: the annotator answers what is offered, a round follows whenever ``train`` is called.

    ``labelled`` are the answered rows of the pool and ``said`` their classes, right or wrong; ``probabilities`` (n, c) what is
    suggested for the pool now; ``actions`` what the annotator did so far.
    """

    def __init__(
        self, task: TagTask, pool: Pool, strategy: Strategy, seed: int, options: Sequence[Option] = ()
    ) -> None:
        self._options = tuple(options)
        self._task = task
        self._pool = pool
        self._strategy = strategy
        self._seed = seed
        self.labelled = np.zeros(0, np.int64)
        self.said = np.zeros(0, np.int64)
        first = TagProblem(pool, len(task.names), task.zero_shot)
        self._guesses = first.guesses
        fit = fit_tags(first, Recipe.GUESSES)
        self.head: TagHead = fit.head
        self.probabilities = fit.probabilities
        self.previous: Previous | None = None
        self.actions = 0

    def play_to(self, budget: int, *, round_size: int = ROUND) -> None:
        """Answer the queue until ``budget`` images are labelled, training after every ``round_size`` of them."""
        while len(self.labelled) < budget:
            rows = self.offered(min(round_size, budget - len(self.labelled)))
            self.answer(rows, self._task.pool_truth[rows])
            self.actions += len(rows)
            self.train()

    def offered(self, count: int) -> IntArray:
        """The next ``count`` rows of the queue."""
        rival = self._guesses if self._strategy is Strategy.DISAGREEMENT else None
        ranking = next_batch(
            self._strategy,
            self._pool,
            self.probabilities,
            count=count,
            labelled=self.labelled,
            names=self._task.names,
            rival=rival,
            seed=self._seed,
        )
        return ranking.order[:count]

    def answer(self, rows: IntArray, classes: IntArray) -> None:
        """Rows get their classes."""
        self.labelled = np.concatenate([self.labelled, rows])
        self.said = np.concatenate([self.said, classes])

    @property
    def open_rows(self) -> IntArray:
        """What nobody has answered."""
        return np.setdiff1d(np.arange(len(self._pool)), self.labelled)

    def train(self) -> None:
        """One round; a head that is not released changes nothing."""
        order = np.argsort(self.labelled)
        rows = self.labelled[order]
        problem = TagProblem(self._pool, len(self._task.names), self._task.zero_shot, rows, self.said[order])
        problem.__dict__["guesses"] = self._guesses
        done = gated_round(problem, previous=self.previous, options=self._options).round
        if done.decision.released:
            self.previous = Previous(done.head, done.held_out, self._pool.ids[rows])
            self.head = done.head
            self.probabilities = done.fit.probabilities
