"""How often certificates hold: the loop is played, a sample of the open pile audited, and the outcome set against the truth.

Loops differ in which images they know of (nine in ten, drawn by seed); each is audited several times, with another seed each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotator.job_context import QUIET, JobContext
from annotator.learning.pool import Pool
from annotator.learning.queue import Strategy
from annotator.pseudolabel.certify import AUDITS, certify, plan_audit
from annotator.simulate.tags import Loop, TagTask

AUDITS_A_LOOP = 10
KNOWN_SHARE = 0.9
ROUND_SIZE = 100
"""Rounds are rarer here than in the window: what is asked is whether a promise holds, two hundred times over."""


@dataclass(frozen=True)
class CertifiedRun:
    """One audit. ``accepted``: share of the open images that were accepted unseen; ``error``: the true error of the prefix that
    was certified, nan where nothing was; ``passed``: whether it lies within the target."""

    passed: bool
    accepted: float
    error: float
    audited: int


@dataclass(frozen=True)
class Certified:
    """All audits of a simulation at ``labels`` labels and a ``target`` error."""

    target: float
    labels: int
    runs: tuple[CertifiedRun, ...]

    @property
    def violations(self) -> int:
        """In how many runs the true error of what was certified passes the target."""
        return sum(not run.passed for run in self.runs)

    @property
    def accepted(self) -> float:
        """Mean share of the open images that were accepted in bulk, unseen; audits that certified nothing count as 0."""
        return float(np.mean([run.accepted for run in self.runs]))

    @property
    def certified(self) -> int:
        """In how many runs anything was certified."""
        return sum(not np.isnan(run.error) for run in self.runs)


def certify_often(
    task: TagTask,
    *,
    labels: int,
    target: float,
    runs: int,
    audits: int = AUDITS,
    strategy: Strategy = Strategy.AUTO,
    context: JobContext = QUIET,
) -> Certified:
    """Play ``runs`` / 10 loops to ``labels`` labels and audit each ten times."""
    found: list[CertifiedRun] = []
    for loop_seed in range(-(-runs // AUDITS_A_LOOP)):
        context.check_cancelled()
        context.progress(loop_seed * AUDITS_A_LOOP, runs, "Certifying")
        part = _part(task, loop_seed)
        pool = Pool(np.arange(len(part.pool_vectors)), part.pool_vectors, seed=loop_seed)
        loop = Loop(part, pool, strategy, loop_seed)
        loop.play_to(min(labels, len(pool)), round_size=ROUND_SIZE)
        rows = loop.open_rows
        said = loop.probabilities[rows]
        wrong = said.argmax(axis=1) != part.pool_truth[rows]
        for audit in range(min(AUDITS_A_LOOP, runs - len(found))):
            found.append(audited_once(said.max(axis=1), wrong, target, audits, 1_000 * loop_seed + audit))
    return Certified(target, labels, tuple(found))


def audited_once(
    confidence: NDArray[np.floating], wrong: NDArray[np.bool_], target: float, audits: int, seed: int
) -> CertifiedRun:
    """One audit of an open pile whose truth is known."""
    plan = plan_audit(confidence, target=target, seed=seed, audits=audits)
    finding = certify(plan, wrong[plan.sample])
    if not finding.passed:
        return CertifiedRun(True, 0.0, float("nan"), len(plan.sample))
    error = float(wrong[finding.accepted].mean())
    unseen = len(finding.accepted) - finding.audited
    return CertifiedRun(error <= target, unseen / max(1, len(wrong)), error, len(plan.sample))


def _part(task: TagTask, seed: int) -> TagTask:
    """The task with nine in ten of its images."""
    count = len(task.pool_vectors)
    keep = np.sort(np.random.default_rng(seed).permutation(count)[: int(KNOWN_SHARE * count)])
    zero_shot = None if task.zero_shot is None else task.zero_shot[keep]
    return replace(task, pool_vectors=task.pool_vectors[keep], pool_truth=task.pool_truth[keep], zero_shot=zero_shot)
