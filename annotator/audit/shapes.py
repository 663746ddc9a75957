"""Boxes and masks that a model sees otherwise: drawn loosely, under another label, not there for the model, or forgotten.

Annotations and proposals of one image are paired by their overlap, the best pairs first, whatever their labels say. What a pair,
or the lack of one, means follows from thresholds that the caller may change; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from annotator.domain.geometry import Geometry
from annotator.domain.overlap import iou

PAIRED = 0.3
LOOSE = 0.6
SURE = 0.6
SEEN = 0.05
"""From which IoU two things are one, below which one of a pair is drawn loosely, from which score a proposal may stand against a
person's word, and from which it speaks for an annotation."""
LOOSE_OUTLINE = 0.5
"""The same for outlines that a segmenter made for the annotation itself, which are right about .69 of a thing on average."""


class Trouble(StrEnum):
    """What is wrong about a shape."""

    LOOSE = "loose"
    LABEL = "label"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True)
class Shape:
    """A box or mask with its label: an annotation (score 1) or a proposal."""

    geometry: Geometry
    label_id: int
    score: float = 1.0


@dataclass(frozen=True)
class Disagreement:
    """``annotation`` and ``proposal`` are indices, −1 where there is none; ``overlap`` is their IoU. ``score`` orders: how sure
    the proposal is, times how far the two are apart; of what no model sees it is the share that no proposal covers."""

    trouble: Trouble
    annotation: int
    proposal: int
    overlap: float
    score: float


def disagreements(
    annotations: Sequence[Shape], proposals: Sequence[Shape], *, loose: float = LOOSE, sure: float = SURE
) -> list[Disagreement]:
    """What two views of one image disagree about, the worst first."""
    overlap = np.asarray([[iou(a.geometry, p.geometry) for p in proposals] for a in annotations], np.float64)
    overlap = overlap.reshape(len(annotations), len(proposals))
    pairs = _pairs(annotations, proposals, overlap)
    found = [_of_pair(a, p, annotations, proposals, overlap[a, p], loose, sure) for a, p in pairs]
    taken = {a for a, _ in pairs}
    for at in range(len(annotations)):
        if at not in taken:
            most = float(overlap[at].max(initial=0.0))
            found.append(Disagreement(Trouble.EXTRA, at, -1, most, 1.0 - most))
    covered = overlap.max(axis=0, initial=0.0) if len(annotations) else np.zeros(len(proposals))
    shown: list[int] = []
    for at in sorted(range(len(proposals)), key=lambda each: -proposals[each].score):
        again = any(iou(proposals[at].geometry, proposals[other].geometry) >= PAIRED for other in shown)
        if proposals[at].score >= sure and covered[at] < PAIRED and not again:
            shown.append(at)
            found.append(Disagreement(Trouble.MISSING, -1, at, float(covered[at]), proposals[at].score))
    return sorted((each for each in found if each is not None), key=lambda each: -each.score)


def loose_outlines(
    annotations: Sequence[Shape], outlines: Sequence[Shape], *, loose: float = LOOSE_OUTLINE
) -> list[Disagreement]:
    """Annotations that a segmenter, asked about each of them, outlines otherwise: ``outlines`` are in the same order."""
    found = []
    for at, (annotation, outline) in enumerate(zip(annotations, outlines, strict=True)):
        overlap = iou(annotation.geometry, outline.geometry)
        if overlap < loose:
            found.append(Disagreement(Trouble.LOOSE, at, at, overlap, 1.0 - overlap))
    return sorted(found, key=lambda each: -each.score)


def _pairs(annotations: Sequence[Shape], proposals: Sequence[Shape], overlap: np.ndarray) -> list[tuple[int, int]]:
    """(annotation, proposal) of the most overlapping ones, each at most once. Of proposals that overlap alike, one of the same
    label comes first."""
    candidates = [
        (overlap[a, p] + 0.1 * (annotations[a].label_id == proposals[p].label_id), a, p)
        for a, p in zip(*np.nonzero(overlap >= PAIRED), strict=True)
        if proposals[p].score >= SEEN
    ]
    left, right, pairs = set(range(len(annotations))), set(range(len(proposals))), []
    for _, a, p in sorted(candidates, reverse=True):
        if a in left and p in right:
            left.discard(a)
            right.discard(p)
            pairs.append((int(a), int(p)))
    return pairs


def _of_pair(
    a: int,
    p: int,
    annotations: Sequence[Shape],
    proposals: Sequence[Shape],
    overlap: float,
    loose: float,
    sure: float,
) -> Disagreement | None:
    score = proposals[p].score
    if score < sure:
        return None
    if annotations[a].label_id != proposals[p].label_id:
        return Disagreement(Trouble.LABEL, a, p, float(overlap), score * float(overlap))
    if overlap < loose:
        return Disagreement(Trouble.LOOSE, a, p, float(overlap), score * (1.0 - float(overlap)))
    return None
