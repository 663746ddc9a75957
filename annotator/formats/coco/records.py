"""One COCO record becomes one annotation, or two when it has keypoints beside an outline; ``extra`` remembers the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from annotator.domain.geometry import (
    Bounds,
    Box,
    Caption,
    Geometry,
    GeometryKind,
    Keypoints,
    Mask,
    Polygon,
    PolygonPart,
    Tag,
)
from annotator.formats.coco import runs
from annotator.formats.coco.files import Record, whole_number
from annotator.formats.dataset import DatasetAnnotation
from annotator.formats.numbers import number, ring_area

_OURS = frozenset(
    {"image_id", "category_id", "bbox", "segmentation", "area", "iscrowd", "keypoints", "num_keypoints"}
    | {"attributes", "caption", "score", "track_id"}
)
_CLOSE = 1e-6
AS_LIST = "counts as list"
"""Among foreign fields: the mask's run lengths stood there as numbers, not packed into text."""


def read_record(record: Record, label: str, width: int, height: int, *, suggested: bool) -> list[DatasetAnnotation]:
    """Annotations of a record; raises ``ValueError`` that says what is wrong with it."""
    foreign = {key: value for key, value in record.items() if key not in _OURS}
    attributes = record.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise ValueError(f"attributes is {type(attributes).__name__}, not an object")
    crowd = record.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f"iscrowd is {crowd!r}, not 0 or 1")
    if crowd:
        attributes = {**attributes, "iscrowd": True}
    outline = _outline(record, width, height)
    geometries: list[Geometry] = []
    if isinstance(record.get("caption"), str):
        geometries.append(Caption(record["caption"]))
    if outline is not None:
        geometries.append(outline)
    points = record.get("keypoints")
    if points:
        keypoints = _keypoints(points)
        if isinstance(outline, Box) and _same_bounds(keypoints.bounds(), outline.bounds()):
            geometries.pop()
        geometries.append(keypoints)
    if not geometries:
        geometries.append(Tag())
    elif geometries[0].kind is GeometryKind.CAPTION and not label and "category_id" in record:
        foreign["category_id"] = record["category_id"]
    _remember(record, geometries[0], foreign)
    if isinstance(outline, Mask) and isinstance(record["segmentation"]["counts"], list):
        foreign[AS_LIST] = True
    score = record.get("score")
    confidence = None if score is None else number(score, "score")
    track = record.get("track_id")
    if track is not None and whole_number(track) is None:
        foreign["track_id"] = track
    extra = {"coco": foreign} if foreign else {}
    return [
        DatasetAnnotation(
            label,
            geometry,
            attributes,
            whole_number(track) if track is not None else None,
            confidence=confidence,
            suggested=suggested,
            extra=extra,
        )
        for geometry in geometries
    ]


def _same_bounds(points: Bounds | None, box: Bounds) -> bool:
    """Whether the box is the one around the points: x + width does not come back to the last digit."""
    return points is not None and all(abs(a - b) <= 1e-6 for a, b in zip(points, box, strict=True))


def _outline(record: Record, width: int, height: int) -> Geometry | None:
    segmentation = record.get("segmentation")
    if isinstance(segmentation, Mapping):
        return _mask(segmentation, width, height)
    if isinstance(segmentation, list) and segmentation:
        if isinstance(segmentation[0], int | float):
            segmentation = [segmentation]
        return Polygon(tuple(map(_part, segmentation)))
    if segmentation not in (None, []):
        raise ValueError(f"segmentation is {type(segmentation).__name__}, neither polygons nor run lengths")
    box = record.get("bbox")
    if not box:
        return None
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"bbox is {str(box)[:60]}, not four numbers")
    x, y, w, h = box
    if not (type(x) is type(y) is type(w) is type(h) is float and math.isfinite(x + y + w + h)):
        x, y, w, h = (number(value, "bbox") for value in box)
    if w < 0 or h < 0:
        raise ValueError(f"bbox has a negative size: {w:g} x {h:g}")
    return Box(x, y, x + w, y + h)


def _part(flat: Any) -> PolygonPart:
    if not isinstance(flat, list) or len(flat) % 2 or len(flat) < 6:
        what = f"{len(flat)} numbers" if isinstance(flat, list) else type(flat).__name__
        raise ValueError(f"a polygon needs pairs of numbers, at least three; got {what}")
    try:
        if not math.isfinite(sum(flat)):
            raise ValueError("a polygon has a coordinate that is not finite")
    except (TypeError, OverflowError):
        raise ValueError("a polygon has a coordinate that is not a number") from None
    return PolygonPart(tuple(zip(flat[::2], flat[1::2], strict=True)))


def _mask(segmentation: Mapping[str, Any], width: int, height: int) -> Geometry:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(size, list) or len(size) != 2 or None in (h_w := [whole_number(v) for v in size]):
        raise ValueError(f"segmentation size is {str(size)[:60]}, not [height, width]")
    rows, columns = int(h_w[0] or 0), int(h_w[1] or 0)
    if width and height and (rows, columns) != (height, width):
        raise ValueError(f"segmentation size is {columns} x {rows}, the image {width} x {height}")
    if isinstance(counts, str):
        counts = runs.decompress(counts)
    if not isinstance(counts, list) or not all(isinstance(c, int) and abs(c) < 1 << 53 for c in counts):
        raise ValueError("segmentation counts are neither a string nor a list of whole numbers")
    mask = runs.window(counts, rows, columns)
    if mask is None:
        raise ValueError("a mask without set pixels")
    return mask


def _keypoints(flat: Any) -> Keypoints:
    if not isinstance(flat, list) or len(flat) % 3:
        raise ValueError("keypoints must be a list of x, y, visibility")
    values = [number(value, "keypoints") for value in flat]
    return Keypoints(tuple((x, y, int(v)) for x, y, v in zip(values[::3], values[1::3], values[2::3], strict=True)))


def _remember(record: Record, geometry: Geometry, foreign: Record) -> None:
    """Keep a foreign area and bounding box that ours would not reproduce, with the geometry they belong to."""
    area, box = record.get("area"), record.get("bbox")
    kept: Record = {}
    if area is not None and (not isinstance(area, int | float) or abs(area - area_of(geometry)) > _CLOSE):
        kept["area"] = area
    if box and not isinstance(geometry, Box):
        bounds = geometry.bounds()
        ours = (bounds[0], bounds[1], bounds[2] - bounds[0], bounds[3] - bounds[1]) if bounds else ()
        if not isinstance(box, list) or len(box) != len(ours) or any(map(_differ, box, ours)):
            kept["bbox"] = box
    if kept:
        foreign["measured"] = {**kept, "of": hash(geometry)}


def _differ(theirs: Any, ours: float) -> bool:
    return not isinstance(theirs, int | float) or abs(theirs - ours) > _CLOSE


def area_of(geometry: Geometry) -> float:
    """The area that we write: of the polygon's parts, the mask's pixels, the box, or the box around the keypoints."""
    match geometry:
        case Polygon():
            return sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in geometry.parts)
        case Box() | Mask():
            return float(geometry.area)
    bounds = geometry.bounds()
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) if bounds else 0.0
