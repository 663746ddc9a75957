"""Between annotations and pixels: what people painted as a map of label ids, and such a map as masks again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Geometry, Mask, Polygon, Polyline
from annotator.learning.semantic import BACKGROUND, UNKNOWN
from annotator.models.protocols import FloatArray

# A scribble is as wide as this part of the image's longer side.
SCRIBBLE_WIDTH = 1 / 160
LEAST_AREA_SHARE = 0.0005
_SUBPIXEL_BITS = 4

IdMap = NDArray[np.int64]
BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """One connected piece of a label: its mask and the mean probability of its pixels."""

    label_id: int
    mask: Mask
    probability: float


def id_map(
    shapes: Sequence[tuple[int, Geometry]], width: int, height: int, size: tuple[int, int], *, complete: bool
) -> IdMap:
    """(rows, columns) = ``size`` label ids of an image of ``width`` × ``height`` pixels; what comes later lies on top.

    Masks and polygons cover their areas, polylines are scribbles; other kinds say nothing about pixels. What nothing covers is
    background when the image is ``complete`` and has no scribble, else unknown (−1).
    """
    rows, columns = size
    scribbled = any(isinstance(geometry, Polyline) for _, geometry in shapes)
    ids = np.full(size, BACKGROUND if complete and not scribbled else UNKNOWN, np.int64)
    scale = np.array([columns / width, rows / height])
    for label_id, geometry in shapes:
        if isinstance(geometry, Mask):
            full = geometry.to_full_array(height, width).view(np.uint8)
            cover = full if full.shape == size else cv2.resize(full, (columns, rows), interpolation=cv2.INTER_NEAREST)
            ids[cover > 0] = label_id
        elif isinstance(geometry, Polygon | Polyline):
            ids[_drawn(geometry, scale, size)] = label_id
    return ids


def _drawn(geometry: Polygon | Polyline, scale: NDArray[np.float64], size: tuple[int, int]) -> BoolMask:
    """The pixels of a polygon or a scribble on a raster of another scale."""
    plane = np.zeros(size, np.uint8)
    if isinstance(geometry, Polyline):
        width = max(1, round(max(size) * SCRIBBLE_WIDTH))
        cv2.polylines(plane, [_fixed(geometry.points, scale)], False, 1, width, cv2.LINE_8, _SUBPIXEL_BITS)
        return plane > 0
    for part in geometry.parts:
        own = np.zeros(size, np.uint8)
        cv2.fillPoly(own, [_fixed(part.outer, scale)], 1, cv2.LINE_8, _SUBPIXEL_BITS)
        for hole in part.holes:
            cv2.fillPoly(own, [_fixed(hole, scale)], 0, cv2.LINE_8, _SUBPIXEL_BITS)
        plane |= own
    return plane > 0


def _fixed(points: Iterable[Iterable[float]], scale: NDArray[np.float64]) -> NDArray[np.int32]:
    """Points in OpenCV's fixed numbers: pixel centres lie at +.5 in our frame and at 0 in OpenCV's."""
    moved = np.array([tuple(point) for point in points], np.float64) * scale - 0.5
    fixed: NDArray[np.int32] = np.round(moved * 2**_SUBPIXEL_BITS).astype(np.int32)
    return fixed


def parts_of(outputs: NDArray[np.intp], probabilities: FloatArray, label_ids: Sequence[int]) -> list[Part]:
    """The connected pieces of every label but the background, the surest first; specks are left out.

    ``outputs`` (h, w): columns of ``label_ids`` per pixel; ``probabilities`` (rows, columns, k) on a coarser raster.
    """
    height, width = outputs.shape
    rows, columns = probabilities.shape[:2]
    least = max(4, LEAST_AREA_SHARE * height * width)
    found: list[Part] = []
    for output, label_id in enumerate(label_ids):
        if label_id == BACKGROUND:
            continue
        count, pieces, stats, _ = cv2.connectedComponentsWithStats((outputs == output).astype(np.uint8))
        for piece in range(1, count):
            x, y, w, h, area = (int(value) for value in stats[piece])
            if area < least:
                continue
            window = pieces[y : y + h, x : x + w] == piece
            mask = Mask.from_array(window, x, y)
            assert mask is not None
            down, right = np.nonzero(window)
            cells = ((down + y) * rows // height, (right + x) * columns // width)
            found.append(Part(label_id, mask, float(probabilities[(*cells, np.full(len(down), output))].mean())))
    return sorted(found, key=lambda part: -part.probability)
