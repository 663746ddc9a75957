"""An annotator's history: perform, undo and redo edits; pages as they are with edits that are still being saved.

Used from one thread, the window's or a script's. Edits show at once and are written by the lane; a failed one is taken back and
reported through ``on_failure``; ``on_finished`` hears of each that was saved or failed, undone and redone ones too. Both, like
the futures, run on the lane's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property

from annotator.domain.page import Page
from annotator.edits import codec
from annotator.edits.changes import BatchChange, Change, Edit, LabelChange, RowChange, batched, by_image
from annotator.edits.commit import commit
from annotator.edits.overlay import load_page, without_rows
from annotator.edits.recent import RecentPages
from annotator.edits.stacks import Node, Stack
from annotator.errors import StoreError
from annotator.events import ChangeSet
from annotator.store import Database, WriteLane, Writer
from annotator.store.edit_log import EditKind

OnFailure = Callable[[Edit, BaseException], None]
OnFinished = Callable[[BaseException | None], None]


@dataclass(frozen=True)
class Performed:
    """An edit on its way: ``future`` gives its line in the log once it is on disk, or raises why it is not."""

    edit: Edit
    future: Future[int]


@dataclass(eq=False)
class InFlight:
    """An edit that the lane has not finished. ``node.id`` is set before its commit, so a snapshot tells whether it holds it."""

    kind: EditKind
    edit: Edit
    node: Node
    target: Node | None = None

    @cached_property
    def by_image(self) -> Mapping[int, Sequence[RowChange]]:
        """Its rows by image, so that a page does not look through all rows of a bulk edit."""
        batches = [c for c in self.edit.changes if isinstance(c, BatchChange) and c.rows]
        if len(batches) == 1 and len(self.edit.changes) == 1 and batches[0].by_image:
            return batches[0].by_image
        return by_image(self.edit.rows())

    def on_page(self, image_id: int) -> Edit | None:
        """The part of it that may change that image's page; None when it does not."""
        rows = self.by_image.get(image_id)
        if rows is None and not self.edit.reaches_everywhere:
            return None
        changes: list[Change] = [c for c in self.edit.changes if isinstance(c, LabelChange)]
        changes += [c.without_rows() for c in self.edit.changes if isinstance(c, BatchChange)]
        return replace(self.edit, changes=(*(rows or ()), *changes))


