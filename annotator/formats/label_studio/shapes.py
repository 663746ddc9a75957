"""Values of Label Studio as geometry and back: per cent of the picture's sides, rotation around the top left corner."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.domain.geometry import (
    XY,
    Box,
    Caption,
    Geometry,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.formats.label_studio import brush
from annotator.formats.numbers import number
from annotator.formats.outline import keyhole
from annotator.formats.placed import kept

ELLIPSE_CORNERS = 72
FULL_TURN = 360
REGIONS = {
    "rectangle": "rectanglelabels",
    "polygon": "polygonlabels",
    "keypoint": "keypointlabels",
    "brush": "brushlabels",
    "ellipse": "ellipselabels",
    "vector": "vectorlabels",
}
"""Kinds of regions, and the key of their labels."""
_PLACES = {
    "rectangle": ("x", "y", "width", "height", "rotation"),
    "polygon": ("points",),
    "keypoint": ("x", "y"),
    "brush": ("format", "rle"),
    "ellipse": ("x", "y", "radiusX", "radiusY", "rotation"),
    "vector": ("vertices",),
}
_PARTS = "its parts and holes are joined by cuts without width, as Label Studio has one outline"
_TURNED = "its angle was written as the same one between 0 and 360 degrees"


def region_of(kind: str) -> str:
    """The kind of region of a result's type, empty for what is none."""
    bare = kind.removesuffix("labels")
    return bare if bare in REGIONS else ""


def place_keys(region: str) -> tuple[str, ...]:
    """The keys of a value that say where it is."""
    return _PLACES[region]


@dataclass(frozen=True)
class Found:
    """A geometry that was read; ``how`` says what was converted, ``foreign`` what to keep for the way back."""

    geometry: Geometry
    how: str = ""
    foreign: dict[str, Any] = field(default_factory=dict)


def read_shape(region: str, value: Mapping[str, Any], width: int, height: int) -> Found:
    """The geometry of a region; raises ``ValueError`` that says what is wrong with it."""
    match region:
        case "rectangle":
            return Found(_box(value, width, height))
        case "polygon":
            return Found(Polygon((PolygonPart(_points(value.get("points"), width, height)),)))
        case "keypoint":
            return Found(Point(_of(value, "x", width), _of(value, "y", height)))
        case "vector":
            vertices = value.get("vertices")
            if not isinstance(vertices, list) or not all(isinstance(one, Mapping) for one in vertices):
                raise ValueError("vertices is no list of points")
            line = tuple((_of(one, "x", width), _of(one, "y", height)) for one in vertices)
            return Found(Polygon((PolygonPart(line),)) if value.get("closed") else Polyline(line))
        case "brush":
            return Found(_mask(value, width, height))
        case "ellipse":
            polygon = _ellipse(value, width, height)
            place = {key: value[key] for key in _PLACES["ellipse"] if key in value}
            how = f"read as a polygon of {ELLIPSE_CORNERS} corners; written back as the ellipse while it is unchanged"
            return Found(polygon, how, {"ellipse": {"place": place, "of": hash(polygon)}})
    raise ValueError(f"the type {region!r} is not known")


def _of(value: Mapping[str, Any], key: str, side: int) -> float:
    if key not in value:
        raise ValueError(f"value has no {key}")
    return number(value[key], key) * side / 100


def _box(value: Mapping[str, Any], width: int, height: int) -> Box | RotatedBox:
    x, y = _of(value, "x", width), _of(value, "y", height)
    w, h = _of(value, "width", width), _of(value, "height", height)
    if w < 0 or h < 0:
        raise ValueError(f"the rectangle has a negative size: {w:g} x {h:g}")
    turn = number(value.get("rotation") or 0, "rotation")
    if turn == 0:
        return Box(x, y, x + w, y + h)
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    cx, cy = x + w / 2 * cos - h / 2 * sin, y + w / 2 * sin + h / 2 * cos
    return RotatedBox(cx, cy, w, h, turn if turn != FULL_TURN else 0.0)


