"""Geometry of annotations and suggestions, in float64 pixels of the oriented image.

Frame: (0, 0) is the outer corner of the top-left pixel, x to the right, y down; a pixel's centre is at +.5. Every geometry
is frozen and hashable and knows its kind, its bounds and its JSON form; ``from_json`` is the one way back. Coordinates must
be finite: the constructors raise ``ValueError`` with the offending value, and nothing else is silently mended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np

from annotator.domain import rle

XY: TypeAlias = tuple[float, float]
Bounds: TypeAlias = tuple[float, float, float, float]


class GeometryKind(StrEnum):
    """What kind of place a geometry describes."""

    TAG = "tag"
    BOX = "box"
    ROTATED_BOX = "rotated_box"
    POLYGON = "polygon"
    MASK = "mask"
    POLYLINE = "polyline"
    POINT = "point"
    KEYPOINTS = "keypoints"
    CAPTION = "caption"


class Visibility:
    """COCO's visibility flags of a keypoint."""

    ABSENT: ClassVar[int] = 0
    HIDDEN: ClassVar[int] = 1
    VISIBLE: ClassVar[int] = 2


def _finite(values: Iterable[float], what: str) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{what} must be finite, got {value!r}")


def _points(points: Iterable[Iterable[float]], least: int, what: str) -> tuple[XY, ...]:
    result = tuple([(float(x), float(y)) for x, y in points])
    if len(result) < least:
        raise ValueError(f"{what} needs at least {least} points, got {len(result)}")
    if not math.isfinite(sum([x + y for x, y in result])):  # also when finite numbers add up to more than there are
        _finite((v for p in result for v in p), what)
    return result


def _bounds(points: Sequence[XY]) -> Bounds:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Tag:
    """The whole image."""

    kind: ClassVar[GeometryKind] = GeometryKind.TAG

    def bounds(self) -> Bounds | None:
        return None

    def moved(self, dx: float, dy: float) -> Tag:
        return self

    def to_json(self) -> dict[str, Any]:
        return {"kind": "tag"}


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box; reversed corners are put in order by ``Box.of``."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: ClassVar[GeometryKind] = GeometryKind.BOX

    def __post_init__(self) -> None:
        if not math.isfinite(self.x1 + self.y1 + self.x2 + self.y2):
            _finite((self.x1, self.y1, self.x2, self.y2), "box coordinates")
        if self.x2 < self.x1 or self.y2 < self.y1:
            raise ValueError(f"box corners are reversed: {(self.x1, self.y1, self.x2, self.y2)}")

    @classmethod
    def of(cls, xa: float, ya: float, xb: float, yb: float) -> Box:
        """The box between two opposite corners in any order."""
        return cls(min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb))

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    def bounds(self) -> Bounds:
        return self.x1, self.y1, self.x2, self.y2

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "box", "box": [self.x1, self.y1, self.x2, self.y2]}


@dataclass(frozen=True, slots=True)
class RotatedBox:
    """A box of ``width`` x ``height`` around a centre, turned clockwise (on screen, y down) by ``angle`` degrees."""

    cx: float
    cy: float
    width: float
    height: float
    angle: float
    kind: ClassVar[GeometryKind] = GeometryKind.ROTATED_BOX

    def __post_init__(self) -> None:
        _finite((self.cx, self.cy, self.width, self.height, self.angle), "rotated box values")
        if self.width < 0 or self.height < 0:
            raise ValueError(f"rotated box has a negative size: {self.width} x {self.height}")

    def corners(self) -> tuple[XY, XY, XY, XY]:
        """Corners clockwise from the box's own top-left."""
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        hw, hh = self.width / 2, self.height / 2

        def turn(x: float, y: float) -> XY:
            return self.cx + x * cos - y * sin, self.cy + x * sin + y * cos

        return turn(-hw, -hh), turn(hw, -hh), turn(hw, hh), turn(-hw, hh)

    def bounds(self) -> Bounds:
        return _bounds(self.corners())

    def moved(self, dx: float, dy: float) -> RotatedBox:
        return replace(self, cx=self.cx + dx, cy=self.cy + dy)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "rotated_box", "rotated_box": [self.cx, self.cy, self.width, self.height, self.angle]}


