"""The Review wall: the open suggestions of one task and label as arrays, and the one edit that judges a whole pile of them.

A pile of a hundred thousand is a handful of arrays; suggestions become records only when they are judged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from annotator.edits.changes import Edit
from annotator.edits.piles import Ruling, judge_pile
from annotator.errors import ModelError
from annotator.job_context import JobContext
from annotator.learning.features import EmbeddingStore
from annotator.learning.look import by_look
from annotator.usecases.open_piles import open_shapes
from annotator.usecases.parts import Parts

if TYPE_CHECKING:
    from annotator.usecases.history import ProjectHistory
    from annotator.usecases.review_view import ReviewView

log = logging.getLogger(__name__)

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]

SQUARE = 1.0


@dataclass(frozen=True)
class WallPile:
    """Suggestions in the order in which the wall shows them, all arrays (n,), ``boxes`` (n, 4).

    ``boxes`` are bounds in pixels of the oriented image, NaN where the whole image is meant; ``aspects`` are width by height of
    what is shown. ``ids`` are those of the suggestions that have rows, None for tags, which are known by image and label.
    """

    task: Task
    image_ids: Ids
    label_ids: Ids
    confidences: FloatArray
    aspects: FloatArray
    boxes: FloatArray
    ids: tuple[UUID, ...] | None = None

    def __len__(self) -> int:
        return len(self.image_ids)

    def key(self, row: int) -> Hashable:
        """What names the suggestion of a row wherever it stands."""
        return self.ids[row] if self.ids is not None else (int(self.image_ids[row]), int(self.label_ids[row]))

    @cached_property
    def rows_by_key(self) -> Mapping[Hashable, int]:
        """Key to row."""
        if self.ids is not None:
            return {each: row for row, each in enumerate(self.ids)}
        pairs = zip(self.image_ids.tolist(), self.label_ids.tolist(), strict=True)
        return {each: row for row, each in enumerate(pairs)}

    @cached_property
    def codes(self) -> Ids:
        """(n,) a number for each row's key, the same wherever it stands: rows of two piles are compared by it."""
        if self.ids is not None:
            return np.fromiter(map(hash, self.ids), np.int64, len(self.ids))
        return self.image_ids << 32 | self.label_ids

    def indexed(self) -> WallPile:
        """The pile with ``rows_by_key`` and ``codes`` made: in the thread that reads it, not when the window asks."""
        self.rows_by_key, self.codes  # noqa: B018
        return self

    def pick(self, rows: NDArray[Any]) -> WallPile:
        """Some of them, in the order of ``rows``."""
        chosen = np.asarray(rows, np.int64)
        ids = None if self.ids is None else tuple(self.ids[row] for row in chosen.tolist())
        return WallPile(
            self.task,
            self.image_ids[chosen],
            self.label_ids[chosen],
            self.confidences[chosen],
            self.aspects[chosen],
            self.boxes[chosen],
            ids,
        )


@dataclass(frozen=True)
class Judgement:
    """What to do with rows of a pile: ``accepted`` and ``rejected`` (k,) rows, ``relabelled`` row to label."""

    accepted: Ids
    rejected: Ids
    relabelled: Mapping[int, int]

    def __len__(self) -> int:
        return len(self.accepted) + len(self.rejected) + len(self.relabelled)


class Walls:
    """``project.review.walls``: piles as the wall shows them. Methods may be called from any thread, and take a while."""

    def __init__(self, parts: Parts, review: ReviewView) -> None:
        self._parts = parts
        self._review = review

    def read(self, task: Task, label_id: int | None = None) -> WallPile:
        """The open suggestions of a task (and label), the most confident first."""
        if task is Task.TAGS:
            pile = self._review.pile(label_id)
            return _measured(self._parts, task, pile.image_ids, pile.label_ids, pile.confidences)
        return _read_rows(self._parts, task, label_id)

    def of(self, suggestions: Sequence[Suggestion], task: Task = Task.TAGS) -> WallPile:
        """The wall of given suggestions of one task, in their order."""
        images = np.asarray([s.image_id for s in suggestions], np.int64)
        labels = np.asarray([s.label_id for s in suggestions], np.int64)
        sure = np.asarray([s.confidence for s in suggestions], np.float32)
        bounds = [s.geometry.bounds() or (np.nan,) * 4 for s in suggestions]
        boxes = np.asarray(bounds, np.float32).reshape(-1, 4)
        return _measured(self._parts, task, images, labels, sure, boxes, tuple(s.id for s in suggestions))

    def images(self, image_ids: Ids) -> WallPile:
        """The wall of whole images, in their order; the label of each is its first tag, 0 where it has none."""
        ids = np.asarray(image_ids, np.int64)
        with self._parts.db.read() as reader:
            tags = reader.annotations.tags_on(ids.tolist())
        labels = np.asarray([tags[each][0] if each in tags else 0 for each in ids.tolist()], np.int64)
        return _measured(self._parts, Task.TAGS, ids, labels, np.ones(len(ids), np.float32))

    def by_look(self, pile: WallPile) -> Ids | None:
        """The rows of a pile with like beside like, outliers first; None when its pictures have not been looked at yet.

        Only whole images have vectors of their own; crops of one image keep their order there.
        """
        store = _vectors(self._parts)
        if store is None:
            return None
        known = store.have(pile.image_ids)
        if not known.any():
            return None
        rows = np.flatnonzero(known)
        order = rows[by_look(store.get(pile.image_ids[rows]))]
        return np.concatenate([order, np.flatnonzero(~known)]).astype(np.int64)

    def counts(self) -> dict[tuple[Task, int], int]:
        """How many suggestions are open, by task and label."""
        with self._parts.db.read() as reader:
            found = {key: n for key, n in reader.suggestions.open_by_label().items() if key[0] is not Task.TAGS}
        labels, numbers = np.unique(self._review.pile().label_ids, return_counts=True)
        found.update({(Task.TAGS, int(k)): int(n) for k, n in zip(labels, numbers, strict=True)})
        return found


