"""One line of the benchmark table."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

SECONDS = {"CPU ms": 1e-3, "ms": 1e-3, "CPU s": 1.0, "s": 1.0}


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

    @property
    def share(self) -> float | None:
        """How much of its budget is used: more than 1 is over it."""
        if self.measured is None or not self.budget or not self.measured:
            return None
        return self.budget / self.measured if self.at_least else self.measured / self.budget

    def in_yardsticks(self, yardstick_s: float) -> float | None:
        """A time as a multiple of the yardstick of the same run, which says the same on every machine; None for other units."""
        if self.measured is None or self.unit not in SECONDS:
            return None
        return self.measured * SECONDS[self.unit] / yardstick_s

    def to_json(self, yardstick_s: float | None = None) -> dict[str, Any]:
        told = {**asdict(self), "ok": self.ok, "share": self.share}
        return told if yardstick_s is None else {**told, "yardsticks": self.in_yardsticks(yardstick_s)}


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
