"""What people have said about tags, as arrays: the rows a head learns from, and what must not be proposed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Decision, ImageState, Source, Split, Task
from annotator.domain.records import ImageFilter, Label, Suggestion, Verdict
from annotator.learning.tags import CERTIFIED_WEIGHT, NONE_OF_THEM, UNKNOWN
from annotator.pseudolabel.calibrate import REJECTED, Calibration, calibrate, calibrate_independent, tempered
from annotator.pseudolabel.suggest import TagGroup
from annotator.store.session import Reader
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]

DRAWN_AT_RANDOM = frozenset({"drawn at random", "audit"})
"""Reasons of suggestions whose verdicts may calibrate: those that nobody chose."""


@dataclass(frozen=True)
class Answers:
    """Everything that is known about tags in one snapshot of the project."""

    labels: tuple[Label, ...]
    groups: tuple[TagGroup, ...]
    tags: tuple[tuple[int, int, str], ...]
    done: Ids
    closed: Ids
    test: Ids
    val: Ids
    judged: tuple[tuple[Suggestion, Verdict], ...] = field(repr=False)
    temperatures: Mapping[tuple[int, tuple[int, ...]], float] = field(default_factory=dict, repr=False)
    """(run, its group's label ids) to the temperature behind the confidences of that run's suggestions."""

    def members(self, group: TagGroup) -> list[Label]:
        """The labels of a group in the order of its columns."""
        by_id = {label.id: label for label in self.labels}
        return [by_id[label_id] for label_id in group.label_ids]


@dataclass(frozen=True)
class Known:
    """Answers for one group: ``ids`` (m,) ascending, ``said`` (m,) classes or (m, c) targets, ``weights`` (m,).

    ``certified`` (m,): accepted in bulk under a certificate, seen by nobody.
    """

    ids: Ids
    said: NDArray[np.generic]
    weights: FloatArray
    certified: NDArray[np.bool_]

    def pick(self, keep: NDArray[np.bool_]) -> Known:
        """Some of them."""
        return Known(self.ids[keep], self.said[keep], self.weights[keep], self.certified[keep])


def read_answers(parts: Parts) -> Answers:
    """One snapshot."""
    with parts.db.read() as reader:
        labels = reader.labels.all()
        return Answers(
            labels=labels,
            groups=_groups(reader, labels),
            tags=tuple(reader.annotations.labels_of_kind(GeometryKind.TAG.value)),
            done=reader.images.done_ids(Task.TAGS),
            closed=reader.images.ids(ImageFilter(states=frozenset({ImageState.DONE, ImageState.SKIPPED}))),
            test=reader.images.ids(ImageFilter(splits=frozenset({Split.TEST}))),
            val=reader.images.ids(ImageFilter(splits=frozenset({Split.VAL}))),
            judged=tuple(reader.verdicts.judged(Task.TAGS)),
            temperatures={
                (run.id, tuple(members)): float(temperature)
                for run in reader.runs.all()
                for members, temperature in zip(
                    run.parameters.get("labels", ()), run.parameters.get("temperatures", ()), strict=False
                )
            },
        )


def _groups(reader: Reader, labels: tuple[Label, ...]) -> tuple[TagGroup, ...]:
    """Groups that have labels; labels without a group belong to the first."""
    groups = reader.labels.groups()
    if not groups:
        return (TagGroup(tuple(label.id for label in labels)),) if labels else ()
    members: dict[int, list[int]] = {group.id: [] for group in groups}
    for label in labels:
        members.get(label.group_id or groups[0].id, members[groups[0].id]).append(label.id)
    return tuple(TagGroup(tuple(members[g.id]), g.id, g.exclusive) for g in groups if members[g.id])


def known(answers: Answers, group: TagGroup) -> Known:
    """What is known of a group: its tags, and "none of them" on images that are done without one."""
    column = {label_id: at for at, label_id in enumerate(group.label_ids)}
    tagged: dict[int, list[tuple[int, float]]] = {}
    for image_id, label_id, source in answers.tags:
        if label_id in column:
            weight = CERTIFIED_WEIGHT if source == Source.CERTIFIED.value else 1.0
            tagged.setdefault(image_id, []).append((column[label_id], weight))
    done = set(answers.done.tolist())
    ids = np.asarray(sorted(set(tagged) | done), np.int64)
    weights = np.asarray([min((w for _, w in tagged.get(i, [])), default=1.0) for i in ids.tolist()], np.float32)
    certified = weights < 1.0
    if group.exclusive:
        classes = [tagged[i][-1][0] if i in tagged else NONE_OF_THEM for i in ids.tolist()]
        return Known(ids, np.asarray(classes, np.int64), weights, certified)
    targets = np.full((len(ids), len(column)), UNKNOWN, np.float32)
    for row, image_id in enumerate(ids.tolist()):
        if image_id in done:
            targets[row] = 0.0
        for at, _ in tagged.get(image_id, []):
            targets[row, at] = 1.0
    return Known(ids, targets, weights, certified)


def rejected(answers: Answers, group: TagGroup, ids: Ids) -> NDArray[np.bool_]:
    """(n, labels) what people have rejected on the images ``ids`` (ascending)."""
    column = {label_id: at for at, label_id in enumerate(group.label_ids)}
    table = np.zeros((len(ids), len(column)), dtype=bool)
    for suggestion, verdict in answers.judged:
        if verdict.decision is Decision.REJECTED and suggestion.label_id in column:
            at = int(np.searchsorted(ids, suggestion.image_id))
            if at < len(ids) and ids[at] == suggestion.image_id:
                table[at, column[suggestion.label_id]] = True
    return table


def fit_calibration(answers: Answers, group: TagGroup) -> Calibration:
    """The temperature from verdicts on suggestions that were drawn at random; test images never calibrate."""
    column = {label_id: at for at, label_id in enumerate(group.label_ids)}
    test = set(answers.test.tolist())
    drawn = [
        suggestion
        for suggestion, _ in answers.judged
        if suggestion.reason in DRAWN_AT_RANDOM and suggestion.label_id in column and suggestion.image_id not in test
    ]
    if not group.exclusive:
        tags = {(image_id, label_id) for image_id, label_id, _ in answers.tags}
        said = [_raw(answers, group, suggestion)[column[suggestion.label_id]] for suggestion in drawn]
        right = [(suggestion.image_id, suggestion.label_id) in tags for suggestion in drawn]
        return calibrate_independent(np.asarray(said, np.float32), np.asarray(right, dtype=bool))
    tag_of = {image_id: column[label_id] for image_id, label_id, _ in answers.tags if label_id in column}
    probabilities = np.zeros((len(drawn), len(column)), np.float32)
    for row, suggestion in enumerate(drawn):
        probabilities[row] = _raw(answers, group, suggestion)
    shown = np.asarray([column[suggestion.label_id] for suggestion in drawn], np.int64)
    truth = np.asarray([tag_of.get(suggestion.image_id, REJECTED) for suggestion in drawn], np.int64)
    return calibrate(probabilities, shown, truth)


def _raw(answers: Answers, group: TagGroup, suggestion: Suggestion) -> FloatArray:
    """(labels,) the probabilities behind a suggestion, before its run's own calibration: a second must not add to the first."""
    column = {label_id: at for at, label_id in enumerate(group.label_ids)}
    given = np.zeros((1, len(column)), np.float32)
    for label_id, value in suggestion.distribution:
        if label_id in column:
            given[0, column[label_id]] = value
    before = answers.temperatures.get((suggestion.run_id, group.label_ids), 1.0)
    raw = tempered(given, 1.0 / before, exclusive=group.exclusive)
    return np.asarray(np.where(given > 0, raw, np.float32(0.0))[0])
