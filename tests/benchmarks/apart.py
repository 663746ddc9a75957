"""A measurement in a process of its own: its memory and its start are not those of the rows before it.

``python -m tests.benchmarks.apart MODULE FUNCTION JSON`` calls a function of a benchmark module and prints its answer.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT_S = 1_800


def apart(module: str, function: str, **arguments: Any) -> dict[str, Any]:
    """What ``function`` of ``tests.benchmarks.module`` answers to ``arguments`` in a fresh process, as JSON both ways.

    Raises ``RuntimeError`` with what the process said when it fails.
    """
    command = [sys.executable, "-m", "tests.benchmarks.apart", module, function, json.dumps(arguments)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{module}.{function} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def resident_mb() -> float:
    """Memory of this process that is in RAM now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """The most memory that this process has had, in MB; ``ru_maxrss`` would start with that of the parent."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def main() -> None:
    name, function, arguments = sys.argv[1:4]
    module = importlib.import_module(f"tests.benchmarks.{name}")
    print(json.dumps(getattr(module, function)(**json.loads(arguments))))


if __name__ == "__main__":
    main()
