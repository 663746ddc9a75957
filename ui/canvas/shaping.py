"""Canvas, shaping: what dragging a handle, moving, inserting a vertex or cutting a hole does to a geometry. Pure functions.

Image coordinates throughout. Results never leave the image (``size`` is its width and height), and never turn inside out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import shapely

from annotator.domain.geometry import (
    XY,
    Box,
    Geometry,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Visibility,
)

Size = tuple[int, int]
LEAST = 2.0
ROTATE_REACH = 24.0
# Of a box: the side of each axis that a handle moves, clockwise from the top-left.
SIDES = ((-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0))


class Role(Enum):
    """What dragging a handle does."""

    RESIZE = "resize"
    ROTATE = "rotate"
    VERTEX = "vertex"


@dataclass(frozen=True, slots=True)
class Handle:
    """A place to take a shape by. ``key`` is a side pair of a box, or (part, ring, vertex) with ring 0 the outer one."""

    role: Role
    key: tuple[int, ...]
    x: float
    y: float


def clamp(x: float, y: float, size: Size) -> XY:
    """The nearest point inside the image."""
    return min(max(x, 0.0), float(size[0])), min(max(y, 0.0), float(size[1]))


def handles(geometry: Geometry, pixel: float) -> tuple[Handle, ...]:
    """The handles of a geometry; ``pixel`` is the size of a logical screen pixel in the image."""
    match geometry:
        case Box():
            cx, cy = (geometry.x1 + geometry.x2) / 2, (geometry.y1 + geometry.y2) / 2
            return tuple(
                Handle(Role.RESIZE, (sx, sy), cx + sx * geometry.width / 2, cy + sy * geometry.height / 2)
                for sx, sy in SIDES
            )
        case RotatedBox():
            resize = [Handle(Role.RESIZE, (sx, sy), *_turned(geometry, sx / 2, sy / 2)) for sx, sy in SIDES]
            top = _turned(geometry, 0.0, -0.5)
            angle = math.radians(geometry.angle)
            reach = ROTATE_REACH * pixel
            return (
                *resize,
                Handle(Role.ROTATE, (), top[0] + reach * math.sin(angle), top[1] - reach * math.cos(angle)),
            )
        case Polygon():
            return tuple(
                Handle(Role.VERTEX, (p, r, v), x, y)
                for p, part in enumerate(geometry.parts)
                for r, ring in enumerate((part.outer, *part.holes))
                for v, (x, y) in enumerate(ring)
            )
        case Polyline():
            return tuple(Handle(Role.VERTEX, (0, 0, v), x, y) for v, (x, y) in enumerate(geometry.points))
        case Point():
            return (Handle(Role.VERTEX, (0, 0, 0), geometry.x, geometry.y),)
        case Keypoints():
            return tuple(
                Handle(Role.VERTEX, (0, 0, v), x, y)
                for v, (x, y, seen) in enumerate(geometry.points)
                if seen != Visibility.ABSENT
            )
        case _:
            return ()


def _turned(box: RotatedBox, u: float, v: float) -> XY:
    """The image point at fractions (u, v) of the box's width and height from its centre."""
    cos, sin = math.cos(math.radians(box.angle)), math.sin(math.radians(box.angle))
    x, y = u * box.width, v * box.height
    return box.cx + x * cos - y * sin, box.cy + x * sin + y * cos


def dragged(geometry: Geometry, handle: Handle, x: float, y: float, size: Size, snap: bool = False) -> Geometry:
    """The geometry with a handle brought to (x, y). ``snap`` keeps a box's proportions, or turns in steps of 15 degrees."""
    if handle.role is Role.ROTATE and isinstance(geometry, RotatedBox):
        angle = math.degrees(math.atan2(x - geometry.cx, geometry.cy - y))
        return replace(geometry, angle=round(angle / 15) * 15.0 if snap else angle)
    x, y = clamp(x, y, size)
    match geometry:
        case Box():
            return _resized_box(geometry, handle.key, x, y, size, snap)
        case RotatedBox():
            return _resized_rotated(geometry, handle.key, x, y)
        case Polygon():
            return _with_ring(geometry, handle.key, lambda ring, v: (*ring[:v], (x, y), *ring[v + 1 :]))
        case Polyline():
            v = handle.key[2]
            return Polyline((*geometry.points[:v], (x, y), *geometry.points[v + 1 :]))
        case Point():
            return Point(x, y)
        case Keypoints():
            v = handle.key[2]
            return Keypoints((*geometry.points[:v], (x, y, geometry.points[v][2]), *geometry.points[v + 1 :]))
        case _:
            return geometry


