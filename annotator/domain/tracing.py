"""From the pixels of a mask to a polygon with few vertices: the outline along the pixels' edges, simplified to a tolerance.

Imports OpenCV, so nothing that starts with the window imports this module.
"""

from __future__ import annotations

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from annotator.domain.geometry import XY, Box, Polygon, PolygonPart
from annotator.domain.rle import BoolMask

LEAST_AREA = 4.0
LEAST_SIDES = 4.0
"""Parts and holes are left out of a polygon below four pixels, and below a square of four tolerances a side, which vertices that
far off cannot draw; unless nothing else is there."""


def box_around(mask: BoolMask, x: int = 0, y: int = 0) -> Box | None:
    """The box of the set pixels of a (h, w) window at (x, y); None when nothing is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return Box(float(x + columns[0]), float(y + rows[0]), float(x + columns[-1] + 1), float(y + rows[-1] + 1))


def polygon_around(
    mask: BoolMask, tolerance: float, x: float = 0.0, y: float = 0.0, scale: tuple[float, float] = (1.0, 1.0)
) -> Polygon | None:
    """The polygon of the set pixels of a (h, w) window, with holes; None when nothing is set.

    A pixel of the window is ``scale`` (x, y) wide in the image, and the window's corner is at (x, y). No vertex that is left
    out was further than ``tolerance`` image pixels from the outline.
    """
    found = [_placed(shape, x, y, scale) for shape in _outlines(np.asarray(mask, bool))]
    if not found:
        return None
    least = max(LEAST_AREA, (LEAST_SIDES * tolerance) ** 2)
    large = [shape for shape in found if shape.area >= least]
    parts = [p for shape in large or [max(found, key=_area)] for p in _simplified(shape, tolerance, least)]
    return Polygon(tuple(parts)) if parts else None


def _area(shape: shapely.Polygon) -> float:
    return float(shape.area)


def _outlines(mask: BoolMask) -> list[shapely.Polygon]:
    """Polygons in pixels of the window.

    OpenCV follows the centres of the outermost pixels. On a grid twice as fine whose points are the pixels' corners, edges and
    centres, with all points of a pixel set, those are the corners and edges themselves; only inner corners are cut, and put back.
    """
    height, width = mask.shape
    fine = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1)
    corners = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    for down in (0, 1):
        for right in (0, 1):
            corners[down : down + 2 * height, right : right + 2 * width] |= fine.view(np.uint8)
    rings, family = cv2.findContours(corners, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shapes = []
    for number, ring in enumerate(rings):
        if family[0][number][3] < 0 and len(ring) >= 3:
            holes, child = [], int(family[0][number][2])
            while child >= 0:
                holes.append(child)
                child = int(family[0][child][0])
            inner = [_with_corners(rings[hole][:, 0, :], corners) / 2 for hole in holes]
            shapes.append(shapely.Polygon(_with_corners(ring[:, 0, :], corners) / 2, inner))
    return shapes


def _with_corners(ring: NDArray[np.int32], corners: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The corners of a ring of grid points (n, 2), with those past which a step went at an angle."""
    following = np.roll(ring, -1, axis=0)
    across = np.flatnonzero((ring != following).all(axis=1))
    first = np.column_stack((ring[across, 0], following[across, 1]))
    second = np.column_stack((following[across, 0], ring[across, 1]))
    set_ = corners[first[:, 1], first[:, 0], None] > 0
    ring = np.insert(ring, across + 1, np.where(set_, first, second), axis=0)
    turns = (np.roll(ring, -1, axis=0) - ring != ring - np.roll(ring, 1, axis=0)).any(axis=1)
    result: NDArray[np.int32] = ring[turns]
    return result


def _placed(shape: shapely.Polygon, x: float, y: float, scale: tuple[float, float]) -> shapely.Polygon:
    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = points * scale + (x, y)
        return placed

    placed: shapely.Polygon = shapely.transform(shape, place)
    return placed


def _simplified(shape: shapely.Polygon, tolerance: float, least: float) -> list[PolygonPart]:
    """The parts of a shape with as few vertices as the tolerance allows; an outline that crosses itself is mended."""
    tidy = shape.simplify(tolerance)
    if not tidy.is_valid or tidy.is_empty:
        tidy = shapely.make_valid(shape, method="structure", keep_collapsed=False).simplify(tolerance)
    parts = []
    for part in shapely.get_parts(tidy):
        if isinstance(part, shapely.Polygon) and part.area > 0:
            holes = tuple(_ring(hole) for hole in part.interiors if shapely.Polygon(hole).area >= least)
            parts.append(PolygonPart(_ring(part.exterior), holes))
    return parts


def _ring(ring: shapely.LinearRing) -> tuple[XY, ...]:
    return tuple((float(px), float(py)) for px, py in ring.coords[:-1])
