"""One round of training: fit a head, test it on answers it has not seen, and decide whether it may replace the last one.

Held out are the labelled ``val`` images when there are at least 50, else five folds of the labelled images that depend on
their ids alone, so that two rounds are compared image by image. A head is released unless it is worse than the last by more
than one standard error of that paired difference; with fewer than 20 answers it is released untested, and says so.
Certified answers, which nobody looked at one by one, train a head but never test it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.learning.heads import TagHead
from annotator.learning.problem import NONE_OF_THEM, Recipe, TagFit, TagProblem
from annotator.learning.tags import choose_recipe, fit_head, fit_tags

Answers = NDArray[Any]
IntArray = NDArray[np.int64]

FOLDS = 5
MIN_VALIDATION = 50
MIN_TESTED = 20


class Basis(StrEnum):
    """What a head was tested on."""

    VALIDATION = "validation"
    OUT_OF_FOLD = "out-of-fold"
    UNTESTED = "untested"


@dataclass(frozen=True)
class Validation:
    """Labelled ``val`` images: ``ids`` (m,), ``vectors`` (m, d), and their ``classes`` (m,) or ``targets`` (m, c)."""

    ids: IntArray
    vectors: NDArray[np.floating]
    answers: Answers

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class HeldOut:
    """What a head said of images that did not train it: ``ids`` (m,), ``said``, (m,) classes or (m, c) yes and no, and the
    (m, c) ``probabilities`` behind that, from which calibration learns."""

    basis: Basis
    ids: IntArray
    said: Answers
    probabilities: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Previous:
    """The head in use and what was held out when it was trained (None when it was released untested)."""

    head: TagHead
    held_out: HeldOut | None = None
    trained_ids: IntArray | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a head was released, and the figures behind it. ``previous`` and its error are of ``compared`` images.

    ``previous`` is the accuracy of the last head, or ``against_guesses`` where no tested head of these labels came before.
    """

    released: bool
    basis: Basis
    tested: int
    accuracy: float | None
    compared: int
    previous: float | None
    standard_error: float | None
    against_guesses: bool = False

    @property
    def message(self) -> str:
        """One line for the window and the log."""
        if self.basis is Basis.UNTESTED:
            return f"untested: fewer than {MIN_TESTED} answers to test on"
        line = f"{100 * (self.accuracy or 0.0):.1f}% right on {self.tested} {self.basis.value} answers"
        if self.previous is None:
            return line
        rival = "the first guesses" if self.against_guesses else "the last head"
        verb = (
            "released"
            if self.released
            else f"rolled back, {rival} stay"
            if self.against_guesses
            else "rolled back, it stays"
        )
        return f"{line}; {rival} {100 * self.previous:.1f}% on {self.compared} of them: {verb}"


@dataclass(frozen=True)
class Round:
    """A fit, what it said of held-out images, and the decision."""

    fit: TagFit
    held_out: HeldOut | None
    decision: Decision

    @property
    def head(self) -> TagHead:
        return self.fit.head


def train_round(
    problem: TagProblem,
    *,
    previous: Previous | None = None,
    validation: Validation | None = None,
    recipe: Recipe | None = None,
) -> Round:
    """Fit one group's head, test it, and decide. Without a ``previous`` head it must hold its own against the first guesses."""
    recipe = recipe or choose_recipe(problem)
    start = None if previous is None else previous.head
    fit = fit_tags(problem, recipe, start=start)
    rival = previous if _tested(problem, previous) else None
    testable = problem.testable()
    if validation is not None and len(validation) >= MIN_VALIDATION:
        said = answers(fit.head, validation.vectors)
        held_out = HeldOut(Basis.VALIDATION, validation.ids, said, fit.head.predict(validation.vectors))
        before, comparable = _before_on(validation, problem, rival)
        truth = validation.answers
        testable = np.ones(len(validation), dtype=bool)
    elif testable.sum() < MIN_TESTED:
        return Round(fit, None, Decision(True, Basis.UNTESTED, int(testable.sum()), None, 0, None, None))
    else:
        said, honest = out_of_fold(problem, recipe)
        held_out = HeldOut(Basis.OUT_OF_FOLD, problem.pool.ids[problem.labelled], said, honest)
        before, comparable = _before(problem, rival)
        truth = _truth(problem)
    right_before = None if before is None else _right(before, truth)[testable]
    decision = decide(held_out.basis, _right(said, truth)[testable], right_before, comparable[testable])
    return Round(fit, held_out, replace(decision, against_guesses=rival is None and decision.previous is not None))


def answers(head: TagHead, vectors: NDArray[np.floating]) -> Answers:
    """(n,) classes (``NONE_OF_THEM`` where that is likeliest) of an exclusive head, (n, c) booleans of another."""
    scores = head.scores(vectors)
    if not head.exclusive:
        return scores > 0
    best = scores.argmax(axis=1)
    return np.where(best < head.n_classes, best, NONE_OF_THEM)