def _resized_box(box: Box, sides: tuple[int, ...], x: float, y: float, size: Size, keep: bool) -> Box:
    sx, sy = sides
    fixed_x = box.x2 if sx < 0 else box.x1
    fixed_y = box.y2 if sy < 0 else box.y1
    if keep and sx and sy and box.width > 0 and box.height > 0:
        ratio = box.height / box.width
        width = max(abs(x - fixed_x), abs(y - fixed_y) / ratio)
        to_x, to_y = math.copysign(1, x - fixed_x), math.copysign(1, y - fixed_y)
        room_x = size[0] - fixed_x if to_x > 0 else fixed_x
        room_y = size[1] - fixed_y if to_y > 0 else fixed_y
        width = min(width, room_x, room_y / ratio)
        x, y = fixed_x + to_x * width, fixed_y + to_y * width * ratio
    x1, x2 = (fixed_x, x) if sx else (box.x1, box.x2)
    y1, y2 = (fixed_y, y) if sy else (box.y1, box.y2)
    return Box.of(x1, y1, x2, y2)


def _resized_rotated(box: RotatedBox, sides: tuple[int, ...], x: float, y: float) -> RotatedBox:
    """The opposite side or corner stays where it is; past it the box stops at 1 px, as it cannot turn over."""
    sx, sy = sides
    cos, sin = math.cos(math.radians(box.angle)), math.sin(math.radians(box.angle))
    px, py = _turned(box, -sx / 2, -sy / 2)
    u, v = (x - px) * cos + (y - py) * sin, -(x - px) * sin + (y - py) * cos
    width = max(u * sx, 1.0) if sx else box.width
    height = max(v * sy, 1.0) if sy else box.height
    u, v = sx * width / 2, sy * height / 2
    return RotatedBox(px + u * cos - v * sin, py + u * sin + v * cos, width, height, box.angle)


def _with_ring(
    polygon: Polygon, key: tuple[int, ...], change: Callable[[tuple[XY, ...], int], tuple[XY, ...]]
) -> Polygon:
    p, r, v = key
    part = polygon.parts[p]
    rings = [part.outer, *part.holes]
    rings[r] = change(rings[r], v)
    parts = list(polygon.parts)
    parts[p] = PolygonPart(rings[0], tuple(rings[1:]))
    return Polygon(tuple(parts))


def with_vertex(geometry: Polygon | Polyline, key: tuple[int, ...], x: float, y: float) -> Polygon | Polyline:
    """The outline with a vertex added after vertex ``key``."""
    if isinstance(geometry, Polyline):
        v = key[2] + 1
        return Polyline((*geometry.points[:v], (x, y), *geometry.points[v:]))
    return _with_ring(geometry, key, lambda ring, v: (*ring[: v + 1], (x, y), *ring[v + 1 :]))


def without_vertex(geometry: Geometry, key: tuple[int, ...]) -> Geometry | None:
    """The outline without a vertex; a hole or part too small to remain goes with it. None when nothing would be left."""
    p, r, v = key
    match geometry:
        case Polyline():
            points = (*geometry.points[:v], *geometry.points[v + 1 :])
            return Polyline(points) if len(points) >= 2 else None
        case Polygon():
            part = geometry.parts[p]
            ring = part.outer if r == 0 else part.holes[r - 1]
            if len(ring) > 3:
                return _with_ring(geometry, key, lambda points, at: (*points[:at], *points[at + 1 :]))
            if r > 0:
                holes = tuple(hole for number, hole in enumerate(part.holes, start=1) if number != r)
                return Polygon((*geometry.parts[:p], PolygonPart(part.outer, holes), *geometry.parts[p + 1 :]))
            parts = (*geometry.parts[:p], *geometry.parts[p + 1 :])
            return Polygon(parts) if parts else None
        case Keypoints():
            x, y, _ = geometry.points[v]
            marks = (*geometry.points[:v], (x, y, Visibility.ABSENT), *geometry.points[v + 1 :])
            return Keypoints(marks) if any(seen for *_, seen in marks) else None
        case _:
            return None


