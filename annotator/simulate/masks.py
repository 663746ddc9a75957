"""What masks cost a simulated annotator who works with the segmenter, against drawing their outlines by hand.

The annotator drags a box around an object and keeps the segmenter's mask from an IoU of .7 with the truth on; until then each
click goes to the middle of the largest error. Whatever five clicks do not mend is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import PromptSegmenter, RGBImage
from annotator.simulate.actions import Actions

GOOD_ENOUGH = 0.7
MOST_CLICKS = 5
# Of an outline's length: how far its corners may lie from it.
OUTLINE_TOLERANCE = 0.01

NONE = Actions()

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class Effort:
    """With the segmenter, and drawing everything."""

    assisted: Actions = NONE
    drawn: Actions = NONE

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.assisted + other.assisted, self.drawn + other.drawn)


def effort(segmenter: PromptSegmenter, image: RGBImage, objects: Sequence[BoolMask]) -> Effort:
    """For all objects (h, w) of an image (h, w, 3); empty ones cost nothing."""
    encoding = segmenter.encode(image)
    total = Effort()
    for truth in objects:
        if truth.any():
            total += _of_object(segmenter, encoding, truth)
    return total


def _of_object(segmenter: PromptSegmenter, encoding: object, truth: BoolMask) -> Effort:
    drawn = actions_to_draw(truth)
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    box = np.array((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), np.float32)
    points: list[tuple[float, float]] = []
    labels: list[bool] = []
    state: object | None = None
    for clicks in range(MOST_CLICKS + 1):
        given = np.array(points, np.float32).reshape(-1, 2), np.array(labels, np.bool_)
        found = segmenter.segment(encoding, *given, box, state)
        best = max(range(len(found.masks)), key=lambda at: iou(found.masks[at], truth)) if not clicks else 0
        if iou(found.masks[best], truth) >= GOOD_ENOUGH:
            # The drag, the walk to another candidate, the clicks and the key that keeps it.
            return Effort(Actions(keys=best + 1, clicks=clicks, drags=1), drawn)
        state = found.states[0]
        x, y, positive = largest_error(found.masks[0], truth)
        points.append((x, y))
        labels.append(positive)
    return Effort(Actions(clicks=MOST_CLICKS, drags=1) + drawn, drawn)


def iou(one: BoolMask, other: BoolMask) -> float:
    """Intersection over union of two masks that are not both empty."""
    return int(np.count_nonzero(one & other)) / max(1, int(np.count_nonzero(one | other)))


def largest_error(guess: BoolMask, truth: BoolMask) -> tuple[float, float, bool]:
    """(x, y, belongs to the object) of the deepest pixel's centre in the largest wrong region of two different masks."""
    found: list[tuple[int, bool, BoolMask]] = []
    for positive, wrong in ((True, truth & ~guess), (False, guess & ~truth)):
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=4)
        if count > 1:
            piece = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
            found.append((int(stats[piece, cv2.CC_STAT_AREA]), positive, pieces == piece))
    if not found:
        raise ValueError("the two masks are the same")
    _, positive, region = max(found, key=lambda each: each[0])
    depth = cv2.distanceTransform(np.pad(region.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return column + 0.5, row + 0.5, positive


def actions_to_draw(truth: BoolMask) -> Actions:
    """A click for each corner of a mask's outlines, and a key to close each outline."""
    outlines, _ = cv2.findContours(truth.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    corners = (cv2.approxPolyDP(each, OUTLINE_TOLERANCE * cv2.arcLength(each, True), True) for each in outlines)
    return sum((Actions(keys=1, clicks=max(3, len(each))) for each in corners), Actions())
