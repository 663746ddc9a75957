"""Missing tags and where they are: a classifier of 1,000 known things, run on every cell of an image instead of on its mean.

After ReLabel (Yun et al. 2021): the logits of the ten classes nearest to a label's name are averaged; the softmax over the cells'
classes says whether the label is there, the raw logits where (METHODS, B1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

BOX_SHARE = 0.7
"""Cells whose logit reaches this share of the way from the mean to the best belong to the box around it."""


@dataclass(frozen=True)
class Seen:
    """``whether`` (labels,) how likely each label is somewhere in the image, 0 to 1; ``where`` (labels, 4) the box around its
    best cell as shares of the square that the model saw: x1, y1, x2, y2."""

    whether: FloatArray
    where: FloatArray


def seen(logits: FloatArray, classes: IntArray) -> Seen:
    """What an image shows, from the (h, w, 1000) logits of its cells and each label's nearest ``classes`` (labels, k)."""
    height, width = logits.shape[:2]
    shifted = np.exp(logits - logits.max(axis=2, keepdims=True))
    probability = shifted / shifted.sum(axis=2, keepdims=True)
    whether = probability[:, :, classes].sum(axis=3).reshape(-1, len(classes)).max(axis=0)
    maps = logits[:, :, classes].mean(axis=3)
    where = np.stack([_box(maps[:, :, label]) for label in range(len(classes))]) if len(classes) else np.zeros((0, 4))
    scale = np.asarray([width, height, width, height], np.float32)
    return Seen(np.asarray(whether, np.float32), np.asarray(where / scale, np.float32))


def _box(cells: FloatArray) -> FloatArray:
    """The box in cells around the best one: what hangs together with it and is nearly as high."""
    from scipy.ndimage import label

    best = np.unravel_index(int(cells.argmax()), cells.shape)
    high = cells >= cells.mean() + BOX_SHARE * (cells.max() - cells.mean())
    parts, _ = label(high)
    rows, columns = np.nonzero(parts == parts[best])
    return np.asarray([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
