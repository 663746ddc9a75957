"""What long work may say while it runs: progress, log lines, and the question whether it should stop.

Stands beside ``errors`` so that work can be written in any room below ``jobs``.
"""

from __future__ import annotations

from typing import Protocol


class JobContext(Protocol):
    """Given to every long function; the shell draws a bar from it, the window a line in the jobs bar."""

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Say that ``done`` of ``total`` units are finished (``total`` None when unknown). Cheap; callers need not throttle."""

    def check_cancelled(self) -> None:
        """Raise ``JobCancelled`` when the person has asked to stop."""

    def log(self, message: str) -> None:
        """Add one line to the job's log, e.g. a file that was skipped and why."""


class QuietContext:
    """A context that reports nothing and never cancels: the default for scripts and tests."""

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        return None

    def check_cancelled(self) -> None:
        return None

    def log(self, message: str) -> None:
        return None


QUIET: JobContext = QuietContext()
