"""Shapes of Datumaro as geometry and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import shapely

from annotator.domain.geometry import (
    XY,
    Box,
    Caption,
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
from annotator.formats.coco import runs
from annotator.formats.datumaro.schema import Rle, Shape
from annotator.formats.numbers import extent
from annotator.formats.outline import keyhole

ELLIPSE_CORNERS = 72
_KEPT = "written back as the {} while it is unchanged"
PARTS = "its parts and holes are joined by cuts without width, as Datumaro has one outline"
CORNERS = "written as a polygon of its four corners"
NO_SIZE = "its pixel mask needs the image's size, which is not known"
OUTSIDE = "the mask lies outside the image"
_CUT = "the part of the mask outside the image was cut off"


class CannotWriteError(Exception):
    """This annotation has no form here; the text says why."""


def read_shape(
    shape: Shape, skeleton: Skeleton | None, size: tuple[int, int]
) -> tuple[Geometry, str, dict[str, Any]] | None:
    """(geometry, what was converted, what to keep); None for a shape that we do not have. Raises ``ValueError``."""
    match shape.type:
        case "label":
            return Tag(), "", {}
        case "caption":
            if shape.caption is None:
                raise ValueError("it has no caption")
            return Caption(shape.caption), "", {}
        case "bbox":
            if shape.bbox is None:
                raise ValueError("it has no bbox")
            x, y, width, height = shape.bbox
            if width < 0 or height < 0:
                raise ValueError(f"bbox has a negative size: {width:g} x {height:g}")
            return Box(x, y, x + width, y + height), "", {}
        case "polygon":
            return Polygon((PolygonPart(_pairs(shape)),)), "", {}
        case "polyline":
            return Polyline(_pairs(shape)), "", {}
        case "points":
            return _points(shape, skeleton), "", {}
        case "mask":
            return _mask(shape.rle, size), "", {}
        case "ellipse":
            polygon = _ellipse(shape)
            how = f"read as a polygon of {ELLIPSE_CORNERS} corners"
        case "cuboid_2d":
            around = shapely.convex_hull(shapely.MultiPoint(_pairs(shape)))
            if around.geom_type != "Polygon":
                raise ValueError("a cuboid without area")
            polygon = Polygon((PolygonPart(tuple((float(x), float(y)) for x, y in around.exterior.coords[:-1])),))
            how = "read as the polygon around its corners"
        case "cuboid_3d" | "feature_vector" | "tabular" | "hash_key":
            return None
        case _:
            raise ValueError(f"the type {shape.type!r} is not known")
    kept = {"type": shape.type, "points": shape.points, "of": hash(polygon)}
    return polygon, f"{how}; {_KEPT.format(shape.type)}", {"shape": kept}


def _pairs(shape: Shape) -> tuple[XY, ...]:
    points = shape.points
    if not points:
        raise ValueError("it has no points")
    flat: list[float] = []
    for each in points:
        flat += each if isinstance(each, list) else [each]
    if len(flat) % 2:
        raise ValueError(f"{len(flat)} numbers are no pairs of x and y")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _points(shape: Shape, skeleton: Skeleton | None) -> Point | Keypoints:
    pairs = _pairs(shape)
    seen = shape.visibility if shape.visibility is not None else [Visibility.VISIBLE] * len(pairs)
    if len(seen) != len(pairs):
        raise ValueError(f"{len(seen)} values of visibility for {len(pairs)} points")
    if len(pairs) == 1 and seen[0] == Visibility.VISIBLE and not (skeleton and len(skeleton.points) == 1):
        return Point(*pairs[0])
    return Keypoints(tuple((x, y, shown) for (x, y), shown in zip(pairs, seen, strict=True)))


def _mask(rle: Rle | None, size: tuple[int, int]) -> Mask:
    if rle is None:
        raise ValueError("a mask without rle")
    height, width = rle.size
    if 0 not in size and (width, height) != size:
        raise ValueError(f"the mask's size is {width} x {height}, the image {size[0]} x {size[1]}")
    counts = runs.decompress(rle.counts) if isinstance(rle.counts, str) else rle.counts
    if any(abs(count) >= 1 << 53 for count in counts):
        raise ValueError("rle has counts that no image can have")
    mask = runs.window(counts, height, width)
    if mask is None:
        raise ValueError("a mask without set pixels")
    return mask


def _ellipse(shape: Shape) -> Polygon:
    pairs = _pairs(shape)
    if len(pairs) != 2:
        raise ValueError(f"an ellipse has two corners, this one {len(pairs)} points")
    (x1, y1), (x2, y2) = pairs
    turns = [2 * math.pi * step / ELLIPSE_CORNERS for step in range(ELLIPSE_CORNERS)]
    across, down = (x2 - x1) / 2, (y2 - y1) / 2
    ring = tuple((x1 + across + across * math.cos(turn), y1 + down + down * math.sin(turn)) for turn in turns)
    return Polygon((PolygonPart(ring),))


def write_shape(geometry: Geometry, foreign: Mapping[str, Any], width: int, height: int) -> tuple[dict[str, Any], str]:
    """The fields of an annotation and what was converted; raises ``CannotWriteError``."""
    match geometry:
        case Tag():
            return {"type": "label"}, ""
        case Caption(text):
            return {"type": "caption", "caption": text}, ""
        case Box(x1, y1, x2, y2):
            return {"type": "bbox", "bbox": [x1, y1, extent(x1, x2), extent(y1, y2)]}, ""
        case RotatedBox():
            return {"type": "polygon", "points": _flat(geometry.corners())}, CORNERS
        case Polygon():
            kept = foreign.get("shape")
            if isinstance(kept, Mapping) and kept.get("of") == hash(geometry):
                return {"type": kept["type"], "points": kept["points"]}, ""
            if len(geometry.parts) == 1 and not geometry.parts[0].holes:
                return {"type": "polygon", "points": _flat(geometry.parts[0].outer)}, ""
            return {"type": "polygon", "points": _flat(keyhole(geometry))}, PARTS
        case Polyline(points):
            return {"type": "polyline", "points": _flat(points)}, ""
        case Point(x, y):
            return {"type": "points", "points": [x, y], "visibility": [Visibility.VISIBLE]}, ""
        case Keypoints(points):
            flat = [value for x, y, _ in points for value in (x, y)]
            return {"type": "points", "points": flat, "visibility": [seen for *_, seen in points]}, ""
        case Mask():
            return _write_mask(geometry, width, height)


def _write_mask(mask: Mask, width: int, height: int) -> tuple[dict[str, Any], str]:
    if not (width and height):
        raise CannotWriteError(NO_SIZE)
    counts = runs.whole(mask, height, width)
    seen = sum(counts[1::2])
    if not seen:
        raise CannotWriteError(OUTSIDE)
    rle = {"counts": runs.compress(counts), "size": [height, width]}
    return {"type": "mask", "rle": rle}, "" if seen == mask.area else _CUT


def _flat(points: tuple[XY, ...]) -> list[float]:
    return [value for point in points for value in point]
