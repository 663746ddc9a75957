"""The history: shown at once, saved behind, taken back when saving fails, one stack per annotator, alive after a restart."""

from __future__ import annotations

import threading

import pytest

from annotator import edits
from annotator.domain.geometry import Box
from annotator.domain.records import new_annotation
from annotator.edits import AnnotationChange, BatchChange, Edit, History
from annotator.edits.changes import MANY_ROWS, batched
from annotator.errors import StoreError
from annotator.store import Writer
from tests.unit.edits.conftest import ME, Work


def _hold(work: Work) -> threading.Event:
    """Keep the lane from writing until the event is set."""
    gate, entered = threading.Event(), threading.Event()

    def wait(writer: Writer) -> None:
        entered.set()
        gate.wait(60)

    work.lane.submit(wait)
    assert entered.wait(60)
    return gate


def _draw(work: Work, x: int, image: int = 1) -> Edit:
    return edits.draw(work.page(image), new_annotation(image, 4, Box(x, 300, x + 9, 309), ME))


def test_an_edit_shows_before_it_is_saved(work: Work) -> None:
    gate = _hold(work)
    performed = work.history.perform(_draw(work, 1))
    try:
        assert not performed.future.done()
        assert work.history.saving == 1
        assert len(work.page().annotations) == 1
        work.history.undo()
        assert work.page().annotations == ()
        work.history.redo()
        assert len(work.page().annotations) == 1
    finally:
        gate.set()
    work.history.flush(10)
    assert work.history.saving == 0
    assert len(work.page().annotations) == 1


def test_a_failed_edit_is_taken_back_and_reported(work: Work) -> None:
    work.do(_draw(work, 1))
    good = work.page()
    stranger = new_annotation(1, 999, Box(0, 0, 5, 5), ME)  # a label that does not exist
    bad = Edit("Draw", 1, (AnnotationChange(None, stranger),), ME)
    performed = work.history.perform(bad)
    later = work.history.perform(_draw(work, 50, image=2))
    with pytest.raises(Exception, match="FOREIGN KEY"):
        performed.future.result(60)
    later.future.result(60)
    work.history.flush(10)
    assert work.page() == good
    assert len(work.page(2).annotations) == 1
    assert [edit for edit, _ in work.failures] == [bad]
    assert work.history.titles() == ["Draw box", "Draw box"]
    work.history.undo()
    work.history.undo()
    work.history.flush(10)
    assert (work.page().annotations, work.page(2).annotations) == ((), ())
    assert not work.history.can_undo


def test_undoing_an_edit_that_then_fails_leaves_the_stacks_as_the_log_has_them(work: Work) -> None:
    work.do(_draw(work, 1))
    gate = _hold(work)
    stranger = new_annotation(1, 999, Box(0, 0, 5, 5), ME)
    work.history.perform(Edit("Draw", 1, (AnnotationChange(None, stranger),), ME))
    work.history.undo()
    gate.set()
    work.history.flush(10)
    assert [type(error) for _, error in work.failures][1:] == [StoreError]
    assert work.history.titles() == ["Draw box"]
    assert not work.history.can_redo


def test_an_edit_of_what_was_changed_elsewhere_is_refused(work: Work) -> None:
    page = work.do(_draw(work, 1))
    edit = edits.change_geometry(page, page.annotations[0].id, Box(0, 0, 1, 1), annotator=ME)
    with work.database.write("someone else") as writer:
        writer.annotations.remove_many(page.annotations)
    with pytest.raises(StoreError, match="changed elsewhere"):
        work.history.perform(edit).future.result(60)


def test_history_survives_a_restart_and_names_the_image(work: Work) -> None:
    work.do(_draw(work, 1))
    work.do(_draw(work, 20, image=2))
    work.history.undo()
    work.history.flush(10)
    again = History(work.database, work.lane, ME)
    assert (again.titles(), again.redo_titles()) == (["Draw box"], ["Draw box"])
    assert again.redo().image_id == 2  # type: ignore[union-attr]
    assert again.undo().image_id == 2  # type: ignore[union-attr]
    assert again.undo().image_id == 1  # type: ignore[union-attr]
    assert again.undo() is None
    again.flush(10)
    assert again.page(1).annotations == ()


