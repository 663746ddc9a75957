"""Boxes to masks: which boxes of an image still lack one, and the segmenter's answer for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotator.domain.geometry import Box, Geometry, Mask, Polygon
from annotator.models.protocols import PromptSegmenter, RGBImage

# A mask or polygon whose bounds overlap a box of its label this much is the box's.
SAME_OBJECT = 0.6


@dataclass(frozen=True)
class BoxToFill:
    """A box, its labels with probabilities, best first, and how sure it is that it stands (1 for a person's)."""

    box: Box
    distribution: tuple[tuple[int, float], ...]
    confidence: float


@dataclass(frozen=True)
class FilledBox:
    """The mask in a box, and the segmenter's guess of its IoU."""

    source: BoxToFill
    mask: Mask
    score: float


def without_mask(boxes: Sequence[BoxToFill], shapes: Sequence[tuple[int, Geometry]]) -> list[BoxToFill]:
    """The boxes that none of ``shapes`` (label id, geometry) fills already; of two boxes on one place the surer one."""
    kept: list[BoxToFill] = []
    taken = [
        (label_id, Box.of(*geometry.bounds())) for label_id, geometry in shapes if isinstance(geometry, Mask | Polygon)
    ]
    for each in sorted(boxes, key=lambda each: -each.confidence):
        label_id = each.distribution[0][0]
        if all(label_id != other or _iou(each.box, box) < SAME_OBJECT for other, box in taken):
            kept.append(each)
            taken.append((label_id, each.box))
    return kept


def _iou(one: Box, other: Box) -> float:
    across = min(one.x2, other.x2) - max(one.x1, other.x1)
    along = min(one.y2, other.y2) - max(one.y1, other.y1)
    both = max(0.0, across) * max(0.0, along)
    return both / max(one.area + other.area - both, 1e-9)


def fill(segmenter: PromptSegmenter, image: RGBImage, boxes: Sequence[BoxToFill]) -> list[FilledBox]:
    """The first candidate of the segmenter in every box that covers a pixel of the image; empty answers are left out."""
    if not boxes:
        return []
    encoding = segmenter.encode(image)
    height, width = image.shape[:2]
    nothing = np.zeros((0, 2), np.float32), np.zeros(0, np.bool_)
    filled: list[FilledBox] = []
    for each in boxes:
        x1, x2 = np.clip((each.box.x1, each.box.x2), 0, width)
        y1, y2 = np.clip((each.box.y1, each.box.y2), 0, height)
        if x2 - x1 < 1 or y2 - y1 < 1:
            continue
        found = segmenter.segment(encoding, *nothing, np.array((x1, y1, x2, y2), np.float32))
        mask = Mask.from_array(segmenter.refine(encoding, found.masks[0], *nothing))
        if mask is not None:
            filled.append(FilledBox(each, mask, float(found.scores[0])))
    return filled
