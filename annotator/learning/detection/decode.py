"""From heat and sides to boxes: peaks of the heat, each class for itself, then no two boxes of a class on one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

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
LOOKS, ASIDE = 10, 0.06
CUT_OFF = 0.5
"""A box that a seam cuts off counts half, so that the whole one of the neighbouring tile wins."""
SEAM = 4.0
"""Canvas pixels: a box that ends so near a tile's inner edge is cut off there."""


@dataclass(frozen=True)
class Found:
    """Boxes of one image, best first: ``boxes`` (n, 4) in image pixels, ``scores`` (n,), ``classes`` (n,).

    ``mixes`` (n, classes): the heat of every class at the box's middle. ``tiles`` (n,): the view that each came from.
    ``jitters`` (n,): how far the box moves when its middle is taken a little aside, as a part of its size; nan if unknown.
    ``rescued`` (n,): which were found only on a second look.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: IntArray
    mixes: FloatArray
    tiles: IntArray
    jitters: FloatArray
    rescued: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes)

    def pick(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Found:
        """Some of them."""
        return Found(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def nothing(n_classes: int) -> Found:
    """No box."""
    whole, real = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return Found(
        np.zeros((0, 4), np.float32), real, whole, np.zeros((0, n_classes), np.float32), whole, real, whole > 0
    )


def peaks(heat: FloatArray, sides: FloatArray, least: float = LEAST_SCORE, tile: int = 0) -> Found:
    """The boxes of one canvas, in its pixels: one for each cell that is hotter than its eight neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    top = np.stack([cv2.dilate(layer, kernel) for layer in heat])
    classes, rows, columns = np.nonzero((heat >= top) & (heat >= least))
    scores = heat[classes, rows, columns]
    best = np.argsort(-scores, kind="stable")[:MOST]
    classes, rows, columns, scores = classes[best], rows[best], columns[best], scores[best]
    middles = (np.stack([columns, rows], axis=1) + 0.5).astype(np.float32) * STRIDE
    boxes = _around(middles, sides[:, rows, columns].T)
    mixes = np.ascontiguousarray(heat[:, rows, columns].T)
    tiles = np.full(len(boxes), tile, np.int64)
    first_look = np.zeros(len(boxes), bool)
    return Found(boxes, scores, classes.astype(np.int64), mixes, tiles, jitter_of(boxes, sides), first_look)


def jitter_of(boxes: FloatArray, sides: FloatArray) -> FloatArray:
    """(n,) mean standard deviation of a box's corners, as a part of its size, over ten looks from places up to 6% aside.

    Xu et al., "End-to-end semi-supervised object detection with soft teacher", ICCV 2021; here the head's own sides are read
    between the cells instead of running a second stage.
    """
    if not len(boxes):
        return np.zeros(0, np.float32)
    rng = np.random.default_rng(0)
    size = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2
    looks = []
    for _ in range(LOOKS):
        aside = middle + size * rng.uniform(-ASIDE, ASIDE, size.shape).astype(np.float32)
        looks.append(_around(aside, _between(sides, aside)))
    spread = np.std(np.stack(looks), axis=0) / np.maximum(np.tile(size, 2), 1e-6)
    return np.asarray(spread.mean(axis=1), np.float32)


def _around(middles: FloatArray, sides: FloatArray) -> FloatArray:
    """(n, 4) boxes whose sides lie so far from (n, 2) places."""
    return np.concatenate([middles - sides[:, :2], middles + sides[:, 2:]], axis=1).astype(np.float32)


def _between(sides: FloatArray, places: FloatArray) -> FloatArray:
    """(n, 4) the sides at places of the canvas, linearly between the cells' middles."""
    x, y = (places / STRIDE - 0.5).T.astype(np.float32)
    read = [cv2.remap(layer, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0] for layer in sides]
    return np.stack(read, axis=1)


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
        seen = peaks(heat[at], sides[at], least, at)
        cut = _cut(seen.boxes, view, canvas, size)
        limits = np.asarray([canvas.width, canvas.height] * 2, np.float32)
        boxes = np.clip(view.to_image(np.clip(seen.boxes, 0, limits)), 0, [width, height, width, height])
        scores = np.where(cut, seen.scores * CUT_OFF, seen.scores).astype(np.float32)
        keep = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1) & (scores >= least)
        found.append(replace(seen, boxes=boxes.astype(np.float32), scores=scores).pick(keep))
    every = joined(found, heat.shape[1])
    every = every.pick(suppress(every.boxes, every.scores, OVERLAP, every.classes))
    return every.pick(~_pieces(every)) if len(views) > 1 else every


def joined(parts: Sequence[Found], n_classes: int) -> Found:
    """All boxes of several."""
    parts = parts or [nothing(n_classes)]
    return Found(**{each.name: np.concatenate([getattr(one, each.name) for one in parts]) for each in fields(Found)})


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
