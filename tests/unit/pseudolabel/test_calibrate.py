"""Confidence: a temperature that is found again, and only from enough verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.pseudolabel.calibrate import (
    MIN_VERDICTS,
    REJECTED,
    calibrate,
    calibrate_independent,
    reliability,
    tempered,
)


def overconfident(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities whose logits are ``temperature`` times too large, what is shown, and answers drawn from the honest ones."""
    draw = np.random.default_rng(seed)
    honest = draw.dirichlet(np.full(4, 0.7), count).astype(np.float32)
    truth = (honest.cumsum(axis=1) > draw.random((count, 1))).argmax(axis=1)
    boasting = tempered(honest, 1.0 / temperature)
    return boasting, boasting.argmax(axis=1), truth


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature: float) -> None:
    found = calibrate(*overconfident(4000, temperature))
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.verdicts == 4000 and not found.uncalibrated


def test_rejections_without_a_correction_say_enough() -> None:
    sure, shown, truth = overconfident(6000, 2.0)
    found = calibrate(sure, shown, np.where(truth == shown, truth, REJECTED))
    assert found.temperature == pytest.approx(2.0, rel=0.15)


def test_a_hundred_verdicts_are_needed() -> None:
    sure, shown, truth = overconfident(MIN_VERDICTS, 2.5)
    assert MIN_VERDICTS == 100
    enough, few = calibrate(sure, shown, truth), calibrate(sure[1:], shown[1:], truth[1:])
    assert enough.temperature > 1.3 and not enough.uncalibrated
    assert (few.temperature, few.verdicts, few.by_label) == (1.0, 99, ()) and few.uncalibrated
    assert np.array_equal(few.apply(sure), sure)


def test_calibration_brings_confidence_to_the_share_that_is_right() -> None:
    sure, shown, truth = overconfident(4000, 3.0)
    found = calibrate(sure, shown, truth)
    rows = np.arange(4000)
    before = reliability(sure[rows, shown], shown == truth)
    after = reliability(found.apply(sure)[rows, shown], shown == truth)
    assert before.error > 0.12
    assert after.error < 0.04


def test_independent_labels_have_their_own_temperature() -> None:
    draw = np.random.default_rng(0)
    honest = draw.uniform(0.02, 0.98, 4000).astype(np.float32)
    boasting = tempered(honest, 0.5, exclusive=False)
    found = calibrate_independent(boasting, draw.random(4000) < honest)
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    assert calibrate_independent(boasting[:99], honest[:99] > 0.5).uncalibrated


@pytest.mark.parametrize("exclusive", [True, False])
def test_tempering_keeps_the_order_and_is_undone_by_its_inverse(exclusive: bool) -> None:
    given = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.1]], np.float32)
    warm = tempered(given, 2.0, exclusive=exclusive)
    assert np.argsort(warm, axis=1).tolist() == np.argsort(given, axis=1).tolist()
    assert (warm.max(axis=1) < given.max(axis=1))[0]
    assert tempered(warm, 0.5, exclusive=exclusive) == pytest.approx(given, abs=1e-4)


def test_none_of_them_keeps_its_part() -> None:
    warm = tempered(np.array([[0.3, 0.2]], np.float32), 1.5)
    assert 0 < warm.sum() < 1
    assert tempered(np.array([[0.6, 0.4]], np.float32), 1.5).sum() == pytest.approx(1)


def test_the_reliability_diagram_counts_by_bin() -> None:
    found = reliability(np.array([0.05, 0.15, 0.15, 1.0]), np.array([False, True, False, True]))
    assert found.count.tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found.correct[1] == 0.5 and np.isnan(found.correct[2])
    assert found.error == pytest.approx((0.05 + 2 * 0.35 + 0) / 4)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, dtype=bool)).error)