def fold_of(ids: IntArray, folds: int = FOLDS) -> IntArray:
    """(n,) fold of each image id: the same in every round, whatever else is labelled (splitmix64)."""
    mixed = np.asarray(ids).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(folds)).astype(np.int64)


def out_of_fold(problem: TagProblem, recipe: Recipe) -> tuple[Answers, NDArray[np.float32]]:
    """What heads that did not see an image's answer say of it, for every labelled image, and their (m, c) probabilities."""
    fold = fold_of(problem.pool.ids[problem.labelled])
    said = np.array(_truth(problem))
    probabilities = np.zeros((problem.n_labelled, problem.n_classes), np.float32)
    for each in np.unique(fold):
        inside = fold == each
        head = fit_head(problem.subset(~inside), recipe)
        vectors = problem.pool.vectors[problem.labelled[inside]]
        said[inside] = answers(head, vectors)
        probabilities[inside] = head.predict(vectors)
    return said, probabilities


def _truth(problem: TagProblem) -> Answers:
    return problem.known_classes() if problem.targets is None else problem.targets


def right_of(held_out: HeldOut, problem: TagProblem, validation: Validation | None) -> NDArray[np.float64]:
    """(m,) whether each held-out answer that a person gave was said rightly: to compare two heads answer by answer."""
    if held_out.basis is Basis.VALIDATION:
        assert validation is not None
        return _right(held_out.said, validation.answers)
    return _right(held_out.said, _truth(problem))[problem.testable()]


def _tested(problem: TagProblem, previous: Previous | None) -> bool:
    """Whether the last head is what there is to beat: of the same labels, and not released untested.

    One that was released untested never beat the first guesses, so these are the rival, where a zero-shot model gives any.
    """
    if previous is None or previous.head.n_classes != problem.n_classes:
        return False
    return previous.held_out is not None or problem.guesses is None


def _before_on(
    validation: Validation, problem: TagProblem, previous: Previous | None
) -> tuple[Answers | None, NDArray[np.bool_]]:
    """What the last head, or the first guesses, say of the validation images, and which of those answers are honest."""
    honest = np.ones(len(validation), dtype=bool)
    if previous is None:
        return (None if problem.guesses is None else answers(_guesser(problem), validation.vectors)), honest
    if previous.trained_ids is not None:
        honest = ~np.isin(validation.ids, previous.trained_ids)
    return answers(previous.head, validation.vectors), honest


def _before(problem: TagProblem, previous: Previous | None) -> tuple[Answers | None, NDArray[np.bool_]]:
    """What was said of the labelled images before this round, and which of those answers are honest (not trained on)."""
    honest = np.ones(problem.n_labelled, dtype=bool)
    if previous is None:
        if problem.guesses is None:
            return None, honest
        if problem.exclusive:
            return np.asarray(problem.guesses[problem.labelled].argmax(axis=1)), honest
        return answers(_guesser(problem), problem.pool.vectors[problem.labelled]), honest
    ids = problem.pool.ids[problem.labelled]
    said = np.array(answers(previous.head, problem.pool.vectors[problem.labelled]))
    held_out = previous.held_out
    if held_out is not None and held_out.basis is Basis.OUT_OF_FOLD:
        where = {int(image_id): at for at, image_id in enumerate(held_out.ids)}
        for row, image_id in enumerate(ids.tolist()):
            if image_id in where:
                said[row] = held_out.said[where[image_id]]
    elif previous.trained_ids is not None:
        honest = ~np.isin(ids, previous.trained_ids)
    return said, honest


def _guesser(problem: TagProblem) -> TagHead:
    """The head of the first guesses: no answer of ``problem`` reaches it."""
    return fit_head(problem.subset(np.zeros(problem.n_labelled, dtype=bool)), Recipe.GUESSES)


def _right(said: Answers, truth: Answers) -> NDArray[np.float64]:
    """(m,) 1 where the answer is right; for independent labels the share of the known ones that are right."""
    if truth.ndim == 1:
        return np.asarray(said == truth, dtype=np.float64)
    known: NDArray[np.bool_] = truth >= 0
    right: NDArray[np.bool_] = ((said > 0) == (truth > 0)) & known
    return np.asarray(right.sum(axis=1) / np.maximum(1, known.sum(axis=1)))


def decide(
    basis: Basis, right: NDArray[np.float64], before: NDArray[np.float64] | None, comparable: NDArray[np.bool_]
) -> Decision:
    """Release unless the mean paired difference of ``comparable`` images lies below minus one standard error.

    ``right`` and ``before`` (m,) are 1 where the new and the last head are right (shares for independent labels).
    """
    accuracy = float(right.mean())
    if before is None or comparable.sum() < 2:
        return Decision(True, basis, len(right), accuracy, 0, None, None)
    gain = right[comparable] - before[comparable]
    error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
    released = bool(gain.mean() >= -error)
    return Decision(released, basis, len(right), accuracy, len(gain), float(before[comparable].mean()), error)
