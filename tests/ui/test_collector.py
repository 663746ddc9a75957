"""Garbage is collected on the GUI thread, and code and crowds of records are left out of it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from ui import app as application
from ui.app import Collector


@pytest.fixture
def collector(qtbot: object) -> Iterator[Collector]:
    made = Collector()
    gc.enable()
    made.start()
    yield made
    made.stop()
    given_back = gc.isenabled()
    gc.disable()  # as everywhere in the tests
    assert given_back
    assert gc.get_freeze_count() == 0


class Knot:
    """Refers to itself: only a collection frees it."""

    def __init__(self) -> None:
        self.me = self


def knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def test_what_is_there_at_the_start_is_not_looked_at_again(collector: Collector) -> None:
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 1_000


def test_a_young_cycle_is_collected(collector: Collector) -> None:
    lost = knot()
    assert lost() is not None
    collector.collect()
    assert lost() is None


def test_a_crowd_is_set_aside_until_the_project_is_closed(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MANY", 500)
    crowd = [[number] for number in range(2_000)]
    lost, before = knot(), gc.get_freeze_count()
    collector.collect()
    assert gc.get_freeze_count() >= before + len(crowd)
    assert lost() is not None
    collector.collect_all()
    assert lost() is None


def test_no_collection_starts_on_a_worker_while_tests_run() -> None:
    """Else a worker may destroy a window's widgets, which ends the process."""
    assert not gc.isenabled()


def test_it_gives_back_only_what_it_took(qtbot: object) -> None:
    assert not gc.isenabled()
    made = Collector()
    made.start()
    made.stop()
    assert not gc.isenabled()
