"""Outlines for formats with one ring per object: masks traced along their pixels, parts and holes joined by cuts."""

from __future__ import annotations

import numpy as np
import shapely

from annotator.domain.geometry import XY, Mask, Polygon, PolygonPart


def traced(mask: Mask) -> Polygon:
    """The polygon along the outer edges of the mask's pixels, with holes; covers exactly the same area."""
    pixels = np.pad(mask.to_array(), ((0, 0), (1, 1)))
    steps = np.diff(pixels.astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    y = rows + mask.y
    merged = shapely.union_all(shapely.box(starts + mask.x, y, stops + mask.x, y + 1))
    parts = []
    for polygon in shapely.get_parts(merged):
        tidy = polygon.simplify(0.0)
        holes = tuple(_ring(hole) for hole in tidy.interiors)
        parts.append(PolygonPart(_ring(tidy.exterior), holes))
    return Polygon(tuple(parts))


def keyhole(polygon: Polygon) -> tuple[XY, ...]:
    """One ring around all parts and holes, joined by cuts without width between nearest corners."""
    first, *rest = polygon.parts
    rings = [_turned(part.outer, clockwise=True) for part in rest]
    rings += [_turned(hole, clockwise=False) for part in polygon.parts for hole in part.holes]
    ring = list(_turned(first.outer, clockwise=True))
    for other in rings:
        here, there = np.asarray(ring), np.asarray(other)
        gaps = ((here[:, None, :] - there[None, :, :]) ** 2).sum(axis=2)
        at, to = (int(place) for place in np.unravel_index(int(gaps.argmin()), gaps.shape))
        ring = [*ring[: at + 1], *other[to:], *other[: to + 1], *ring[at:]]
    return tuple(ring)


def _ring(ring: shapely.LinearRing) -> tuple[XY, ...]:
    return tuple((float(x), float(y)) for x, y in ring.coords[:-1])


def _turned(ring: tuple[XY, ...], *, clockwise: bool) -> tuple[XY, ...]:
    x, y = np.asarray(ring).T
    area = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    return ring if (area > 0) == clockwise else ring[::-1]


def smallest_box(polygon: Polygon) -> tuple[XY, ...]:
    """Corners, clockwise on screen, of the rotated rectangle of least area around all parts."""
    around = shapely.minimum_rotated_rectangle(shapely.MultiPoint([p for part in polygon.parts for p in part.outer]))
    return _turned(_ring(around.exterior), clockwise=True)
