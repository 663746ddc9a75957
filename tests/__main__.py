"""``python -m tests``: everything that must hold before a change lands, in one command.

Runs ruff, mypy, import-linter, pytest and the guard against slowness one after the other, goes on after a failure so that one
run shows all of them, and exits 1 when any failed. Arguments are passed on to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", (PYTHON, "-m", "ruff", "check", ".")),
    ("ruff format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    ("mypy", (PYTHON, "-m", "mypy")),
    ("import-linter", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as lint; lint()")),
)


def main() -> int:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONWARNDEFAULTENCODING": ""}
    failed: list[str] = []
    pytest = ("pytest", (PYTHON, "-m", "pytest", "-m", "not soak", *sys.argv[1:]))
    guard = ("speed", (PYTHON, "-m", "tests.benchmarks", "--guard"))
    for name, command in (*CHECKS, pytest, guard):
        start = time.monotonic()
        print(f"== {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            failed.append(name)
        print(f"   {name}: {time.monotonic() - start:.0f} s", flush=True)
    print("failed: " + ", ".join(failed) if failed else "all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
