"""The checks of ``annotator doctor``. None imports Qt or a model's package here: a broken one would take this process along."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import platformdirs

from annotator.cli import display
from annotator.errors import install_again
from annotator.jobs.log_files import log_folder

LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000

DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libzstd.so.1": "libzstd1",
}
"""Which Debian or Ubuntu package brings each library that Qt's modules and platform plugins link to."""

QT_FILES = (
    "Qt/lib/libQt6Core.so.6",
    "Qt/lib/libQt6Gui.so.6",
    "Qt/lib/libQt6Widgets.so.6",
    "Qt/plugins/platforms/libqoffscreen.so",
    "Qt/plugins/platforms/libqxcb.so",
)


class Level(StrEnum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """One line of the report; ``cure`` is what to do about it."""

    name: str
    level: Level
    detail: str
    cure: str = ""


def run_checks() -> list[Check]:
    """All checks, in the order in which they are shown."""
    checks: tuple[Callable[[], Check], ...] = (
        check_python,
        check_qt_libraries,
        check_window,
        check_models,
        check_torch,
        check_device,
        check_disk,
        check_log,
    )
    return [check() for check in checks]


def check_python() -> Check:
    """The interpreter's version and the program's place."""
    found = platform.python_version()
    if sys.version_info[:2] < LEAST_PYTHON:
        return Check("Python", Level.MISSING, f"{found} at {sys.executable}", "Install Python 3.11 or newer.")
    return Check("Python", Level.GOOD, f"{found} at {sys.executable}")


def check_qt_libraries() -> Check:
    """System libraries that Qt's files link to and that are not there."""
    name = "Qt libraries"
    specification = importlib.util.find_spec("PySide6")
    if specification is None or not specification.submodule_search_locations:
        return Check(
            name, Level.MISSING, "PySide6 is not installed", "Run: pip install 'PySide6-Essentials>=6.8,<6.12'"
        )
    if sys.platform != "linux" or shutil.which("ldd") is None:
        return Check(name, Level.GOOD, f"PySide6 {_version('PySide6-Essentials')}")
    folder = Path(next(iter(specification.submodule_search_locations)))
    absent = missing_libraries(folder / file for file in QT_FILES)
    if not absent:
        return Check(name, Level.GOOD, f"PySide6 {_version('PySide6-Essentials')}, all system libraries are there")
    return Check(name, Level.MISSING, f"not found: {', '.join(absent)}", cure_for(absent))


def missing_libraries(files: Iterable[Path]) -> list[str]:
    """Names of shared libraries that ``files`` need and the loader does not find, sorted."""
    absent: set[str] = set()
    for file in files:
        if file.exists():
            listing = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False, timeout=30).stdout
            absent.update(re.findall(r"^\s*(\S+) => not found", listing, re.MULTILINE))
    return sorted(absent)


def cure_for(libraries: Iterable[str]) -> str:
    """The command that installs what brings ``libraries`` on Debian and Ubuntu."""
    packages = sorted({DEBIAN_PACKAGES[name] for name in libraries if name in DEBIAN_PACKAGES})
    others = sorted(name for name in libraries if name not in DEBIAN_PACKAGES)
    parts = [f"On Debian or Ubuntu run: sudo apt install {' '.join(packages)}"] if packages else []
    if others:
        parts.append(f"Install what brings {', '.join(others)}.")
    return " ".join(parts)


def check_window() -> Check:
    """Whether Qt starts, on a screen or without one; tried in a child process."""
    found = display.find_platform()
    if not found.starts:
        return Check(
            "Window",
            Level.MISSING,
            found.reason,
            "Install what Qt misses; the commands without a window work meanwhile.",
        )
    if found.name == "offscreen":
        return Check(
            "Window",
            Level.NOTE,
            f"{found.reason}; Qt starts offscreen",
            "The window needs a screen; all other commands work.",
        )
    return Check("Window", Level.GOOD, f"opens on {found.name}")


def check_models() -> Check:
    """Whether the models that ship are whole."""
    from annotator.errors import AnnotatorError
    from annotator.models import catalogue

    try:
        catalogue.load("embedded", device="cpu")
    except AnnotatorError as error:
        return Check("Models", Level.MISSING, error.what, error.cure)
    ready = [entry.id for entry in catalogue.entries() if catalogue.available(entry.id).ready]
    return Check("Models", Level.GOOD, f"ready: {', '.join(ready)}")


def check_torch() -> Check:
    """torch is optional; its version when it is there."""
    found = _version("torch")
    if not found:
        needed = "Training for boxes and larger models need it, all else works."
        return Check("torch", Level.NOTE, "not installed", f"{needed} {install_again('torch')}")
    return Check("torch", Level.GOOD, found)


def check_device() -> Check:
    """Where models run."""
    if importlib.util.find_spec("torch") is None:
        return Check("Device", Level.GOOD, f"CPU, {os.cpu_count()} cores")
    code = "from annotator.models.device import choose; print(choose('auto').label)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    if child.returncode == 0:
        return Check("Device", Level.GOOD, child.stdout.strip().splitlines()[-1])
    lines = child.stderr.strip().splitlines()
    return Check(
        "Device",
        Level.NOTE,
        lines[-1] if lines else "torch does not start",
        install_again("torch"),
    )


def check_disk() -> Check:
    """Space and permission in the user's data folder."""
    folder = Path(platformdirs.user_data_dir("annotator", appauthor=False))
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free at {existing}"
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check(
            "Disk",
            Level.NOTE,
            f"{detail}, not writable ({error.strerror})",
            "Projects go beside their pictures instead.",
        )
    if free < LEAST_FREE_BYTES:
        return Check("Disk", Level.NOTE, detail, "Thumbnails and embeddings of 100,000 pictures take about 2 GB.")
    return Check("Disk", Level.GOOD, detail)


def check_log() -> Check:
    """Where the log lies."""
    return Check("Log", Level.GOOD, str(log_folder()))


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
