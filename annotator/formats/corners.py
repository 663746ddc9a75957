"""Rotated boxes as four corners, for formats that write them so, and back where the corners make a rectangle."""

from __future__ import annotations

import math

from annotator.domain.geometry import XY, Box, Polygon, RotatedBox

_RECTANGLE = 0.05


def is_quad(polygon: Polygon) -> bool:
    """Whether the polygon is one outline of four corners without holes."""
    return len(polygon.parts) == 1 and len(polygon.parts[0].outer) == 4 and not polygon.parts[0].holes


def rotated_box(polygon: Polygon) -> RotatedBox | None:
    """The rotated box whose corners are the polygon's; None when they are off a rectangle by more than a rounding error."""
    if not is_quad(polygon):
        return None
    ring = polygon.parts[0].outer
    (ax, ay), (bx, by), (cx, cy), _ = ring
    if (bx - ax) * (cy - by) - (by - ay) * (cx - bx) < 0:
        ring = (ring[0], ring[3], ring[2], ring[1])
        (ax, ay), (bx, by), (cx, cy), _ = ring
    middle = sum(x for x, _ in ring) / 4, sum(y for _, y in ring) / 4
    angle = math.degrees(math.atan2(by - ay, bx - ax))
    found = RotatedBox(*middle, math.dist((ax, ay), (bx, by)), math.dist((bx, by), (cx, cy)), angle)
    off = max(math.dist(one, other) for one, other in zip(found.corners(), ring, strict=True))
    return found if off <= _RECTANGLE else None


def corners(geometry: Box | RotatedBox) -> tuple[XY, ...]:
    """Four corners, clockwise on screen."""
    if isinstance(geometry, RotatedBox):
        return geometry.corners()
    x1, y1, x2, y2 = geometry.bounds()
    return (x1, y1), (x2, y1), (x2, y2), (x1, y2)
