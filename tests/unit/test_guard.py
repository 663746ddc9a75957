"""The guard against slowness: what it measures, what it calls slower, and that nothing slips through without a baseline."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks import counting, guard
from tests.benchmarks.guard import Counted, Timed


def spin(seconds: float) -> None:
    """Use the processor for so long, whatever else runs."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_timed_case_says_how_many_yardsticks_it_takes() -> None:
    prepared: list[int] = []
    case = Timed("spin", lambda: spin(0.03), lambda: prepared.append(1), beside=lambda: spin(0.01), rounds=3)
    assert case.measure() == pytest.approx(3, rel=0.15)
    assert len(prepared) == 3


def test_a_case_half_as_slow_again_is_beyond_what_is_allowed() -> None:
    usual = Timed("usual", lambda: spin(0.02), beside=lambda: spin(0.01), rounds=3).measure()
    slowed = Timed("slowed", lambda: spin(0.03), beside=lambda: spin(0.01), rounds=3)
    assert guard.best(slowed, usual * guard.TOLERANCE) > usual * guard.TOLERANCE


def test_calls_are_counted_and_the_profiler_of_before_is_back() -> None:
    def twice() -> list[int]:
        return [abs(-1), abs(-2)]

    assert counting.calls_of(lambda: [twice() for _ in range(10)]) - counting.calls_of(lambda: None) >= 30
    assert Counted("twice", twice).measure() == Counted("twice", twice).measure()


class Given:
    """A case whose measurements are given."""

    def __init__(self, name: str, *answers: float) -> None:
        self.name = name
        self.answers = list(answers)

    def measure(self) -> float:
        return self.answers.pop(0)


def guarding(monkeypatch: pytest.MonkeyPatch, folder: Path, given: Iterable[Given]) -> int:
    """The guard's exit status on measurements that are given, with a baseline of 1 for two cases."""
    asked = list(given)
    monkeypatch.setattr(guard, "cases", lambda only: iter(asked))
    monkeypatch.setattr(guard, "BASELINE", folder / "baseline.json")
    (folder / "baseline.json").write_text('{"one": 1.0, "other": 1.0}')
    status = guard.check()
    assert not any(case.answers for case in asked)
    return status


def test_a_case_that_is_quick_once_passes_however_slow_the_machine_was_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert guarding(monkeypatch, tmp_path, [Given("one", 1.29), Given("other", 0.2)]) == 0
    assert guarding(monkeypatch, tmp_path, [Given("one", 2.0, 3.0, 1.1), Given("other", 1.0)]) == 0


def test_a_case_that_is_slow_three_times_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarding(monkeypatch, tmp_path, [Given("one", 2.0, 1.6, 1.9), Given("other", 1.0)]) == 1
    told = capsys.readouterr().err
    assert "SLOWER  one" in told and "1.60 ×" in told and "ok      other" in told


def test_a_case_without_a_baseline_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarding(monkeypatch, tmp_path, [Given("unheard of")]) == 1
    assert "unheard of: has no baseline" in capsys.readouterr().err


def test_a_new_baseline_is_the_median_of_three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def given(only: str) -> Iterator[Given]:
        yield Given("one", 1.0, 9.0, 1.5)

    monkeypatch.setattr(guard, "cases", given)
    monkeypatch.setattr(guard, "BASELINE", tmp_path / "baseline.json")
    assert guard.record() == 0
    assert json.loads((tmp_path / "baseline.json").read_text()) == {"one": 1.5}


def test_every_guarded_module_has_cases_in_the_baseline() -> None:
    baseline = json.loads(guard.BASELINE.read_text())
    for words in ("polygons", "masks", "COCO import", "COCO export", "retrain", "suggest", "JPEG", "filter", "undo"):
        assert any(words in name for name in baseline), words
    for module in guard.MODULES:
        source = guard.BASELINE.with_name(f"{module}.py").read_text()
        assert any(isinstance(node, ast.FunctionDef) and node.name == "guarded" for node in ast.parse(source).body)
