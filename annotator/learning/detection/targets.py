"""What the head should say of a canvas: heat at the middles of objects, and for the cells around them the sides of their boxes.

Gaussians as wide and as high as the box asks (TTFNet: α = .54); each object's cells weigh together the logarithm of its area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from annotator.learning.detection.views import STRIDE, Canvas
from annotator.models.protocols import FloatArray

ALPHA = 0.54
SPREAD = 6.0


class Labelled(Protocol):
    """What is known of a canvas: see ``augment.Copy``."""

    @property
    def boxes(self) -> FloatArray: ...
    @property
    def classes(self) -> NDArray[np.int64]: ...
    @property
    def complete(self) -> bool: ...
    @property
    def refused(self) -> FloatArray: ...
    @property
    def cut(self) -> FloatArray: ...


@dataclass(frozen=True)
class Target:
    """``heat`` (classes, h, w) in [0, 1]; ``sides`` (4, h, w) left, top, right, bottom in canvas pixels; ``weight`` (h, w) of
    those; ``known`` (h, w) 1 where the heat counts, 0 where nobody has said what is there."""

    heat: FloatArray
    sides: FloatArray
    weight: FloatArray
    known: FloatArray


def target_of(shown: Labelled, n_classes: int, canvas: Canvas) -> Target:
    """The maps for what a canvas shows. Small objects are drawn last: they win the cells that they share."""
    rows, columns = canvas.cells
    boxes, classes = shown.boxes, shown.classes
    known = _known(shown, canvas)
    heat = np.zeros((n_classes, rows, columns), np.float32)
    sides = np.zeros((4, rows, columns), np.float32)
    weight = np.zeros((rows, columns), np.float32)
    xs = (np.arange(columns, dtype=np.float32) + 0.5) * STRIDE
    ys = (np.arange(rows, dtype=np.float32) + 0.5) * STRIDE
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    for at in np.argsort(-(widths * heights), kind="stable"):
        x1, y1, x2, y2 = (float(value) for value in boxes[at])
        column = min(columns - 1, int((x1 + x2) / 2 / STRIDE))
        row = min(rows - 1, int((y1 + y2) / 2 / STRIDE))
        reach_x, reach_y = ALPHA * (x2 - x1) / 2, ALPHA * (y2 - y1) / 2
        first_x, last_x = max(0, column - int(reach_x / STRIDE)), min(columns, column + int(reach_x / STRIDE) + 1)
        first_y, last_y = max(0, row - int(reach_y / STRIDE)), min(rows, row + int(reach_y / STRIDE) + 1)
        across = _bell(np.arange(first_x, last_x) - column, (2 * reach_x / STRIDE + 1) / SPREAD)
        along = _bell(np.arange(first_y, last_y) - row, (2 * reach_y / STRIDE + 1) / SPREAD)
        bell = along[:, None] * across[None, :]
        place = np.s_[first_y:last_y, first_x:last_x]
        layer = heat[classes[at]]
        layer[place] = np.maximum(layer[place], bell)
        sides[(slice(None), *place)] = np.stack(
            np.broadcast_arrays(
                xs[None, first_x:last_x] - x1,
                ys[first_y:last_y, None] - y1,
                x2 - xs[None, first_x:last_x],
                y2 - ys[first_y:last_y, None],
            )
        )
        weight[place] = bell * (np.log(max((x2 - x1) * (y2 - y1), 2.0)) / bell.sum())
    weight[(sides <= 0).any(axis=0)] = 0
    known[heat.max(axis=0, initial=0) == 1] = 1
    return Target(heat, sides, weight, known)


def _known(shown: Labelled, canvas: Canvas) -> FloatArray:
    """Where it is known what there is: everywhere but at cut objects, or only in boxes that a person has judged."""
    known = np.full(canvas.cells, float(shown.complete), np.float32)
    for box in shown.cut:
        known[_cells(box)] = 0
    for box in (*shown.boxes, *shown.refused):
        known[_cells(box)] = 1
    return known


def _cells(box: FloatArray) -> tuple[slice, slice]:
    """The cells that a canvas box touches."""
    x1, y1, x2, y2 = (float(value) / STRIDE for value in box)
    return slice(max(0, int(y1)), max(0, int(np.ceil(y2)))), slice(max(0, int(x1)), max(0, int(np.ceil(x2))))


def _bell(offsets: NDArray[np.int64], deviation: float) -> FloatArray:
    return np.asarray(np.exp(-(offsets.astype(np.float32) ** 2) / (2 * deviation * deviation)), np.float32)
