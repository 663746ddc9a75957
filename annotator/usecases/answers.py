"""What people have said about tags, as arrays: the rows a head learns from, and what must not be proposed again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Decision, ImageState, Source, Split, Task
from annotator.domain.records import ImageFilter, Label, Suggestion, Verdict
from annotator.learning.tags import CERTIFIED_WEIGHT, NONE_OF_THEM, UNKNOWN
from annotator.pseudolabel.suggest import TagGroup
from annotator.store.session import Reader
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]


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
