"""What long work may say while it runs: progress, log lines, and the question whether it should stop.

Stands beside ``errors`` so that work can be written in any room below ``jobs``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


class JobContext(Protocol):
    """Given to every long function; the shell draws a bar from it, the window a line in the jobs bar."""

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Say that ``done`` of ``total`` units are finished (``total`` None when unknown). Cheap; callers need not throttle."""

    def check_cancelled(self) -> None:
        """Raise ``JobCancelled`` when the person has asked to stop."""

    def log(self, message: str) -> None:
        """Add one line to the job's log, e.g. a file that was skipped and why."""


@runtime_checkable
class WatchedContext(Protocol):
    """A context whose process may be killed by a damaged image: it remembers which images are in hand.

    ``suspects`` were in hand when the process died before: take them one at a time, so that a second death names the one.
    """

    @property
    def suspects(self) -> frozenset[int]: ...

    def handling(self, image_ids: Sequence[int]) -> None:
        """Say that these images are about to be decoded or shown to a model; empty when none is."""


class QuietContext:
    """A context that reports nothing and never cancels: the default for scripts and tests."""

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        return None

    def check_cancelled(self) -> None:
        return None

    def log(self, message: str) -> None:
        return None


QUIET: JobContext = QuietContext()
