"""Overlap by hand-made figures, and between kinds of geometry."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.domain.geometry import Box, Caption, Geometry, Keypoints, Mask, Point, Polygon, Polyline, RotatedBox, Tag
from annotator.domain.overlap import iou

SQUARE = Box(0, 0, 10, 10)


def _mask(x: int, y: int, width: int, height: int) -> Mask:
    mask = Mask.from_array(np.ones((height, width), dtype=bool), x, y)
    assert mask is not None
    return mask


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (SQUARE, SQUARE, 1.0),
        (SQUARE, Box(5, 0, 15, 10), 1 / 3),
        (SQUARE, Box(10, 0, 20, 10), 0.0),
        (SQUARE, Box(20, 20, 30, 30), 0.0),
        (Box(1, 1, 1, 1), Box(1, 1, 1, 1), 1.0),
        (SQUARE, Polygon.of([(0, 0), (10, 0), (10, 10)]), 0.5),
        (SQUARE, RotatedBox(5, 5, 10, 10, 90), 1.0),
        (SQUARE, Polygon.of([(0, 0), (10, 0), (10, 10), (0, 10)], [(0, 0), (5, 0), (5, 10), (0, 10)]), 0.5),
        (Polygon.of([(0, 0), (10, 10), (10, 0), (0, 10)]), SQUARE, 0.5),  # an outline that crosses itself
        (_mask(0, 0, 10, 10), _mask(5, 0, 10, 10), 1 / 3),
        (_mask(0, 0, 10, 10), _mask(10, 0, 10, 10), 0.0),
        (_mask(0, 0, 10, 10), Box(0, 0, 10, 5), 0.5),
        (_mask(3, 4, 2, 2), Polygon.of([(3, 4), (5, 4), (5, 6), (3, 6)]), 1.0),
        (_mask(0, 0, 2, 2), Point(1, 1), 0.0),
        (Tag(), Tag(), 1.0),
        (Tag(), SQUARE, 0.0),
        (Caption("a cat"), Caption("a cat"), 1.0),
        (Caption("a cat"), Caption("a dog"), 0.0),
        (Point(0, 0), Point(3, 4), 0.0),
        (Point(0, 0), Point(0, 1), 0.8),
        (Polyline(((0, 0), (10, 10))), Polyline(((0, 10), (10, 0))), 1.0),
        (Polyline(((0, 0), (10, 10))), SQUARE, 0.0),
        (Keypoints(((0, 0, 2), (10, 10, 2))), Keypoints(((5, 0, 1), (15, 10, 2))), 1 / 3),
        (Keypoints(((0, 0, 0),)), Keypoints(((0, 0, 0),)), 0.0),
    ],
)
def test_iou(a: Geometry, b: Geometry, expected: float) -> None:
    assert iou(a, b) == pytest.approx(expected)
    assert iou(b, a) == pytest.approx(expected)
