"""Effort and certificates on generated features: what is counted is what the rules say, and the promises hold."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.simulate.certificates import audited_once, certify_often
from annotator.simulate.effort import PAGE, SIGNING, label_everything
from annotator.simulate.tags import TagTask
from tests.benchmarks.learning import clusters


@pytest.fixture(scope="module")
def task() -> TagTask:
    vectors, classes, zero_shot = clusters(700, seed=5)
    return TagTask(vectors[:600], classes[:600], zero_shot[:600], vectors[600:], classes[600:], tuple("abcdefghij"))


def test_everything_is_labelled_at_less_than_half_of_the_keys(task: TagTask) -> None:
    effort = label_everything(task, 0.05, first=60)
    assert effort.error <= 0.05
    assert effort.actions == effort.keys + effort.pages + 2 * effort.marks + SIGNING * effort.certificates
    assert effort.keys + effort.pages * PAGE >= 600 - effort.certified
    assert effort.of_hand == effort.actions / 600 < 0.5
    assert effort == label_everything(task, 0.05, first=60)


def test_a_certificate_is_used_where_the_wall_would_cost_more_and_its_sample_costs_what_the_wall_costs() -> None:
    """Four thousand easy pictures: 80 pages of the wall, or six for a sample."""
    vectors, classes, zero_shot = clusters(4_100, seed=5)
    easy = TagTask(
        (4.0 * np.eye(10, vectors.shape[1])[classes] + 0.02 * vectors).astype(np.float16)[:4_000],
        classes[:4_000],
        zero_shot[:4_000],
        vectors[4_000:],
        classes[4_000:],
        tuple("abcdefghij"),
    )
    effort = label_everything(easy, 0.05, first=60)
    assert effort.certificates >= 1 and effort.certified > 2_000
    assert effort.pages >= -(-effort.checks // PAGE)
    assert effort.error <= 0.05
    assert effort.actions < 60 + 4_000 / PAGE


def test_an_audit_counts_what_was_accepted_unseen_and_whether_the_promise_held() -> None:
    confidence = np.linspace(1.0, 0.9, 2_000)
    wrong = np.random.default_rng(0).random(2_000) < 0.3 * (1.0 - confidence)
    runs = [audited_once(confidence, wrong, 0.05, 300, seed) for seed in range(20)]
    assert all(run.passed and run.audited == 300 for run in runs)
    some = [run for run in runs if not np.isnan(run.error)]
    assert len(some) >= 10 and all(run.error <= 0.05 and 0 < run.accepted < 1 for run in some)
    assert max(run.accepted for run in some) > 0.5
    hopeless = audited_once(confidence, np.ones(2_000, dtype=bool), 0.05, 300, seed=1)
    assert hopeless.passed and hopeless.accepted == 0 and np.isnan(hopeless.error)


def test_certificates_of_many_loops_are_counted(task: TagTask) -> None:
    found = certify_often(task, labels=60, target=0.2, runs=12, audits=100)
    assert len(found.runs) == 12
    assert found.violations == sum(not np.isnan(run.error) and run.error > 0.2 for run in found.runs)
    assert found.accepted == pytest.approx(np.mean([run.accepted for run in found.runs]))
