"""What must not be imported where: the core runs without Qt, and the window paints before anything heavy loads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules_after(statement: str) -> set[str]:
    """Names in ``sys.modules`` of a fresh interpreter after ``statement``."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


IMPORT_ALL = """
import importlib, pkgutil, annotator
for module in pkgutil.walk_packages(annotator.__path__, "annotator."):
    if not module.name.endswith("__main__") and ".build_" not in module.name and ".migrations." not in module.name:
        importlib.import_module(module.name)
"""


def test_the_core_never_imports_qt() -> None:
    loaded = modules_after(IMPORT_ALL)
    assert not {name for name in loaded if name.split(".")[0] in {"PySide6", "shiboken6", "ui"}}


@pytest.mark.parametrize("heavy", ["torch", "torchvision", "open_clip", "segment_anything"])
def test_the_window_starts_without(heavy: str) -> None:
    assert heavy not in modules_after("import ui.app")


def test_asking_what_can_be_suggested_loads_nothing_that_suggests(tmp_path: Path) -> None:
    """The window asks again and again: SciPy and scikit-learn would cost it 150 MB."""
    code = (
        "import sys; from annotator.project import Project; from annotator.usecases import tasks\n"
        f"with Project.create({str(tmp_path / 'p')!r}, scan=False) as project: tasks.ready(project._parts)\n"
        "print([name for name in ('scipy', 'sklearn', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_nobody_is_told_to_install_annotator_by_its_name() -> None:
    """On PyPI that is another program."""
    told = re.compile(r"pip install[^`\n]*[\s'\"]annotator\b")
    files = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "annotator").rglob("*.py"),
        *(ROOT / "ui").rglob("*.py"),
    ]
    assert [file for file in files if told.search(file.read_text(encoding="utf-8"))] == []
