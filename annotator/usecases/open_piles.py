"""Which suggestions are open: of tags from the array of a run and from rows, of shapes from their rows.

A pile that a sample is drawn from has one order, which its keys tell, so that a prefix of it is the same thing an hour later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import ImageState, Task
from annotator.domain.records import ImageFilter, Suggestion
from annotator.usecases.parts import Parts

if TYPE_CHECKING:
    from annotator.usecases.tag_table import GroupTable, TagTable

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]
Key: TypeAlias = tuple[float, int, str]
"""(−confidence, image, which): the order of a pile, from the most confident. Which: the label of a tag, the id of a shape."""

OPEN_STATES = frozenset({ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE, ImageState.SKIPPED})


@dataclass(frozen=True)
class Pile:
    """Open tag suggestions, the most confident first: ``image_ids``, ``label_ids`` and ``confidences``, all (n,)."""

    image_ids: Ids
    label_ids: Ids
    confidences: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.image_ids)

    def pick(self, rows: NDArray[Any]) -> Pile:
        """Some of them."""
        return Pile(self.image_ids[rows], self.label_ids[rows], self.confidences[rows])


@dataclass(frozen=True)
class ShapePile:
    """Open suggestions of shapes, the most confident first: ``ids`` (n), the rest (n,), ``boxes`` (n, 4) in image pixels, NaN
    where a shape has no bounds."""

    ids: tuple[UUID, ...]
    image_ids: Ids
    label_ids: Ids
    confidences: NDArray[np.float64]
    boxes: FloatArray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Ordered:
    """All open suggestions of a task in the order of their ``keys``; ``table`` is the run of tags among them."""

    task: Task
    keys: tuple[Key, ...]
    table: TagTable | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def confidences(self) -> NDArray[np.float64]:
        """(n,) falling."""
        return np.asarray([-key[0] for key in self.keys], np.float64)

    def suggestions(self, parts: Parts, rows: Sequence[int]) -> list[Suggestion]:
        """Some of them, in the order of ``rows``; those that are gone meanwhile are left out."""
        chosen = [self.keys[row] for row in rows]
        if self.task is not Task.TAGS:
            with parts.db.read() as reader:
                found = reader.suggestions.many(UUID(key[2]) for key in chosen)
            return [found[UUID(key[2])] for key in chosen if UUID(key[2]) in found]
        images = np.unique(np.asarray([key[1] for key in chosen], np.int64))
        made = {(s.image_id, s.label_id): s for s in tag_suggestions(parts, self.table, images)}
        named = [(key[1], int(key[2])) for key in chosen]
        return [made[each] for each in named if each in made]


def ordered(parts: Parts, task: Task, table: TagTable | None) -> Ordered:
    """Everything that is open for a task; of tags, what the run of ``table`` says and what was written after it."""
    if task is Task.TAGS:
        pile = joined(open_piles(parts, table))
        which = [f"{label:09d}" for label in pile.label_ids.tolist()]
    else:
        shapes = open_shapes(parts, task)
        pile = Pile(shapes.image_ids, shapes.label_ids, shapes.confidences)
        which = [str(each) for each in shapes.ids]
    falling = (-pile.confidences.astype(np.float64)).tolist()
    return Ordered(task, tuple(sorted(zip(falling, pile.image_ids.tolist(), which, strict=True))), table)


def open_shapes(parts: Parts, task: Task, label_id: int | None = None) -> ShapePile:
    """The open suggestions of a task (and label) on images that are there and not done for it."""
    with parts.db.read() as reader:
        rows = reader.suggestions.bounds(task, label_id)
        shown = np.setdiff1d(reader.images.ids(ImageFilter(states=OPEN_STATES)), reader.images.done_ids(task))
        alive = np.asarray([label.id for label in reader.labels.all()], np.int64)
    images = np.asarray([row[1] for row in rows], np.int64)
    labels = np.asarray([row[2] for row in rows], np.int64)
    sure = np.asarray([row[3] for row in rows], np.float64)
    keep = np.flatnonzero(np.isin(images, shown) & np.isin(labels, alive))
    keep = keep[np.argsort(-sure[keep], kind="stable")]
    boxes = np.asarray([row[4] for row in rows], np.float32).reshape(-1, 4)[keep]
    return ShapePile(tuple(rows[at][0] for at in keep.tolist()), images[keep], labels[keep], sure[keep], boxes)


def tag_suggestions(parts: Parts, table: TagTable | None, images: Ids) -> list[Suggestion]:
    """What the run of ``table`` says of images, and what was written after it, which goes before."""
    with parts.db.read() as reader:
        rows = reader.suggestions.for_images(images.tolist()).values()
    latest = 0 if table is None else table.run_id
    made = [s for each in rows for s in each if s.task is Task.TAGS and s.run_id > latest]
    said = {(s.image_id, s.label_id) for s in made}
    if table is not None:
        made += [s for s in table.suggestions(images) if (s.image_id, s.label_id) not in said]
    return made


def joined(piles: Sequence[Pile]) -> Pile:
    """One pile of several, in no order."""
    return Pile(
        np.concatenate([each.image_ids for each in piles] or [np.zeros(0, np.int64)]),
        np.concatenate([each.label_ids for each in piles] or [np.zeros(0, np.int64)]),
        np.concatenate([each.confidences for each in piles] or [np.zeros(0, np.float32)]),
    )


def open_piles(parts: Parts, table: TagTable | None) -> list[Pile]:
    """The open suggestions of every group: not answered, not judged, the image not done, the file there.

    Rows of later runs than the table's, which imports wrote, come first; their group needs no other suggestion on their image.
    """
    with parts.db.read() as reader:
        alive = {label.id for label in reader.labels.all()}
        rows = reader.suggestions.open_tags(0 if table is None else table.run_id)
        if table is None and not rows:
            return []
        tags = reader.annotations.labels_of_kind(GeometryKind.TAG.value)
        shown = reader.images.ids(ImageFilter(states=OPEN_STATES))
        done = reader.images.done_ids(Task.TAGS)
        judged = [] if table is None else reader.verdicts.judged_by_run(table.run_id)
    tagged = np.asarray([(image, label) for image, label, _ in tags], np.int64).reshape(-1, 2)
    closed = np.asarray([(image, label, group or 0) for image, label, group in judged], np.int64).reshape(-1, 3)
    written = _written(rows, alive, tagged, shown, done)
    piles = [Pile(written[:, 0].astype(np.int64), written[:, 1].astype(np.int64), written[:, 3].astype(np.float32))]
    if table is not None:
        usable = np.isin(table.ids, shown) & ~np.isin(table.ids, done)
        closed = np.concatenate([closed, written[:, :3].astype(np.int64)])
        piles += [_open_of_group(table, each, tagged, closed, usable, alive) for each in table.groups]
    return piles


def _written(
    rows: list[tuple[int, int, int | None, float]], alive: set[int], tagged: Ids, shown: Ids, done: Ids
) -> NDArray[np.float64]:
    """(n, 4) image, label, group and confidence of the rows that are still open questions."""
    found = np.asarray([(image, label, group or 0, sure) for image, label, group, sure in rows], np.float64)
    found = found.reshape(-1, 4)
    images, labels = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
    keep = np.isin(labels, np.asarray(sorted(alive), np.int64)) & np.isin(images, shown) & ~np.isin(images, done)
    return found[keep & ~np.isin(_pairs(images, labels), _pairs(tagged[:, 0], tagged[:, 1]))]


def _pairs(images: Ids, labels: Ids) -> Ids:
    """One number for each image and label."""
    return (images << 24) | labels


def _open_of_group(
    table: TagTable, each: GroupTable, tagged: Ids, closed: Ids, usable: NDArray[np.bool_], alive: set[int]
) -> Pile:
    """``tagged`` (n, 2) image and label of all tags; ``closed`` (m, 3) image, label and group of what needs no suggestion."""
    group = each.group
    values = each.confidences()
    members = np.asarray(group.label_ids, np.int64)
    values[:, [at for at, label in enumerate(group.label_ids) if label not in alive]] = 0
    mine = tagged[np.isin(tagged[:, 1], members)]
    theirs = closed[closed[:, 2] == (group.group_id or 0)]
    if group.exclusive:
        is_open = usable & ~np.isin(table.ids, np.concatenate([mine[:, 0], theirs[:, 0]]))
        top = values.argmax(axis=1) if len(values) else np.zeros(0, np.int64)
        best = values[np.arange(len(values)), top] if len(values) else np.zeros(0, np.float32)
        is_open &= (best > 0) & (best >= 1.0 - values.sum(axis=1))
        rows = np.flatnonzero(is_open)
        return Pile(table.ids[rows], members[top[rows]], best[rows])
    pairs = np.concatenate([mine, theirs[:, :2]])
    for column, label in enumerate(group.label_ids):
        values[np.isin(table.ids, pairs[pairs[:, 1] == label, 0]), column] = 0
    rows, columns = np.nonzero((values >= 0.5) & usable[:, None])
    return Pile(table.ids[rows], members[columns], values[rows, columns])
