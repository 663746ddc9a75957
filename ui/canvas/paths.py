"""Canvas, paths: every geometry as outlines of vertices in image coordinates, the form in which shapes are drawn and hit.

A path of one vertex is a dot. Masks have no path here: their outline depends on the zoom (``masks``).
Tags and captions have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import (
    XY,
    Box,
    Geometry,
    Keypoints,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
    Visibility,
)
from annotator.domain.records import Skeleton


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The paths of one geometry: all vertices (n, 2), the length of each path, and whether it closes."""

    vertices: NDArray[np.float64]
    lengths: tuple[int, ...]
    closed: tuple[bool, ...]

    def paths(self) -> list[tuple[NDArray[np.float64], bool]]:
        """Each path's (k, 2) vertices with whether it closes."""
        ends = np.cumsum(self.lengths)
        return [
            (self.vertices[end - n : end], closed)
            for end, n, closed in zip(ends, self.lengths, self.closed, strict=True)
        ]


PAIR = np.dtype([("x", np.float64), ("y", np.float64)])
EMPTY = Outline(np.empty((0, 2)), (), ())


def _join(rings: Sequence[Sequence[XY]], closed: bool) -> Outline:
    vertices = np.array(list(chain.from_iterable(rings)), dtype=np.float64).reshape(-1, 2)
    return Outline(vertices, tuple(len(ring) for ring in rings), (closed,) * len(rings))


def outline(geometry: Geometry, skeleton: Skeleton | None = None) -> Outline:
    """The paths of any geometry; a skeleton gives keypoints their lines."""
    match geometry:
        case Box():
            x1, y1, x2, y2 = geometry.bounds()
            return _join([((x1, y1), (x2, y1), (x2, y2), (x1, y2))], True)
        case RotatedBox():
            return _join([geometry.corners()], True)
        case Polygon():
            return _join([ring for part in geometry.parts for ring in (part.outer, *part.holes)], True)
        case Polyline():
            return _join([geometry.points], False)
        case Point():
            return _join([((geometry.x, geometry.y),)], False)
        case Keypoints():
            return _keypoints(geometry, skeleton)
        case _:
            return EMPTY


def _keypoints(geometry: Keypoints, skeleton: Skeleton | None) -> Outline:
    points = geometry.points
    lines = [
        ((points[a][0], points[a][1]), (points[b][0], points[b][1]))
        for a, b in (skeleton.edges if skeleton else ())
        if max(a, b) < len(points) and points[a][2] != Visibility.ABSENT and points[b][2] != Visibility.ABSENT
    ]
    dots = [((x, y),) for x, y, v in points if v != Visibility.ABSENT]
    return _join([*lines, *dots], False)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The paths of many geometries: vertices (n, 2), each path's length and whether it closes, and paths per geometry."""

    vertices: NDArray[np.float64]
    lengths: NDArray[np.int64]
    closed: NDArray[np.bool_]
    per_item: NDArray[np.int64]


def plain_ring(geometry: Geometry) -> tuple[XY, ...] | None:
    """The outline of a geometry that is one closed ring and nothing else, the common case in dense pictures; else None."""
    if type(geometry) is Polygon and len(geometry.parts) == 1 and not geometry.parts[0].holes:
        return geometry.parts[0].outer
    return None


def plain_block(rings: Sequence[Sequence[XY]]) -> Block:
    """The paths of plain rings, converted in one pass."""
    lengths = np.fromiter(map(len, rings), np.int64, len(rings))
    pairs = np.fromiter(chain.from_iterable(rings), PAIR, int(lengths.sum()))
    vertices = pairs.view(np.float64).reshape(-1, 2)
    return Block(vertices, lengths, np.ones(len(rings), bool), np.ones(len(rings), np.int64))


def block(shapes: Sequence[Outline]) -> Block:
    """Any outlines in a row."""
    return Block(
        np.concatenate([s.vertices for s in shapes]) if shapes else np.empty((0, 2)),
        np.array([n for s in shapes for n in s.lengths], np.int64),
        np.array([c for s in shapes for c in s.closed], bool),
        np.array([len(s.lengths) for s in shapes], np.int64),
    )