class History:
    """The edits of one annotator; the stacks survive restarts."""

    def __init__(
        self, database: Database, lane: WriteLane, annotator: str, on_failure: OnFailure | None = None
    ) -> None:
        self.annotator = annotator
        self.on_failure = on_failure
        self.on_finished: OnFinished | None = None
        self._database = database
        self._lane = lane
        self._guard = threading.RLock()
        self._in_flight: list[InFlight] = []
        self._next_label = 0
        self._recent = RecentPages()
        database.subscribe(self._hear)
        self._undo, self._redo = self._stored_stacks()

    def page(self, image_id: int) -> Page:
        """The page of an image with all edits of this session on it, saved or not. Raises ``StoreError`` for an unknown image."""
        page = self._recent.get(image_id)
        if page is None:
            moment = self._recent.moment
            page = self._read_page(image_id)
            self._recent.put(page, moment)
        return page

    def _read_page(self, image_id: int) -> Page:
        with self._guard:
            waiting = [(each.on_page(image_id), each.node) for each in self._in_flight]
        return load_page(self._database, image_id, [(edit, node) for edit, node in waiting if edit is not None])

    def work_as(self, annotator: str) -> None:
        """From now on another annotator works here: edits carry that name, and undo and redo are that annotator's own.

        Waits for the edits that are still being saved, some milliseconds, because their failure would concern the other stacks.
        """
        if annotator == self.annotator:
            return
        self._lane.flush()
        with self._guard:
            self.annotator = annotator
            self._undo, self._redo = self._stored_stacks()

    def perform(self, edit: Edit) -> Performed:
        """Do ``edit``: pages show it from now on. One without changes does nothing."""
        if not edit.changes:
            return Performed(edit, _nothing())
        edit = batched(replace(edit, annotator=edit.annotator or self.annotator))
        self._settle(edit)
        with self._guard:
            node = Node(edit)
            self._undo.push(node)
            self._redo.clear()
            return self._submit(InFlight(EditKind.DO, edit, node))

    def undo(self) -> Edit | None:
        """Take back the last edit; returns the edit that does so (its ``image_id`` is where to look), None when there is none."""
        return self._turn(EditKind.UNDO)

    def redo(self) -> Edit | None:
        """Do again what was undone last; returns the edit that does so, None when there is none."""
        return self._turn(EditKind.REDO)

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def must_wait(self, *, redo: bool = False) -> bool:
        """Whether ``undo`` (or ``redo``) would wait for edits that are still being saved: a bulk edit takes seconds."""
        with self._guard:
            top = (self._redo if redo else self._undo).peek()
            return bool(self._in_flight) and top is not None and top.edit.reaches_everywhere

    @property
    def saving(self) -> int:
        """How many edits are not on disk yet."""
        with self._guard:
            return len(self._in_flight)

    def titles(self, number: int = 50) -> list[str]:
        """What ``undo`` would take back, last first."""
        with self._guard:
            return [node.edit.title for node in self._undo.first(number)]

    def redo_titles(self, number: int = 50) -> list[str]:
        """What ``redo`` would do again, next first."""
        with self._guard:
            return [node.edit.title for node in self._redo.first(number)]

    def next_label_id(self, number: int = 1) -> int:
        """The first of ``number`` consecutive ids that no label has had, not even one that is still being saved."""
        with self._guard, self._database.read() as reader:
            first = max(self._next_label, reader.labels.next_id())
            self._next_label = first + number
            return first

    def flush(self, timeout: float | None = None) -> None:
        """Return when all edits so far are on disk or have failed."""
        self._lane.flush(timeout)

    def _turn(self, kind: EditKind) -> Edit | None:
        source = self._undo if kind is EditKind.UNDO else self._redo
        with self._guard:
            top = source.peek()
        if top is None:
            return None
        self._settle(top.edit)
        with self._guard:
            source, other = (self._undo, self._redo) if kind is EditKind.UNDO else (self._redo, self._undo)
            target = source.pop()  # not the same as before when settling made an edit fail
            if target is None:
                return None
            edit = target.edit.inverse()
            node = Node(edit)
            other.push(node)
            self._submit(InFlight(kind, edit, node, target))
            return edit

    def _settle(self, edit: Edit) -> None:
        """An edit that reaches everywhere waits for those before it: what it does depends on rows they are still writing."""
        if edit.reaches_everywhere and self.saving:
            self._lane.flush()

    def _submit(self, flight: InFlight) -> Performed:
        def write(writer: Writer) -> int:
            inverts = None
            if flight.target is not None:
                inverts = flight.target.id
                if inverts is None:
                    raise StoreError(f'"{flight.edit.title}" was never saved.', "It has been taken back already.")
            flight.node.id = commit(writer, flight.edit, flight.kind, inverts)
            return flight.node.id

        self._in_flight.append(flight)
        try:
            future = self._lane.submit(write, self.annotator)
        except StoreError:
            self._in_flight.remove(flight)
            self._undo, self._redo = self._stored_stacks()
            raise
        self._recent.apply(flight.edit)
        future.add_done_callback(lambda done: self._finished(flight, done))
        return Performed(flight.edit, future)

    def _finished(self, flight: InFlight, future: Future[int]) -> None:
        error = future.exception()
        with self._guard:
            self._in_flight.remove(flight)
            if error is None:
                # Rows of a batch are in the database now; the log and the stacks name the batch alone.
                flight.node.edit = without_rows(flight.edit)
            else:
                flight.node.id = None
                self._rebuild()
                self._recent.clear()
        if error is not None and self.on_failure is not None:
            self.on_failure(flight.edit, error)
        if self.on_finished is not None:
            self.on_finished(error)

    def _hear(self, changes: ChangeSet) -> None:
        self._recent.hear(changes, self.annotator)

    def _rebuild(self) -> None:
        """The stacks as the log has them, and what is in flight done again on top."""
        self._undo, self._redo = self._stored_stacks(
            {e.node.id: e.node for e in self._in_flight if e.node.id is not None}
        )
        with self._database.read() as reader:
            saved = reader.edits.existing(e.node.id for e in self._in_flight if e.node.id is not None)
        for flight in self._in_flight:
            if flight.node.id in saved:
                continue
            if flight.kind is EditKind.DO:
                self._undo.push(flight.node)
                self._redo.clear()
                continue
            source, other = (self._undo, self._redo) if flight.kind is EditKind.UNDO else (self._redo, self._undo)
            top = source.peek()
            if top is not None and flight.target is not None and (top is flight.target or top.id == flight.target.id):
                source.pop()
                other.push(flight.node)

    def _stored_stacks(self, known: dict[int, Node] | None = None) -> tuple[Stack, Stack]:
        def load(edit_id: int) -> tuple[Node, int | None]:
            with self._database.read() as reader:
                line = reader.edits.get(edit_id)
            if line is None:
                raise StoreError(
                    f"The log of edits has no line {edit_id}.", "Restore the project folder from a backup."
                )
            if known and edit_id in known:
                return known[edit_id], line.below
            edit = codec.load_edit(line.title, line.image_id, line.payload, line.annotator, line.created_at)
            return Node(edit, edit_id), line.below

        with self._database.read() as reader:
            undo_top, redo_top = reader.edits.stacks(self.annotator)
        return Stack(load, undo_top), Stack(load, redo_top)


def _nothing() -> Future[int]:
    future: Future[int] = Future()
    future.set_result(0)
    return future
