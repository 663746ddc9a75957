"""Ctrl+C while the program is still being imported."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

INTERRUPTED = """
import sys

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
from annotator.__main__ import main
main()
"""


def test_ctrl_c_during_the_imports_is_one_line() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "Stopped. Nothing was begun.\n"


def test_the_installed_command_begins_there() -> None:
    described = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["project"]["scripts"] == {"annotator": "annotator.__main__:main"}
