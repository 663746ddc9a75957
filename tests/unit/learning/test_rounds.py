"""Release: what a head is tested on, what it must beat, and that nothing it is scored on reaches it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotator.learning.heads import TagHead
from annotator.learning.pool import Pool
from annotator.learning.probe import softmax
from annotator.learning.rounds import (
    FOLDS,
    Basis,
    HeldOut,
    Previous,
    Validation,
    answers,
    decide,
    fold_of,
    out_of_fold,
    train_round,
)
from annotator.learning.tags import NONE_OF_THEM, Recipe, TagProblem, fit_tags
from tests.unit.learning.conftest import World, make_world


def problem_with(world: World, count: int, *, with_text: bool = True) -> TagProblem:
    rows = np.sort(np.random.default_rng(5).permutation(len(world.truth))[:count])
    return TagProblem(
        world.pool, world.classes, world.zero_shot if with_text else None, rows, np.array(world.truth[rows])
    )


def rival(problem: TagProblem, wrong: int) -> Previous:
    """A last head whose held-out record is wrong for the first ``wrong`` of the labelled images."""
    said = problem.known_classes().copy()
    said[:wrong] = (said[:wrong] + 1) % problem.n_classes
    ids = problem.pool.ids[problem.labelled]
    head = fit_tags(problem, Recipe.PROBE).head
    return Previous(head, HeldOut(Basis.OUT_OF_FOLD, ids, said), ids)


def test_folds_follow_from_ids_alone_and_are_even() -> None:
    ids = np.arange(5000)
    fold = fold_of(ids)
    assert np.bincount(fold, minlength=FOLDS) == pytest.approx(np.full(FOLDS, 1000), rel=0.1)
    some = np.random.default_rng(0).permutation(ids)[:77]
    assert np.array_equal(fold_of(some), fold[some])
    assert fold_of(np.array([0, 1, 2, 3, 4, 5, 6, 7])).tolist() == fold[:8].tolist()


def test_under_twenty_answers_a_head_is_released_and_says_that_it_is_untested(world: World) -> None:
    done = train_round(problem_with(world, 19))
    assert done.decision.released and done.decision.basis is Basis.UNTESTED and done.held_out is None
    assert "untested" in done.decision.message
    assert train_round(problem_with(world, 20)).decision.basis is Basis.OUT_OF_FOLD


def test_a_better_head_is_released_and_a_worse_one_is_not(world: World) -> None:
    problem = problem_with(world, 100)
    released = train_round(problem, previous=rival(problem, wrong=60)).decision
    assert released.released and released.previous == pytest.approx(0.4)
    lies = replace(problem, classes=np.random.default_rng(0).integers(0, world.classes, 100))
    kept = train_round(lies, previous=rival(lies, wrong=5)).decision
    assert not kept.released
    assert "rolled back" in kept.message


@pytest.mark.parametrize(("worse", "released"), [(0, True), (1, True), (2, False), (20, False)])
def test_one_standard_error_is_the_limit(worse: int, released: bool) -> None:
    """The last head was right on all of 60 images; one error costs as much as the standard error, a second is too much."""
    right = np.ones(60)
    right[:worse] = 0.0
    decision = decide(Basis.OUT_OF_FOLD, right, np.ones(60), np.ones(60, dtype=bool))
    assert decision.released is released
    assert decision.standard_error == pytest.approx((right - 1.0).std(ddof=1) / np.sqrt(60))
    assert decision.accuracy == pytest.approx(1 - worse / 60)


def test_the_error_is_that_of_paired_differences() -> None:
    """As many won as lost: no gain, whatever each head's own accuracy; images that are not comparable do not count."""
    new, last = np.tile([1.0, 0.0], 30), np.tile([0.0, 1.0], 30)
    assert decide(Basis.OUT_OF_FOLD, new, last, np.ones(60, dtype=bool)).released
    lost = new < last
    assert not decide(Basis.OUT_OF_FOLD, new, last, lost).released
    assert decide(Basis.OUT_OF_FOLD, new, last, lost).compared == 30


def test_the_first_tested_head_must_beat_the_first_guesses() -> None:
    """A head on random answers loses to guesses that are right; an untested head before it makes no difference."""
    world = make_world(seed=2)
    sharp = np.full_like(world.zero_shot, 0.02)
    sharp[np.arange(len(world.truth)), world.truth] = 1.0
    problem = replace(problem_with(world, 60), zero_shot=sharp / sharp.sum(axis=1, keepdims=True))
    shuffled = Pool(problem.pool.ids, np.random.default_rng(0).permutation(world.vectors))
    blind = TagProblem(shuffled, world.classes, problem.zero_shot, problem.labelled, problem.classes)
    object.__setattr__(blind, "pool", shuffled)
    blind.__dict__["guesses"] = problem.zero_shot
    untested = Previous(fit_tags(blind).head, None, shuffled.ids[blind.labelled])
    for previous in (None, untested):
        decision = train_round(blind, previous=previous, recipe=Recipe.PROBE).decision
        assert decision.previous == 1.0 and decision.against_guesses
        assert not decision.released
        assert "rolled back" in decision.message


def test_without_a_name_model_an_untested_head_is_the_rival_on_what_it_did_not_see(world: World) -> None:
    problem = problem_with(world, 60, with_text=False)
    early = problem.subset(np.arange(60) < 15)
    previous = Previous(fit_tags(early).head, None, problem.pool.ids[early.labelled])
    decision = train_round(problem, previous=previous).decision
    assert decision.compared == 45 and not decision.against_guesses


