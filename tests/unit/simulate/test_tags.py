"""The simulated loop: it learns, it is the same each time, and what is scored never leaks into it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotator.learning.queue import PICKED, Strategy
from annotator.simulate.tags import ROUND, TagTask, simulate_tags


def make_task(pool: int = 150, scored: int = 90, classes: int = 3, noise: float = 0.9) -> TagTask:
    """Blobs of features, and a zero-shot model that is right for two images in three."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (classes, 32))

    def some(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = rng.integers(0, classes, count)
        return (centres[truth] + rng.normal(0, noise, (count, 32))).astype(np.float32), truth.astype(np.int64)

    pool_vectors, pool_truth = some(pool)
    scored_vectors, scored_truth = some(scored)
    said = np.where(rng.random(pool) < 0.66, pool_truth, rng.integers(0, classes, pool))
    zero_shot = np.full((pool, classes), 0.2, np.float32)
    zero_shot[np.arange(pool), said] = 0.6
    return TagTask(pool_vectors, pool_truth, zero_shot, scored_vectors, scored_truth, ("a", "b", "c"))


def test_more_labels_help_and_full_supervision_is_the_end() -> None:
    found = simulate_tags(make_task(), (6, 40, 120), seeds=2)
    means = [point.mean for point in found.curve]
    assert means[-1] >= means[0]
    assert means[-1] >= found.full_supervision - 0.1
    assert found.full_supervision > 0.85
    assert [point.budget for point in found.curve] == [6, 40, 120]
    assert [point.actions for point in found.curve] == [6, 40, 120]


def test_the_same_seeds_give_the_same_curve() -> None:
    task = make_task()
    assert simulate_tags(task, (10, 30), seeds=2) == simulate_tags(task, (10, 30), seeds=2)


def test_scored_images_reach_nothing_in_the_loop() -> None:
    """Replacing the scored images changes the scores, and not one thing that the loop does."""
    task = make_task()
    order: list[list[int]] = []

    class Spy(np.ndarray):
        """Truth that notes which labels were asked for."""

        def __getitem__(self, key: object) -> object:
            if isinstance(key, np.ndarray):
                order[-1].extend(key.tolist())
            return super().__getitem__(key)

    for vectors in (task.scored_vectors, np.zeros_like(task.scored_vectors)):
        order.append([])
        simulate_tags(replace(task, scored_vectors=vectors, pool_truth=task.pool_truth.view(Spy)), (20, 40), seeds=1)
    assert order[0] == order[1] != []


def test_a_budget_beyond_the_pool_stops_at_its_end() -> None:
    found = simulate_tags(make_task(pool=30), (20, 500), seeds=1)
    assert found.curve[-1].actions == 30


@pytest.mark.parametrize("strategy", list(Strategy))
def test_every_strategy_plays(strategy: Strategy) -> None:
    found = simulate_tags(make_task(pool=60, scored=30), (10,), strategy=strategy, seeds=1)
    assert 0 <= found.curve[0].mean <= 1
    assert found.curve[0].sd == 0


def test_help_names_every_strategy() -> None:
    from annotator.cli.simulate import STRATEGIES

    assert all(strategy.value in STRATEGIES for strategy in Strategy)


def test_the_window_chooses_as_many_as_the_simulation_answers_between_rounds() -> None:
    assert PICKED == ROUND
