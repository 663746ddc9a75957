"""``python -m tests.benchmarks [--quick] [--json] [--only WORD] [--guard] [--soak MINUTES]``: figures against their budgets.

Every module beside this one that has ``rows(quick)`` contributes. A line says what was measured, the budget, how much of it that
is, and, for times, how many yardsticks: a multiple of a fixed piece of work measured just before, which means the same on every
machine. Data is generated; figures on real pictures use the
folder named by ANNOTATOR_BENCH_DATA and are skipped, saying so, without it. Exits 1 when a budget is exceeded.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator

from tests.benchmarks import yardstick
from tests.benchmarks.row import Row

APPARATUS = {"__main__", "row", "apart", "desk", "guard", "counting", "yardstick", "soak"}


def modules() -> list[str]:
    """Names of the benchmark modules."""
    package = importlib.import_module("tests.benchmarks")
    return [m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in APPARATUS]


def measure(quick: bool, only: str) -> Iterator[tuple[Row, float]]:
    """All rows, one module after the other, each with the seconds of the yardstick before its module."""
    for name in modules():
        if only and only not in name:
            continue
        module = importlib.import_module(f"tests.benchmarks.{name}")
        unit = min(yardstick.cpu_s(yardstick.work) for _ in range(9))
        for row in module.rows(quick):
            print(line(row, unit), file=sys.stderr, flush=True)
            yield row, unit


def soaked(minutes: float) -> Iterator[tuple[Row, float]]:
    """The rows of a soak, which is no part of the table: it takes as long as it is told."""
    from tests.benchmarks import soak

    unit = min(yardstick.cpu_s(yardstick.work) for _ in range(9))
    for row in soak.rows_of(minutes):
        print(line(row, unit), file=sys.stderr, flush=True)
        yield row, unit


def line(row: Row, yardstick_s: float) -> str:
    """One row for people."""
    sign = "≥" if row.at_least else "≤"
    figure = "skipped" if row.measured is None else f"{row.measured:.3g}"
    mark = "ok  " if row.ok else "OVER"
    share = "" if row.share is None else f"{row.share:.0%}"
    many = row.in_yardsticks(yardstick_s)
    ratio = "" if many is None else f"{many:.3g} y"
    budget = f"{sign} {row.budget:g} {row.unit}"
    return f"{mark} {row.name:<72} {figure:>9} {budget:<16} {share:>5} {ratio:>9}  {row.note}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for continuous integration")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--only", default="", help="only modules whose name contains this word")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="only work on the window this long")
    parser.add_argument("--guard", action="store_true", help="fail when a ratio is 30%% worse than in baseline.json")
    parser.add_argument("--record", action="store_true", help="with --guard: write baseline.json anew")
    arguments = parser.parse_args()
    if arguments.guard:
        from tests.benchmarks import guard

        return (guard.record if arguments.record else guard.check)(arguments.only)
    rows = list(soaked(arguments.soak) if arguments.soak else measure(arguments.quick, arguments.only))
    if arguments.json:
        print(json.dumps({"rows": [row.to_json(unit) for row, unit in rows]}, ensure_ascii=False))
    return 0 if all(row.ok for row, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
