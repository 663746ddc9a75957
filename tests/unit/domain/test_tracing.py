"""Polygons around masks: exact without a tolerance, never further off than the tolerance with one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotator.domain.geometry import Box, Polygon
from annotator.domain.overlap import area_of
from annotator.domain.tracing import box_around, polygon_around

windows = st.tuples(st.integers(1, 10), st.integers(1, 10)).flatmap(lambda size: arrays(np.bool_, size))


def disk(side: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    return np.hypot(x - side / 2, y - side / 2) <= radius


def test_a_square_is_its_four_corners() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:9, 3:7] = True
    polygon = polygon_around(mask, 0.5, 100, 200)
    assert polygon is not None
    assert sorted(polygon.parts[0].outer) == [(103, 202), (103, 209), (107, 202), (107, 209)]
    assert polygon.bounds() == box_around(mask, 100, 200).bounds()


def test_holes_and_parts_are_kept_and_specks_are_not() -> None:
    mask = np.zeros((40, 60), bool)
    mask[2:30, 2:30] = True
    mask[10:20, 10:20] = False
    mask[5:15, 40:55] = True
    mask[35, 5] = True
    polygon = polygon_around(mask, 1.0)
    assert polygon is not None
    assert sorted(len(part.holes) for part in polygon.parts) == [0, 1]
    assert area_of(polygon).area == pytest.approx(mask.sum() - 1, abs=1e-6)


def test_a_pixel_of_a_coarse_window_is_as_wide_as_it_is_in_the_image() -> None:
    polygon = polygon_around(np.ones((3, 5), bool), 0.5, 10, 20, (4.0, 2.0))
    assert polygon is not None
    assert polygon.bounds() == (10, 20, 30, 26)


def test_nothing_has_no_outline_and_a_speck_has_one() -> None:
    assert polygon_around(np.zeros((5, 5), bool), 1.0) is None
    assert box_around(np.zeros((5, 5), bool)) is None
    speck = np.zeros((5, 5), bool)
    speck[2, 3] = True
    assert polygon_around(speck, 0.2).bounds() == (3, 2, 4, 3)
    assert box_around(speck) == Box(3, 2, 4, 3)


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 2.0, 5.0])
def test_a_larger_tolerance_needs_fewer_vertices_and_strays_no_further(tolerance: float) -> None:
    mask = disk(120, 50)
    exact, simple = polygon_around(mask, 0.0), polygon_around(mask, tolerance)
    assert isinstance(exact, Polygon)
    assert isinstance(simple, Polygon)
    assert len(simple.parts[0].outer) < len(exact.parts[0].outer)
    assert tolerance < 2 or len(simple.parts[0].outer) < 24
    assert shapely.hausdorff_distance(area_of(exact).exterior, area_of(simple).exterior) <= tolerance + 1e-9


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(windows)
def test_without_a_tolerance_exactly_the_set_pixels_lie_within(coarse: np.ndarray) -> None:
    mask = np.repeat(np.repeat(coarse, 3, axis=0), 3, axis=1)
    polygon = polygon_around(mask, 0.0)
    if polygon is None:
        assert not mask.any()
        return
    shape = area_of(polygon)
    rows, columns = np.indices(mask.shape)
    assert (shapely.contains_xy(shape, columns + 0.5, rows + 0.5) == mask).all()
    assert shape.area == pytest.approx(mask.sum())
