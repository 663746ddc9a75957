"""Running a job in the shell: a progress bar on standard error, Ctrl+C to stop it, its log lines above the bar."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from annotator.errors import JobCancelled
from annotator.job_context import JobContext

T = TypeVar("T")


class ShellContext:
    """A ``JobContext`` that draws into a rich progress display."""

    def __init__(self, display: Progress, title: str) -> None:
        self._display = display
        self._title = title
        self._bar: TaskID | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop at its next step."""
        self._cancelled.set()

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        self.check_cancelled()
        description = message or self._title
        if self._bar is None:
            self._bar = self._display.add_task(description, total=total)
        self._display.update(self._bar, completed=done, total=total, description=description)

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise JobCancelled

    def log(self, message: str) -> None:
        self._display.console.print(message, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _interrupts(context: ShellContext) -> Iterator[None]:
    """The first Ctrl+C asks the job to stop, the second interrupts it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Any = signal.getsignal(signal.SIGINT)

    def stop(_number: int, _frame: FrameType | None) -> None:
        context.cancel()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_in_shell(work: Callable[[JobContext], T], title: str, console: Console | None = None) -> T:
    """Run ``work`` with a bar on ``console`` (default: standard error); raises ``JobCancelled`` after Ctrl+C."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    target = console or Console(stderr=True)
    with Progress(*columns, console=target, transient=True, disable=not target.is_terminal) as display:
        context = ShellContext(display, title)
        with _interrupts(context):
            return work(context)
