"""Suggestions: written once by a run, read while they are open, superseded by a later run of their task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select, update

from annotator.domain.kinds import Task
from annotator.domain.page import suggestion_order
from annotator.domain.records import Suggestion
from annotator.events import Table
from annotator.store import counters
from annotator.store.bulk import insert_rows
from annotator.store.id_arrays import chunks, id_array, sorted_once
from annotator.store.ledger import Ledger
from annotator.store.tables import ImageRow, SuggestionRow
from annotator.store.types import dump_geometry, dump_json, dump_mapping, load_geometry, load_mapping
from annotator.store.visibility import OPEN_BY_INDEX

_INSERT_CHUNK = 5_000
Bounds = tuple[float | None, float | None, float | None, float | None]
_TASKS = {task.value: task for task in Task}

COLUMNS = (
    SuggestionRow.id,
    SuggestionRow.run_id,
    SuggestionRow.image_id,
    SuggestionRow.geometry,
    SuggestionRow.runs,
    SuggestionRow.distribution,
    SuggestionRow.score,
    SuggestionRow.confidence,
    SuggestionRow.reason,
    SuggestionRow.task,
    SuggestionRow.group_id,
    SuggestionRow.superseded,
    SuggestionRow.uncalibrated,
    SuggestionRow.extra,
)


_COUNTS_ON = (
    select(SuggestionRow.image_id, func.count())
    .where(
        SuggestionRow.image_id.in_(bindparam("ids", expanding=True)),
        SuggestionRow.is_open,
        SuggestionRow.task == bindparam("task"),
    )
    .group_by(SuggestionRow.image_id)
)


def record(row: Any) -> Suggestion:
    """The suggestion of a row of ``COLUMNS``."""
    values = (
        *row[:3],
        load_geometry(row[3], row[4]),
        tuple((label, probability) for label, probability in orjson.loads(row[5])),
        row[6],
        row[7],
        row[8],
        _TASKS[row[9]],
        row[10],
        bool(row[11]),
        bool(row[12]),
        load_mapping(row[13]),
    )
    return Suggestion(*values)


class SuggestionReads:
    """Reads of suggestions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, suggestion_id: UUID) -> Suggestion | None:
        """The suggestion in whatever state, or None when it was never written."""
        row = self._connection.execute(select(*COLUMNS).where(SuggestionRow.id == suggestion_id)).first()
        return None if row is None else record(row)

    def many(self, ids: Iterable[UUID]) -> dict[UUID, Suggestion]:
        """The suggestions that were written, by id."""
        found: dict[UUID, Suggestion] = {}
        for chunk in chunks(ids):
            for row in self._connection.execute(select(*COLUMNS).where(SuggestionRow.id.in_(chunk))):
                found[row[0]] = record(row)
        return found

    def for_image(self, image_id: int) -> tuple[Suggestion, ...]:
        """The open suggestions of one image, most confident first."""
        return self.for_images((image_id,)).get(image_id, ())

    def for_images(self, image_ids: Iterable[int]) -> dict[int, tuple[Suggestion, ...]]:
        """The open suggestions of several images, most confident first; images without any are left out."""
        found: dict[int, list[Suggestion]] = {}
        for chunk in chunks(int(i) for i in image_ids):
            query = select(*COLUMNS).where(SuggestionRow.image_id.in_(chunk), SuggestionRow.is_open)
            for row in self._connection.execute(query):
                found.setdefault(row[2], []).append(record(row))
        return {image: tuple(sorted(each, key=suggestion_order)) for image, each in found.items()}

    def pile(
        self,
        task: Task,
        label_id: int | None = None,
        *,
        at_least: float = 0.0,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Suggestion]:
        """Open suggestions of a task (and label, as the most probable one), most confident first."""
        query = self._open(select(*COLUMNS), task, label_id).where(SuggestionRow.confidence >= at_least)
        query = query.order_by(SuggestionRow.confidence.desc(), SuggestionRow.id).limit(limit).offset(offset)
        return [record(row) for row in self._connection.execute(query)]

    def bounds(self, task: Task, label_id: int | None = None) -> list[tuple[UUID, int, int, float, Bounds]]:
        """(id, image id, label id, confidence, bounds) of the open suggestions of a task (and label), in no order."""
        row = SuggestionRow
        columns = (row.id, row.image_id, row.label_id, row.confidence, row.x1, row.y1, row.x2, row.y2)
        query = self._open(select(*columns), task, label_id)
        return [(r[0], r[1], r[2], r[3], (r[4], r[5], r[6], r[7])) for r in self._connection.execute(query)]

    def open_by_label(self) -> dict[tuple[Task, int], int]:
        """How many suggestions with rows are open, by task and label."""
        query = select(SuggestionRow.task, SuggestionRow.label_id, func.count()).where(OPEN_BY_INDEX)
        query = query.group_by(SuggestionRow.task, SuggestionRow.label_id)
        return {(_TASKS[row[0]], row[1]): row[2] for row in self._connection.execute(query)}

    def confidences(self, task: Task, label_id: int | None = None) -> NDArray[np.float64]:
        """The confidences of all open suggestions of a task (and label), for histograms."""
        query = self._open(select(SuggestionRow.confidence), task, label_id)
        return np.fromiter((row[0] for row in self._connection.execute(query)), dtype=np.float64)

    def open_tags(self, after_run: int) -> list[tuple[int, int, int | None, float]]:
        """(image id, label id, group id, confidence) of the open tag suggestions of later runs than ``after_run``."""
        columns = (SuggestionRow.image_id, SuggestionRow.label_id, SuggestionRow.group_id, SuggestionRow.confidence)
        query = self._open(select(*columns), Task.TAGS, None).where(SuggestionRow.run_id > after_run)
        return [(row[0], row[1], row[2], row[3]) for row in self._connection.execute(query)]

    def image_ids(
        self, tasks: Iterable[Task], label_ids: Iterable[int], least: float, most: float
    ) -> NDArray[np.int64]:
        """The images with open suggestions of ``tasks``, of any of ``label_ids`` (empty: of any label), of a confidence from
        ``least`` to ``most``; each once, ascending."""
        query = select(SuggestionRow.image_id).where(
            OPEN_BY_INDEX,
            SuggestionRow.task.in_([task.value for task in tasks]),
            SuggestionRow.confidence.between(least, most),
        )
        wanted = sorted(label_ids)
        if wanted:
            query = query.where(SuggestionRow.label_id.in_(wanted))
        return sorted_once(id_array(self._connection, query))

    def counts_on(self, ids: Iterable[int], task: Task) -> dict[int, int]:
        """For each image its number of open suggestions of a task that are written; images without any are left out."""
        found: dict[int, int] = {}
        for chunk in chunks(int(i) for i in ids):
            rows = self._connection.execute(_COUNTS_ON, {"ids": chunk, "task": task.value})
            found.update({row[0]: row[1] for row in rows})
        return found

    def open_count(self, task: Task | None = None) -> int:
        """How many suggestions are open, of one task or of all."""
        if task is None:
            return counters.Counters(self._connection).total(counters.SUGGESTION_LABEL)
        return len(self.confidences(task))

    @staticmethod
    def _open(query: Any, task: Task, label_id: int | None) -> Any:
        query = query.where(OPEN_BY_INDEX, SuggestionRow.task == task.value)
        return query if label_id is None else query.where(SuggestionRow.label_id == label_id)


