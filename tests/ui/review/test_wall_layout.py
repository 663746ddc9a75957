"""Where crops stand: every place once, rows that fill the width, and the way back from a point to a place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.review.wall_layout import GAP, NARROWEST, WIDEST, WallLayout

aspects = st.lists(st.floats(0.05, 8.0, allow_nan=False), min_size=1, max_size=60)


@given(aspects, st.integers(80, 1200), st.sampled_from([56, 128, 320]))
def test_each_place_stands_once_and_inside(shapes: list[float], width: int, height: int) -> None:
    layout = WallLayout(np.asarray(shapes), width, height)
    seen = [place for row in range(layout.rows) for place in layout.places(row)]
    assert seen == list(range(len(shapes)))
    for row in range(layout.rows):
        cells = layout.cells(row)
        assert all(a.x + a.width + GAP <= b.x + 1 for a, b in pairwise(cells))
        if len(cells) > 1:
            assert cells[-1].x + cells[-1].width <= layout.width - GAP + 1
        assert {cell.height for cell in cells} == {height}


@given(aspects, st.integers(200, 1200))
def test_a_point_of_a_crop_leads_back_to_it(shapes: list[float], width: int) -> None:
    layout = WallLayout(np.asarray(shapes), width, 96)
    for place in range(len(shapes)):
        cell = layout.cell(place)
        assert layout.at(cell.x + cell.width // 2, cell.y + 1) == place
        assert layout.row_of(place) == layout.row_of(layout.at(cell.x, cell.y))
    assert layout.at(-5, 10) == -1
    assert layout.at(10, layout.total_px + 5) == -1


def test_full_rows_reach_the_edge() -> None:
    layout = WallLayout(np.full(100, 1.3), 1000, 96)
    for row in range(layout.rows - 1):
        last = layout.cells(row)[-1]
        assert abs(last.x + last.width - (1000 - GAP)) <= 1


def test_a_rectangle_touches_what_it_covers() -> None:
    layout = WallLayout(np.ones(40), 640, 96)
    cell = layout.cell(9)
    assert layout.inside(cell.x + 2, cell.y + 2, cell.x + 4, cell.y + 4) == [9]
    assert layout.inside(0, 0, 640, layout.total_px) == list(range(40))


def test_up_and_down_stay_in_their_column() -> None:
    layout = WallLayout(np.ones(40), 640, 96)
    below = layout.beside(2, 1)
    assert layout.beside(below, -1) == 2
    assert layout.beside(2, -1) == 2
    assert layout.beside(39, 5) == 39


def test_extreme_shapes_are_held_within_limits() -> None:
    layout = WallLayout(np.asarray([0.01, 50.0, float("nan")]), 5000, 100)
    widths = [cell.width for cell in layout.cells(0)]
    assert widths == [round(NARROWEST * 100), round(WIDEST * 100), 100]


@pytest.mark.parametrize("count", [0, 1])
def test_small_walls(count: int) -> None:
    layout = WallLayout(np.ones(count), 300, 96)
    assert layout.rows == count
    assert (layout.total_px > 0) == bool(count)
