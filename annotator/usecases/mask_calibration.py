"""How sure suggested masks are, from this project's verdicts: one calibration for masks made of boxes, one for painted ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from annotator.domain.kinds import Decision, Split, Task
from annotator.domain.records import ImageFilter
from annotator.pseudolabel.boxes import ShapeCalibration, calibrate_shapes
from annotator.usecases.box_answers import RECENT
from annotator.usecases.parts import Parts


def fit_calibrations(parts: Parts, reasons: Iterable[str]) -> Mapping[str, ShapeCalibration]:
    """Per reason of a suggestion, from verdicts on images that are done for masks: there nobody chose which to judge.

    Test images never count.
    """
    with parts.db.read() as reader:
        judged = reader.verdicts.judged(Task.MASKS)[-RECENT:]
        done = set(reader.images.done_ids(Task.MASKS).tolist())
        done -= set(reader.images.ids(ImageFilter(splits=frozenset({Split.TEST}))).tolist())
    found = {}
    for reason in reasons:
        asked = [(s, v) for s, v in judged if s.reason == reason and s.image_id in done]
        found[reason] = calibrate_shapes(
            np.asarray([s.score for s, _ in asked], np.float32),
            np.asarray([v.decision is Decision.ACCEPTED for _, v in asked], bool),
        )
    return found