class SuggestionWrites(SuggestionReads):
    """Reads and writes of suggestions."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def add_many(self, suggestions: Iterable[Suggestion]) -> int:
        """Add suggestions of a run, open unless they come superseded; returns how many."""
        total = 0
        for chunk in chunks(suggestions, _INSERT_CHUNK):
            insert_rows(self._connection, SuggestionRow, [_row(each) for each in chunk])
            fresh = Counter((s.image_id, s.label_id) for s in chunk if not s.superseded)
            self.count_open(fresh)
            self._ledger.note(Table.SUGGESTION, images=(s.image_id for s in chunk))
            total += len(chunk)
        return total

    def add_missing(self, suggestions: Iterable[Suggestion]) -> int:
        """Add those that were never written: tag suggestions get a row only when they are judged, audited or exported."""
        wanted = {s.id: s for s in suggestions}
        known: set[UUID] = set()
        for chunk in chunks(wanted):
            query = select(SuggestionRow.id).where(SuggestionRow.id.in_(chunk))
            known.update(self._connection.execute(query).scalars())
        return self.add_many(s for s in wanted.values() if s.id not in known)

    def supersede(self, task: Task, image_ids: Iterable[int], *, keep_run: int) -> int:
        """Close the open suggestions of a task on images, except those of ``keep_run``; returns how many there were."""
        total = 0
        for chunk in chunks(int(i) for i in image_ids):
            chosen = (
                SuggestionRow.image_id.in_(chunk),
                SuggestionRow.is_open,
                SuggestionRow.task == task.value,
                SuggestionRow.run_id != keep_run,
            )
            query = select(SuggestionRow.image_id, SuggestionRow.label_id).where(*chosen)
            closed = Counter((row[0], row[1]) for row in self._connection.execute(query))
            if closed:
                values = {"is_open": False, "superseded": True}
                self._connection.execute(update(SuggestionRow).where(*chosen).values(values))
                self.count_open(closed, -1)
                total += sum(closed.values())
        return total

    def set_open(self, ids: Iterable[UUID], is_open: bool) -> None:
        """Open or close suggestions as their verdicts come and go; superseded ones stay closed."""
        for chunk in chunks(ids):
            chosen = [SuggestionRow.id.in_(chunk), SuggestionRow.is_open.is_(not is_open)]
            if is_open:
                chosen.append(SuggestionRow.superseded.is_(False))
            query = select(SuggestionRow.image_id, SuggestionRow.label_id).where(*chosen)
            changed = Counter((row[0], row[1]) for row in self._connection.execute(query))
            self._connection.execute(update(SuggestionRow).where(*chosen).values(is_open=is_open))
            self.count_open(changed, 1 if is_open else -1)

    def count_open(self, changed: Mapping[tuple[int, int], int], sign: int = 1) -> None:
        """Count open suggestions that came (or went) by (image, label)."""
        images: Counter[int] = Counter()
        for (image, label), number in changed.items():
            images[image] += sign * number
            self._ledger.count(counters.SUGGESTION_LABEL, label, sign * number)
        rows = [{"key": image, "difference": number} for image, number in images.items() if number]
        if rows:
            counted = update(ImageRow).where(ImageRow.id == bindparam("key"))
            value = ImageRow.suggestions + bindparam("difference")
            self._connection.execute(counted.values(suggestions=value), rows)
        self._ledger.note(Table.SUGGESTION, images=images)


def _row(suggestion: Suggestion) -> dict[str, Any]:
    geometry, runs = dump_geometry(suggestion.geometry)
    x1, y1, x2, y2 = suggestion.geometry.bounds() or (None, None, None, None)
    return {
        "id": suggestion.id,
        "run_id": suggestion.run_id,
        "image_id": suggestion.image_id,
        "task": suggestion.task.value,
        "group_id": suggestion.group_id,
        "label_id": suggestion.label_id,
        "is_open": not suggestion.superseded,
        "superseded": suggestion.superseded,
        "uncalibrated": suggestion.uncalibrated,
        "score": suggestion.score,
        "confidence": suggestion.confidence,
        "kind": suggestion.geometry.kind.value,
        "geometry": geometry,
        "runs": runs,
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "distribution": dump_json([list(pair) for pair in suggestion.distribution]),
        "reason": suggestion.reason,
        "extra": dump_mapping(suggestion.extra),
    }
