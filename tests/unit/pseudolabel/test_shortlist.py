"""The shortlist holds what a tag may be: one label where it is sure, two or three where it is not, none beyond."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.pseudolabel.shortlist import shortlist, sizes


def test_confusers_are_struck_until_the_best_label_is_sure() -> None:
    table = np.asarray(
        [[0.97, 0.02, 0.01, 0], [0.60, 0.38, 0.01, 0.01], [0.5, 0.3, 0.19, 0.01], [0.25, 0.25, 0.25, 0.25]]
    )
    assert sizes(table).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0.97, 0.02, 0.01), (7,)), ((0.6, 0.38, 0.01), (7, 8)), ((0.4, 0.3, 0.1), ()), ((), ())],
)
def test_a_suggestion_offers_its_shortlist(values: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert shortlist(tuple(zip((7, 8, 9), values, strict=False))) == expected


def test_what_the_distribution_leaves_out_counts() -> None:
    assert shortlist(((1, 0.5), (2, 0.45))) == ()
    assert shortlist(((1, 0.5), (2, 0.49), (3, 0.01))) == (1, 2)


def test_both_forms_agree_on_whole_rows() -> None:
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.full(5, 0.3), 200)
    for row, size in zip(table, sizes(table), strict=True):
        order = np.argsort(-row)
        offered = shortlist(tuple((int(at), float(row[at])) for at in order))
        assert len(offered) == (size if size <= 3 else 0)
