"""Boxes that models give: overlap and non-maximum suppression, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray


def overlap(box: FloatArray, others: FloatArray) -> FloatArray:
    """(n,) intersection over union of one box (4,) XYXY with n others (n, 4); 0 where both are empty."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = (box[2] - box[0]) * (box[3] - box[1]) + (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    result: FloatArray = (shared / np.maximum(union - shared, np.finfo(np.float32).tiny)).astype(np.float32)
    return result


def suppress(
    boxes: FloatArray, scores: FloatArray, threshold: float, classes: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Indices of the boxes (n, 4) that stay, best score first: none overlaps a better one by more than ``threshold``.

    With ``classes`` (n,) only boxes of one class suppress each other. Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        beaten = overlap(boxes[best], boxes[order]) > threshold
        if classes is not None:
            beaten &= classes[order] == classes[best]
        order = order[~beaten]
    return np.asarray(kept, dtype=np.int64)
