"""The guard against slowness: what it compares, and what it calls slower."""

from __future__ import annotations

import pytest

from tests.benchmarks import guard
from tests.benchmarks.row import Row


def test_only_figures_that_do_not_depend_on_the_machine_are_compared() -> None:
    rows = [
        Row("a ratio", 2.0, 4, "x"),
        Row("a share", 0.5, 0.9, "x", at_least=True),
        Row("busy", 40.0, 50, "CPU ms"),
        Row("too short to tell", 0.4, 2, "CPU ms"),
        Row("by the clock", 40.0, 50, "ms"),
        Row("skipped", None, 1, "x"),
    ]
    assert dict(guard._comparable(rows, 0.02)) == {"a ratio": 2.0, "a share": 2.0, "busy": pytest.approx(2.0)}


def test_worse_by_more_than_thirty_percent_fails_and_new_rows_pass() -> None:
    found = {"a": 1.29, "b": 1.31, "new": 9.0, "better": 0.2}
    assert guard.worse(found, {"a": 1.0, "b": 1.0, "better": 1.0}) == {"b": 1.31}


def test_a_row_fails_only_when_it_is_slow_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    answers = iter([{"once": 2.0, "twice": 2.0}, {"once": 1.0, "twice": 1.9}])
    monkeypatch.setattr(guard, "MODULES", ("canvas",))
    monkeypatch.setattr(guard, "ratios", lambda name, quick: next(answers))
    base = tmp_path / "baseline.json"  # type: ignore[operator]
    base.write_text('{"once": 1.0, "twice": 1.0}')
    monkeypatch.setattr(guard, "BASELINE", base)
    assert guard.check(quick=True) == 1
    answers = iter([{"once": 2.0, "twice": 2.0}, {"once": 1.0, "twice": 1.0}])
    assert guard.check(quick=True) == 0


def test_the_baseline_holds_rows_of_every_guarded_module() -> None:
    import json

    baseline = json.loads(guard.BASELINE.read_text())
    assert any("polygons" in name for name in baseline)
    assert any("suggest" in name for name in baseline)
    assert any("retrain" in name for name in baseline)
    assert any("COCO" in name for name in baseline)
