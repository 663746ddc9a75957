"""Pages that are kept in memory: always what the database would give, and dropped when somebody else writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from annotator import edits
from annotator.domain.geometry import Box
from annotator.domain.kinds import Task
from annotator.domain.page import Page
from annotator.domain.records import Annotation, new_annotation
from annotator.edits import History
from annotator.events import ChangeSet, Table
from annotator.store import Database, Writer
from tests.unit.edits.conftest import ME, Work


def _box(image: int, x: int, label: int = 4) -> Annotation:
    return new_annotation(image, label, Box(x, 300, x + 9, 309), ME)


def _read_anew(work: Work, image: int = 1) -> Page:
    """The page as another window would read it, once all is saved."""
    work.history.flush(10)
    return History(work.database, work.lane, "someone else").page(image)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The images whose pages are read from the database."""
    found: list[int] = []
    original = History._read_page

    def read(self: History, image_id: int) -> Page:
        found.append(image_id)
        return original(self, image_id)

    monkeypatch.setattr(History, "_read_page", read)
    yield found


def test_after_every_edit_and_undo_the_kept_page_is_the_one_of_the_database(work: Work) -> None:
    for number in range(12):
        work.history.perform(edits.draw(work.page(), _box(1, 10 * number, 3 + number % 2)))
        assert work.page() == _read_anew(work)
    for annotation in work.page().annotations[2:9:3]:
        work.history.perform(edits.change_label(work.page(), (annotation.id,), 3, annotator=ME))
        assert work.page() == _read_anew(work)
    work.history.perform(edits.delete(work.page(), tuple(a.id for a in work.page().annotations[1:4]), annotator=ME))
    assert work.page() == _read_anew(work)
    work.history.perform(edits.mark_done((work.page(),), Task.BOXES, annotator=ME))
    assert work.page() == _read_anew(work)
    while work.history.undo() is not None:
        assert work.page() == _read_anew(work)
    while work.history.redo() is not None:
        assert work.page() == _read_anew(work)


def test_an_edit_reads_nothing_of_a_page_that_was_just_shown(work: Work, reads: list[int]) -> None:
    before = work.page()
    reads.clear()
    work.history.perform(edits.draw(before, _box(1, 5)))
    after = work.page()
    work.history.flush(10)
    assert work.page() is after
    assert reads == []
    kept = {id(a) for a in before.annotations}
    assert sum(id(a) in kept for a in after.annotations) == len(before.annotations)


def test_what_others_write_is_read(work: Work) -> None:
    assert len(work.page().annotations) == len(_read_anew(work).annotations)
    annotation = _box(1, 77)

    def write(writer: Writer) -> None:
        writer.annotations.add_many([annotation])

    work.lane.submit(write, "import").result(60)
    assert annotation in work.page().annotations


def test_another_process_is_heard_through_published_changes(work: Work, reads: list[int]) -> None:
    work.page(1), work.page(2)
    reads.clear()
    work.database.publish(ChangeSet(frozenset({Table.SUGGESTION}), (2,), initiator="engine"))
    work.page(1), work.page(2)
    assert reads == [2]
    work.database.publish(ChangeSet(frozenset({Table.RUN}), initiator="engine"))
    work.page(1)
    assert reads == [2, 1]


def test_a_page_that_was_read_while_something_happened_is_not_kept(
    work: Work, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Database.read

    def interrupted(database: Database) -> Any:
        database.publish(ChangeSet(frozenset({Table.ANNOTATION}), (1,), initiator="import"))
        return read(database)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "read", interrupted)
        work.page()
    work.page()
    assert reads == [1, 1]
    work.page()
    assert reads == [1, 1]
