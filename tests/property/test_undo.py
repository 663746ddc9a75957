"""Undo after do is identity: for any sequence of edits, on pages, in the database and after a restart."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from annotator import edits
from annotator.domain.geometry import Box, Polygon
from annotator.domain.kinds import Split, Task
from annotator.domain.page import Page
from annotator.domain.records import Label, new_annotation
from annotator.edits import Edit, History, changes
from annotator.store import Database, WriteLane
from tests.projects import IMAGES, TAGS, THINGS, make_project, vocabulary

ME = "ada"


class Session:
    """An open project with a history, and everything that a person could compare."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: list[BaseException] = []
        self._open()

    def _open(self) -> None:
        self.database = Database.open(self.folder)
        self.lane = WriteLane(self.database)
        self.history = History(self.database, self.lane, ME, lambda edit, error: self.failures.append(error))

    def restart(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self.lane.close()
        self.database.close()

    def pages(self) -> list[Page]:
        return [self.history.page(image) for image in IMAGES]

    def labels(self) -> tuple[Label, ...]:
        with self.database.read() as reader:
            return reader.labels.all()

    def check(self) -> None:
        """All is saved, the counters agree with the rows, and pages are those of the database."""
        shown = self.pages()
        self.history.flush(30)
        assert self.failures == []
        assert self.pages() == shown
        with self.database.read() as reader:
            assert reader.counters.all() == reader.counters.recount()
            counts = reader.images.shown_counts(IMAGES)
        for page in shown:
            assert counts[page.image.id][0] == len(page.annotations)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("undo") / "template.annotator"
    make_project(folder).close()
    yield folder


def _box(pick: Random) -> Box:
    if pick.random() < 0.3:
        return Box(11, 11, 60, 60)  # overlaps the first suggestion by more than .7
    x, y = pick.randint(0, 100), pick.randint(0, 100)
    return Box(x, y, x + pick.randint(1, 90), y + pick.randint(1, 90))


def _some(pick: Random, items: list[Any]) -> list[Any]:
    return pick.sample(items, min(len(items), pick.randint(0, 3)))


def _draw(pick: Random, session: Session, page: Page) -> Edit:
    shape = pick.choice([_box(pick), Polygon.of([(0, 0), (9, 0), (9, 9)])])
    return edits.draw(page, new_annotation(page.image.id, pick.choice(THINGS), shape, ME))


def _delete(pick: Random, session: Session, page: Page) -> Edit:
    return edits.delete(page, _some(pick, [a.id for a in page.annotations]), annotator=ME)


def _relabel(pick: Random, session: Session, page: Page) -> Edit:
    ids = [a.id for a in page.annotations if a.label_id in THINGS]
    return edits.change_label(page, ids, pick.choice(THINGS), annotator=ME)


def _reshape(pick: Random, session: Session, page: Page) -> Edit:
    chosen = [a.id for a in page.annotations if a.label_id in THINGS][:1]
    if not chosen:
        return Edit("nothing", page.image.id, ())
    return edits.change_geometry(page, chosen[0], _box(pick), annotator=ME)


def _arrange(pick: Random, session: Session, page: Page) -> Edit:
    ids = _some(pick, [a.id for a in page.annotations])
    build = pick.choice([edits.lower_to_bottom, edits.raise_to_top, edits.lock, edits.hide, edits.duplicate])
    return build(page, ids, annotator=ME)


def _attributes(pick: Random, session: Session, page: Page) -> Edit:
    return edits.change_attributes(page, [a.id for a in page.annotations], {"age": pick.randint(0, 3)}, annotator=ME)


def _tag(pick: Random, session: Session, page: Page) -> Edit:
    return edits.set_tag(page, pick.choice(TAGS), vocabulary(session.database), annotator=ME)


def _untag(pick: Random, session: Session, page: Page) -> Edit:
    return edits.clear_tag(page, pick.choice(TAGS), vocabulary(session.database), annotator=ME)


def _tag_all(pick: Random, session: Session, page: Page) -> Edit:
    label = pick.choice(TAGS)
    return edits.tag_many(session.pages(), label, vocabulary(session.database), annotator=ME)


def _judge(pick: Random, session: Session, page: Page) -> Edit:
    if not page.suggestions:
        return Edit("nothing", page.image.id, ())
    chosen = pick.choice(page.suggestions)
    words = vocabulary(session.database)
    match pick.randint(0, 3):
        case 0:
            return edits.accept(page, chosen, words, annotator=ME, seconds=0.5)
        case 1:
            return edits.reject(page, chosen, words, annotator=ME)
        case 2:
            return edits.correct(page, chosen, words, geometry=_box(pick), annotator=ME)
        case _:
            return edits.accept_many([page], page.suggestions, words, annotator=ME)


def _judge_all(pick: Random, session: Session, page: Page) -> Edit:
    pages = session.pages()
    chosen = [s for each in pages for s in each.suggestions]
    build = pick.choice([edits.accept_many, edits.reject_many])
    return build(pages, chosen, vocabulary(session.database), annotator=ME)


def _image(pick: Random, session: Session, page: Page) -> Edit:
    pages = session.pages()
    images = [each.image for each in pages]
    match pick.randint(0, 4):
        case 0:
            return edits.mark_done(pages, pick.choice(list(Task)), pick.random() < 0.5, annotator=ME)
        case 1:
            return edits.skip([page.image], pick.random() < 0.5, annotator=ME)
        case 2:
            return edits.flag(images, pick.random() < 0.5, annotator=ME)
        case 3:
            return edits.note(page.image, pick.choice(["", "blurred"]), annotator=ME)
        case _:
            return edits.set_split(images, pick.choice([None, *Split]), annotator=ME)


def _label(pick: Random, session: Session, page: Page) -> Edit:
    labels = session.labels()
    things = [label for label in labels if label.id in THINGS]
    match pick.randint(0, 5):
        case 0:
            names = pick.sample(["cat", "hat", "bat"], pick.randint(0, 2))
            return edits.create_labels(labels, names, session.history.next_label_id(2), annotator=ME)
        case 1:
            return edits.recolour(labels[0], pick.choice(["#000000", "#FFFFFF"]), annotator=ME)
        case 2:
            return edits.reorder_labels(labels, [labels[-1].id], annotator=ME)
        case 3:
            name = f"name {pick.randint(0, 9)}"
            taken = any(label.name == name for label in labels)
            return edits.rename_label(labels, labels[0], labels[0].name if taken else name, annotator=ME)
        case 4 if len(things) == 2:
            return edits.merge_labels(*things, annotator=ME)
        case 5 if len(things) == 2:
            return edits.delete_label(pick.choice(things), annotator=ME)
        case _:
            return Edit("nothing", None, ())


Builder = Callable[[Random, Session, Page], Edit]
BUILDERS: tuple[Builder, ...] = (
    _draw, _delete, _relabel, _reshape, _arrange, _attributes, _tag, _untag, _tag_all, _judge, _judge_all, _image, _label,
)  # fmt: skip


def _play(pick: Random, session: Session, steps: int) -> list[tuple[list[Page], tuple[Label, ...]]]:
    """Perform edits; returns what was there before each, and at the end."""
    seen = [(session.pages(), session.labels())]
    for _ in range(steps):
        page = session.history.page(pick.choice(IMAGES))
        edit = pick.choice(BUILDERS)(pick, session, page)
        if not edit.changes:
            continue
        before = session.pages()
        performed = session.history.perform(edit)
        shown = session.pages()
        assert shown == [edits.apply(each, performed.edit) for each in before]
        if performed.edit.reaches_everywhere or pick.random() < 0.5:
            session.history.flush(30)
        if any(isinstance(change, changes.LabelChange) for change in edit.changes):
            session.history.flush(30)  # labels are read from the database, not from pages
        seen.append((session.pages(), session.labels()))
    return seen


@pytest.mark.parametrize("many_rows", [1_000, 2])
@settings(
    max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_undo_and_redo_walk_the_same_states(
    seed: int, template: Path, monkeypatch: pytest.MonkeyPatch, many_rows: int
) -> None:
    pick = Random(seed)
    monkeypatch.setattr(changes, "MANY_ROWS", many_rows)
    with TemporaryDirectory() as folder:
        shutil.copytree(template, Path(folder) / "p")
        session = Session(Path(folder) / "p")
        try:
            seen = _play(pick, session, pick.randint(1, 8))
            session.check()
            if pick.random() < 0.5:
                session.restart()
            for pages, labels in reversed(seen[:-1]):
                assert session.history.undo() is not None
                assert session.pages() == pages
                session.history.flush(30)
                assert session.labels() == labels
            assert not session.history.can_undo
            session.check()
            if pick.random() < 0.5:
                session.restart()
            for pages, labels in seen[1:]:
                assert session.history.redo() is not None
                assert session.pages() == pages
                session.history.flush(30)
                assert session.labels() == labels
            assert not session.history.can_redo
            session.check()
        finally:
            session.close()


@settings(
    max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_an_edit_of_rows_and_its_inverse_leave_a_page_as_it_was(seed: int, fresh: Session) -> None:
    pick = Random(seed)
    page = before = fresh.history.page(pick.choice(IMAGES))
    done: list[Edit] = []
    for _ in range(pick.randint(1, 8)):
        build = pick.choice([_draw, _delete, _relabel, _reshape, _arrange, _attributes, _tag, _untag, _judge])
        edit = build(pick, fresh, page)
        done.append(edit)
        page = edits.apply(page, edit)
    for edit in reversed(done):
        page = edits.apply(page, edit.inverse())
    assert page == before


@pytest.fixture
def fresh(tmp_path: Path, template: Path) -> Iterator[Session]:
    shutil.copytree(template, tmp_path / "p")
    session = Session(tmp_path / "p")
    yield session
    session.close()
