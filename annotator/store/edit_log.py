"""The log of edits: append-only lines and the undo stacks that they imply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, select

from annotator.store.tables import EditRow


class EditKind(StrEnum):
    """How an edit came into the log."""

    DO = "do"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class LoggedEdit:
    """One line. ``payload`` and ``ownership`` are the JSON of the edits room; ``inverts`` is the line taken back."""

    id: int
    annotator: str
    kind: EditKind
    title: str
    image_id: int | None
    created_at: str
    payload: str
    ownership: str = ""
    inverts: int | None = None
    undo_top: int | None = None
    redo_top: int | None = None
    below: int | None = None


_COLUMNS = (
    EditRow.id,
    EditRow.annotator,
    EditRow.kind,
    EditRow.title,
    EditRow.image_id,
    EditRow.created_at,
    EditRow.payload,
    EditRow.ownership,
    EditRow.inverts,
    EditRow.undo_top,
    EditRow.redo_top,
    EditRow.below,
)


class EditLog:
    """Reads and appends. There is no way to change or remove a line."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, edit: LoggedEdit) -> int:
        """Write a line and move its annotator's stacks; the ids and stacks of ``edit`` itself are ignored."""
        last = self._last(edit.annotator)
        undo_top, redo_top = (last.undo_top, last.redo_top) if last else (None, None)
        row: dict[str, Any] = {
            "annotator": edit.annotator,
            "kind": edit.kind.value,
            "title": edit.title,
            "image_id": edit.image_id,
            "created_at": edit.created_at,
            "inverts": edit.inverts,
            "payload": edit.payload,
            "ownership": edit.ownership,
        }
        next_id = int(self._connection.execute(select(func.coalesce(func.max(EditRow.id), 0))).scalar_one()) + 1
        match edit.kind:
            case EditKind.DO:
                row |= {"below": undo_top, "undo_top": next_id, "redo_top": None}
            case EditKind.UNDO:
                row |= {"below": redo_top, "undo_top": self._below(edit.inverts), "redo_top": next_id}
            case EditKind.REDO:
                row |= {"below": undo_top, "undo_top": next_id, "redo_top": self._below(edit.inverts)}
        self._connection.execute(insert(EditRow), {**row, "id": next_id})
        return next_id

    def get(self, edit_id: int) -> LoggedEdit | None:
        """The line with that id."""
        row = self._connection.execute(select(*_COLUMNS).where(EditRow.id == edit_id)).first()
        return None if row is None else LoggedEdit(row[0], row[1], EditKind(row[2]), *row[3:])

    def stacks(self, annotator: str) -> tuple[int | None, int | None]:
        """The ids of the lines that ``annotator`` would undo and redo next."""
        last = self._last(annotator)
        return (last.undo_top, last.redo_top) if last else (None, None)

    def existing(self, ids: Iterable[int]) -> set[int]:
        """Which of ``ids`` this snapshot holds."""
        return set(self._connection.execute(select(EditRow.id).where(EditRow.id.in_(list(ids)))).scalars())

    def annotators(self) -> list[str]:
        """Everybody who has a line."""
        return sorted(self._connection.execute(select(EditRow.annotator).distinct()).scalars())

    def lines(self, page: int = 500) -> Iterator[LoggedEdit]:
        """All lines, oldest first."""
        last = 0
        while True:
            query = select(*_COLUMNS).where(EditRow.id > last).order_by(EditRow.id).limit(page)
            rows = self._connection.execute(query).all()
            for row in rows:
                yield LoggedEdit(row[0], row[1], EditKind(row[2]), *row[3:])
            if len(rows) < page:
                return
            last = rows[-1][0]

    def count(self) -> int:
        """How many lines there are."""
        return int(self._connection.execute(select(func.count()).select_from(EditRow)).scalar_one())

    def latest(self, limit: int = 50, image_id: int | None = None) -> list[LoggedEdit]:
        """The last lines, newest first, of one image or of all: the audit trail."""
        query = select(*_COLUMNS).order_by(EditRow.id.desc()).limit(limit)
        if image_id is not None:
            query = query.where(EditRow.image_id == image_id)
        return [LoggedEdit(row[0], row[1], EditKind(row[2]), *row[3:]) for row in self._connection.execute(query)]

    def _last(self, annotator: str) -> Any:
        query = select(EditRow.undo_top, EditRow.redo_top).where(EditRow.annotator == annotator)
        return self._connection.execute(query.order_by(EditRow.id.desc()).limit(1)).first()

    def _below(self, edit_id: int | None) -> int | None:
        return self._connection.execute(select(EditRow.below).where(EditRow.id == edit_id)).scalar_one_or_none()
