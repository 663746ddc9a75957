"""How good a promptable segmenter is: IoU from a box, and the number of clicks to IoU .85 (NoC85) from a box or clicks alone.

The simulated person clicks the deepest pixel of the largest wrong region of the first candidate, as in Sofiiuk et al.,
"Reviving iterative training with mask guidance for interactive segmentation", ICIP 2022.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.embedded.crops import bounds_of
from annotator.models.embedded.decoder_data import MEDIUM_AREA, Photo
from annotator.models.protocols import FloatArray, PromptSegmenter

TARGET = 0.85
CLICK_CAP = 10

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class ObjectScore:
    """Figures of one object. ``from_box`` and ``from_clicks``: IoU of the first candidate after 0, 1, 2 ... clicks."""

    photo: str
    top: float
    best: float
    refined: float
    from_box: tuple[float, ...]
    from_clicks: tuple[float, ...]
    click_seconds: tuple[float, ...]


def iou(one: BoolMask, other: BoolMask) -> float:
    """Intersection over union of two masks; 1 when both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def error_click(
    truth: FloatArray, guess: FloatArray, generator: np.random.Generator | None = None
) -> tuple[float, float, bool]:
    """(x, y, positive) in the largest wrong region of two (h, w) maps cut at .5: its deepest pixel's centre.

    With a generator: any pixel at least half as deep. Where nothing is wrong, the deepest pixel of the truth.
    """
    wanted, got = truth > 0.5, guess > 0.5
    best: tuple[int, bool, NDArray[np.int32], int] | None = None
    for positive, region in ((True, wanted & ~got), (False, got & ~wanted)):
        count, parts, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
        if count > 1:
            part = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
            area = int(stats[part, cv2.CC_STAT_AREA])
            if best is None or area > best[0]:
                best = (area, positive, parts.astype(np.int32), part)
    if best is None:
        plane, positive = (wanted if wanted.any() else truth >= truth.max()).astype(np.uint8), True
    else:
        plane, positive = (best[2] == best[3]).astype(np.uint8), best[1]
    depth = cv2.distanceTransform(np.pad(plane, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    if generator is None:
        row, column = divmod(int(depth.argmax()), depth.shape[1])
    else:
        deep = np.flatnonzero(depth >= 0.5 * depth.max())
        row, column = divmod(int(generator.choice(deep)), depth.shape[1])
    return column + 0.5, row + 0.5, positive


def score_objects(segmenter: PromptSegmenter, photos: Iterable[Photo], *, clicks_every: int = 1) -> list[ObjectScore]:
    """The figures of every medium or large object of the photos; clicks are simulated on every ``clicks_every``-th (0: none)."""
    scores: list[ObjectScore] = []
    for photo in photos:
        for mask in photo.masks:
            if np.count_nonzero(mask) < MEDIUM_AREA:
                continue
            encoding = segmenter.encode(photo.pixels)
            box = np.array(bounds_of(mask), np.float32)
            nothing = np.zeros((0, 2), np.float32), np.zeros(0, np.bool_)
            candidates = segmenter.segment(encoding, *nothing, box)
            values = [iou(candidate, mask) for candidate in candidates.masks[:2]]
            refined = iou(segmenter.refine(encoding, candidates.masks[0], *nothing), mask)
            seconds: list[float] = []
            from_box: tuple[float, ...] = ()
            from_clicks: tuple[float, ...] = ()
            if clicks_every and len(scores) % clicks_every == 0:
                from_box = simulate_clicks(segmenter, encoding, mask, box, seconds)
                from_clicks = simulate_clicks(segmenter, encoding, mask, None, seconds)
            scores.append(
                ObjectScore(photo.name, values[0], max(values), refined, from_box, from_clicks, tuple(seconds))
            )
    return scores


def simulate_clicks(
    segmenter: PromptSegmenter, encoding: object, truth: BoolMask, box: FloatArray | None, seconds: list[float]
) -> tuple[float, ...]:
    """IoU of the first candidate after 0 (with a box) or 1 click and each further one, until .85 or the cap.

    Appends the CPU seconds of every click after the first answer to ``seconds``.
    """
    points: list[tuple[float, float]] = []
    labels: list[bool] = []
    guess = np.zeros(truth.shape, np.bool_)
    state: object | None = None
    values: list[float] = []
    for turn in range(CLICK_CAP + 1):
        if turn or box is None:
            if len(points) == CLICK_CAP:
                break
            x, y, positive = error_click(truth.astype(np.float32), guess.astype(np.float32))
            points.append((x, y))
            labels.append(positive)
        started = time.process_time()
        candidates = segmenter.segment(
            encoding, np.array(points, np.float32).reshape(-1, 2), np.array(labels, np.bool_), box, state
        )
        if turn:
            seconds.append(time.process_time() - started)
        guess, state = candidates.masks[0], candidates.states[0]
        values.append(iou(guess, truth))
        if values[-1] >= TARGET:
            break
    return tuple(values)


def clicks_needed(values: tuple[float, ...], *, boxed: bool) -> int:
    """Clicks until IoU .85, at most the cap; the box itself is no click."""
    reached = [index for index, value in enumerate(values) if value >= TARGET]
    return min(CLICK_CAP, reached[0] + (0 if boxed else 1)) if reached else CLICK_CAP


def summarise(scores: list[ObjectScore]) -> dict[str, float]:
    """Means over objects, as the model card lists them."""
    result = {
        "objects": float(len(scores)),
        "box_top_iou": float(np.mean([score.top for score in scores])),
        "box_best_iou": float(np.mean([score.best for score in scores])),
        "box_refined_iou": float(np.mean([score.refined for score in scores])),
    }
    clicked = [score for score in scores if score.from_box]
    if clicked:
        seconds = [value for score in clicked for value in score.click_seconds]
        result |= {
            "objects_clicked": float(len(clicked)),
            "noc85_box": float(np.mean([clicks_needed(score.from_box, boxed=True) for score in clicked])),
            "noc85_clicks": float(np.mean([clicks_needed(score.from_clicks, boxed=False) for score in clicked])),
            "click_ms_mean": 1000 * float(np.mean(seconds)) if seconds else 0.0,
            "click_ms_p95": 1000 * float(np.percentile(seconds, 95)) if seconds else 0.0,
        }
    return result
