"""Shapes of CVAT as geometry and back: boxes with a rotation, points as text, masks as rows of runs, skeletons of points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import shapely

from annotator.domain import rle
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
    Tag,
    Visibility,
)
from annotator.domain.records import Skeleton
from annotator.formats.numbers import parsed, written
from annotator.formats.outline import keyhole

TAGS = frozenset({"box", "polygon", "polyline", "points", "mask", "skeleton", "ellipse", "cuboid", "tag"})
ELLIPSE_CORNERS = 72
_CUBOID = tuple(f"{axis}{side}{face}" for face in (1, 2) for side in ("tl", "bl", "tr", "br") for axis in "xy")
_PLACES = {
    "box": ("xtl", "ytl", "xbr", "ybr", "rotation"),
    "mask": ("rle", "left", "top", "width", "height"),
    "ellipse": ("cx", "cy", "rx", "ry", "rotation"),
    "cuboid": _CUBOID,
}
_PARTS = "its parts and holes are joined by cuts without width, as CVAT has one outline"
_LOOSE = "written as points without a skeleton: which ones are hidden or absent is not kept"


@dataclass(frozen=True)
class Found:
    """A geometry that was read; ``how`` says what was converted, ``foreign`` what to keep for the way back."""

    geometry: Geometry
    how: str = ""
    foreign: dict[str, Any] = field(default_factory=dict)


def place_keys(tag: str) -> tuple[str, ...]:
    """The XML attributes that say where a shape is."""
    return _PLACES.get(tag, ("points",))


def read_shape(one: Element, skeleton: Skeleton | None) -> Found:
    """The geometry of an element; raises ``ValueError`` that says what is wrong with it."""
    match one.tag:
        case "tag":
            return Found(Tag())
        case "box":
            return Found(_box(one))
        case "polygon":
            return Found(Polygon((PolygonPart(_points(one)),)))
        case "polyline":
            return Found(Polyline(_points(one)))
        case "points":
            points = _points(one)
            shown = tuple((x, y, Visibility.VISIBLE) for x, y in points)
            return Found(Point(*points[0]) if len(points) == 1 else Keypoints(shown))
        case "mask":
            return Found(_mask(one))
        case "skeleton":
            return _skeleton(one, skeleton)
        case "ellipse":
            return _kept(one, _ellipse(one), f"read as a polygon of {ELLIPSE_CORNERS} corners")
        case "cuboid":
            corners = [_number(one, key) for key in _CUBOID]
            around = shapely.convex_hull(shapely.MultiPoint(list(zip(corners[::2], corners[1::2], strict=True))))
            if around.geom_type != "Polygon":
                raise ValueError("a cuboid without area")
            ring = tuple((float(x), float(y)) for x, y in around.exterior.coords[:-1])
            return _kept(one, Polygon((PolygonPart(ring),)), "read as the polygon around its corners")
    raise ValueError(f"the shape {one.tag!r} is not known")


def _kept(one: Element, geometry: Geometry, how: str) -> Found:
    place = {key: one.get(key, "") for key in place_keys(one.tag) if one.get(key) is not None}
    foreign = {"shape": {"tag": one.tag, "place": place, "of": hash(geometry)}}
    return Found(geometry, f"{how}; written back as the {one.tag} while it is unchanged", foreign)


def _number(one: Element, key: str) -> float:
    text = one.get(key)
    if text is None:
        raise ValueError(f"it has no {key}")
    return parsed(text, key)


def _whole(one: Element, key: str) -> int:
    value = _number(one, key)
    if not value.is_integer():
        raise ValueError(f"{key} is {value:g}, not a whole number")
    return int(value)


def _box(one: Element) -> Box | RotatedBox:
    x1, y1, x2, y2 = (_number(one, key) for key in ("xtl", "ytl", "xbr", "ybr"))
    if x2 < x1 or y2 < y1:
        raise ValueError(f"the box is reversed: ({x1:g}, {y1:g}, {x2:g}, {y2:g})")
    if one.get("rotation") is None:
        return Box(x1, y1, x2, y2)
    return RotatedBox((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, _number(one, "rotation"))


def _points(one: Element) -> tuple[XY, ...]:
    text = one.get("points")
    if not text:
        raise ValueError("it has no points")
    points = []
    for pair in text.split(";"):
        values = pair.split(",")
        if len(values) != 2:
            raise ValueError(f"points has {pair!r}, not x,y")
        points.append((parsed(values[0], "points"), parsed(values[1], "points")))
    return tuple(points)


def _ellipse(one: Element) -> Polygon:
    cx, cy, rx, ry = (_number(one, key) for key in ("cx", "cy", "rx", "ry"))
    turn = math.radians(_number(one, "rotation")) if one.get("rotation") is not None else 0.0
    cos, sin = math.cos(turn), math.sin(turn)
    ring = []
    for step in range(ELLIPSE_CORNERS):
        at = 2 * math.pi * step / ELLIPSE_CORNERS
        x, y = rx * math.cos(at), ry * math.sin(at)
        ring.append((cx + x * cos - y * sin, cy + x * sin + y * cos))
    return Polygon((PolygonPart(tuple(ring)),))


def _mask(one: Element) -> Mask:
    """Runs by row inside the window, background first."""
    left, top, width, height = (_whole(one, key) for key in ("left", "top", "width", "height"))
    if not (0 < width < 1 << 20 and 0 < height < 1 << 20):
        raise ValueError(f"the mask's window is {width} x {height}")
    counts = []
    for word in (one.get("rle") or "").split(","):
        if not word.strip().isdecimal() or len(word) > 12:
            raise ValueError(f"rle has {word.strip()!r}, not a number of pixels")
        counts.append(int(word))
    if sum(counts) != width * height:
        raise ValueError(f"rle covers {sum(counts)} pixels, expected {width} x {height} = {width * height}")
    if sum(counts[1::2]) == 0:
        raise ValueError("a mask without set pixels")
    mask = Mask.from_array(rle.decode(tuple(counts), width, height).T, left, top)
    if mask is None:
        raise ValueError("a mask without set pixels")
    return mask


def _skeleton(one: Element, skeleton: Skeleton | None) -> Found:
    by_name: dict[str, tuple[float, float, int]] = {}
    inner: dict[str, Any] = {}
    for child in one.findall("points"):
        points = _points(child)
        if len(points) != 1:
            raise ValueError(f"a point of the skeleton has {len(points)} places")
        seen = Visibility.HIDDEN if child.get("occluded") == "1" else Visibility.VISIBLE
        name = child.get("label", "")
        by_name[name] = (*points[0], Visibility.ABSENT if child.get("outside") == "1" else seen)
        if told := {each.get("name", ""): each.text or "" for each in child.findall("attribute")}:
            inner[name] = told
    names = skeleton.points if skeleton else tuple(by_name)
    strange = [name for name in by_name if name not in names]
    if strange:
        raise ValueError(f"the point {strange[0]!r} is not in the label's skeleton")
    if not by_name:
        raise ValueError("a skeleton without points")
    geometry = Keypoints(tuple(by_name.get(name, (0.0, 0.0, Visibility.ABSENT)) for name in names))
    return Found(geometry, foreign={"elements": inner} if inner else {})


@dataclass(frozen=True)
class Written:
    """An element to write: its name, where it is, the elements of a skeleton, and what was converted."""

    tag: str
    place: dict[str, str]
    elements: tuple[tuple[dict[str, str], Mapping[str, str]], ...] = ()
    how: str = ""


def write_shape(geometry: Geometry, foreign: Mapping[str, Any], skeleton: Skeleton | None) -> Written | None:
    """The element for a geometry; None when CVAT has none."""
    match geometry:
        case Tag():
            return Written("tag", {})
        case Box(x1, y1, x2, y2):
            return Written("box", _corners(x1, y1, x2, y2))
        case RotatedBox(cx, cy, width, height, angle):
            place = _corners(cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
            turned = angle if 0 <= angle < 360 else angle % 360
            how = "" if turned == angle else "its angle was written as the same one between 0 and 360 degrees"
            return Written("box", {**place, "rotation": written(turned)}, how=how)
        case Polygon():
            shape = foreign.get("shape")
            if isinstance(shape, Mapping) and shape.get("of") == hash(geometry):
                return Written(str(shape["tag"]), dict(shape["place"]))
            if len(geometry.parts) == 1 and not geometry.parts[0].holes:
                return Written("polygon", {"points": _text(geometry.parts[0].outer)})
            return Written("polygon", {"points": _text(keyhole(geometry))}, how=_PARTS)
        case Polyline(points):
            return Written("polyline", {"points": _text(points)})
        case Point(x, y):
            return Written("points", {"points": _text(((x, y),))})
        case Keypoints():
            return _write_keypoints(geometry, foreign, skeleton)
        case Mask(x, y, width, height):
            runs = rle.encode(geometry.to_array().T)
            place = {"rle": ", ".join(map(str, runs)), "left": str(x), "top": str(y)}
            return Written("mask", {**place, "width": str(width), "height": str(height)})
    return None


def _write_keypoints(keypoints: Keypoints, foreign: Mapping[str, Any], skeleton: Skeleton | None) -> Written | None:
    if skeleton is None or len(skeleton.points) != len(keypoints.points):
        shown = tuple((x, y) for x, y, seen in keypoints.points if seen)
        if not shown:
            return None
        plain = len(shown) > 1 and all(seen == Visibility.VISIBLE for *_, seen in keypoints.points)
        return Written("points", {"points": _text(shown)}, how="" if plain else _LOOSE)
    told = foreign.get("elements")
    inner: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    elements = []
    for name, (x, y, seen) in zip(skeleton.points, keypoints.points, strict=True):
        values = {
            "label": name,
            "outside": str(int(seen == Visibility.ABSENT)),
            "occluded": str(int(seen == Visibility.HIDDEN)),
            "points": _text(((x, y),)),
        }
        elements.append((values, inner.get(name, {})))
    return Written("skeleton", {}, tuple(elements))


def _corners(x1: float, y1: float, x2: float, y2: float) -> dict[str, str]:
    return {"xtl": written(x1), "ytl": written(y1), "xbr": written(x2), "ybr": written(y2)}


def _text(points: tuple[XY, ...]) -> str:
    return ";".join(f"{written(x)},{written(y)}" for x, y in points)
