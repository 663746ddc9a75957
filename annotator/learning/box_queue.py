"""The queue for boxes: pictures with the most doubtful boxes first, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annotator.learning.queue import PICKED

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.floating]

WORST = 5
"""So many of a picture's boxes decide: one hard box among fifty clear ones is no reason to hurry."""
EMPTY_DOUBT = 0.3
"""Of a picture on which nothing was found: perhaps nothing is there, perhaps the model is blind to it."""


def doubt_of(confidences: FloatArray) -> FloatArray:
    """(n,) 1 where a box is as likely right as wrong, 0 where its fate is certain."""
    return 1 - np.abs(2 * np.asarray(confidences) - 1)


def rank_by_boxes(
    images: IntArray, box_images: IntArray, box_labels: IntArray, confidences: FloatArray, names: Mapping[int, str]
) -> tuple[IntArray, list[str]]:
    """``images`` in the order to see them and the reasons of the first twenty.

    ``box_images``, ``box_labels`` (ids) and ``confidences`` (m,) describe the boxes that are suggested on them.
    """
    doubts = doubt_of(confidences)
    order = np.lexsort((-doubts, box_images))
    sorted_images = box_images[order]
    starts = np.searchsorted(sorted_images, images)
    ends = np.searchsorted(sorted_images, images, side="right")
    score = np.full(len(images), EMPTY_DOUBT)
    for at, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if end > start:
            score[at] = float(doubts[order[start : min(end, start + WORST)]].sum()) / WORST
    by_doubt = np.argsort(-score, kind="stable")
    reasons = [
        _reason(doubts[order[starts[at] : ends[at]]], box_labels[order[starts[at] : ends[at]]].tolist(), names)
        for at in by_doubt[:PICKED].tolist()
    ]
    return images[by_doubt], reasons


def _reason(doubts: FloatArray, labels: Sequence[int], names: Mapping[int, str]) -> str:
    if not len(doubts):
        return "nothing found here"
    doubtful = int((doubts > 0.5).sum())
    name = names.get(labels[0], "box")
    if doubtful == 0:
        return "boxes look clear"
    return f"{name}?" if doubtful == 1 else f"{name} and {doubtful - 1} more?"
