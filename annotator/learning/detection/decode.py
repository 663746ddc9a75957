"""From heat and sides to boxes: peaks of the heat, each class for itself, then no two boxes of a class on one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.learning.detection.views import STRIDE, Canvas, View
from annotator.models.boxes import suppress
from annotator.models.protocols import FloatArray

IntArray = NDArray[np.int64]

MOST = 300
OVERLAP = 0.55
LEAST_SCORE = 0.05
SEAM = 4.0
"""Canvas pixels: a box that ends so near a tile's inner edge is cut off there."""


@dataclass(frozen=True)
class Found:
    """Boxes of one image, best first: ``boxes`` (n, 4) in image pixels, ``scores`` (n,), ``classes`` (n,).

    ``mixes`` (n, classes): the heat of every class at the box's middle. ``tiles`` (n,): the view that each came from.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: IntArray
    mixes: FloatArray
    tiles: IntArray

    def __len__(self) -> int:
        return len(self.boxes)

    def pick(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Found:
        """Some of them."""
        return Found(self.boxes[rows], self.scores[rows], self.classes[rows], self.mixes[rows], self.tiles[rows])


def nothing(n_classes: int) -> Found:
    """No box."""
    empty = np.zeros(0, np.int64)
    return Found(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), empty, np.zeros((0, n_classes), np.float32), empty
    )


def peaks(
    heat: FloatArray, sides: FloatArray, least: float = LEAST_SCORE
) -> tuple[FloatArray, FloatArray, IntArray, FloatArray]:
    """Canvas boxes (n, 4), scores, classes and mixes of one canvas: cells hotter than their eight neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    top = np.stack([cv2.dilate(layer, kernel) for layer in heat])
    classes, rows, columns = np.nonzero((heat >= top) & (heat >= least))
    scores = heat[classes, rows, columns]
    best = np.argsort(-scores, kind="stable")[:MOST]
    classes, rows, columns, scores = classes[best], rows[best], columns[best], scores[best]
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    left, above, right, below = sides[:, rows, columns]
    boxes = np.stack([x - left, y - above, x + right, y + below], axis=1).astype(np.float32)
    return boxes, scores, classes.astype(np.int64), np.ascontiguousarray(heat[:, rows, columns].T)


def decode(
    heat: FloatArray, sides: FloatArray, views: Sequence[View], canvas: Canvas, size: tuple[int, int],
    least: float = LEAST_SCORE,
) -> Found:  # fmt: skip
    """The boxes of an image of ``size`` (width, height) whose ``views`` gave heat (n, classes, h, w) and sides (n, 4, h, w).

    Boxes that a seam between tiles cuts off give way to the whole ones of the neighbouring tile.
    """
    width, height = size
    found: list[Found] = []
    for at, view in enumerate(views):
        boxes, scores, classes, mixes = peaks(heat[at], sides[at], least)
        limits = np.asarray([canvas.width, canvas.height] * 2, np.float32)
        cut = _cut(boxes, view, canvas, size)
        boxes = view.to_image(np.clip(boxes, 0, limits))
        boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
        keep = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        scores = np.where(cut, scores * 0.5, scores).astype(np.float32)
        tiles = np.full(len(boxes), at, np.int64)
        found.append(Found(boxes, scores, classes, mixes, tiles).pick(keep & (scores >= least)))
    every = joined(found, heat.shape[1])
    every = every.pick(suppress(every.boxes, every.scores, OVERLAP, every.classes))
    return every.pick(~_pieces(every)) if len(views) > 1 else every


def joined(parts: Sequence[Found], n_classes: int) -> Found:
    """All boxes of several."""
    parts = parts or [nothing(n_classes)]
    return Found(
        np.concatenate([each.boxes for each in parts]),
        np.concatenate([each.scores for each in parts]),
        np.concatenate([each.classes for each in parts]),
        np.concatenate([each.mixes for each in parts]),
        np.concatenate([each.tiles for each in parts]),
    )


def _cut(boxes: FloatArray, view: View, canvas: Canvas, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(n,) which canvas boxes end at an edge of the view beyond which the image goes on."""
    width, height = size
    right, bottom = view.left + canvas.width / view.scale, view.top + canvas.height / view.scale
    return (
        ((boxes[:, 0] < SEAM) & (view.left > 1))
        | ((boxes[:, 1] < SEAM) & (view.top > 1))
        | ((boxes[:, 2] > canvas.width - SEAM) & (right < width - 1))
        | ((boxes[:, 3] > canvas.height - SEAM) & (bottom < height - 1))
    )


def _pieces(found: Found) -> NDArray[np.bool_]:
    """(n,) which boxes lie mostly inside a better box of their class from another tile: the part that one tile saw of it."""
    result = np.zeros(len(found), bool)
    for at in range(1, len(found)):
        box, before = found.boxes[at], found.boxes[:at]
        same = (found.classes[:at] == found.classes[at]) & (found.tiles[:at] != found.tiles[at]) & ~result[:at]
        across = np.minimum(box[2], before[:, 2]) - np.maximum(box[0], before[:, 0])
        along = np.minimum(box[3], before[:, 3]) - np.maximum(box[1], before[:, 1])
        both = np.maximum(across, 0) * np.maximum(along, 0)
        area = max(float((box[2] - box[0]) * (box[3] - box[1])), 1e-6)
        result[at] = bool((same & (both > 0.7 * area)).any())
    return result
