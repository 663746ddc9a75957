"""From a detector's boxes of one picture to suggestions: what overlaps is merged, what a person has said is left alone.

Each suggestion carries beside its confidence what made it: how steady its box is, the tile it was seen in, whether it was found
only on a second look, and, where it is a *maybe*, the mix of labels that it could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Box
from annotator.domain.kinds import Task
from annotator.domain.overlap import SAME_PLACE
from annotator.domain.records import JITTER, Suggestion, new_id
from annotator.learning.detection.decode import OVERLAP, Found
from annotator.models.boxes import overlap
from annotator.models.protocols import FloatArray
from annotator.pseudolabel.calibrate import MIN_VERDICTS

IntArray = NDArray[np.int64]

TILE, RESCUED, MAYBE = "tile", "rescued", "maybe"
"""Keys of a suggestion's ``extra``: the tile's [x1, y1, x2, y2] in the image, and two marks."""
TOP_LABELS = 5
CLEAR_SHARE = 0.75
"""A label with less than this share of the mix is a maybe."""
LEAST_SHARE = 0.05
SMALLEST = 1e-4


@dataclass(frozen=True)
class Taken:
    """What people have said on an image: ``boxes`` (n, 4) with ``label_ids`` (n,) that stand, ``refused`` ones they rejected."""

    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    label_ids: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    refused: FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    refused_ids: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class ShapeCalibration:
    """Confidence = sigmoid(``slope`` · logit(score) + ``shift``), fitted on ``verdicts``; the score itself with too few."""

    slope: float = 1.0
    shift: float = 0.0
    verdicts: int = 0

    @property
    def uncalibrated(self) -> bool:
        return self.verdicts < MIN_VERDICTS

    def apply(self, scores: FloatArray) -> FloatArray:
        """(n,) confidences of scores in [0, 1]."""
        if self.uncalibrated:
            return np.asarray(scores, np.float32)
        return np.asarray(1 / (1 + np.exp(-(self.slope * _logit(scores) + self.shift))), np.float32)


def calibrate_shapes(scores: FloatArray, accepted: NDArray[np.bool_]) -> ShapeCalibration:
    """Fit on verdicts: (n,) scores of boxes, and whether each was accepted as it was (corrected and rejected ones were not).

    Two numbers, because a box that is well seen may still need its edges moved: a temperature alone cannot say that.
    Pulled a little towards the score itself, so that verdicts of one kind only do not lead to certainty.
    """
    if len(scores) < MIN_VERDICTS:
        return ShapeCalibration(verdicts=len(scores))
    from scipy.optimize import minimize

    logits, right = _logit(scores), np.asarray(accepted, np.float64)

    def loss(values: NDArray[np.float64]) -> float:
        said = values[0] * logits + values[1]
        likelihood = np.logaddexp(0, said) - right * said
        return float(likelihood.sum() + (values[0] - 1) ** 2 + 0.1 * values[1] ** 2)

    slope, shift = minimize(loss, np.asarray([1.0, 0.0]), method="Nelder-Mead").x
    return ShapeCalibration(max(0.05, float(slope)), float(shift), len(scores))


def merged(found: Found) -> Found:
    """Boxes at the same place, of whatever classes, as one: the best one's box, with the hottest of their mixes."""
    keep = np.ones(len(found), bool)
    mixes = found.mixes.copy()
    for at in range(len(found)):
        if not keep[at]:
            continue
        rest = np.flatnonzero(keep & (np.arange(len(found)) > at))
        same = rest[overlap(found.boxes[at], found.boxes[rest]) >= SAME_PLACE]
        if len(same):
            mixes[at] = np.maximum(mixes[at], mixes[same].max(axis=0))
            keep[same] = False
    return replace(found, mixes=mixes).pick(keep)


def open_to(found: Found, label_ids: Sequence[int], taken: Taken) -> Found:
    """What nobody has answered: not where a box of the label stands, nor any at all at IoU .7, nor where it was rejected."""
    keep = np.ones(len(found), bool)
    for at in range(len(found)):
        label = label_ids[int(found.classes[at])]
        if len(taken.boxes):
            shared = overlap(found.boxes[at], taken.boxes)
            same = taken.label_ids == label
            keep[at] &= not ((shared >= SAME_PLACE) | (same & (shared >= OVERLAP))).any()
        if len(taken.refused):
            shared = overlap(found.boxes[at], taken.refused)
            keep[at] &= not ((taken.refused_ids == label) & (shared >= SAME_PLACE)).any()
    return found.pick(keep)


def suggest_boxes(
    image_id: int,
    found: Found,
    label_ids: Sequence[int],
    names: Sequence[str],
    *,
    run_id: int,
    sure_from: float,
    calibration: ShapeCalibration,
    tiles: Sequence[tuple[float, float, float, float]] = (),
) -> list[Suggestion]:
    """Suggestions of one image, in the order of ``found``; ``label_ids`` and ``names`` belong to its classes.

    Below the score ``sure_from``, or with no label that stands out, a box is a *maybe*: its reason names what it could be.
    ``tiles``: the windows of the image that were looked at, when it was more than one.
    """
    confidences = calibration.apply(found.scores)
    made: list[Suggestion] = []
    for at in range(len(found)):
        shares = found.mixes[at] / max(float(found.mixes[at].sum()), SMALLEST)
        best = int(found.classes[at])
        order = [best, *(int(c) for c in np.argsort(-shares, kind="stable") if c != best)][:TOP_LABELS]
        order = [c for c in order if c == best or shares[c] >= LEAST_SHARE]
        second_look = bool(found.rescued[at])
        maybe = bool(found.scores[at] < sure_from) or shares[best] < CLEAR_SHARE
        extra: dict[str, Any] = {}
        if np.isfinite(found.jitters[at]):
            extra[JITTER] = round(float(found.jitters[at]), 4)
        if len(tiles) > 1:
            extra[TILE] = [round(value, 1) for value in tiles[int(found.tiles[at])]]
        if second_look:
            extra[RESCUED] = True
        if maybe:
            extra[MAYBE] = True
        made.append(
            Suggestion(
                new_id(),
                run_id,
                image_id,
                Box(*(float(value) for value in found.boxes[at])),
                _distribution(order, found.mixes[at], label_ids),
                score=float(found.scores[at]),
                confidence=float(confidences[at]),
                reason=_reason(order, names, maybe=maybe, rescued=second_look),
                task=Task.BOXES,
                uncalibrated=calibration.uncalibrated,
                extra=extra,
            )
        )
    return made


def _distribution(order: Sequence[int], mix: FloatArray, label_ids: Sequence[int]) -> tuple[tuple[int, float], ...]:
    """Each label's heat as a probability, best first; what they leave open belongs to none."""
    total = max(1.0, float(mix.sum()))
    return tuple((label_ids[c], round(float(mix[c]) / total, 4)) for c in order)


def _reason(order: Sequence[int], names: Sequence[str], *, maybe: bool, rescued: bool) -> str:
    if maybe:
        words = " or ".join(names[c] for c in order[:2])
        return f"{words}?"
    return "found on a second look" if rescued else ""


def _logit(scores: FloatArray) -> NDArray[np.float64]:
    clipped = np.clip(np.asarray(scores, np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(clipped / (1 - clipped)))
