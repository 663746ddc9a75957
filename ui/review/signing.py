"""Draws the sample of a certificate, keeps its answers, and signs: each step in a thread, the edits performed by the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from annotator.domain.kinds import Task
from ui.engine_bridge import Answer, Errand, Jobs, JobView
from ui.review.certificate_dialog import forecast
from ui.session import Session

if TYPE_CHECKING:
    from annotator.edits.changes import Edit
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.samples import Audit, Conclusion

Checked = Mapping[UUID, int | None]
NAME = "certify"


class Signing(QObject):
    """``drawn`` says for which task there is a sample to check; ``concluded`` brings what the audit allowed; ``failed`` what went
    wrong."""

    forecast_made = Signal(str, bool, object)
    drawn = Signal(object)
    concluded = Signal(object)
    failed = Signal(str, str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._accepting: int | None = None
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        jobs.finished.connect(self._concluded)
        jobs.failed.connect(self._given_up)
        jobs.cancelled.connect(self._given_up)

    def ask(self, task: Task, max_error: float, checks: int) -> None:
        """What would it take?"""
        self._ask("forecast", forecast, task, max_error, checks)

    def draw(self, task: Task, max_error: float, checks: int) -> None:
        """Draw the sample; its seed is stored before anybody sees it."""
        self._ask("draw", _draw, task, max_error, checks)

    def remember(self, audit: Audit, checked: Checked) -> None:
        """Keep the answers so far, so that nothing is lost by a crash or a pause."""
        self._ask("remember", _remember, audit, dict(checked))

    def sign(self, audit: Audit, checked: Checked) -> None:
        """Turn the answers into verdicts, then accept what they allow."""
        self._ask("verdicts", _verdicts, audit, dict(checked))

    def wait(self) -> None:
        """Return when what was asked so far has been done."""
        self._errand.settle()

    def close(self) -> None:
        """Wait for what is being written."""
        self._errand.close()

    def _ask(self, tag: str, function: Any, *arguments: Any) -> None:
        if self._session.project is not None:
            self._errand.ask(tag, function, self._session.project, *arguments)

    def _answered(self, answer: Answer) -> None:
        if answer.error is not None:
            what = getattr(answer.error, "what", None) or str(answer.error)
            self.failed.emit(what, getattr(answer.error, "cure", ""))
            return
        project, *rest = answer.value
        if project is not self._session.project:
            return
        if answer.tag == "forecast":
            self.forecast_made.emit(*rest)
        elif answer.tag == "draw":
            self.drawn.emit(*rest)
        elif answer.tag == "verdicts":
            audit, checked, edit = rest
            self._session.perform(edit)
            view = self._jobs.work(
                NAME, self.tr("Accepting under the certificate"), _conclude, audit=audit, checked=checked
            )
            self._accepting = view.id

    def _concluded(self, view: JobView) -> None:
        if view.id == self._accepting:
            self._accepting = None
            conclusion, edit = view.result
            view.result = None  # the rows of a large edit are not kept for the log of jobs
            if edit is not None:
                self._session.perform_later(edit)
            self.concluded.emit(conclusion)

    def _given_up(self, view: JobView) -> None:
        """The answers are kept: the sample can be signed again."""
        if view.id == self._accepting:
            self._accepting = None
            cancelled = self.tr("Nothing was accepted: it was cancelled."), self.tr("Sign again when you like.")
            self.failed.emit(*((view.what, view.cure) if view.what else cancelled))


def _draw(project: Project, task: Task, max_error: float, checks: int) -> tuple[Project, Task]:
    """Runs in a thread, as do the others. A sample that was drawn from this run before is taken up again, whatever is asked."""
    desk = project.review.certificates
    if desk.resume(task) is None:
        desk.draw(max_error, checks, task=task)
    return project, task


def _remember(project: Project, audit: Audit, checked: Checked) -> tuple[Project]:
    project.review.certificates.remember(audit, checked)
    return (project,)


def _verdicts(project: Project, audit: Audit, checked: Checked) -> tuple[Project, Audit, Checked, Edit]:
    desk = project.review.certificates
    desk.remember(audit, checked)
    return project, audit, checked, desk.verdicts(audit, checked, project.history.page)


def _conclude(
    project: Project, context: JobContext, *, audit: Audit, checked: Checked
) -> tuple[Conclusion, Edit | None]:
    """After the verdicts are on disk."""
    project.history.flush()
    desk = project.review.certificates
    conclusion = desk.conclude(audit, checked)
    edit = None
    if conclusion.passed:
        edit = desk.acceptance(conclusion, lambda ids: project.history.pages(ids, context))
    desk.record(conclusion)
    return conclusion, edit
