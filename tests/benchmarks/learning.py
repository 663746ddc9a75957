"""Retraining and re-ranking on cached features, and masks from painted images: CPU seconds of one round in the loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from annotator.learning.novelty import novelty
from annotator.learning.pool import Pool
from annotator.learning.problem import Recipe, TagProblem
from annotator.learning.queue import Strategy, next_batch
from annotator.learning.rounds import Previous, train_round
from annotator.learning.semantic_training import Painted, fit
from annotator.learning.tags import fit_tags
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.pseudolabel.calibrate import calibrate
from annotator.pseudolabel.rounds import gated_round
from tests.benchmarks.guard import Timed
from tests.benchmarks.row import Row
from tests.unit.learning.scenes import scene

CLASSES = 10
RANDOM_VERDICTS = 150
DIMENSION = 1280


def clusters(images: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, d) of ten overlapping, unequal classes, their classes (n,), and weak zero-shot probabilities (n, 10)."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(CLASSES, images, p=np.linspace(2, 1, CLASSES) / np.linspace(2, 1, CLASSES).sum())
    centres = rng.normal(size=(CLASSES, DIMENSION)).astype(np.float32)
    # Nuisance directions, as real features have: without them the graph is a set of cliques and everything converges at once.
    nuisance = rng.normal(size=(64, DIMENSION)).astype(np.float32)
    vectors = 0.35 * centres[classes] + 0.35 * rng.normal(size=(images, 64)).astype(np.float32) @ nuisance / 8
    vectors += rng.normal(size=vectors.shape).astype(np.float32)
    zero_shot = rng.dirichlet(np.full(CLASSES, 0.6), images).astype(np.float32)
    zero_shot[np.arange(images), classes] += 0.3
    return vectors.astype(np.float16), classes, zero_shot / zero_shot.sum(axis=1, keepdims=True)


def cpu_seconds(action: Callable[[], object], repeat: int) -> float:
    """Median CPU time of the process over some calls."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)


def guarded(images: int = 1_000) -> Iterator[Timed]:
    """What the guard measures: the first guesses of a small project, and a round with 200 labels."""
    vectors, classes, zero_shot = clusters(images, seed=0)
    labelled = np.sort(np.random.default_rng(1).permutation(images)[:200])
    yield Timed(
        f"first guesses and graph, {images:,} features",
        lambda: fit_tags(TagProblem(Pool(np.arange(images), vectors), CLASSES, zero_shot)),
        rounds=4,
    )
    problem = TagProblem(Pool(np.arange(images), vectors), CLASSES, zero_shot, labelled, classes[labelled])
    yield Timed(f"retrain, {images:,} features, 200 labels", lambda: train_round(problem), rounds=4)


def rows(quick: bool) -> Iterator[Row]:
    images = 3_000 if quick else 10_000
    vectors, classes, zero_shot = clusters(images, seed=0)
    pool = Pool(np.arange(images), vectors)
    start = time.process_time()
    first = fit_tags(TagProblem(pool, CLASSES, zero_shot))
    yield Row(f"first guesses and graph, {images:,} features, once", time.process_time() - start, 5, "CPU s")
    names = [f"label {c}" for c in range(CLASSES)]
    picks = np.random.default_rng(1).permutation(images)

    def round_of(count: int) -> Callable[[], object]:
        labelled = np.sort(picks[:count])
        problem = TagProblem(pool, CLASSES, zero_shot, labelled, classes[labelled])
        before = train_round(problem)
        previous = Previous(before.head, before.held_out, labelled)
        verdicts = picks[count : count + RANDOM_VERDICTS]

        def run() -> None:
            """Learn behind the gate, refresh, recalibrate, find what is new and rank: what follows a batch of verdicts."""
            result = gated_round(problem, previous=previous).round
            scores = result.fit.probabilities
            said = scores[verdicts]
            calibrate(said, said.argmax(axis=1), classes[verdicts]).apply(scores)
            novelty(pool, labelled)
            next_batch(Strategy.AUTO, pool, scores, count=50, labelled=labelled, names=names)

        return run

    repeat = 3 if quick else 5
    for count in (100, 500):
        yield Row(
            f"retrain and re-rank, {images:,} features, {count} labels",
            cpu_seconds(round_of(count), repeat),
            1.5,
            "CPU s",
        )
    every = np.arange(images)
    everything = TagProblem(pool, CLASSES, zero_shot, every, classes)

    def all_labels() -> None:
        fit_tags(everything, Recipe.PROBE, start=first.head).head.predict(pool.vectors)

    yield Row(
        f"retrain, {images:,} features, all labelled, no cross-validation", cpu_seconds(all_labels, 3), 3.0, "CPU s"
    )
    encoder = EmbeddedImageEncoder(threads=1)
    painted = [Painted(*scene(seed, 4)) for seed in range(5)]
    yield Row(
        "masks from five painted images, five labels", cpu_seconds(lambda: fit(encoder, painted), 1), 20.0, "CPU s"
    )
