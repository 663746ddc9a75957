"""Geometry keeps its numbers exactly, refuses what is not a place, and knows its bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from annotator.domain.geometry import (
    Box,
    Caption,
    Geometry,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
    Tag,
    from_json,
)

EXAMPLES: tuple[Geometry, ...] = (
    Tag(),
    Box(0.125, 0.25, 30.75, 40.5),
    RotatedBox(50, 40, 20, 10, 33.3),
    Polygon.of([(0, 0), (10, 0), (10, 10)], [(2, 1), (9, 1), (9, 8)]),
    Mask(3, 4, 2, 2, (1, 2, 1)),
    Polyline(((0, 0), (1.5, 2.5))),
    Point(1.25, 2.5),
    Keypoints(((1, 2, 2), (3, 4, 1), (0, 0, 0))),
    Caption("a cat on a mat"),
)


@pytest.mark.parametrize("geometry", EXAMPLES, ids=lambda g: g.kind.value)
def test_json_gives_the_same_geometry_back(geometry: Geometry) -> None:
    assert from_json(geometry.to_json()) == geometry
    assert hash(from_json(geometry.to_json())) == hash(geometry)


@pytest.mark.parametrize("geometry", EXAMPLES, ids=lambda g: g.kind.value)
def test_moving_there_and_back_is_where_it_was(geometry: Geometry) -> None:
    assert geometry.moved(3, 5).moved(-3, -5) == geometry
    bounds = geometry.bounds()
    if bounds is not None:
        assert geometry.moved(3, 5).bounds() == pytest.approx(
            [v + d for v, d in zip(bounds, (3, 5, 3, 5), strict=True)]
        )


def test_rotation_is_clockwise_on_screen() -> None:
    quarter = RotatedBox(0, 0, 4, 2, 90).corners()
    # The box's own top-left, (-2, -1), comes to the top right: y is down.
    assert quarter[0] == pytest.approx((1, -2))
    assert RotatedBox(0, 0, 4, 2, 90).bounds() == pytest.approx((-1, -2, 1, 2))


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "box", "box": [math.nan, 0, 1, 1]},
        {"kind": "box", "box": [5, 0, 1, 1]},
        {"kind": "box", "box": [0, 0, math.inf, 1]},
        {"kind": "box", "box": [0, 0, 1]},
        {"kind": "polygon", "parts": []},
        {"kind": "polygon", "parts": [{"outer": [[0, 0], [1, 1]]}]},
        {"kind": "mask", "origin": [0, 0], "size": [2, 2], "counts": [1, 1]},
        {"kind": "mask", "origin": [0, 0], "size": [2, 2], "counts": [5, -1]},
        {"kind": "keypoints", "keypoints": [[0, 0, 3]]},
        {"kind": "blob"},
        {},
    ],
)
def test_what_is_not_a_place_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(bad)


def test_mask_is_cropped_to_what_is_set_and_lands_where_it_was() -> None:
    array = np.zeros((7, 9), dtype=bool)
    array[2:5, 3:8] = [[0, 1, 1, 0, 1], [1, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    mask = Mask.from_array(array, x=10, y=20)
    assert mask is not None
    assert (mask.x, mask.y, mask.width, mask.height) == (13, 22, 5, 3)
    assert mask.area == array.sum()
    full = mask.to_full_array(40, 40)
    assert np.array_equal(full[20:27, 10:19], array)
    assert full.sum() == array.sum()
    assert Mask.from_array(np.zeros((3, 3), dtype=bool)) is None
    assert mask.to_full_array(23, 15).sum() == array[:3, :5].sum()