def _vectors(parts: Parts) -> EmbeddingStore | None:
    """The vectors of the project's pictures, the fullest store of them; reads no model."""
    found: list[EmbeddingStore] = []
    for described in sorted((parts.cache / "embeddings").glob("*/space.json")):
        try:
            told = json.loads(described.read_text(encoding="utf-8"))
            logits = int(told["n_logits"])
            folder, space, dimension = described.parent, str(told["space"]), int(told["dimension"])
            found.append(EmbeddingStore(folder, space, dimension, logits, read_only=True))
        except (OSError, ValueError, LookupError, TypeError, ModelError) as error:
            log.info("%s cannot be used: %s", described.parent, error)
    return max(found, key=len, default=None)


def _read_rows(parts: Parts, task: Task, label_id: int | None) -> WallPile:
    pile = open_shapes(parts, task, label_id)
    sure = pile.confidences.astype(np.float32)
    return _measured(parts, task, pile.image_ids, pile.label_ids, sure, pile.boxes, pile.ids)


def _measured(
    parts: Parts,
    task: Task,
    image_ids: Ids,
    label_ids: Ids,
    confidences: FloatArray,
    boxes: FloatArray | None = None,
    ids: tuple[UUID, ...] | None = None,
) -> WallPile:
    """The pile with how wide each crop is by its height."""
    if boxes is None:
        boxes = np.full((len(image_ids), 4), np.nan, np.float32)
    with parts.db.read() as reader:
        sizes = reader.images.sizes(image_ids).astype(np.float32)
    whole = np.isnan(boxes).any(axis=1)
    wide = np.where(whole, sizes[:, 0], boxes[:, 2] - boxes[:, 0])
    high = np.where(whole, sizes[:, 1], boxes[:, 3] - boxes[:, 1])
    known = (wide > 0) & (high > 0)
    aspects = np.where(known, wide / np.where(known, high, 1), SQUARE).astype(np.float32)
    return WallPile(task, image_ids, label_ids, np.asarray(confidences, np.float32), aspects, boxes, ids)


def pile_edit(
    parts: Parts,
    history: ProjectHistory,
    review: ReviewView,
    pile: WallPile,
    judgement: Judgement,
    context: JobContext,
    title: str = "Review",
) -> Edit:
    """The edit that does ``judgement``, not performed yet. Suggestions judged since the pile was read are passed over.

    Cancelled, it changes nothing.
    """
    history.flush()
    rulings = _rulings(parts, review, pile, judgement)
    pages = history.pages(list(rulings), context)
    return judge_pile(pages, rulings, history.vocabulary(), annotator=parts.annotator, title=title)


def _rulings(parts: Parts, review: ReviewView, pile: WallPile, judgement: Judgement) -> dict[int, list[Ruling]]:
    """By image what is decided about each of its suggestions."""
    decided: dict[int, int | None] = {row: int(pile.label_ids[row]) for row in judgement.accepted.tolist()}
    decided.update(dict.fromkeys(judgement.rejected.tolist()))
    decided.update(judgement.relabelled)
    rows = np.asarray(sorted(decided), np.int64)
    made = _suggestions(parts, review, pile, rows)
    found: dict[int, list[Ruling]] = {}
    for row in rows.tolist():
        suggestion = made.get(pile.key(row))
        if suggestion is not None:
            found.setdefault(suggestion.image_id, []).append(Ruling(suggestion, decided[row]))
    return found


def _suggestions(parts: Parts, review: ReviewView, pile: WallPile, rows: Ids) -> dict[Hashable, Suggestion]:
    if pile.ids is None:
        made = review.suggestions(pile.image_ids[rows])
        return {(s.image_id, s.label_id): s for s in made}
    with parts.db.read() as reader:
        return {s.id: s for s in reader.suggestions.many(pile.ids[row] for row in rows.tolist()).values()}
