"""How much two geometries cover each other: intersection over union in the oriented image's pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely

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
)
from annotator.domain.rle import BoolMask

SAME_PLACE = 0.7
"""From this overlap on, two geometries of one label describe the same thing."""

_POINT_REACH = 5.0


def iou(a: Geometry, b: Geometry) -> float:
    """Intersection over union in [0, 1].

    Boxes, rotated boxes, polygons and masks by area, in any pairing; keypoints and polylines by their bounding boxes and only
    among their own kind; points fall linearly from 1 to 0 over five pixels; tags cover each other; captions only when equal.
    """
    if isinstance(a, Box) and isinstance(b, Box):
        return _box_iou(a, b)
    if isinstance(a, Mask) and isinstance(b, Mask):
        return _mask_iou(a, b)
    if isinstance(a, Mask) or isinstance(b, Mask):
        mask, other = (a, b) if isinstance(a, Mask) else (b, a)
        shape = area_of(other)
        return 0.0 if shape is None or not isinstance(mask, Mask) else _mask_shape_iou(mask, shape)
    first, second = area_of(a), area_of(b)
    if first is not None and second is not None:
        return _shape_iou(first, second)
    return _iou_without_area(a, b)


def area_of(geometry: Geometry) -> Any:
    """The Shapely area of a box, rotated box or polygon, mended where outlines cross themselves; None for other kinds."""
    if isinstance(geometry, Box | RotatedBox | Polygon):
        return _area_of(geometry)
    return None


@lru_cache(maxsize=1024)
def _area_of(geometry: Box | RotatedBox | Polygon) -> Any:
    if isinstance(geometry, Box):
        return shapely.box(*geometry.bounds())
    if isinstance(geometry, RotatedBox):
        return _valid(shapely.Polygon(geometry.corners()))
    return shapely.union_all([_valid(shapely.Polygon(part.outer, part.holes)) for part in geometry.parts])


def _valid(polygon: Any) -> Any:
    """The polygon with crossings mended; the method that takes holes out even where they touch the outline."""
    return polygon if polygon.is_valid else shapely.make_valid(polygon, method="structure", keep_collapsed=False)


def _box_iou(a: Box, b: Box) -> float:
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width < 0 or height < 0:
        return 0.0
    both = width * height
    either = a.area + b.area - both
    return both / either if either > 0 else float(a == b)


def _shape_iou(a: Any, b: Any) -> float:
    both = float(a.intersection(b).area)
    either = float(a.area) + float(b.area) - both
    return both / either if either > 0 else float(a.equals(b))


def _window(mask: Mask, x1: int, y1: int, x2: int, y2: int) -> BoolMask:
    """The pixels of ``mask`` in a window that lies inside its own."""
    return mask.to_array()[y1 - mask.y : y2 - mask.y, x1 - mask.x : x2 - mask.x]


def _mask_iou(a: Mask, b: Mask) -> float:
    x1, y1 = max(a.x, b.x), max(a.y, b.y)
    x2, y2 = min(a.x + a.width, b.x + b.width), min(a.y + a.height, b.y + b.height)
    if x2 <= x1 or y2 <= y1:
        return 0.0
    both = int(np.count_nonzero(_window(a, x1, y1, x2, y2) & _window(b, x1, y1, x2, y2)))
    either = a.area + b.area - both
    return both / either if either else 0.0


def _mask_shape_iou(mask: Mask, shape: Any) -> float:
    """A pixel of the mask is inside the shape when its centre is."""
    rows, columns = np.nonzero(mask.to_array())
    both = int(np.count_nonzero(shapely.contains_xy(shape, columns + mask.x + 0.5, rows + mask.y + 0.5)))
    either = mask.area + float(shape.area) - both
    return both / either if either > 0 else 0.0


def _iou_without_area(a: Geometry, b: Geometry) -> float:
    if isinstance(a, Tag) and isinstance(b, Tag):
        return 1.0
    if isinstance(a, Caption) and isinstance(b, Caption):
        return float(a.text == b.text)
    if isinstance(a, Point) and isinstance(b, Point):
        return max(0.0, 1.0 - float(np.hypot(a.x - b.x, a.y - b.y)) / _POINT_REACH)
    if (isinstance(a, Keypoints) and isinstance(b, Keypoints)) or (isinstance(a, Polyline) and isinstance(b, Polyline)):
        bounds_a, bounds_b = a.bounds(), b.bounds()
        if bounds_a is not None and bounds_b is not None:
            return _box_iou(Box(*bounds_a), Box(*bounds_b))
    return 0.0
