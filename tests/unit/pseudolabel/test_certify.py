"""Bulk acceptance: the bound is exact, the sequence stops at its first failure, and the promise holds on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, binom

from annotator.pseudolabel.certify import AuditPlan, allowed_errors, certify, needed_audits, plan_audit, upper_bound


@pytest.mark.parametrize(("errors", "audited"), [(0, 1), (0, 59), (3, 100), (17, 300), (299, 300)])
def test_the_bound_is_clopper_pearson(errors: int, audited: int) -> None:
    bound = upper_bound(errors, audited)
    assert bound == pytest.approx(beta.ppf(0.95, errors + 1, audited - errors))
    assert binom.cdf(errors, audited, bound) == pytest.approx(0.05)


def test_nothing_audited_or_nothing_right_bounds_nothing() -> None:
    assert upper_bound(0, 0) == upper_bound(5, 5) == 1.0


def test_how_many_audits_a_target_needs() -> None:
    assert [needed_audits(target) for target in (0.05, 0.02, 0.01)] == [59, 149, 299]
    for target in (0.05, 0.02):
        assert upper_bound(0, needed_audits(target)) <= target < upper_bound(0, needed_audits(target) - 1)
    assert allowed_errors(100, 0.02) == -1
    assert allowed_errors(149, 0.02) == 0
    assert allowed_errors(300, 0.02) == 1


def pile(count: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Honest confidences and which suggestions are wrong."""
    draw = np.random.default_rng(seed)
    sure = draw.beta(8, 0.3, count)
    return sure, draw.random(count) >= sure


def test_a_plan_is_fixed_by_confidences_and_seed_and_looks_where_it_may_accept() -> None:
    sure, _ = pile()
    plan, again, other = (plan_audit(sure, target=0.05, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(plan.sample, again.sample) and plan.prefixes == again.prefixes
    assert not np.array_equal(plan.sample, other.sample)
    assert (np.diff(sure[plan.order]) <= 0).all()
    assert len(plan.sample) == len(set(plan.sample.tolist())) == 300
    reach = plan.prefixes[-1]
    assert set(plan.sample.tolist()) <= set(plan.order[:reach].tolist())
    assert list(plan.prefixes) == sorted(set(plan.prefixes))


def test_the_sequence_stops_at_its_first_failure() -> None:
    """The middle prefix fails; the longer one would pass again, and must not be taken."""
    order = np.arange(1000)
    plan = AuditPlan(0, 0.05, 0.95, order, order[::2], (200, 300, 1000))
    wrong = np.zeros(500, dtype=bool)
    wrong[100:112] = True
    assert upper_bound(0, 100) <= 0.05
    assert upper_bound(12, 150) > 0.05
    assert upper_bound(12, 500) <= 0.05
    found = certify(plan, wrong)
    assert found.accepted.tolist() == list(range(200))
    assert (found.audited, found.errors, found.checked) == (100, 0, 500)
    assert found.bound == pytest.approx(upper_bound(0, 100))
    whole = certify(replace(plan, prefixes=(1000,)), wrong)
    assert len(whole.accepted) == 1000 and whole.errors == 12


def test_failing_at_the_start_accepts_nothing() -> None:
    plan = AuditPlan(0, 0.05, 0.95, np.arange(100), np.arange(60), (60, 100))
    wrong = np.zeros(60, dtype=bool)
    wrong[3] = True
    found = certify(plan, wrong)
    assert not found.passed and len(found.accepted) == 0 and found.checked == 60
    assert certify(plan, np.zeros(60, dtype=bool)).passed


def test_a_bad_prefix_is_accepted_in_at_most_one_case_in_twenty() -> None:
    """Confidences that boast: without the audit all would be taken at 5%, while 12% are wrong."""
    draw = np.random.default_rng(1)
    broken = certified = 0
    for seed in range(40):
        sure = np.sort(draw.uniform(0.93, 1.0, 1500))[::-1]
        wrong = draw.random(1500) < np.linspace(0.0, 0.12, 1500)
        plan = plan_audit(sure, target=0.05, seed=seed)
        found = certify(plan, wrong[plan.sample])
        certified += found.passed
        broken += found.passed and wrong[found.accepted].mean() > 0.05
    assert certified > 8
    assert broken <= 5


def test_a_good_pile_is_mostly_certified() -> None:
    taken = []
    for seed in range(8):
        sure, wrong = pile(seed=seed)
        plan = plan_audit(sure, target=0.05, seed=seed)
        taken.append(len(certify(plan, wrong[plan.sample]).accepted))
    assert np.median(taken) > 1000


@pytest.mark.parametrize("count", [0, 1, 58])
def test_a_pile_too_small_to_bound_has_no_prefix(count: int) -> None:
    plan = plan_audit(np.full(count, 0.999), target=0.05, seed=0)
    assert plan.prefixes == ()
    assert not certify(plan, np.zeros(len(plan.sample), dtype=bool)).passed


def test_answers_must_match_the_sample() -> None:
    plan = plan_audit(np.full(100, 0.99), target=0.05, seed=0)
    with pytest.raises(ValueError, match="100"):
        certify(plan, np.zeros(3, dtype=bool))
