"""Questions of a dialog over the open project, answered in the background: one at a time, called off by the next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from annotator.errors import AnnotatorError, JobCancelled
from annotator.jobs.events import JobProgress
from ui.engine_bridge import Answer, Errand, LaneContext, Relay

if TYPE_CHECKING:
    from annotator.project import Project

log = logging.getLogger(__name__)


class Asking(QObject):
    """``answered`` and ``failed`` (what, cure) carry the tag of the question; ``progressed`` brings units done and in all."""

    answered = Signal(str, object)
    failed = Signal(str, str, str)
    progressed = Signal(int, object)

    def __init__(self, project: Project, parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self._number = 0
        self._tag = ""
        self._context: LaneContext | None = None
        self._errand = Errand(self)
        self._errand.answered.connect(self._deliver)
        self._steps = Relay(self._step, self)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._context is not None

    def ask(self, tag: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call ``function(project, context, *arguments)`` in the background; what was asked before is called off."""
        self.call_off()
        self._number += 1
        self._tag = tag
        self._context = LaneContext(self._number, tag, self._steps.post)
        self._errand.ask(str(self._number), _work, self._project, self._context, function, arguments)

    def call_off(self) -> None:
        """Nobody waits for the answer any more."""
        if self._context is not None:
            self._context.cancelled = True
            self._context = None

    def close(self) -> None:
        """Ask and hear no more."""
        self.call_off()
        self._steps.close()
        self._errand.abandon()

    def _step(self, event: Any) -> None:
        if isinstance(event, JobProgress) and self._context is not None and event.job_id == self._number:
            self.progressed.emit(event.done, event.total)

    def _deliver(self, answer: Answer) -> None:
        if self._context is None or answer.tag != str(self._number):
            return
        self._context = None
        if answer.error is None:
            self.answered.emit(self._tag, answer.value)
        elif isinstance(answer.error, AnnotatorError):
            self.failed.emit(self._tag, answer.error.what, answer.error.cure)
        elif not isinstance(answer.error, JobCancelled):
            log.error("%s failed", self._tag, exc_info=answer.error)
            cure = self.tr("This is a mistake of the program: please report it with the log.")
            self.failed.emit(self._tag, str(answer.error), cure)


def _work(project: Project, context: LaneContext, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Runs in a thread."""
    context.check_cancelled()
    # What the annotator did a moment ago belongs to the answer too.
    project.history.flush()
    return function(project, context, *arguments)