def test_a_label_added_since_makes_the_guesses_the_rival(world: World) -> None:
    problem = problem_with(world, 80)
    few = TagProblem(world.pool, 4, None, problem.labelled, np.minimum(problem.known_classes(), 3))
    old = rival(few, wrong=0)
    assert train_round(problem, previous=old).decision.against_guesses
    validation = Validation(np.arange(60) + 9000, world.vectors[:60], world.truth[:60])
    assert train_round(problem, previous=old, validation=validation).decision.against_guesses


def test_fifty_validation_images_are_the_test_and_fewer_are_not(world: World) -> None:
    problem = problem_with(world, 100)
    for count, basis in ((50, Basis.VALIDATION), (49, Basis.OUT_OF_FOLD)):
        held = Validation(np.arange(count) + 9000, world.vectors[-count:], world.truth[-count:])
        done = train_round(problem, validation=held)
        assert done.decision.basis is basis
        if basis is Basis.VALIDATION:
            assert done.decision.tested == 50
            assert done.decision.accuracy == np.mean(answers(done.head, held.vectors) == held.answers)


def test_validation_images_that_trained_the_last_head_do_not_praise_it(world: World) -> None:
    problem = problem_with(world, 100)
    held = Validation(np.arange(60) + 9000, world.vectors[:60], world.truth[:60])
    last = replace(rival(problem, wrong=0), trained_ids=held.ids[:25])
    assert train_round(problem, previous=last, validation=held).decision.compared == 35


def test_an_answer_never_reaches_the_head_that_is_tested_on_it(world: World) -> None:
    """Changing the answers of one fold changes nothing that is said of that fold."""
    for recipe, count in ((Recipe.LOW_LABEL, 60), (Recipe.PROBE, 250)):
        problem = problem_with(world, count)
        inside = fold_of(problem.pool.ids[problem.labelled]) == 2
        classes = problem.known_classes().copy()
        classes[inside] = (classes[inside] + 1) % world.classes
        said, changed = out_of_fold(problem, recipe)[0], out_of_fold(replace(problem, classes=classes), recipe)[0]
        assert np.array_equal(said[inside], changed[inside])
        assert not np.array_equal(said[~inside], changed[~inside])


def test_scored_images_change_nothing_in_training(world: World) -> None:
    problem = problem_with(world, 100)
    rounds = []
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(60)
        held = Validation(np.arange(60) + 9000, world.vectors[:60][order], world.truth[:60])
        rounds.append(train_round(problem, validation=held))
    assert np.array_equal(rounds[0].head.weights, rounds[1].head.weights)
    assert np.array_equal(rounds[0].fit.probabilities, rounds[1].fit.probabilities)
    assert rounds[0].decision.accuracy != rounds[1].decision.accuracy


def test_none_of_them_is_an_answer_like_others(world: World) -> None:
    problem = problem_with(world, 250, with_text=False)
    classes = np.where(problem.known_classes() == 4, NONE_OF_THEM, problem.known_classes())
    four = TagProblem(world.pool, 4, None, problem.labelled, classes)
    done = train_round(four)
    truth = np.where(world.truth == 4, NONE_OF_THEM, world.truth)
    assert np.mean(answers(done.head, world.vectors) == truth) > 0.9
    assert (done.decision.accuracy or 0) > 0.8
    assert (done.fit.probabilities[world.truth == 4].sum(axis=1) < 0.5).mean() > 0.85


def test_independent_labels_are_scored_on_what_is_known(world: World) -> None:
    rows = np.arange(120)
    targets = np.stack([world.truth[rows] == 0, world.truth[rows] == 1], axis=1).astype(np.float32)
    problem = TagProblem(world.pool, 2, world.zero_shot[:, :2], rows, targets=targets)
    done = train_round(problem)
    assert done.decision.against_guesses and done.decision.released
    assert (done.decision.accuracy or 0) > 0.85
    half = targets.copy()
    half[:, 1] = -1.0
    only = train_round(replace(problem, targets=half)).decision
    assert (only.accuracy or 0) > 0.85


def test_answers_are_the_likeliest_labels() -> None:
    head = TagHead(np.zeros(2, np.float32), np.eye(2, 3, dtype=np.float32), np.array([0, 0, 0.5], np.float32), 2)
    rows = np.array([[1, 0], [0, 1], [-1, -1]], np.float32)
    assert answers(head, rows).tolist() == [0, 1, NONE_OF_THEM]
    assert head.predict(rows) == pytest.approx(softmax(head.scores(rows))[:, :2])


def test_certified_answers_train_but_never_test(world: World) -> None:
    problem = problem_with(world, 100)
    classes = problem.known_classes().copy()
    classes[60:] = (classes[60:] + 1) % world.classes  # would cost four tenths of the accuracy if they were tested on
    certified = np.arange(100) >= 60
    weights = np.where(certified, np.float32(0.01), np.float32(1.0))
    marked = replace(problem, classes=classes, weights=weights, certified=certified)
    done = train_round(marked)
    assert done.decision.tested == done.decision.compared == 60
    assert done.decision.accuracy == pytest.approx(train_round(problem).decision.accuracy or 0.0, abs=0.15)
    unmarked = train_round(replace(marked, certified=None)).decision
    assert unmarked.tested == 100
    assert (unmarked.accuracy or 0.0) < (done.decision.accuracy or 0.0) - 0.2
    few = train_round(replace(marked, certified=np.arange(100) >= 19)).decision
    assert few.basis is Basis.UNTESTED and few.tested == 19
    assert marked.subset(np.arange(100) < 70).testable().sum() == 60
