"""From a network's output tensors to boxes, one function per layout. Boxes are XYXY float32 in pixels of the input.

``yolo``        (4 + o + c + m, cells) or its transpose: boxes, objectness if there is any, class scores, mask coefficients
``yolo_grid``   the same, but boxes are offsets in cells of the strides and logarithms of sizes (YOLOX: Ge et al. 2021)
``fastestdet``  (1 + 4 + c, h, w): objectness, offsets (tanh) and sizes (sigmoid) of each cell, class scores
``end_to_end``  (k, 6) rows x1 y1 x2 y2 score class, or boxes (k, 4), scores (k,) and classes (k,) as three tensors
``semantic``    (c, h, w) scores of every pixel: each connected part of a class becomes one box with its mask

``yolo`` may come with prototypes (m, h, w), of which the coefficients make masks (YOLACT: Bolya et al. 2019);
``end_to_end`` with masks (k, h, w). Both cover the input at their own resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.onnx.card import Activation, Card, Corners, Layout, Unit
from annotator.models.protocols import FloatArray

Tensors = Mapping[str, NDArray[Any]]


class LayoutError(ValueError):
    """A tensor does not have the shape that the card says."""


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes (n, 4) of the input, scores (n,), classes (n,); ``mask`` gives the field (h, w) over the input of one of them."""

    boxes: FloatArray
    scores: FloatArray
    classes: NDArray[np.int64]
    mask: Callable[[int], FloatArray] | None = None


def roles(card: Card, outputs: list[str]) -> dict[str, str]:
    """Which tensor plays which role: named in the card, else in the order of the file. Raises LayoutError."""
    named = {role: getattr(card.output, role) for role in ("tensor", "scores", "classes", "masks", "prototypes")}
    found = {role: name for role, name in named.items() if name}
    for name in found.values():
        if name not in outputs:
            raise LayoutError(f"it has no output {name!r}, only {', '.join(outputs)}")
    found.setdefault("tensor", outputs[0])
    if "scores" in found and "classes" not in found:
        raise LayoutError("`output.scores` needs `output.classes` beside it")
    return found


def read(card: Card, tensors: Tensors) -> Found:
    """What one picture's tensors (without the batch axis) by role say. Raises LayoutError."""
    found = LAYOUTS[card.output.layout](card, tensors)
    sound = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    sound &= (found.classes >= 0) & (found.classes < len(card.names)) & (found.scores >= card.output.min_score)
    chosen = np.flatnonzero(sound)
    field = found.mask
    return Found(
        found.boxes[chosen].astype(np.float32),
        np.clip(found.scores[chosen], 0, 1).astype(np.float32),
        found.classes[chosen],
        None if field is None else lambda index: field(int(chosen[index])),
    )


def _yolo(card: Card, tensors: Tensors) -> Found:
    output = card.output
    prototypes = tensors.get("prototypes")
    coefficients = 0 if prototypes is None else len(prototypes)
    start = 4 + output.objectness
    rows = _rows(tensors["tensor"], start + len(card.names) + coefficients, card)
    scores = _activate(rows[:, start : start + len(card.names)], output.activation)
    if output.objectness:
        sure = rows[:, 4] if output.activation is Activation.NONE else _sigmoid(rows[:, 4])
        scores = scores * sure[:, None]
    classes = scores.argmax(axis=1)
    weights = rows[:, start + len(card.names) :]

    def mask(index: int) -> FloatArray:
        assert prototypes is not None
        return _sigmoid(np.tensordot(weights[index], prototypes.astype(np.float32), axes=1))

    boxes = _grid_boxes(rows[:, :4], card) if output.layout is Layout.YOLO_GRID else _corners(rows[:, :4], card)
    return Found(boxes, scores[np.arange(len(rows)), classes], classes, None if prototypes is None else mask)


