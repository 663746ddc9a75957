"""How good boxes are: COCO's average precision by pycocotools, and a figure for each image that two heads are compared by."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.learning.detection.decode import Found
from annotator.models.boxes import overlap
from annotator.models.protocols import FloatArray

IntArray = NDArray[np.int64]

RIGHT = 0.5
"""From this IoU on a box counts as found."""


@dataclass(frozen=True)
class Precision:
    """Mean average precision over IoU .5 to .95, at .5 and at .75; nan without a true box."""

    mean: float
    at_50: float
    at_75: float


@dataclass(frozen=True)
class TrueBoxes:
    """What is there: ``boxes`` (n, 4) in image pixels, ``classes`` (n,)."""

    boxes: FloatArray
    classes: IntArray


def precision(found: Sequence[Found], truth: Sequence[TrueBoxes], n_classes: int) -> Precision:
    """pycocotools' figures for boxes of images (100 an image)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not any(len(each.boxes) for each in truth):
        return Precision(float("nan"), float("nan"), float("nan"))
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, (said, true) in enumerate(zip(found, truth, strict=True), start=1):
        for box, label in zip(true.boxes.tolist(), true.classes.tolist(), strict=True):
            entry = {"id": len(annotations) + 1, "image_id": image, "category_id": label + 1, "iscrowd": 0}
            annotations.append({**entry, "bbox": _xywh(box), "area": (box[2] - box[0]) * (box[3] - box[1])})
        for box, label, score in zip(said.boxes.tolist(), said.classes.tolist(), said.scores.tolist(), strict=True):
            results.append({"image_id": image, "category_id": label + 1, "bbox": _xywh(box), "score": score})
    if not results:
        return Precision(0.0, 0.0, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = {
            "images": [{"id": image} for image in range(1, len(truth) + 1)],
            "annotations": annotations,
            "categories": [{"id": label + 1, "name": str(label)} for label in range(n_classes)],
        }
        ground.createIndex()
        evaluation = COCOeval(ground, ground.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    mean, at_50, at_75 = (float(value) for value in evaluation.stats[:3])
    return Precision(mean, at_50, at_75)


def image_score(found: Found, truth: TrueBoxes, least: float) -> float:
    """F1 of the boxes of one image from a score on: 1 where nothing is there and nothing was said."""
    kept = found.pick(found.scores >= least)
    if not len(kept) and not len(truth.boxes):
        return 1.0
    hits = len(matches(kept, truth))
    return 2 * hits / (len(kept) + len(truth.boxes))


def matches(found: Found, truth: TrueBoxes, least_overlap: float = RIGHT) -> list[tuple[int, int, float]]:
    """(row found, row true, IoU) of the pairs of one class, the best scores choosing first."""
    free = np.ones(len(truth.boxes), bool)
    pairs: list[tuple[int, int, float]] = []
    for at in np.argsort(-found.scores, kind="stable").tolist():
        candidates = free & (truth.classes == found.classes[at])
        if not candidates.any():
            continue
        shared = np.where(candidates, overlap(found.boxes[at], truth.boxes), 0)
        best = int(shared.argmax())
        if shared[best] >= least_overlap:
            free[best] = False
            pairs.append((at, best, float(shared[best])))
    return pairs


def _xywh(box: Sequence[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]
