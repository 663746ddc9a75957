"""Our geometry as COCO's fields: bbox, segmentation, area, keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from annotator.domain import rle
from annotator.domain.geometry import Box, Keypoints, Mask, Polygon, PolygonPart, RotatedBox
from annotator.formats.coco import runs
from annotator.formats.coco.records import area_of
from annotator.formats.numbers import extent

HOLES = "polygons with holes are written as a pixel mask (RLE), because COCO's lists have no holes"
NO_SIZE = "its pixel mask needs the image's size, which is not known"
OUTSIDE = "the mask lies outside the image"


class CannotWriteError(Exception):
    """This annotation has no COCO form; the text says why."""


def outline_fields(outline: Polygon | Mask | Box | RotatedBox, width: int, height: int) -> tuple[dict[str, Any], str]:
    """``bbox``, ``segmentation`` and ``area`` with a note on what was converted; raises ``CannotWriteError``."""
    note = ""
    if isinstance(outline, RotatedBox):
        outline, note = Polygon((PolygonPart(outline.corners()),)), "written as a polygon of its four corners"
    if isinstance(outline, Polygon):
        if not any(part.holes for part in outline.parts):
            lists = [[value for point in part.outer for value in point] for part in outline.parts]
            return {"bbox": _bbox(outline), "segmentation": lists, "area": area_of(outline)}, note
        outline, note = rasterised(outline, width, height), HOLES
    if isinstance(outline, Box):
        return {"bbox": _bbox(outline), "segmentation": [], "area": outline.area}, note
    if not (width and height):
        raise CannotWriteError(NO_SIZE)
    counts = runs.whole(outline, height, width)
    seen = runs.window(counts, height, width)
    if seen is None:
        raise CannotWriteError(OUTSIDE)
    if seen.area != outline.area:
        note = "the part of the mask outside the image was cut off"
    fields = {"bbox": _bbox(seen), "segmentation": {"size": [height, width], "counts": runs.compress(counts)}}
    return {**fields, "area": seen.area}, note


def keypoint_fields(keypoints: Keypoints) -> dict[str, Any]:
    """``keypoints``, ``num_keypoints`` and the box around the labelled ones."""
    bounds = keypoints.bounds()
    fields: dict[str, Any] = {
        "keypoints": [value for point in keypoints.points for value in point],
        "num_keypoints": sum(1 for *_, visible in keypoints.points if visible),
    }
    if bounds is not None:
        x1, y1, x2, y2 = bounds
        fields |= {"bbox": [x1, y1, extent(x1, x2), extent(y1, y2)], "area": (x2 - x1) * (y2 - y1)}
    return fields


def rasterised(polygon: Polygon, width: int, height: int) -> Mask:
    """The pixels inside the outlines and not inside the holes, by the COCO mask API's own rule."""
    if not (width and height):
        raise CannotWriteError(NO_SIZE)
    from pycocotools import mask as api

    full = np.zeros((height, width), dtype=bool)
    for part in polygon.parts:
        rings = [[value for point in ring for value in point] for ring in (part.outer, *part.holes)]
        outer, *holes = (_layer(encoded, height, width) for encoded in api.frPyObjects(rings, height, width))
        for hole in holes:
            outer &= ~hole
        full |= outer
    mask = Mask.from_array(full)
    if mask is None:
        raise CannotWriteError("the polygon with holes covers no pixel")
    return mask


def _layer(encoded: Mapping[str, Any], height: int, width: int) -> rle.BoolMask:
    return rle.decode(tuple(runs.decompress(encoded["counts"])), height, width).copy()


def _bbox(outline: Polygon | Mask | Box) -> list[float]:
    x1, y1, x2, y2 = outline.bounds()
    return [x1, y1, extent(x1, x2), extent(y1, y2)]
