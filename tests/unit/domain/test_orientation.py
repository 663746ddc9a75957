"""Orientation against a direct reading of the EXIF table, and coordinates against pixels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from annotator.domain.orientation import (
    orient_pixels,
    oriented_size,
    swaps_sides,
    to_file,
    to_oriented,
    valid,
)

orientations = st.integers(1, 8)
sides = st.integers(1, 40)
coordinates = st.floats(-100, 100)


@given(orientations, sides, sides)
def test_pixels_are_turned_as_pillow_turns_them(orientation: int, width: int, height: int) -> None:
    pixels = np.arange(width * height * 3, dtype=np.uint32).astype(np.uint8).reshape(height, width, 3)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(orient_pixels(pixels, orientation), expected)
    assert oriented_size(width, height, orientation) == (expected.shape[1], expected.shape[0])
    assert oriented_size(*oriented_size(width, height, orientation), orientation) == (width, height)


@given(orientations, sides, sides, st.data())
def test_a_point_stays_on_its_pixel(orientation: int, width: int, height: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    pixels = np.zeros((height, width), np.uint8)
    pixels[y, x] = 1
    ((row, column),) = np.argwhere(orient_pixels(pixels, orientation))
    assert to_oriented((x + 0.5, y + 0.5), orientation, width, height).tolist() == [column + 0.5, row + 0.5]
    assert to_file((column + 0.5, row + 0.5), orientation, width, height).tolist() == [x + 0.5, y + 0.5]


@given(orientations, sides, sides, st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8))
def test_there_and_back(orientation: int, width: int, height: int, points: list[tuple[float, float]]) -> None:
    given_points = np.array(points)
    turned = to_oriented(given_points, orientation, width, height)
    assert turned.shape == given_points.shape
    assert np.allclose(to_file(turned, orientation, width, height), given_points, atol=1e-9)
    assert np.array_equal(given_points, np.array(points))


@given(orientations, sides, sides)
def test_corners_map_to_corners(orientation: int, width: int, height: int) -> None:
    corners = to_oriented([(0, 0), (width, height)], orientation, width, height)
    assert sorted(corners[:, 0]) == [0, oriented_size(width, height, orientation)[0]]
    assert sorted(corners[:, 1]) == [0, oriented_size(width, height, orientation)[1]]


def test_phone_held_upright() -> None:
    """Orientation 6, by hand: the file's left bottom corner is the picture's left top."""
    assert to_oriented((0, 30), 6, 40, 30).tolist() == [0, 0]
    assert to_oriented((0, 0), 6, 40, 30).tolist() == [30, 0]
    assert swaps_sides(6) and not swaps_sides(3)


def test_values_that_exif_does_not_define_mean_upright() -> None:
    assert [valid(v) for v in (0, 9, -1, 65535, 1, 8)] == [1, 1, 1, 1, 1, 8]
