"""A round with pseudo-labels: the gate of the last held-out answers opens or stays shut, and options compete with the rest.

From 200 labels on nothing but the gate lets pseudo-labels train. Its threshold comes from what the last head said of answers that
it had not seen, so that neither this round's fit nor its test has a say. An option (look-ahead teacher, trimmed losses) is fitted
beside the usual head and takes its place only when held-out answers say that it is better by more than one standard error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from annotator.errors import UsageError
from annotator.learning.problem import Recipe, TagProblem
from annotator.learning.rounds import HeldOut, Previous, Round, Validation, right_of, train_round
from annotator.pseudolabel.gate import MIN_LABELS, Gate, fit_gate

MIN_VERDICTS = 50
"""Fewer held-out answers open no gate."""


class Option(StrEnum):
    """What may compete with the usual head."""

    LOOK_AHEAD = "look-ahead"
    TRIM = "trim"

    @classmethod
    def named(cls, names: Sequence[str]) -> tuple[Option, ...]:
        """The options of those names; raises ``UsageError`` for one that there is not."""
        unknown = sorted(set(names) - {each.value for each in cls})
        if unknown:
            raise UsageError(f"There is no training option '{unknown[0]}'.", f"Choose among {', '.join(cls)}.")
        return tuple(cls(name) for name in dict.fromkeys(names))


RECIPES = {Option.LOOK_AHEAD: Recipe.LOOK_AHEAD, Option.TRIM: Recipe.TRIMMED}


@dataclass(frozen=True)
class Trial:
    """An option against the usual head: the mean gain on held-out answers, its standard error, and whether it was taken."""

    option: Option
    gain: float
    standard_error: float
    taken: bool

    @property
    def message(self) -> str:
        verb = "in use" if self.taken else "not in use"
        return f"{self.option}: {100 * self.gain:+.1f} ± {100 * self.standard_error:.1f} points, {verb}"


@dataclass(frozen=True)
class GatedRound:
    """A round, the gate it trained behind (None below 200 labels or without held-out answers), and what was tried beside it."""

    round: Round
    gate: Gate | None
    trials: tuple[Trial, ...] = ()


def gated_round(
    problem: TagProblem,
    *,
    previous: Previous | None = None,
    validation: Validation | None = None,
    options: Sequence[Option] = (),
) -> GatedRound:
    """Train one group's head as far as the gate allows; ``options`` compete with it."""
    gate = gate_of(problem, previous, validation)
    threshold = None if gate is None else gate.threshold
    usual = replaced(problem, threshold)
    done = train_round(usual, previous=previous, validation=validation)
    trials: list[Trial] = []
    if problem.n_labelled >= MIN_LABELS and problem.exclusive:
        for option in options:
            other = train_round(usual, previous=previous, validation=validation, recipe=RECIPES[option])
            trial = _against(option, done, other, usual, validation)
            if trial is not None:
                trials.append(trial)
                done = other if trial.taken else done
    return GatedRound(done, gate, tuple(trials))


def gate_of(problem: TagProblem, previous: Previous | None, validation: Validation | None = None) -> Gate | None:
    """The gate that the last head's held-out answers allow; None where there are too few of them to say."""
    held_out = None if previous is None else previous.held_out
    if not problem.exclusive or problem.n_labelled < MIN_LABELS or held_out is None or held_out.probabilities is None:
        return None
    truth = _truth_of(held_out, problem, validation)
    known = truth >= 0
    if known.sum() < MIN_VERDICTS or held_out.probabilities.shape[1] != problem.n_classes:
        return None
    said = held_out.probabilities[known]
    correct = said.argmax(axis=1) == truth[known]
    return fit_gate(said.max(axis=1), correct, n_labelled=problem.n_labelled)


def replaced(problem: TagProblem, threshold: float | None) -> TagProblem:
    """The problem behind a gate; its guesses, which cost most, are kept."""
    if threshold is None:
        return problem
    behind = replace(problem, gate=threshold)
    behind.__dict__["guesses"] = problem.guesses
    return behind


def _truth_of(held_out: HeldOut, problem: TagProblem, validation: Validation | None) -> NDArray[np.int64]:
    """(m,) what people say of the held-out images today, −1 where nobody (or nobody one by one) does."""
    ids = problem.pool.ids[problem.labelled][problem.testable()]
    answers = problem.known_classes()[problem.testable()]
    if validation is not None:
        ids, answers = np.concatenate([ids, validation.ids]), np.concatenate([answers, validation.answers])
    said = dict(zip(ids.tolist(), answers.tolist(), strict=True))
    return np.asarray([said.get(image, -1) for image in held_out.ids.tolist()], np.int64)


def _against(
    option: Option, usual: Round, other: Round, problem: TagProblem, validation: Validation | None
) -> Trial | None:
    """The option against the usual head, answer by answer; None where nothing is held out."""
    if usual.held_out is None or other.held_out is None:
        return None
    gain = right_of(other.held_out, problem, validation) - right_of(usual.held_out, problem, validation)
    error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
    mean = float(gain.mean())
    return Trial(option, mean, error, mean > error)
