"""What it takes to label a whole pool: keys and clicks with the queue, the wall and certificates, against a key for every image.

The annotator starts with the queue. From then on whatever is expected to cost least comes next: a page of the wall (fifty
suggestions of one label; 1 for the page, 1 for each mark and 1 for its relabelling; 2 of 100 outliers are missed), a key for each
image that is more likely wrong than right, or a certificate for what the wall would cost more. Its sample stands on the same wall
and costs the same (a page for every fifty, 2 for each that is wrong, and as many are missed), and 2 more to draw and to sign. The
expectation comes from the confidences, never from the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.job_context import QUIET, JobContext
from annotator.learning.pool import Pool
from annotator.learning.queue import Strategy
from annotator.pseudolabel.certify import AuditPlan, certify, plan_audit
from annotator.pseudolabel.shortlist import MOST, sizes
from annotator.simulate.tags import Loop, TagTask

IntArray = NDArray[np.int64]

PAGE = 50
MISSED = 0.02
FIRST_LABELS = 200
KEYED_BELOW = 0.5
"""Below this confidence a key for the image is cheaper than a mark and a relabelling."""
ROUND_ANSWERS = 100
SIGNING = 2
"""To draw a sample, and to sign."""


@dataclass(frozen=True)
class Effort:
    """How a pool of ``images`` was labelled to at most ``target`` error: ``actions`` in all, of them ``keys`` in the queue (of
    which ``shortlisted`` had the right label among two or three offered), ``pages`` of the wall with ``marks`` on them, those of
    samples included; ``certificates`` were tried, on ``checks`` images in all, and ``certified`` images accepted unseen under
    them. ``error`` is what is wrong at the end."""

    target: float
    images: int
    actions: int
    error: float
    keys: int
    shortlisted: int
    pages: int
    marks: int
    checks: int
    certified: int
    certificates: int

    @property
    def of_hand(self) -> float:
        """The actions as a share of those by hand: one key an image."""
        return self.actions / self.images


class _Worker:
    """The annotator at work on one pool."""

    def __init__(self, task: TagTask, target: float, seed: int, first: int) -> None:
        self._task = task
        self._target = target
        self._draw = np.random.default_rng(seed)
        pool = Pool(np.arange(len(task.pool_vectors)), task.pool_vectors, seed=seed)
        self._loop = Loop(task, pool, Strategy.AUTO, seed)
        self._loop.play_to(min(first, len(pool)))
        self._keys, self._shortlisted, self._pages, self._marks, self._checks, self._certified = first, 0, 0, 0, 0, 0
        self._certificates = 0
        self._since = 0
        self._failed = False

    def step(self) -> bool:
        """The cheapest next thing; False when nothing is open."""
        rows = self._loop.open_rows
        if not len(rows):
            return False
        said = self._loop.probabilities[rows]
        sure = said.max(axis=1)
        plan = plan_audit(sure, target=self._target, seed=int(self._draw.integers(2**32)))
        if not self._failed and plan.prefixes and self._worth(plan, sure):
            self._certify(rows, said.argmax(axis=1), plan)
        elif (sure >= KEYED_BELOW).any():
            self._wall(rows, said)
        else:
            self._key(rows)
        if self._since >= ROUND_ANSWERS:
            self._loop.train()
            self._since, self._failed = 0, False
        return True

    def _worth(self, plan: AuditPlan, sure: NDArray[np.floating]) -> bool:
        """Whether a certificate is expected to cost less than looking at all that it would accept: the sample and the rest, of
        which only the sample is looked at."""
        accepted = plan.order[: plan.prefixes[-1]]
        sample = _pages(len(plan.sample)) + 2.0 * float((1.0 - sure[plan.sample]).sum()) + SIGNING
        return sample < float(_cost(sure[np.union1d(accepted, plan.sample)]).sum())

    def _certify(self, rows: IntArray, classes: IntArray, plan: AuditPlan) -> None:
        truth = self._task.pool_truth[rows]
        marked = self._marked(classes[plan.sample] != truth[plan.sample])
        finding = certify(plan, marked)
        self._certificates += 1
        self._checks += len(plan.sample)
        self._pages += _pages(len(plan.sample))
        self._marks += int(marked.sum())
        unseen = np.setdiff1d(finding.accepted, plan.sample)
        self._loop.answer(rows[plan.sample], np.where(marked, truth[plan.sample], classes[plan.sample]))
        self._loop.answer(rows[unseen], classes[unseen])
        self._certified += len(unseen)
        self._since += ROUND_ANSWERS
        self._failed = not finding.passed

    def _marked(self, outlier: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the outliers on the wall are seen."""
        seen: NDArray[np.bool_] = outlier & (self._draw.random(len(outlier)) >= MISSED)
        return seen

    def _wall(self, rows: IntArray, said: NDArray[np.floating]) -> None:
        """A page of the label with the most that is surely enough its own, the surest first."""
        classes, sure = said.argmax(axis=1), said.max(axis=1)
        enough = sure >= KEYED_BELOW
        label = int(np.bincount(classes[enough]).argmax())
        members = np.flatnonzero(enough & (classes == label))
        page = members[np.argsort(-sure[members], kind="stable")][:PAGE]
        truth = self._task.pool_truth[rows[page]]
        marked = self._marked(truth != label)
        self._pages += 1
        self._marks += int(marked.sum())
        self._loop.answer(rows[page], np.where(marked, truth, label))
        self._since += len(page)

    def _key(self, rows: IntArray) -> None:
        picked = self._loop.offered(min(PAGE // 2, len(rows)))
        truth = self._task.pool_truth[picked]
        said = self._loop.probabilities[picked]
        size = sizes(said)
        rank = (said > said[np.arange(len(picked)), truth][:, None]).sum(axis=1)
        self._shortlisted += int(((size <= MOST) & (rank < size)).sum())
        self._keys += len(picked)
        self._loop.answer(picked, truth)
        self._since += len(picked)

    def result(self) -> Effort:
        """What it took."""
        actions = self._keys + self._pages + 2 * self._marks + SIGNING * self._certificates
        wrong = self._loop.said != self._task.pool_truth[self._loop.labelled]
        return Effort(
            self._target,
            len(self._task.pool_truth),
            int(actions),
            float(wrong.mean()),
            self._keys,
            self._shortlisted,
            self._pages,
            self._marks,
            self._checks,
            self._certified,
            self._certificates,
        )


def label_everything(
    task: TagTask, target: float, *, seed: int = 0, first: int = FIRST_LABELS, context: JobContext = QUIET
) -> Effort:
    """Label the whole pool to at most ``target`` error, and count."""
    worker = _Worker(task, target, seed, min(first, len(task.pool_truth)))
    done = 0
    while worker.step():
        context.check_cancelled()
        done += 1
        context.progress(done, None, f"Labelling everything to {target:.0%} error")
    return worker.result()


def _pages(number: int) -> int:
    """Pages of the wall for so many images."""
    return -(-number // PAGE)


def _cost(sure: NDArray[np.floating]) -> NDArray[np.float64]:
    """What looking at each image on the wall, or a key for it, is expected to cost."""
    return np.minimum(1.0, 1.0 / PAGE + 2.0 * (1.0 - np.asarray(sure, dtype=np.float64)))
