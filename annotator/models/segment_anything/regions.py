"""Everything in a picture: a grid of clicks, and what is certain, stable and not seen before among the answers.

The automatic mask generation of Kirillov et al., "Segment anything", ICCV 2023, with its thresholds, for one crop: the
whole picture. Masks are judged at the resolution of the network, not of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.models.boxes import suppress
from annotator.models.protocols import FloatArray, Regions, RGBImage
from annotator.models.segment_anything.upsampling import Size, enlarge, enlarge_mask

if TYPE_CHECKING:
    from annotator.models.segment_anything.model import SamEncoding, SegmentAnythingModel


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """``points_per_side`` clicks on a side of the picture; the rest are thresholds.

    A mask stays when its predicted IoU is above ``min_score``, when its area changes by less than 1 − ``min_stability``
    between logits of ± ``stability_offset``, and when no better one overlaps its box by more than ``max_overlap``.
    """

    points_per_side: int = 32
    batch: int = 64
    min_score: float = 0.88
    min_stability: float = 0.95
    stability_offset: float = 1.0
    max_overlap: float = 0.7


@dataclass(frozen=True, slots=True)
class _Found:
    """A mask that passed the thresholds: its box in the working frame, its score and its logits."""

    box: tuple[int, int, int, int]
    score: float
    logits: FloatArray


def propose(model: SegmentAnythingModel, image: RGBImage, settings: RegionSettings) -> Regions:
    """The regions of a picture, best first, in its pixels. Raises as ``SegmentAnythingModel.encode`` does."""
    encoding = model.encode(image)
    working = _working_size(encoding)
    found: list[_Found] = []
    points = point_grid(settings.points_per_side, encoding.image_size)
    for start in range(0, len(points), settings.batch):
        batch = points[start : start + settings.batch, None]
        logits, scores = model.decode(encoding, batch, np.ones(batch.shape[:2], dtype=bool))
        # The first mask of each is the one for unambiguous prompts; a single click is not.
        certain = np.argwhere(scores[:, 1:] > settings.min_score)
        for click, mask in certain:
            one = _judge(logits[click, mask + 1], float(scores[click, mask + 1]), encoding, working, settings, model)
            if one is not None:
                found.append(one)
    # As the package does it, on boxes between the centres of the outermost pixels.
    boxes = np.asarray([one.box for one in found], dtype=np.float32).reshape(-1, 4)
    kept = suppress(boxes, np.asarray([one.score for one in found], dtype=np.float32), settings.max_overlap)
    return _cut_out([found[i] for i in kept], encoding, model)


def point_grid(per_side: int, size: Size) -> NDArray[np.float64]:
    """(per_side², 2) x, y of the centres of a grid's cells over a picture of ``size`` (h, w), row by row.

    Half a pixel is added because the package takes its grid for indices of pixels.
    """
    ticks = (np.arange(per_side) + 0.5) / per_side
    x, y = np.meshgrid(ticks * size[1], ticks * size[0])
    return np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5


def _working_size(encoding: SamEncoding) -> Size:
    """The picture's size, but no larger than the network sees it."""
    return min(encoding.image_size, encoding.input_size)


def _judge(
    logits: FloatArray,
    score: float,
    encoding: SamEncoding,
    working: Size,
    settings: RegionSettings,
    model: SegmentAnythingModel,
) -> _Found | None:
    """The mask, unless it is empty or shaky."""
    values = enlarge(logits, model.input_side, encoding.input_size, working)
    inner = np.count_nonzero(values > settings.stability_offset)
    outer = np.count_nonzero(values > -settings.stability_offset)
    if not outer or inner / outer < settings.min_stability:
        return None
    bounds = _bounds(values > 0)
    return None if bounds is None else _Found(bounds, score, logits)


def _bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """First and last column and row of a mask as x1, y1, x2, y2; None when it is empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _cut_out(found: list[_Found], encoding: SamEncoding, model: SegmentAnythingModel) -> Regions:
    """Masks at the picture's own resolution, each cut to its box."""
    boxes, masks, scores = [], [], []
    for one in found:
        mask = enlarge_mask(one.logits, model.input_side, encoding.input_size, encoding.image_size)
        bounds = _bounds(mask)
        if bounds is not None:
            x1, y1, x2, y2 = bounds
            boxes.append((x1, y1, x2 + 1, y2 + 1))
            masks.append(mask[y1 : y2 + 1, x1 : x2 + 1].copy())
            scores.append(min(one.score, 1.0))
    return Regions(
        np.asarray(boxes, dtype=np.float32).reshape(-1, 4), tuple(masks), np.asarray(scores, dtype=np.float32)
    )
