"""Where the program's log lies: one rotating file a person can send when something went wrong."""

from __future__ import annotations

import logging
import logging.handlers
import os
from pathlib import Path

import platformdirs

LARGEST = 2_000_000


def log_folder() -> Path:
    """The folder of the logs: ``ANNOTATOR_LOG_DIR``, else the platform's place for logs."""
    chosen = os.environ.get("ANNOTATOR_LOG_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_log_dir("annotator", appauthor=False))


def log_to_file(name: str = "annotator.log", level: int = logging.INFO) -> Path | None:
    """Send the program's log to a file and return its path, or None where no file can be written (a full or read-only disk)."""
    path = log_folder() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=LARGEST, backupCount=2, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        path.touch()
    except OSError:
        return None
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(root.level or level, level))
    return path
