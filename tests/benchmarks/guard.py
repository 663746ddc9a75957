"""``python -m tests.benchmarks --guard``: has anything become slower than it was? Part of ``python -m tests``, some 40 seconds.

Only ratios are compared, because machines differ: rows that are ratios already, and rows in CPU time, which are divided by
the CPU time of a yardstick measured in the same run (a fixed mixture of Python, NumPy and drawing). Other work on the machine
makes a row slower now and then, never faster: a module with a row that is worse by more than 30% than in ``baseline.json`` is
measured again, up to five times in all, and what counts is the best of each row. ``--guard --record`` writes the baseline anew,
the median of three.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.row import Row

BASELINE = Path(__file__).with_name("baseline.json")
MODULES = ("canvas", "formats", "learning", "models", "window")
ATTEMPTS = 5
RECORDED = 3
TOLERANCE = 1.3
RATIOS = ("x", "×")
SCALE = {"CPU ms": 1e-3, "CPU s": 1.0}
LEAST_S = 2e-3
"""Below two milliseconds a figure says more about the clock than about the code; the table's budgets guard those."""


def yardstick() -> float:
    """CPU seconds of a fixed piece of work: the median of five."""
    return statistics.median(_work() for _ in range(5))


def _work() -> float:
    began = time.process_time()
    table = {number: str(number) for number in range(40_000)}
    found = sum(len(text) for text in sorted(table.values()))
    values = np.random.default_rng(found % 2).normal(size=(400, 400))
    for _ in range(4):
        values = values @ values / np.abs(values).max()
    picture = np.zeros((600, 800, 3), np.uint8)
    for number in range(400):
        cv2.circle(picture, (number * 2, 300), 40 + number % 50, (number % 255, 90, 30), 2, cv2.LINE_AA)
    return time.process_time() - began


def ratios(name: str) -> dict[str, float]:
    """The comparable rows of a module: larger is worse. What its ``guarded`` measures, or else its quick rows."""
    module = importlib.import_module(f"tests.benchmarks.{name}")
    before = yardstick()
    rows = list(module.guarded() if hasattr(module, "guarded") else module.rows(True))
    unit = (before + yardstick()) / 2
    return dict(_comparable(rows, unit))


def _comparable(rows: list[Row], unit: float) -> Iterator[tuple[str, float]]:
    for row in rows:
        if row.measured is None:
            continue
        if row.unit in RATIOS:
            yield row.name, 1 / row.measured if row.at_least else row.measured
        elif row.unit in SCALE and row.measured * SCALE[row.unit] >= LEAST_S:
            yield row.name, row.measured * SCALE[row.unit] / unit


def worse(found: dict[str, float], baseline: dict[str, float]) -> dict[str, float]:
    """Rows that are worse than the baseline allows, with how many times as slow they are."""
    factors = {name: value / baseline[name] for name, value in found.items() if name in baseline}
    return {name: factor for name, factor in factors.items() if factor > TOLERANCE}


def check(only: str = "") -> int:
    """The exit status: 1 when something became slower."""
    baseline: dict[str, float] = json.loads(BASELINE.read_text())
    failed: dict[str, float] = {}
    for name in (each for each in MODULES if only in each):
        slower, attempts = _slower(name, baseline)
        failed |= slower
        told = "slower" if slower else "as fast as before"
        print(f"{name}: {told}, measured {attempts} time{'s'[: attempts > 1]}", file=sys.stderr, flush=True)
    for row, factor in failed.items():
        print(f"SLOWER  {row}: {factor:.2f} times the baseline (at most {TOLERANCE:g})", file=sys.stderr)
    return 1 if failed else 0


def _slower(name: str, baseline: dict[str, float]) -> tuple[dict[str, float], int]:
    """What is slower however often it is measured, and how often it was."""
    best: dict[str, float] = {}
    attempts, slower = 0, {name: 0.0}
    while slower and attempts < ATTEMPTS:
        for row, value in ratios(name).items():
            best[row] = min(value, best.get(row, value))
        slower = worse(best, baseline)
        attempts += 1
    return slower, attempts


def record(only: str = "") -> int:
    """Write the baseline; rows of modules that were left out stay as they are."""
    kept: dict[str, float] = json.loads(BASELINE.read_text()) if only and BASELINE.exists() else {}
    for name in (each for each in MODULES if only in each):
        found = [ratios(name) for _ in range(RECORDED)]
        everywhere = set.intersection(*(set(each) for each in found))
        kept |= {row: round(statistics.median(each[row] for each in found), 4) for row in everywhere}
    BASELINE.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n")
    return 0