def _grid_boxes(raw: FloatArray, card: Card) -> FloatArray:
    """Boxes from offsets in cells and logarithms of sizes, the cells of all strides one after the other, row by row."""
    cells, sizes = [], []
    for stride in card.output.strides:
        x, y = np.meshgrid(np.arange(card.input.width // stride), np.arange(card.input.height // stride))
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        sizes.append(np.full((x.size, 1), stride))
    corner, stride_of = np.concatenate(cells), np.concatenate(sizes)
    if len(corner) != len(raw):
        raise LayoutError(f"it gives {len(raw)} cells where the strides {card.output.strides} make {len(corner)}")
    centre = (raw[:, :2] + corner) * stride_of
    # More than 88 overflows float32; no box is that large.
    size = np.exp(np.minimum(raw[:, 2:4], 20)) * stride_of
    boxes: FloatArray = np.concatenate([centre - size / 2, centre + size / 2], axis=1).astype(np.float32)
    return boxes


def _fastestdet(card: Card, tensors: Tensors) -> Found:
    grid = tensors["tensor"].astype(np.float32)
    if grid.ndim != 3 or len(grid) != 5 + len(card.names):
        raise LayoutError(f"expected (5 + {len(card.names)} names, h, w) numbers, got {grid.shape}")
    height, width = grid.shape[1:]
    y, x = np.mgrid[:height, :width]
    centre_x = (np.tanh(grid[1]) + x) * (card.input.width / width)
    centre_y = (np.tanh(grid[2]) + y) * (card.input.height / height)
    half_width, half_height = _sigmoid(grid[3]) * card.input.width / 2, _sigmoid(grid[4]) * card.input.height / 2
    corners = (centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height)
    classes = grid[5:].argmax(axis=0)
    # As it was trained: the geometric mean of objectness and class score, three parts to two.
    scores = np.maximum(grid[0], 0) ** 0.6 * np.maximum(grid[5:].max(axis=0), 0) ** 0.4
    return Found(np.stack(corners, axis=-1).reshape(-1, 4), scores.reshape(-1), classes.reshape(-1))


def _end_to_end(card: Card, tensors: Tensors) -> Found:
    first = tensors["tensor"].astype(np.float32)
    if "scores" in tensors:
        rows, scores, classes = first.reshape(-1, 4), tensors["scores"].reshape(-1), tensors["classes"].reshape(-1)
        if not len(rows) == len(scores) == len(classes):
            raise LayoutError(f"it gives {len(rows)} boxes, {len(scores)} scores and {len(classes)} classes")
    else:
        if first.ndim != 2 or first.shape[1] != 6:
            raise LayoutError(f"expected (k, 6) numbers, got {first.shape}")
        rows, scores, classes = first[:, :4], first[:, 4], first[:, 5]
    masks = tensors.get("masks")
    if masks is not None:
        masks = masks.reshape(-1, *masks.shape[-2:]).astype(np.float32)
        if len(masks) != len(rows):
            raise LayoutError(f"it gives {len(rows)} boxes and {len(masks)} masks")
    fields = masks
    numbers = np.nan_to_num(classes.astype(np.float64), nan=-1).round().astype(np.int64) - card.output.first_class
    return Found(
        _corners(rows, card), scores.astype(np.float32), numbers, None if fields is None else lambda i: fields[i]
    )


def _semantic(card: Card, tensors: Tensors) -> Found:
    field = tensors["tensor"].astype(np.float32)
    if field.ndim != 3 or len(field) != len(card.names):
        raise LayoutError(f"expected ({len(card.names)} names, h, w) numbers, got {field.shape}")
    field = np.moveaxis(_activate(np.moveaxis(field, 0, -1), card.output.activation), -1, 0)
    winner = field.argmax(axis=0)
    across, down = card.input.width / field.shape[2], card.input.height / field.shape[1]
    boxes, scores, classes, parts = [], [], [], []
    for number in np.unique(winner):
        if number == card.output.background:
            continue
        count, part_of, stats, _ = cv2.connectedComponentsWithStats((winner == number).astype(np.uint8))
        for part in range(1, count):
            x, y, width, height = stats[part, :4]
            inside = part_of == part
            boxes.append((x * across, y * down, (x + width) * across, (y + height) * down))
            scores.append(field[number][inside].mean())
            classes.append(number)
            parts.append(inside)
    return Found(
        np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
        np.asarray(scores, dtype=np.float32),
        np.asarray(classes, dtype=np.int64),
        lambda index: parts[index].astype(np.float32),
    )


def _rows(tensor: NDArray[Any], columns: int, card: Card) -> FloatArray:
    """(cells, columns) whichever way the tensor lies."""
    if tensor.ndim == 2 and tensor.shape[1] == columns:
        return tensor.astype(np.float32)
    if tensor.ndim == 2 and tensor.shape[0] == columns:
        return tensor.T.astype(np.float32)
    raise LayoutError(f"expected {columns} numbers for each box with {len(card.names)} names, got {tensor.shape}")


def _corners(boxes: FloatArray, card: Card) -> FloatArray:
    """XYXY in pixels of the input, whatever the card says they are."""
    if card.output.box is Corners.CXCYWH:
        half = boxes[:, 2:] / 2
        boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    if card.output.unit is Unit.RELATIVE:
        boxes = boxes * np.asarray([card.input.width, card.input.height] * 2, dtype=np.float32)
    return boxes


def _activate(scores: FloatArray, activation: Activation) -> FloatArray:
    if activation is Activation.SIGMOID:
        return _sigmoid(scores)
    if activation is Activation.SOFTMAX:
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf))
        shares: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
        return shares
    return scores


def _sigmoid(values: FloatArray) -> FloatArray:
    # By tanh, which does not overflow.
    result: FloatArray = 0.5 + 0.5 * np.tanh(0.5 * values)
    return result


LAYOUTS: Mapping[Layout, Callable[[Card, Tensors], Found]] = {
    Layout.YOLO: _yolo,
    Layout.YOLO_GRID: _yolo,
    Layout.FASTESTDET: _fastestdet,
    Layout.END_TO_END: _end_to_end,
    Layout.SEMANTIC: _semantic,
}
