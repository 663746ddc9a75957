"""What the application remembers between projects: one JSON file in the user's configuration folder.

Names, themes, shortcuts and the recent projects live here; everything about one project lives in the project. The file is
written to a temporary name and moved into place, on a thread of its own, so that a slow disk never holds up a key press.
A file that cannot be read is set aside, never overwritten, and ``problem`` says so in one line.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

log = logging.getLogger(__name__)

RECENT_LIMIT = 12


class ThemeChoice(StrEnum):
    """Which colours the window wears."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True)
class RecentProject:
    """A project that was open before; ``thumbnails`` are image ids for the strip on the start page."""

    path: str
    name: str = ""
    opened_at: str = ""
    images: int = 0
    thumbnails: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppState:
    """Everything that is remembered. ``shortcuts`` holds only what the annotator changed: command id to key sequence;
    ``told`` a fingerprint of the unusable images that each project's annotator has been told of, ``exports`` what was chosen for
    each project's last export."""

    annotator: str = ""
    theme: ThemeChoice = ThemeChoice.SYSTEM
    auto_advance: bool = True
    auto_train: bool = True
    queue_view: str = "grid"
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    recent: tuple[RecentProject, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    smart: Mapping[str, Any] = field(default_factory=dict)
    exports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    walk: str = "confidence"


def default_path() -> Path:
    """Where the file lives unless ``ANNOTATOR_CONFIG_DIR`` names another folder."""
    folder = os.environ.get("ANNOTATOR_CONFIG_DIR")
    base = Path(folder) if folder else Path(platformdirs.user_config_dir("annotator", appauthor=False))
    return base / "settings.json"


def login_name() -> str:
    """The name of the person at this machine, or "annotator" where the system does not tell."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "annotator"


class AppSettings:
    """The state in memory, and the file behind it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = default_path() if path is None else path
        self.problem = ""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="settings")
        self._pending: Future[None] | None = None
        self.state = self._load()

    def update(self, **changes: Any) -> AppState:
        """Replace the named fields, write the file behind, and return the new state."""
        state = replace(self.state, **changes)
        if state != self.state:
            self.state = state
            self._pending = self._writer.submit(self._write, state)
        return state

    def remember_project(self, path: Path, name: str, images: int, thumbnails: tuple[str, ...] = ()) -> None:
        """Put a project at the head of the recent list."""
        entry = RecentProject(str(path), name, datetime.now(UTC).isoformat(timespec="seconds"), images, thumbnails)
        others = tuple(r for r in self.state.recent if r.path != entry.path)
        self.update(recent=(entry, *others)[:RECENT_LIMIT])

    def forget_project(self, path: str) -> None:
        """Take a project off the recent list; its folder stays."""
        self.update(recent=tuple(r for r in self.state.recent if r.path != path))

    def flush(self) -> None:
        """Wait until the last change is on disk; raises ``OSError`` when it could not be written."""
        if self._pending is not None:
            self._pending.result()

    def close(self) -> None:
        """Write what is pending and stop the writer."""
        self._writer.shutdown(wait=True)

    def _load(self) -> AppState:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return AppState()
        except OSError as error:
            self.problem = f"The settings in {self.path} cannot be read ({error.strerror}); using the defaults."
            return AppState()
        try:
            known = {f.name for f in fields(AppState)}
            found = msgspec.convert(json.loads(data), dict[str, Any])
            raw = {key: value for key, value in found.items() if key in known}
            return msgspec.convert(raw, AppState)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            aside = self.path.with_name(f"{self.path.stem}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
            with contextlib.suppress(OSError):
                self.path.replace(aside)
            self.problem = f"The settings file was damaged; it is kept as {aside.name} and the defaults are used."
            log.warning("settings in %s are damaged: %s", self.path, error)
            return AppState()

    def _write(self, state: AppState) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".settings-", suffix=".json")
        try:
            with os.fdopen(handle, "wb") as file:
                # ASCII: a path whose bytes are not UTF-8 goes through as escapes, which stricter writers refuse.
                file.write(json.dumps(asdict(state), indent=2).encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            log.warning("cannot write the settings to %s", self.path, exc_info=True)
            raise