@dataclass(frozen=True, slots=True)
class PolygonPart:
    """One closed outline without its repeated last point, and the outlines of its holes."""

    outer: tuple[XY, ...]
    holes: tuple[tuple[XY, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "outer", _points(self.outer, 3, "a polygon outline"))
        object.__setattr__(self, "holes", tuple(_points(hole, 3, "a polygon hole") for hole in self.holes))


@dataclass(frozen=True, slots=True)
class Polygon:
    """One or more parts, each with holes."""

    parts: tuple[PolygonPart, ...]
    kind: ClassVar[GeometryKind] = GeometryKind.POLYGON
    _known: Bounds | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts:
            raise ValueError("a polygon needs at least one part")

    @classmethod
    def of(cls, outer: Iterable[Iterable[float]], *holes: Iterable[Iterable[float]]) -> Polygon:
        """A polygon of one part."""
        return cls((PolygonPart(tuple(map(tuple, outer)), tuple(tuple(map(tuple, h)) for h in holes)),))  # type: ignore[arg-type]

    def bounds(self) -> Bounds:
        known = self._known  # asked for several times on the way of each outline into the store
        if known is None:
            parts = self.parts
            known = _bounds(parts[0].outer if len(parts) == 1 else [p for part in parts for p in part.outer])
            object.__setattr__(self, "_known", known)
        return known

    def moved(self, dx: float, dy: float) -> Polygon:
        def shift(points: tuple[XY, ...]) -> tuple[XY, ...]:
            return tuple((x + dx, y + dy) for x, y in points)

        return Polygon(tuple(PolygonPart(shift(p.outer), tuple(map(shift, p.holes))) for p in self.parts))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "polygon",
            "parts": [
                {"outer": [list(p) for p in part.outer], "holes": [[list(p) for p in hole] for hole in part.holes]}
                for part in self.parts
            ],
        }


@dataclass(frozen=True, slots=True)
class Mask:
    """Set pixels inside a window: ``counts`` are COCO runs (column-major) of the window at integer origin (x, y)."""

    x: int
    y: int
    width: int
    height: int
    counts: tuple[int, ...]
    kind: ClassVar[GeometryKind] = GeometryKind.MASK

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", tuple(int(c) for c in self.counts))
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a mask needs a window of at least one pixel, got {self.width} x {self.height}")
        if any(c < 0 for c in self.counts) or sum(self.counts) != self.width * self.height:
            raise ValueError(f"mask runs do not cover its {self.width} x {self.height} window")

    @classmethod
    def from_array(cls, mask: rle.BoolMask, x: int = 0, y: int = 0) -> Mask | None:
        """The mask of a (h, w) bool array whose top-left pixel is (x, y), cropped to what is set; None when nothing is."""
        mask = np.asarray(mask, dtype=bool)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size == 0:
            return None
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        window = mask[top:bottom, left:right]
        return cls(int(x + left), int(y + top), int(right - left), int(bottom - top), rle.encode(window))

    def to_array(self) -> rle.BoolMask:
        """The (height, width) bool array of the window."""
        return rle.decode(self.counts, self.height, self.width)

    def to_full_array(self, image_height: int, image_width: int) -> rle.BoolMask:
        """The (image_height, image_width) bool array; parts outside the image are cut off."""
        full = np.zeros((image_height, image_width), dtype=bool)
        x1, y1 = max(self.x, 0), max(self.y, 0)
        x2, y2 = min(self.x + self.width, image_width), min(self.y + self.height, image_height)
        if x2 > x1 and y2 > y1:
            full[y1:y2, x1:x2] = self.to_array()[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x]
        return full

    @property
    def area(self) -> int:
        return rle.area(self.counts)

    def bounds(self) -> Bounds:
        return float(self.x), float(self.y), float(self.x + self.width), float(self.y + self.height)

    def moved(self, dx: float, dy: float) -> Mask:
        """Masks move by whole pixels: the offsets are rounded."""
        return replace(self, x=self.x + round(dx), y=self.y + round(dy))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "mask",
            "origin": [self.x, self.y],
            "size": [self.height, self.width],
            "counts": list(self.counts),
        }


