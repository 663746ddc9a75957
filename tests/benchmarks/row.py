"""One line of the benchmark table."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """``measured`` against ``budget`` in ``unit``; the budget is an upper limit unless ``at_least``.

    ``note`` says what a ratio is relative to, or why a row was skipped (then ``measured`` is None and the row is ok).
    """

    name: str
    measured: float | None
    budget: float
    unit: str
    at_least: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        if self.measured is None:
            return True
        return self.measured >= self.budget if self.at_least else self.measured <= self.budget

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def median_ms(action: Callable[[], object], repeat: int = 9, warm_up: int = 1) -> float:
    """Median wall time of ``action`` in milliseconds, garbage collection kept out."""
    for _ in range(warm_up):
        action()
    times = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(repeat):
            start = time.perf_counter()
            action()
            times.append((time.perf_counter() - start) * 1e3)
    finally:
        if collecting:
            gc.enable()
    return statistics.median(times)
