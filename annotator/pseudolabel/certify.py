"""Bulk acceptance that a person can sign: audit a random sample, bound the error, accept the largest prefix that passes.

The open pile is sorted by confidence. One random permutation of it, whose seed is stored before anything is looked at, gives
the audit sample; its members inside any prefix are a random sample of that prefix. Prefixes are tested from a start on,
growing, each with a one-sided Clopper-Pearson bound at the full level, and the first failure ends it: a fixed sequence, so the
chance that the accepted prefix is worse than the target is at most 1 − level (Maurer et al. 1995). Prefixes and start follow
from confidences and seed alone, never from what the audit found. After a failure there is no new draw until a new run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

IntArray = NDArray[np.int64]

LEVEL = 0.95
AUDITS = 300
REACH = 1.25
STEPS = 24
WANTED_POWER = 0.9


def upper_bound(errors: int, audited: int, *, level: float = LEVEL) -> float:
    """One-sided Clopper-Pearson upper limit of an error rate; 1 when nothing was audited or all was wrong."""
    if audited <= 0 or errors >= audited:
        return 1.0
    return float(beta.ppf(level, errors + 1, audited - errors))


def allowed_errors(audited: int, target: float, *, level: float = LEVEL) -> int:
    """The most errors among ``audited`` with which the bound stays at or under ``target``; −1 when even none is too many."""
    counts = np.arange(0, audited)
    bounds = beta.ppf(level, counts + 1, audited - counts)
    return int(np.searchsorted(bounds, target, side="right")) - 1


def needed_audits(target: float, *, level: float = LEVEL) -> int:
    """How many audits, all right, certify ``target``: 59 for 5%, 149 for 2%."""
    return int(np.ceil(np.log(1.0 - level) / np.log(1.0 - target)))


@dataclass(frozen=True)
class AuditPlan:
    """What to look at, fixed before looking. ``order`` (n,) rows of the pile from the most confident; ``sample`` the rows to
    check, in the order of the permutation; ``prefixes`` the lengths of ``order`` to test, in turn."""

    seed: int
    target: float
    level: float
    order: IntArray
    sample: IntArray
    prefixes: tuple[int, ...]

    @property
    def places(self) -> IntArray:
        """(len(sample),) where each of the sample stands in ``order``."""
        rank = np.empty(len(self.order), dtype=np.int64)
        rank[self.order] = np.arange(len(self.order))
        return rank[self.sample]


@dataclass(frozen=True)
class Prefix:
    """One prefix of the pile as the sample shows it: ``errors`` of ``audited`` inside it, and the upper bound on its error."""

    length: int
    audited: int
    errors: int
    bound: float


@dataclass(frozen=True)
class Examined:
    """The fixed sequence: the largest prefix that ``passed`` and the first that ``failed``, each None where there is none."""

    passed: Prefix | None
    failed: Prefix | None


@dataclass(frozen=True)
class Finding:
    """What the audit allows. ``accepted`` rows of the pile (the audited wrong ones among them are the caller's to correct);
    ``bound`` on their error, None when nothing passed; ``audited`` and ``errors`` count the sample inside the accepted."""

    accepted: IntArray
    bound: float | None
    audited: int
    errors: int
    checked: int

    @property
    def passed(self) -> bool:
        return self.bound is not None


def plan_audit(
    confidence: NDArray[np.floating], *, target: float, seed: int, audits: int = AUDITS, level: float = LEVEL
) -> AuditPlan:
    """Choose the sample and the prefixes for a pile of suggestions with the given (n,) confidences."""
    confidence = np.asarray(confidence, dtype=np.float64)
    order = np.argsort(-confidence, kind="stable")
    doubt = np.cumsum(1.0 - confidence[order]) / np.arange(1, len(order) + 1)
    plug_in = int(np.searchsorted(doubt, target, side="right"))
    reach = min(len(order), max(int(np.ceil(REACH * plug_in)), needed_audits(target, level=level)))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    shuffled = np.random.default_rng(seed).permutation(len(order))
    sample = shuffled[rank[shuffled] < reach][:audits]
    if reach == 0:
        return AuditPlan(seed, target, level, order, sample, ())
    lengths = np.unique(np.linspace(reach / STEPS, reach, STEPS).round().astype(np.int64))
    audited = np.searchsorted(np.sort(rank[sample]), lengths)
    allowed = np.asarray([allowed_errors(int(count), target, level=level) for count in audited])
    possible = np.flatnonzero(allowed >= 0)
    if len(possible) == 0:
        return AuditPlan(seed, target, level, order, sample, ())
    power = binom.cdf(allowed[possible], audited[possible], np.minimum(doubt[lengths[possible] - 1], 1.0))
    likely = np.flatnonzero(power >= WANTED_POWER)
    start = possible[int(likely[0]) if len(likely) else int(power.argmax())]
    return AuditPlan(seed, target, level, order, sample, tuple(lengths[start:].tolist()))


def examine(
    places: IntArray, prefixes: Sequence[int], wrong: NDArray[np.bool_], *, target: float, level: float = LEVEL
) -> Examined:
    """Test prefixes in turn until one fails. ``wrong`` (m,) says which of the sample, standing at ``places`` (m,), are wrong."""
    if len(wrong) != len(places):
        raise ValueError(f"{len(places)} suggestions were to be checked, got {len(wrong)} answers")
    passed = None
    for length in prefixes:
        inside = places < length
        errors, audited = int(wrong[inside].sum()), int(inside.sum())
        prefix = Prefix(int(length), audited, errors, upper_bound(errors, audited, level=level))
        if prefix.bound > target:
            return Examined(passed, prefix)
        passed = prefix
    return Examined(passed, None)


def certify(plan: AuditPlan, wrong: NDArray[np.bool_]) -> Finding:
    """Test the prefixes in turn. ``wrong`` (len(sample),) says which of ``plan.sample`` the person found wrong."""
    passed = examine(plan.places, plan.prefixes, wrong, target=plan.target, level=plan.level).passed
    if passed is None:
        return Finding(np.zeros(0, dtype=np.int64), None, 0, 0, len(wrong))
    return Finding(plan.order[: passed.length], passed.bound, passed.audited, passed.errors, len(wrong))
