"""The same store on a PostgreSQL server: write, batch, merge, undo everything, redo everything.

Runs where ANNOTATOR_TEST_POSTGRES names an empty database, e.g. ``postgresql+psycopg://postgres@127.0.0.1/empty``.
"""

from __future__ import annotations

import os

import pytest

from annotator import edits
from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import Task
from annotator.domain.records import ImageFilter, Label, new_annotation
from annotator.edits import History, Vocabulary, changes
from annotator.store import Database, NewImage, WriteLane
from tests.projects import suggestion

URL = os.environ.get("ANNOTATOR_TEST_POSTGRES", "")
ME = "ada"


@pytest.mark.skipif(not URL, reason="ANNOTATOR_TEST_POSTGRES names no empty database")
def test_edits_and_their_undo_on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MANY_ROWS", 10)
    with Database.open_url(URL, create=True) as database:
        with database.write() as writer:
            root = writer.images.add_root("/pictures")
            ids = writer.images.add_many(NewImage(f"{i}.jpg", root) for i in range(20)).tolist()
            for position, name in enumerate(("a", "b", "c")):
                writer.labels.add(Label(0, name, position=position, group_id=1))
            run = writer.runs.start(Task.TAGS, "m", "1")
            writer.suggestions.add_many(suggestion(i, 1, Tag(), 0.6, run, (2, 3)) for i in ids)
        lane = WriteLane(database)
        history = History(database, lane, ME)
        with database.read() as reader:
            labels = reader.labels.all()
            words = Vocabulary.of(labels, reader.labels.groups())
        seen = [[history.page(i) for i in ids]]
        for build in (
            lambda: edits.draw(history.page(ids[0]), new_annotation(ids[0], 2, Box(0, 0, 5, 5), ME)),
            lambda: edits.tag_many([history.page(i) for i in ids], 2, words, annotator=ME),
            lambda: edits.merge_labels(labels[1], labels[2], annotator=ME),
            lambda: edits.delete_label(labels[2], annotator=ME),
        ):
            history.perform(build()).future.result(60)
            seen.append([history.page(i) for i in ids])
        for pages in reversed(seen[:-1]):
            history.undo()
            history.flush(30)
            assert [history.page(i) for i in ids] == pages
        for pages in seen[1:]:
            history.redo()
            history.flush(30)
            assert [history.page(i) for i in ids] == pages
        with database.read() as reader:
            assert reader.counters.all() == reader.counters.recount()
            assert reader.images.ids(ImageFilter(text="1.JPG")).tolist() == [ids[1], ids[11]]
        lane.close()
