"""Splits are balanced by label, never tear a group, and stay when images are added."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from annotator.learning.splits import stratified

PARTS = (0.8, 0.1, 0.1)


def split(
    matrix: np.ndarray, current: np.ndarray | None = None, seed: int = 0, keys: list[str] | None = None
) -> np.ndarray:
    n = len(matrix)
    before = np.full(n, -1) if current is None else current
    names = keys or [str(number) for number in range(n)]
    return stratified(csr_matrix(matrix), np.ones(n, np.int64), before, PARTS, names, seed=seed)


def test_rare_labels_are_in_every_split() -> None:
    rng = np.random.default_rng(0)
    matrix = (rng.random((1000, 5)) < [0.9, 0.5, 0.2, 0.05, 0.03]).astype(np.int64)
    chosen = split(matrix)
    for label in range(5):
        members = chosen[matrix[:, label] > 0]
        assert np.bincount(members, minlength=3) / len(members) == pytest.approx(PARTS, abs=0.03)
    assert np.bincount(chosen) / 1000 == pytest.approx(PARTS, abs=0.02)


def test_images_without_labels_are_divided_too() -> None:
    assert np.bincount(split(np.zeros((100, 0), np.int64))).tolist() == [80, 10, 10]


def test_another_seed_divides_otherwise_and_the_same_one_the_same() -> None:
    matrix = np.ones((50, 1), np.int64)
    assert split(matrix).tolist() == split(matrix).tolist()
    assert split(matrix).tolist() != split(matrix, seed=1).tolist()


def test_a_part_of_nothing_gets_nothing() -> None:
    chosen = stratified(
        csr_matrix(np.ones((20, 1))), np.ones(20, np.int64), np.full(20, -1), (1, 0, 0), list("abcdefghijklmnopqrst")
    )
    assert set(chosen.tolist()) == {0}


@pytest.mark.parametrize("parts", [(), (-0.1, 1.1), (0, 0, 0)])
def test_parts_that_cannot_be_are_refused(parts: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="fractions"):
        stratified(csr_matrix(np.ones((2, 1))), np.ones(2, np.int64), np.full(2, -1), parts, ["a", "b"])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=40), st.data())
def test_the_order_of_groups_does_not_matter_and_what_has_a_split_keeps_it(
    rows: list[list[bool]], data: st.DataObject
) -> None:
    matrix = np.asarray(rows, np.int64)
    keys = [f"key {number}" for number in range(len(matrix))]
    turn = np.asarray(data.draw(st.permutations(range(len(matrix)))))
    chosen = split(matrix, keys=keys)
    turned = split(matrix[turn], keys=[keys[number] for number in turn])
    assert turned.tolist() == chosen[turn].tolist()
    before = np.where(np.arange(len(matrix)) % 2, chosen, -1)
    again = split(matrix, before, seed=9)
    assert (again[before >= 0] == before[before >= 0]).all()
    assert (again >= 0).all()
