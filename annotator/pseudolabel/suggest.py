"""Tag probabilities become suggestions: one per image and exclusive group with its best labels, one per label otherwise.

Whatever the person has rejected on an image is never proposed there again, and what an annotation already says is not
repeated: the caller passes both as ``excluded``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from annotator.pseudolabel.calibrate import Calibration

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

TOP_LABELS = 5
PROPOSED_FROM = 0.5


@dataclass(frozen=True)
class TagGroup:
    """One label group as the pipeline sees it: ``label_ids`` belong to the columns of its probabilities."""

    label_ids: tuple[int, ...]
    group_id: int | None = None
    exclusive: bool = True


def without(probabilities: FloatArray, excluded: BoolArray | None, *, exclusive: bool = True) -> FloatArray:
    """(n, c) probabilities with the ``excluded`` entries at 0; rows of an exclusive group keep their total while they can."""
    if excluded is None or not excluded.any():
        return probabilities
    kept = np.where(excluded, np.float32(0.0), probabilities)
    if not exclusive:
        return kept
    total, left = probabilities.sum(axis=1, keepdims=True), kept.sum(axis=1, keepdims=True)
    return np.asarray(np.where(left > 0, kept * (total / np.maximum(left, 1e-12)), 0.0), dtype=np.float32)


def suggest_tags(
    image_ids: NDArray[np.integer],
    probabilities: FloatArray,
    group: TagGroup,
    *,
    run_id: int,
    calibration: Calibration | None = None,
    excluded: BoolArray | None = None,
    reasons: Sequence[str] | None = None,
    top: int = TOP_LABELS,
    proposed_from: float = PROPOSED_FROM,
    new_id: Callable[[], UUID] = uuid4,
) -> list[Suggestion]:
    """Suggestions for images whose (n, c) ``probabilities`` are given, in the order of ``image_ids``.

    Exclusive: one for each image, its distribution the ``top`` most probable labels; an image with every label excluded, or
    for which "none of them" is likelier than any label, gets none. Otherwise: one for each label of probability ≥
    ``proposed_from``. ``score`` is the probability before calibration, ``confidence`` after it.
    """
    calibration = calibration or Calibration()
    raw = without(np.asarray(probabilities, dtype=np.float32), excluded, exclusive=group.exclusive)
    sure = without(calibration.apply(probabilities, exclusive=group.exclusive), excluded, exclusive=group.exclusive)
    made: list[Suggestion] = []
    for row, image_id in enumerate(np.asarray(image_ids).tolist()):
        columns = np.argsort(-sure[row], kind="stable")
        if group.exclusive:
            none_of_them = 1.0 - float(sure[row].sum())
            columns = columns[:top][sure[row, columns[:top]] > 0]
            chosen = [columns] if len(columns) and sure[row, columns[0]] >= none_of_them else []
        else:
            chosen = [columns[at : at + 1] for at in range(int((sure[row] >= proposed_from).sum()))]
        for best in chosen:
            made.append(
                Suggestion(
                    new_id(),
                    run_id,
                    image_id,
                    Tag(),
                    tuple((group.label_ids[column], float(sure[row, column])) for column in best),
                    score=float(raw[row, best[0]]),
                    confidence=float(sure[row, best[0]]),
                    reason="" if reasons is None else reasons[row],
                    task=Task.TAGS,
                    group_id=group.group_id,
                    uncalibrated=calibration.uncalibrated,
                )
            )
    return made