def test_a_new_edit_ends_what_could_be_redone(work: Work) -> None:
    work.do(_draw(work, 1))
    work.history.undo()
    work.do(_draw(work, 40))
    assert not work.history.can_redo
    assert work.history.redo() is None
    assert not History(work.database, work.lane, ME).can_redo


def test_each_annotator_undoes_their_own(work: Work) -> None:
    work.do(_draw(work, 1))
    bob = History(work.database, work.lane, "bob")
    assert not bob.can_undo
    page = bob.page(1)
    bob.perform(edits.draw(page, new_annotation(1, 5, Box(0, 0, 3, 3), "bob"))).future.result(60)
    work.history.undo()
    work.history.flush(10)
    assert [a.annotator for a in work.page().annotations] == ["bob"]
    assert bob.titles() == ["Draw box"]


def test_the_log_only_grows(work: Work) -> None:
    work.do(_draw(work, 1))
    work.history.undo()
    work.history.redo()
    work.history.flush(10)
    with work.database.read() as reader:
        lines = reader.edits.latest()
        assert [line.kind.value for line in lines] == ["redo", "undo", "do"]
        assert [line.inverts for line in lines] == [lines[1].id, lines[2].id, None]


def test_a_bulk_edit_is_logged_by_name_and_undone_by_a_flag(work: Work) -> None:
    drawn = [
        AnnotationChange(None, new_annotation(1 + i % 3, 4, Box(i, 0, i + 1, 1), ME)) for i in range(MANY_ROWS + 1)
    ]
    performed = work.history.perform(Edit("Draw many", None, tuple(drawn), ME))
    assert sum(len(work.page(image).annotations) for image in (1, 2, 3)) == MANY_ROWS + 1
    edit_id = performed.future.result(60)
    with work.database.read() as reader:
        line = reader.edits.get(edit_id)
        assert line is not None
        assert len(line.payload) < 200
        assert reader.labels.counts()[4][0] == MANY_ROWS + 1
    work.history.undo()
    assert [len(work.page(image).annotations) for image in (1, 2, 3)] == [0, 0, 0]
    work.history.flush(10)
    again = History(work.database, work.lane, ME)
    again.redo()
    assert sum(len(again.page(image).annotations) for image in (1, 2, 3)) == MANY_ROWS + 1
    again.flush(10)
    with work.database.read() as reader:
        assert reader.counters.all() == reader.counters.recount()
        assert len(reader.annotations.for_image(1)) == len(again.page(1).annotations)


def test_small_edits_stay_as_they_are() -> None:
    edit = Edit("few", 1, (AnnotationChange(None, new_annotation(1, 1, Box(0, 0, 1, 1))),))
    assert batched(edit) is edit
    assert not any(isinstance(change, BatchChange) for change in edit.changes)


def test_an_edit_without_changes_leaves_no_trace(work: Work) -> None:
    assert work.history.perform(Edit("nothing", 1, ())).future.result(1) == 0
    assert not work.history.can_undo


def test_ids_for_labels_are_given_once(work: Work) -> None:
    first = work.history.next_label_id(3)
    assert work.history.next_label_id() == first + 3


def test_another_annotator_has_stacks_of_their_own(work: Work) -> None:
    work.do(_draw(work, 1))
    gate = _hold(work)
    performed = work.history.perform(_draw(work, 20))
    gate.set()
    work.history.work_as("ben")
    assert performed.future.done()
    assert not work.history.can_undo
    work.history.perform(edits.flag([work.page().image], True, annotator="")).future.result(60)
    assert work.history.titles() and len(work.history.titles()) == 1
    with work.database.read() as reader:
        assert [line.annotator for line in reader.edits.latest(3)] == ["ben", ME, ME]
    work.history.undo()
    assert not work.history.can_undo
    work.history.work_as(ME)
    assert len(work.history.titles()) == 2
    work.history.undo()
    work.history.flush(10)
    assert len(work.page().annotations) == 1
