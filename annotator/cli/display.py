"""Whether a window can open: Qt ends the whole process when no platform can start, so it is tried in a child first."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

PROBE = "from PySide6.QtGui import QGuiApplication; a = QGuiApplication([]); print(a.platformName())"
PATIENCE = 30.0


@dataclass(frozen=True)
class Platform:
    """``name`` is the Qt platform that starts ("xcb", "wayland", "cocoa", "offscreen"); ``reason`` says why no window can."""

    name: str
    starts: bool
    reason: str = ""


def has_display() -> bool:
    """Whether the environment names a screen; always true where screens need no name (Windows, macOS)."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def probe(platform: str | None = None) -> Platform:
    """Start Qt in a child process on ``platform`` (default: what Qt chooses) and report."""
    environment = dict(os.environ)
    if platform is not None:
        environment["QT_QPA_PLATFORM"] = platform
    try:
        child = subprocess.run(
            [sys.executable, "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Platform(platform or "", False, f"Qt did not start within {PATIENCE:.0f} s")
    if child.returncode == 0:
        return Platform(child.stdout.strip(), True)
    return Platform(platform or "", False, _reason(child.stderr) or f"Qt ended with status {child.returncode}")


def find_platform() -> Platform:
    """The platform to use: the screen's if it starts, else offscreen with the reason, else none."""
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if chosen == "offscreen":
        return _offscreen("QT_QPA_PLATFORM asks for no screen")
    if not chosen and not has_display():
        return _offscreen("no display is set (DISPLAY, WAYLAND_DISPLAY)")
    screen = probe()
    return screen if screen.starts else _offscreen(screen.reason)


def _offscreen(why: str) -> Platform:
    hidden = probe("offscreen")
    return Platform("offscreen", True, why) if hidden.starts else Platform("", False, hidden.reason)


def _reason(errors: str) -> str:
    """The telling line of Qt's or Python's complaint."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for mark in ("cannot open shared object file", "is needed in order to load", "could not connect", "Could not load"):
        for line in lines:
            if mark in line:
                return line.rstrip(".")
    return lines[-1].rstrip(".") if lines else ""
