"""Agreement between annotators against worked examples from the literature."""

from __future__ import annotations

import pytest

from annotator.audit.agreement import cohen_kappa, krippendorff_alpha


def test_kappa_of_cohens_table() -> None:
    # 50 grants, two readers: both yes 20, both no 15, 5 and 10 apart: observed .7, by chance .5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_kappa_says_nothing_where_chance_explains_all() -> None:
    assert cohen_kappa([], []) is None
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None
    assert cohen_kappa(["a", "b"], ["b", "a"]) == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="same items"):
        cohen_kappa(["a"], [])


def test_alpha_of_krippendorffs_example_with_missing_answers() -> None:
    # Krippendorff (2011), section C: four observers, twelve units, nominal alpha .743.
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = {unit: [row[unit] for row in observers if row[unit] is not None] for unit in range(12)}
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.001)


def test_alpha_of_the_binary_example_and_of_nothing() -> None:
    # Krippendorff (2011), section A: two observers, ten units, alpha .095.
    a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(dict(enumerate(zip(a, b, strict=True)))) == pytest.approx(0.095, abs=0.001)
    assert krippendorff_alpha({1: ["a"], 2: ["b"]}) is None
    assert krippendorff_alpha({1: ["a", "a"]}) is None
