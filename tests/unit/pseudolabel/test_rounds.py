"""Pseudo-labels pass the gate of the last held-out answers or stay out, and options must win to be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotator.errors import UsageError
from annotator.learning import robust
from annotator.learning.pool import Pool
from annotator.learning.probe import Linear, softmax
from annotator.learning.problem import Recipe, TagProblem
from annotator.learning.rounds import Previous, train_round
from annotator.pseudolabel.rounds import Option, gate_of, gated_round
from tests.benchmarks.learning import clusters


@pytest.fixture(scope="module")
def pool() -> tuple[Pool, np.ndarray, np.ndarray]:
    vectors, classes, zero_shot = clusters(700, seed=2)
    return Pool(np.arange(700), vectors), classes, zero_shot


def problem_with(
    pool: tuple[Pool, np.ndarray, np.ndarray], count: int, classes: np.ndarray | None = None
) -> TagProblem:
    rows = np.sort(np.random.default_rng(0).permutation(700)[:count])
    truth = pool[1] if classes is None else classes
    return TagProblem(pool[0], 10, pool[2], rows, truth[rows])


def previous_of(problem: TagProblem) -> Previous:
    done = train_round(problem)
    return Previous(done.head, done.held_out, problem.pool.ids[problem.labelled])


def test_the_gate_opens_from_200_labels_on_what_the_last_head_had_not_seen(
    pool: tuple[Pool, np.ndarray, np.ndarray],
) -> None:
    before = previous_of(problem_with(pool, 180))
    assert gate_of(problem_with(pool, 190), before) is None
    gate = gate_of(problem_with(pool, 260), before)
    assert gate is not None and gate.threshold is not None and gate.lower_bound >= gate.target
    assert gate_of(problem_with(pool, 260), None) is None
    done = gated_round(problem_with(pool, 260), previous=before)
    assert done.round.head.recipe == Recipe.GATED and done.gate == gate


def test_a_gate_that_wrong_answers_shut_leaves_the_plain_probe(pool: tuple[Pool, np.ndarray, np.ndarray]) -> None:
    problem = problem_with(pool, 260)
    before = previous_of(problem)
    assert before.held_out is not None and before.held_out.probabilities is not None
    flat = replace(before.held_out, probabilities=np.full_like(before.held_out.probabilities, 0.1))
    shut = gated_round(problem, previous=replace(before, held_out=flat))
    assert shut.gate is not None and shut.gate.threshold is None
    assert shut.round.head.recipe == Recipe.PROBE


def test_pseudo_labels_weigh_their_confidence_and_no_label_more_than_its_answers() -> None:
    said = np.asarray([[0.95, 0.05, 0]] * 6 + [[0.2, 0.8, 0], [0, 0.99, 0.01], [0, 0.01, 0.99]], np.float32)
    rows, classes, weights = robust.admitted(said, 0.9, np.asarray([3, 4, 0]))
    assert rows.tolist() == [0, 1, 2, 3, 4, 5, 7] and classes.tolist() == [0] * 6 + [1]
    assert weights[:6] == pytest.approx(robust.PSEUDO_WEIGHT * 0.95 * 3 / 6)
    assert weights[6] == pytest.approx(robust.PSEUDO_WEIGHT * 0.99)


def test_trimming_wins_where_answers_are_wrong_and_is_taken_only_then(
    pool: tuple[Pool, np.ndarray, np.ndarray],
) -> None:
    draw = np.random.default_rng(7)
    noisy = pool[1].copy()
    wrong = draw.random(700) < 0.15
    noisy[wrong] = (noisy[wrong] + draw.integers(1, 10, wrong.sum())) % 10
    for classes in (None, noisy):
        done = gated_round(problem_with(pool, 300, classes), options=(Option.TRIM, Option.LOOK_AHEAD))
        for trial in done.trials:
            assert trial.taken == (trial.gain > trial.standard_error)
            assert f"{100 * trial.gain:+.1f}" in trial.message
        taken = [trial for trial in done.trials if trial.taken]
        assert done.round.head.recipe == (Recipe.TRIMMED if taken and taken[-1].option is Option.TRIM else Recipe.PROBE)


def test_trimming_leaves_out_the_answers_that_others_contradict(pool: tuple[Pool, np.ndarray, np.ndarray]) -> None:
    classes = pool[1].copy()
    rows = np.arange(400)
    bad = rows[::20]
    classes[bad] = (classes[bad] + 5) % 10
    known = robust.Labelled(pool[0].rows(rows), classes[rows], np.ones(400, np.float32), 10)
    rest = pool[0].rows(np.arange(400, 700))
    truth = pool[1][400:]

    def truth_is_likely(linear: Linear) -> float:
        return float(softmax(linear.scores(rest))[np.arange(len(truth)), truth].mean())

    assert truth_is_likely(robust.trimmed(known, 100.0, None)) > truth_is_likely(known.fit(100.0, None)) + 0.01


def test_an_unknown_option_is_refused() -> None:
    assert Option.named(["trim", "trim"]) == (Option.TRIM,)
    with pytest.raises(UsageError, match="no training option 'magic'"):
        Option.named(["magic"])
