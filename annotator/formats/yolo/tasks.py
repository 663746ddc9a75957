"""The four kinds of YOLO datasets, and the geometry of a line of each: box, outline, corners of a rotated box, keypoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from annotator.domain.geometry import Box, Geometry, Keypoints, Mask, Polygon, PolygonPart, RotatedBox
from annotator.formats.corners import is_quad

_SAME_BOX = 1e-6


class YoloTask(StrEnum):
    """What the lines of a dataset hold."""

    DETECT = "detect"
    SEGMENT = "segment"
    OBB = "obb"
    POSE = "pose"


@dataclass(frozen=True)
class KeypointShape:
    """``kpt_shape`` of data.yaml: how many points a line has, with (3) or without (2) visibility."""

    count: int
    numbers: int


def task_of(geometries: Iterable[Geometry], *, declared: bool) -> YoloTask:
    """The dataset that holds most of the geometries; ``declared``: four corners were said to be rotated boxes."""
    outlines = rotated = points = False
    for one in geometries:
        points |= isinstance(one, Keypoints)
        rotated |= isinstance(one, RotatedBox)
        outlines |= isinstance(one, Mask) or (isinstance(one, Polygon) and not (declared and is_quad(one)))
        declared |= isinstance(one, RotatedBox)
    if outlines:
        return YoloTask.SEGMENT
    if rotated:
        return YoloTask.OBB
    return YoloTask.POSE if points else YoloTask.OBB if declared else YoloTask.DETECT


def box(values: Sequence[float], width: int, height: int) -> Box:
    """The box of relative centre and size; raises ``ValueError`` for negative sizes."""
    cx, cy, w, h = values
    if w < 0 or h < 0:
        raise ValueError(f"the box has a negative size: {w:g} x {h:g}")
    return Box((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)


def relative_box(x1: float, y1: float, x2: float, y2: float, width: int, height: int) -> list[float]:
    """Relative centre and size of a box in pixels."""
    return [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]


def relative(geometry: Geometry, width: int, height: int) -> list[float]:
    """The numbers that we would write for a box or an outline, none for what has other forms."""
    if isinstance(geometry, Box):
        return relative_box(*geometry.bounds(), width, height)
    if isinstance(geometry, Polygon):
        return [value for x, y in geometry.parts[0].outer for value in (x / width, y / height)]
    return []


def outline(values: Sequence[float], width: int, height: int) -> Polygon:
    """The polygon of relative coordinates."""
    points = zip((x * width for x in values[::2]), (y * height for y in values[1::2]), strict=True)
    return Polygon((PolygonPart(tuple(points)),))


def pose(values: Sequence[float], shape: KeypointShape, width: int, height: int) -> list[Geometry]:
    """Keypoints of a line, with its box before them where that is not just the box around them."""
    wanted = 4 + shape.count * shape.numbers
    if len(values) != wanted:
        raise ValueError(f"{len(values)} numbers after the class, a box and {shape.count} keypoints have {wanted}")
    around = box(values[:4], width, height)
    points: list[tuple[float, float, int]] = []
    for at in range(4, wanted, shape.numbers):
        x, y, *seen = values[at : at + shape.numbers]
        shown = seen[0] if seen else float(bool(x or y)) * 2
        if shown not in (0, 1, 2):
            raise ValueError(f"the visibility of a keypoint is {shown:g}, not 0, 1 or 2")
        points.append((x * width, y * height, int(shown)))
    keypoints = Keypoints(tuple(points))
    bounds = keypoints.bounds()
    if bounds is None:
        return [around]
    apart = max(abs(one - other) for one, other in zip(bounds, around.bounds(), strict=True))
    return [keypoints] if apart <= _SAME_BOX * max(width, height) else [around, keypoints]


def pose_values(around: Box | None, points: Keypoints | None, count: int, width: int, height: int) -> list[float]:
    """The numbers of a line with box and ``count`` keypoints; absent ones are filled in as 0 0 0."""
    bounds = around.bounds() if around else points.bounds() if points else None
    if bounds is None:
        raise ValueError("a line needs a box or a keypoint that is labelled")
    values = relative_box(*bounds, width, height)
    shown = points.points if points else ()
    for x, y, visible in shown:
        values += [x / width, y / height, visible]
    return values + [0, 0, 0] * (count - len(shown))
