"""The guard against slowness: what it compares, and what it calls slower."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

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


def guarding(monkeypatch: pytest.MonkeyPatch, folder: Path, answers: Iterable[dict[str, float]]) -> int:
    """The guard's exit status on measurements that are given, with a baseline of 1 for two rows."""
    given = iter(answers)
    monkeypatch.setattr(guard, "MODULES", ("canvas",))
    monkeypatch.setattr(guard, "ratios", lambda name: next(given))
    monkeypatch.setattr(guard, "BASELINE", folder / "baseline.json")
    (folder / "baseline.json").write_text('{"one": 1.0, "other": 1.0}')
    status = guard.check()
    assert list(given) == []
    return status


def test_a_row_that_is_quick_once_passes_however_slow_the_machine_was_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert guarding(monkeypatch, tmp_path, [{"one": 1.2, "other": 1.0}]) == 0
    assert guarding(monkeypatch, tmp_path, [{"one": 2.0, "other": 1.1}, {"one": 1.0, "other": 3.0}]) == 0


def test_a_row_that_is_slow_each_time_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarding(monkeypatch, tmp_path, [{"one": 2.0 - at / 10, "other": 1.0} for at in range(guard.ATTEMPTS)]) == 1
    assert "SLOWER  one: 1.60 times the baseline" in capsys.readouterr().err


def test_a_new_baseline_is_the_median_of_three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = iter([{"one": 1.0}, {"one": 9.0}, {"one": 1.5, "seldom": 1.0}])
    monkeypatch.setattr(guard, "MODULES", ("canvas",))
    monkeypatch.setattr(guard, "ratios", lambda name: next(given))
    monkeypatch.setattr(guard, "BASELINE", tmp_path / "baseline.json")
    assert guard.record() == 0
    assert json.loads((tmp_path / "baseline.json").read_text()) == {"one": 1.5}


def test_the_baseline_holds_rows_of_every_guarded_module() -> None:
    baseline = json.loads(guard.BASELINE.read_text())
    assert any("polygons" in name for name in baseline)
    assert any("suggest" in name for name in baseline)
    assert any("retrain" in name for name in baseline)
    assert any("COCO" in name for name in baseline)