@dataclass(frozen=True, slots=True)
class Polyline:
    """An open line of at least two points."""

    points: tuple[XY, ...]
    kind: ClassVar[GeometryKind] = GeometryKind.POLYLINE

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _points(self.points, 2, "a polyline"))

    def bounds(self) -> Bounds:
        return _bounds(self.points)

    def moved(self, dx: float, dy: float) -> Polyline:
        return Polyline(tuple((x + dx, y + dy) for x, y in self.points))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "polyline", "points": [list(p) for p in self.points]}


@dataclass(frozen=True, slots=True)
class Point:
    """One point."""

    x: float
    y: float
    kind: ClassVar[GeometryKind] = GeometryKind.POINT

    def __post_init__(self) -> None:
        _finite((self.x, self.y), "point coordinates")

    def bounds(self) -> Bounds:
        return self.x, self.y, self.x, self.y

    def moved(self, dx: float, dy: float) -> Point:
        return Point(self.x + dx, self.y + dy)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "point", "point": [self.x, self.y]}


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Points of the label's skeleton in its order: (x, y, visibility), visibility as in COCO (0 absent, 1 hidden, 2 visible)."""

    points: tuple[tuple[float, float, int], ...]
    kind: ClassVar[GeometryKind] = GeometryKind.KEYPOINTS

    def __post_init__(self) -> None:
        points = tuple((float(x), float(y), int(v)) for x, y, v in self.points)
        if not points:
            raise ValueError("keypoints need at least one point")
        _finite((c for x, y, _ in points for c in (x, y)), "keypoint coordinates")
        if any(v not in (0, 1, 2) for *_, v in points):
            raise ValueError("keypoint visibility must be 0, 1 or 2")
        object.__setattr__(self, "points", points)

    def bounds(self) -> Bounds | None:
        shown = [(x, y) for x, y, v in self.points if v]
        return _bounds(shown) if shown else None

    def moved(self, dx: float, dy: float) -> Keypoints:
        return Keypoints(tuple((x + dx, y + dy, v) if v else (x, y, v) for x, y, v in self.points))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "keypoints", "keypoints": [list(p) for p in self.points]}


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence about the whole image."""

    text: str
    kind: ClassVar[GeometryKind] = GeometryKind.CAPTION

    def bounds(self) -> Bounds | None:
        return None

    def moved(self, dx: float, dy: float) -> Caption:
        return self

    def to_json(self) -> dict[str, Any]:
        return {"kind": "caption", "text": self.text}


Geometry: TypeAlias = Tag | Box | RotatedBox | Polygon | Mask | Polyline | Point | Keypoints | Caption


def from_json(data: Mapping[str, Any]) -> Geometry:
    """The geometry that ``to_json`` wrote; raises ``ValueError`` naming what is wrong."""
    try:
        kind = GeometryKind(data["kind"])
        match kind:
            case GeometryKind.TAG:
                return Tag()
            case GeometryKind.BOX:
                return Box(*map(float, data["box"]))
            case GeometryKind.ROTATED_BOX:
                return RotatedBox(*map(float, data["rotated_box"]))
            case GeometryKind.POLYGON:
                return Polygon(tuple(PolygonPart(p["outer"], tuple(p.get("holes", ()))) for p in data["parts"]))
            case GeometryKind.MASK:
                (x, y), (height, width) = data["origin"], data["size"]
                return Mask(int(x), int(y), int(width), int(height), tuple(data["counts"]))
            case GeometryKind.POLYLINE:
                return Polyline(data["points"])
            case GeometryKind.POINT:
                return Point(*map(float, data["point"]))
            case GeometryKind.KEYPOINTS:
                return Keypoints(data["keypoints"])
            case GeometryKind.CAPTION:
                return Caption(str(data["text"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a geometry: {str(data)[:120]}") from error
