"""What people have said about boxes, as arrays: what a detector learns from, and what must not be proposed again.

Polygons, masks and rotated boxes count with the box around them. An image that is done for boxes (or masks) is complete: what
has no box there is background. On others only the boxes themselves, and those that were rejected, are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Bounds, GeometryKind
from annotator.domain.kinds import Decision, ImageState, Split, Task
from annotator.domain.records import ImageFilter, Label
from annotator.pseudolabel.boxes import ShapeCalibration, Taken, calibrate_shapes
from annotator.store.session import Reader
from annotator.usecases.index import usable_ids
from annotator.usecases.parts import Parts

Ids = NDArray[np.int64]
Rows = Sequence[tuple[int, int, Bounds]]

SHAPES = (GeometryKind.BOX, GeometryKind.ROTATED_BOX, GeometryKind.POLYGON, GeometryKind.MASK)
LEAST_IMAGES = 3
"""A head learns from no fewer pictures with boxes."""
RECENT = 2_000
"""Verdicts that calibrate: those about heads of long ago say nothing of this one."""


@dataclass(frozen=True)
class BoxAnswers:
    """One snapshot. ``boxes`` by image id; ``classes`` of an image index ``labels``, those that have a box somewhere.

    ``complete``: ids of the images where the rest is background. ``test`` and ``val`` ids, labelled or not.
    """

    labels: tuple[Label, ...]
    taken: Mapping[int, Taken]
    complete: frozenset[int]
    test: frozenset[int]
    val: frozenset[int]

    @property
    def label_ids(self) -> tuple[int, ...]:
        """The classes of a head."""
        return tuple(label.id for label in self.labels)

    def classes(self, image_id: int) -> NDArray[np.int64]:
        """(n,) the class of each box of an image."""
        column = {label_id: at for at, label_id in enumerate(self.label_ids)}
        return np.asarray([column[i] for i in self.taken[image_id].label_ids.tolist()], np.int64)

    @property
    def learnable(self) -> list[int]:
        """Ids of images that tell something and are not for testing: with a box, or complete without one."""
        return sorted(i for i in self.taken if i not in self.test)

    @property
    def with_boxes(self) -> list[int]:
        """Those of ``learnable`` that have a box."""
        return [i for i in self.learnable if len(self.taken[i].boxes)]


def read_box_answers(parts: Parts) -> BoxAnswers:
    """One snapshot of everything that is known about boxes."""
    usable = set(usable_ids(parts).tolist())
    with parts.db.read() as reader:
        labels = {label.id: label for label in reader.labels.all()}
        done = {int(i) for task in (Task.BOXES, Task.MASKS) for i in reader.images.done_ids(task)}
        marked = {int(i) for i in reader.annotations.images_with(SHAPES)}
        known = sorted((done | marked) & usable)
        taken = read_taken(reader, known)
        test = reader.images.ids(ImageFilter(splits=frozenset({Split.TEST})))
        val = reader.images.ids(ImageFilter(splits=frozenset({Split.VAL})))
    used = sorted({int(i) for each in taken.values() for i in each.label_ids} & set(labels))
    order = sorted((labels[i] for i in used), key=lambda label: (label.position, label.id))
    return BoxAnswers(
        tuple(order),
        {i: _of_labels(taken.get(i, Taken()), set(used)) for i in known},
        frozenset(done),
        frozenset(test.tolist()),
        frozenset(val.tolist()),
    )


def read_taken(reader: Reader, image_ids: Iterable[int]) -> dict[int, Taken]:
    """What stands and what was rejected on some images; those of which nothing is known are left out."""
    ids = list(image_ids)
    stand = _by_image(reader.annotations.bounds_on(ids, SHAPES))
    refused = _by_image(reader.verdicts.rejected_on(ids, Task.BOXES))
    return {
        i: Taken(*_arrays(stand.get(i, ())), *_arrays(refused.get(i, ())))
        for i in stand.keys() | refused.keys()
    }  # fmt: skip


def closed_ids(parts: Parts) -> Ids:
    """Images that need no suggestion of boxes: done for boxes, or skipped."""
    with parts.db.read() as reader:
        done = reader.images.done_ids(Task.BOXES)
        skipped = reader.images.ids(ImageFilter(states=frozenset({ImageState.SKIPPED})))
    return np.union1d(done, skipped)


def fit_calibration(parts: Parts, answers: BoxAnswers) -> ShapeCalibration:
    """From verdicts on complete images: there every suggestion was answered, so nobody chose which. Test images never count."""
    with parts.db.read() as reader:
        judged = reader.verdicts.judged(Task.BOXES)[-RECENT:]
    asked = [(s, v) for s, v in judged if s.image_id in answers.complete and s.image_id not in answers.test]
    return calibrate_shapes(
        np.asarray([s.score for s, _ in asked], np.float32),
        np.asarray([v.decision is Decision.ACCEPTED for _, v in asked], bool),
    )


def can_train(parts: Parts) -> bool:
    """Whether there are boxes on enough images."""
    with parts.db.read() as reader:
        return len(reader.annotations.images_with(SHAPES)) >= LEAST_IMAGES


def _by_image(rows: Rows) -> dict[int, list[tuple[int, Bounds]]]:
    found: defaultdict[int, list[tuple[int, Bounds]]] = defaultdict(list)
    for image_id, label_id, bounds in rows:
        found[image_id].append((label_id, bounds))
    return dict(found)


def _arrays(
    rows: Sequence[tuple[int, Bounds]],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    boxes = np.asarray([bounds for _, bounds in rows], np.float32).reshape(-1, 4)
    return boxes, np.asarray([label for label, _ in rows], np.int64)


def _of_labels(taken: Taken, alive: set[int]) -> Taken:
    """Without boxes of labels that are gone, and without boxes that cover nothing."""
    size = taken.boxes[:, 2:] - taken.boxes[:, :2]
    keep = np.isin(taken.label_ids, sorted(alive)) & (size > 0).all(axis=1)
    return Taken(taken.boxes[keep], taken.label_ids[keep], taken.refused, taken.refused_ids)
