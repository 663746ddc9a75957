"""What confidence rests on: verdicts about images that were drawn at random, set against a head that had not learned from them.

Drawn at random are the samples of certificates, the share of the queue that chance picks, and all labelled ``val`` images once
there are enough to test on. Images of ``test`` never calibrate, nor does what was certified, which nobody looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Decision
from annotator.learning.rounds import Basis, HeldOut
from annotator.pseudolabel.calibrate import REJECTED, Calibration, calibrate, calibrate_independent
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases.answers import Answers, known
from annotator.usecases.tag_table import Evidence, no_evidence

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]

DRAWN_AT_RANDOM = frozenset({"drawn at random", "audit"})
"""Reasons of suggestions whose verdicts may calibrate: those that nobody chose."""


@dataclass(frozen=True)
class Prediction:
    """What a head says of a group: ``probabilities`` (n, labels) of the images of a run, what it said of images that had not
    trained it, and the ids of those that had."""

    group: TagGroup
    probabilities: FloatArray
    held_out: HeldOut | None = None
    trained: Ids | None = None


@dataclass(frozen=True)
class _Judged:
    """Random verdicts: images, the column that was judged (−1: whatever the head says), and the answer (``REJECTED``: only that
    the column is wrong)."""

    ids: Ids
    columns: Ids
    truth: Ids


def calibrated(answers: Answers, ids: Ids, prediction: Prediction) -> tuple[Calibration, Evidence]:
    """The calibration of a prediction for the images ``ids`` (n,) ascending, and what it rests on."""
    judged = _judged(answers, prediction)
    honest, found = _honest(prediction, ids, judged.ids)
    judged = _Judged(judged.ids[found], judged.columns[found], judged.truth[found])
    if not len(judged.ids):
        return Calibration(label_verdicts=(0,) * len(prediction.group.label_ids)), no_evidence()
    rows = np.arange(len(judged.ids))
    columns = np.where(judged.columns >= 0, judged.columns, honest.argmax(axis=1))
    raw = honest[rows, columns]
    if prediction.group.exclusive:
        right = judged.truth == columns
        calibration = calibrate(honest, columns, judged.truth)
        confidence = calibration.apply(honest)[rows, columns]
    else:
        right = judged.truth == columns
        calibration = calibrate_independent(raw, right, columns, honest.shape[1])
        confidence = calibration.apply(honest, exclusive=False)[rows, columns]
    return calibration, Evidence(judged.ids, columns, raw, np.asarray(confidence, np.float32), right)


def random_images(answers: Answers, group: TagGroup) -> Ids:
    """The images whose suggestion in this group was drawn at random and judged, ascending, without those of ``test``."""
    members = set(group.label_ids)
    found = {
        suggestion.image_id
        for suggestion, _ in answers.judged
        if suggestion.reason in DRAWN_AT_RANDOM and suggestion.label_id in members
    }
    ids = np.asarray(sorted(found), np.int64)
    return ids[~np.isin(ids, answers.test)]


def _judged(answers: Answers, prediction: Prediction) -> _Judged:
    group = prediction.group
    column = {label_id: at for at, label_id in enumerate(group.label_ids)}
    held_out = prediction.held_out
    if not group.exclusive:
        return _judged_labels(answers, column)
    fair = set(random_images(answers, group).tolist())
    if held_out is not None and held_out.basis is Basis.VALIDATION:
        fair |= set(held_out.ids.tolist())
    said = known(answers, group)
    truth = {
        image: int(answer)
        for image, answer, certified in zip(said.ids.tolist(), said.said.tolist(), said.certified.tolist(), strict=True)
        if answer >= 0 and not certified
    }
    wrong = {
        suggestion.image_id: column[suggestion.label_id]
        for suggestion, verdict in answers.judged
        if verdict.decision is Decision.REJECTED and suggestion.label_id in column
    }
    rows = [(image, -1, truth[image]) for image in sorted(fair) if image in truth]
    rows += [(image, wrong[image], REJECTED) for image in sorted(fair) if image not in truth and image in wrong]
    return _arrays(rows)


def _judged_labels(answers: Answers, column: dict[int, int]) -> _Judged:
    """Of a non-exclusive group each label is judged for itself."""
    tags = {(image_id, label_id) for image_id, label_id, _ in answers.tags}
    test = set(answers.test.tolist())
    rows = []
    for suggestion, _ in answers.judged:
        if suggestion.reason in DRAWN_AT_RANDOM and suggestion.label_id in column and suggestion.image_id not in test:
            at = column[suggestion.label_id]
            rows.append(
                (suggestion.image_id, at, at if (suggestion.image_id, suggestion.label_id) in tags else REJECTED)
            )
    return _arrays(rows)


def _arrays(rows: Iterable[tuple[int, int, int]]) -> _Judged:
    table = np.asarray(list(rows), np.int64).reshape(-1, 3)
    return _Judged(table[:, 0], table[:, 1], table[:, 2])


def _honest(prediction: Prediction, ids: Ids, wanted: Ids) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(m, labels) probabilities of ``wanted`` images from a head that had not seen their answer, and for which there are any;
    the rows of the others are left out."""
    labels = len(prediction.group.label_ids)
    result = np.zeros((len(wanted), labels), np.float32)
    found = np.zeros(len(wanted), dtype=bool)
    at = np.searchsorted(ids, wanted)
    inside = at < len(ids)
    inside[inside] = ids[at[inside]] == wanted[inside]
    if prediction.trained is not None:
        inside &= ~np.isin(wanted, prediction.trained)
    result[inside] = prediction.probabilities[at[inside]]
    found |= inside
    held_out = prediction.held_out
    if held_out is not None and held_out.probabilities is not None and held_out.probabilities.shape[1] == labels:
        place = {int(image): row for row, image in enumerate(held_out.ids)}
        for row, image in enumerate(wanted.tolist()):
            if image in place:
                result[row], found[row] = held_out.probabilities[place[image]], True
    return result[found], found