def _points(points: Any, width: int, height: int) -> tuple[XY, ...]:
    if not isinstance(points, list) or any(not isinstance(p, list) or len(p) != 2 for p in points):
        raise ValueError("points is no list of pairs")
    return tuple((number(x, "points") * width / 100, number(y, "points") * height / 100) for x, y in points)


def _mask(value: Mapping[str, Any], width: int, height: int) -> Mask:
    data = value.get("rle")
    if value.get("format") != "rle" or not isinstance(data, list) or not all(type(each) is int for each in data):
        raise ValueError("a brush without rle data")
    mask = Mask.from_array(brush.unpack(data, width, height))
    if mask is None:
        raise ValueError("a mask without set pixels")
    return mask


def _ellipse(value: Mapping[str, Any], width: int, height: int) -> Polygon:
    cx, cy = _of(value, "x", width), _of(value, "y", height)
    rx, ry = _of(value, "radiusX", width), _of(value, "radiusY", height)
    turn = math.radians(number(value.get("rotation") or 0, "rotation"))
    cos, sin = math.cos(turn), math.sin(turn)
    ring = []
    for step in range(ELLIPSE_CORNERS):
        at = 2 * math.pi * step / ELLIPSE_CORNERS
        x, y = rx * math.cos(at), ry * math.sin(at)
        ring.append((cx + x * cos - y * sin, cy + x * sin + y * cos))
    return Polygon((PolygonPart(tuple(ring)),))


def unmoved(region: str, value: Mapping[str, Any], geometry: Geometry, width: int, height: int) -> dict[str, Any]:
    """The foreign field that keeps the per cent as they stood; masks and ellipses have their own ways."""
    if region in ("brush", "ellipse"):
        return {}
    written = write_shape(geometry, {}, width, height)
    place = {key: value[key] for key in _PLACES[region] if key in value}
    ours = {key: written[1][key] for key in place if key in written[1]} if written and written[0] == region else {}
    return kept(place, ours, geometry, width, height)


def write_shape(
    geometry: Geometry, foreign: Mapping[str, Any], width: int, height: int
) -> tuple[str, dict[str, Any], str] | None:
    """(kind of region, its place, what was converted); "choices" for tags, "textarea" for captions; None when there is none."""
    match geometry:
        case Tag():
            return "choices", {}, ""
        case Caption(text):
            return "textarea", {"text": [text]}, ""
        case Box(x1, y1, x2, y2):
            place = {**_at(x1, y1, width, height), **_sized(x2 - x1, y2 - y1, width, height), "rotation": 0}
            return "rectangle", place, ""
        case RotatedBox():
            (x, y), *_ = geometry.corners()
            turn = geometry.angle if 0 <= geometry.angle < FULL_TURN else geometry.angle % FULL_TURN
            size = _sized(geometry.width, geometry.height, width, height)
            how = "" if turn == geometry.angle else _TURNED
            return "rectangle", {**_at(x, y, width, height), **size, "rotation": turn or FULL_TURN}, how
        case Polygon():
            ellipse = foreign.get("ellipse")
            if isinstance(ellipse, Mapping) and ellipse.get("of") == hash(geometry):
                return "ellipse", dict(ellipse["place"]), ""
            whole = len(geometry.parts) == 1 and not geometry.parts[0].holes
            ring = geometry.parts[0].outer if whole else keyhole(geometry)
            return (
                "polygon",
                {"points": [[x / width * 100, y / height * 100] for x, y in ring]},
                "" if whole else _PARTS,
            )
        case Polyline(points):
            vertices = [{"id": str(at), **_at(x, y, width, height)} for at, (x, y) in enumerate(points)]
            return "vector", {"vertices": vertices, "closed": False}, ""
        case Point(x, y):
            return "keypoint", _at(x, y, width, height), ""
        case Mask():
            return "brush", {"format": "rle", "rle": brush.pack(geometry.to_full_array(height, width))}, ""
    return None


def _at(x: float, y: float, width: int, height: int) -> dict[str, Any]:
    return {"x": x / width * 100, "y": y / height * 100}


def _sized(w: float, h: float, width: int, height: int) -> dict[str, Any]:
    return {"width": w / width * 100, "height": h / height * 100}
