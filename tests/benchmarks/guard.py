"""``python -m tests.benchmarks --guard``: has anything become slower than it was? Part of ``python -m tests``, within a minute.

Only what does not depend on the machine is compared with ``baseline.json``:

- times as multiples of a yardstick. Operation and yardstick are run in turn, several times, and the quickest of each counts:
  other programs make both slower and neither faster, and they meet the same others.
- counts of what an operation does: calls of functions on the GUI thread, statements of SQL. They need no clock at all.

A figure that is worse by more than 30% is measured again, and fails only when it is worse three times. ``--guard --record``
writes the baseline anew. What fills much memory (a canvas of masks) is slowed down less by a busy machine than the yardstick is:
there the baseline is that of a machine at rest.
"""

from __future__ import annotations

import gc
import importlib
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import yardstick
from tests.benchmarks.counting import calls_of

BASELINE = Path(__file__).with_name("baseline.json")
MODULES = ("canvas", "formats", "learning", "media", "models", "store", "window")
ATTEMPTS = 3
TOLERANCE = 1.3


def nothing() -> None:
    """What comes before an operation that needs no preparation."""


@dataclass(frozen=True)
class Timed:
    """``action`` against ``beside``, each run ``rounds`` times in turn; ``before`` prepares every round and is not measured."""

    name: str
    action: Callable[[], object]
    before: Callable[[], object] = nothing
    beside: Callable[[], object] = yardstick.work
    rounds: int = 12

    def measure(self) -> float:
        """How many times as long as the yardstick it takes."""
        took, against = [], []
        collecting = gc.isenabled()
        gc.disable()
        try:
            for _ in range(self.rounds):
                self.before()
                against.append(yardstick.cpu_s(self.beside))
                took.append(yardstick.cpu_s(self.action))
                against.append(yardstick.cpu_s(self.beside))
        finally:
            if collecting:
                gc.enable()
        return min(took) / min(against)


@dataclass(frozen=True)
class Counted:
    """How much ``action`` does on this thread, in calls of functions; the median of ``rounds``."""

    name: str
    action: Callable[[], object]
    before: Callable[[], object] = nothing
    count: Callable[[Callable[[], object]], int] = calls_of
    rounds: int = 5

    def measure(self) -> float:
        """The count."""
        found = []
        for _ in range(self.rounds):
            self.before()
            found.append(self.count(self.action))
        return float(statistics.median(found))


Case = Timed | Counted


def cases(only: str) -> Iterator[Case]:
    """All cases of the modules whose name contains ``only``; what a case needs is there until the next is asked for."""
    for name in (each for each in MODULES if only in each):
        yield from importlib.import_module(f"tests.benchmarks.{name}").guarded()


def best(case: Case, allowed: float) -> float:
    """The best of as many measurements as it takes to be allowed, or of all attempts."""
    found = case.measure()
    for _ in range(ATTEMPTS - 1):
        if found <= allowed:
            break
        found = min(found, case.measure())
    return found


def check(only: str = "") -> int:
    """The exit status: 1 when something became slower, or when a case has no baseline."""
    baseline: dict[str, float] = json.loads(BASELINE.read_text())
    failed = 0
    for case in cases(only):
        if case.name not in baseline:
            failed += 1
            _tell(f"NEW     {case.name}: has no baseline; record it")
            continue
        before = baseline[case.name]
        found = best(case, before * TOLERANCE)
        slower = found > before * TOLERANCE
        failed += slower
        _tell(
            f"{'SLOWER' if slower else 'ok    '}  {case.name:<58} {found:>9.4g} was {before:<9.4g} {found / before:5.2f} ×"
        )
    return 1 if failed else 0


def record(only: str = "") -> int:
    """Write the baseline, the median of as many measurements as a check may take; modules left out stay as they are."""
    kept: dict[str, float] = json.loads(BASELINE.read_text()) if only and BASELINE.exists() else {}
    for case in cases(only):
        kept[case.name] = float(f"{statistics.median(case.measure() for _ in range(ATTEMPTS)):.4g}")
        _tell(f"{case.name:<66} {kept[case.name]:>9.4g}")
    BASELINE.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
