"""The gate: Wilson's bound, when it opens, and what it lets through."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.pseudolabel.gate import admitted, fit_gate, wilson_lower


def test_the_bound_is_wilsons() -> None:
    z = 1.6448536269514722
    for right, total in ((0, 10), (9, 10), (95, 100), (100, 100)):
        bound = float(wilson_lower(right, total))
        share = right / total
        # Wilson: the share lies z standard errors, at the bound itself, above the bound.
        assert share - bound == pytest.approx(z * np.sqrt(bound * (1 - bound) / total), abs=1e-9)
    assert wilson_lower(0, 0) == 0


def test_the_gate_opens_at_its_target_when_verdicts_agree() -> None:
    sure = np.linspace(0.5, 1.0, 400)
    gate = fit_gate(sure, sure > 0.8, n_labelled=200)
    assert gate.threshold == 0.9
    assert gate.admits(np.array([0.89, 0.9, 0.95])).tolist() == [False, True, True]
    assert gate.share_right == 1.0 and gate.verdicts == (sure >= 0.9).sum()


def test_the_threshold_rises_until_enough_are_right() -> None:
    sure = np.linspace(0.9, 1.0, 400)
    gate = fit_gate(sure, sure > 0.96, n_labelled=300)
    assert gate.threshold is not None and 0.945 < gate.threshold < 0.97
    assert gate.lower_bound >= 0.9


def test_it_stays_shut_below_two_hundred_labels_and_when_too_few_are_right() -> None:
    sure = np.linspace(0.9, 1.0, 400)
    assert fit_gate(sure, np.ones(400, dtype=bool), n_labelled=199).threshold is None
    draw = np.random.default_rng(0)
    shut = fit_gate(sure, draw.random(400) < 0.8, n_labelled=500)
    assert shut.threshold is None and not shut.admits(sure).any()
    assert fit_gate(np.zeros(0), np.zeros(0, dtype=bool), n_labelled=500).threshold is None
    assert fit_gate(np.full(10, 0.99), np.ones(10, dtype=bool), n_labelled=500).threshold is None


def test_verdicts_of_one_confidence_stand_or_fall_together() -> None:
    """The first 30 of the ties alone would pass; with the other 30 they do not."""
    right = np.concatenate([np.ones(60, dtype=bool), np.zeros(20, dtype=bool)])
    assert fit_gate(np.full(80, 0.95), right, n_labelled=300).threshold is None
    assert fit_gate(np.full(60, 0.95), right[:60], n_labelled=300).threshold == 0.9


def test_only_open_rows_pass_and_each_label_has_its_limit() -> None:
    sure = np.array([[0.99, 0.01], [0.95, 0.05], [0.97, 0.03], [0.02, 0.98], [0.6, 0.4]], np.float32)
    gate = fit_gate(np.linspace(0.5, 1, 400), np.ones(400, dtype=bool), n_labelled=300)
    rows, classes, confidence = admitted(sure, np.array([True, True, False, True, True]), gate, per_label=1)
    assert rows.tolist() == [0, 3] and classes.tolist() == [0, 1]
    assert confidence == pytest.approx([0.99, 0.98])
