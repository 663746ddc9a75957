"""The lane writes in order, groups what waits, and lets each submission fail alone."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from annotator.domain.records import ImageFilter
from annotator.errors import StoreError
from annotator.events import ChangeSet
from annotator.store import Database, NewImage, WriteLane, Writer
from annotator.store.bulk import keep_more_pages


@pytest.fixture
def lane(database: Database) -> Iterator[WriteLane]:
    lane = WriteLane(database)
    yield lane
    lane.close()


def _flag(image: int, value: bool = True) -> object:
    def work(writer: Writer) -> int:
        writer.images.set_flag([image], value)
        return image

    return work


def _fail(writer: Writer) -> None:
    writer.images.set_flag([5], True)
    raise ValueError("broken")


def _flagged(database: Database) -> list[int]:
    with database.read() as reader:
        return reader.images.ids(ImageFilter(flagged=True)).tolist()


def _blocked(lane: WriteLane) -> threading.Event:
    """Keep the lane busy until the event is set, so that what follows waits together."""
    gate, entered = threading.Event(), threading.Event()

    def wait(writer: Writer) -> None:
        entered.set()
        gate.wait(60)

    lane.submit(wait)
    assert entered.wait(60)
    return gate


def test_a_result_means_that_it_is_saved(database: Database, lane: WriteLane) -> None:
    assert lane.submit(_flag(2)).result(60) == 2  # type: ignore[arg-type]
    assert _flagged(database) == [2]


def test_what_waits_together_is_one_commit_with_one_event(
    database: Database, lane: WriteLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.store.lane._GROUP_SECONDS", 60)  # a busy machine may need longer than the lane waits
    heard: list[ChangeSet] = []
    database.subscribe(heard.append)
    gate = _blocked(lane)
    futures = [lane.submit(_flag(i), "ada") for i in (1, 2, 3)]  # type: ignore[arg-type]
    gate.set()
    assert [future.result(60) for future in futures] == [1, 2, 3]
    assert [change.image_ids for change in heard] == [(1, 2, 3)]
    assert heard[0].initiator == "ada"


def test_one_that_fails_is_undone_alone(database: Database, lane: WriteLane) -> None:
    gate = _blocked(lane)
    before, broken, after = lane.submit(_flag(1)), lane.submit(_fail), lane.submit(_flag(3))  # type: ignore[arg-type]
    gate.set()
    assert (before.result(60), after.result(60)) == (1, 3)
    with pytest.raises(ValueError, match="broken"):
        broken.result(60)
    assert _flagged(database) == [1, 3]
    with database.read() as reader:
        assert reader.counters.all() == reader.counters.recount()


def test_a_commit_that_fails_fails_everyone_in_it_and_the_lane_goes_on(database: Database, lane: WriteLane) -> None:
    def fill_the_disk(writer: Writer) -> None:
        writer.connection.execute(text("PRAGMA max_page_count = 1"))
        writer.images.add_many(NewImage(f"{i}.jpg") for i in range(20_000))

    gate = _blocked(lane)
    first, full = lane.submit(_flag(1)), lane.submit(fill_the_disk)  # type: ignore[arg-type]
    gate.set()
    with pytest.raises(StoreError, match="no room left"):
        full.result(60)
    try:
        first.result(60)
        survived = True
    except StoreError:
        survived = False
    assert (_flagged(database) == [1]) is survived

    def make_room(writer: Writer) -> None:
        writer.connection.execute(text("PRAGMA max_page_count = 1000000"))

    lane.submit(make_room).result(60)
    assert lane.submit(_flag(4)).result(60) == 4  # type: ignore[arg-type]


def test_closing_writes_what_waits_and_then_refuses(database: Database) -> None:
    lane = WriteLane(database)
    gate = _blocked(lane)
    futures = [lane.submit(_flag(i)) for i in (1, 2)]  # type: ignore[arg-type]
    gate.set()
    lane.close()
    assert [future.done() for future in futures] == [True, True]
    assert _flagged(database) == [1, 2]
    with pytest.raises(StoreError, match="closed"):
        lane.submit(_flag(3))  # type: ignore[arg-type]
    lane.close()


def test_a_subscriber_that_fails_does_not_make_a_save_look_failed(
    database: Database, lane: WriteLane, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(change: ChangeSet) -> None:
        raise RuntimeError("view")

    database.subscribe(broken)
    assert lane.submit(_flag(2)).result(60) == 2  # type: ignore[arg-type]
    assert "A subscriber of the store failed" in caplog.text


def test_the_log_of_a_large_transaction_is_folded_into_the_file_after_it_was_reported(
    database: Database, lane: WriteLane, tmp_path: Path
) -> None:
    def work(writer: Writer) -> None:
        keep_more_pages(writer.connection)
        writer.images.add_many(NewImage(f"more {number}.jpg") for number in range(3_000))

    lane.submit(work).result(60)
    lane.submit(_flag(2)).result(60)
    lane.close()
    alone = tmp_path / "alone.db"
    shutil.copy(database.where, alone)  # without its log
    connection = sqlite3.connect(alone)
    assert connection.execute("SELECT count(*) FROM image").fetchone() == (3_005,)
    connection.close()
    assert _flagged(database) == [2]