def with_hole(polygon: Polygon, hole: tuple[XY, ...]) -> Polygon | None:
    """The polygon without the inside of an outline: a hole where it lies within a part, else the part is cut.

    None when that changes nothing or leaves nothing.
    """
    cutter = shapely.Polygon(hole)
    if not cutter.is_valid:
        cutter = shapely.make_valid(cutter)
    parts: list[PolygonPart] = []
    for part in polygon.parts:
        body = shapely.Polygon(part.outer, part.holes)
        if not body.is_valid:
            body = shapely.make_valid(body)
        if not body.intersects(cutter):
            parts.append(part)
        elif shapely.Polygon(part.outer).contains_properly(shapely.Polygon(hole)) and not any(
            shapely.Polygon(other).intersects(cutter) for other in part.holes
        ):
            parts.append(PolygonPart(part.outer, (*part.holes, hole)))
        else:
            parts.extend(_parts(body.difference(cutter)))
    result = Polygon(tuple(parts)) if parts else None
    return None if result == polygon else result


def _parts(shape: shapely.Geometry) -> list[PolygonPart]:
    found = [g for g in shapely.get_parts(shape) if isinstance(g, shapely.Polygon) and g.area > 0]
    return [
        PolygonPart(tuple(g.exterior.coords[:-1]), tuple(tuple(hole.coords[:-1]) for hole in g.interiors))
        for g in found
    ]


def moved(geometry: Geometry, dx: float, dy: float, size: Size) -> Geometry:
    """The geometry moved as far as the image's border lets it; one that sticks out already is not pushed back."""
    bounds = geometry.bounds()
    if bounds is None:
        return geometry
    dx = min(max(dx, min(-bounds[0], 0.0)), max(size[0] - bounds[2], 0.0))
    dy = min(max(dy, min(-bounds[1], 0.0)), max(size[1] - bounds[3], 0.0))
    return geometry.moved(dx, dy)


def move_limits(geometries: list[Geometry], dx: float, dy: float, size: Size) -> tuple[float, float]:
    """The part of an offset by which all can move together."""
    known = [b for b in (g.bounds() for g in geometries) if b is not None]
    if not known:
        return 0.0, 0.0
    x1, y1 = min(b[0] for b in known), min(b[1] for b in known)
    x2, y2 = max(b[2] for b in known), max(b[3] for b in known)
    dx = min(max(dx, min(-x1, 0.0)), max(size[0] - x2, 0.0))
    dy = min(max(dy, min(-y1, 0.0)), max(size[1] - y2, 0.0))
    if any(isinstance(g, Mask) for g in geometries):
        return float(round(dx)), float(round(dy))
    return dx, dy


def degenerate(geometry: Geometry) -> bool:
    """Whether a drawn shape is too small to be meant: less than 2 px on a side, or for lines from end to end of the bounds."""
    match geometry:
        case Box():
            return geometry.width < LEAST or geometry.height < LEAST
        case RotatedBox():
            return geometry.width < LEAST or geometry.height < LEAST
        case Polygon() | Polyline():
            x1, y1, x2, y2 = geometry.bounds()
            flat = min(x2 - x1, y2 - y1) < LEAST if isinstance(geometry, Polygon) else True
            return flat and (isinstance(geometry, Polygon) or max(x2 - x1, y2 - y1) < LEAST)
        case _:
            return False


def describe(geometry: Geometry) -> str:
    """Its size in pixels, for the note beside the cursor."""
    if isinstance(geometry, RotatedBox):
        return f"{geometry.width:.0f} × {geometry.height:.0f}  {geometry.angle:.0f}°"
    bounds = geometry.bounds()
    if bounds is None:
        return ""
    if isinstance(geometry, Point):
        return f"{geometry.x:.0f}, {geometry.y:.0f}"
    return f"{bounds[2] - bounds[0]:.0f} × {bounds[3] - bounds[1]:.0f}"
