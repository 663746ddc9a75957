"""What a client hears about its jobs: frozen events, and exactly one of the last three for every job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from annotator.errors import AnnotatorError


class EngineError(AnnotatorError):
    """A job failed through no fault of its input: a bug (``detail`` is its traceback) or a dead process."""

    def __init__(self, what: str, cure: str = "", *, detail: str = "") -> None:
        super().__init__(what, cure)
        self.detail = detail


@dataclass(frozen=True)
class JobStarted:
    """The job has left the queue."""

    job_id: int
    name: str
    title: str


@dataclass(frozen=True)
class JobProgress:
    """How far it is; ``rate`` is units per second since it started, ``seconds_left`` None while unknown."""

    job_id: int
    name: str
    done: int
    total: int | None
    message: str
    rate: float
    seconds_left: float | None


@dataclass(frozen=True)
class JobLine:
    """One line of its log."""

    job_id: int
    name: str
    text: str


@dataclass(frozen=True)
class EngineRestarted:
    """The engine died in this job, was started again and goes on from the last commit. ``set_aside``: images it now avoids."""

    job_id: int
    name: str
    reason: str
    set_aside: tuple[int, ...] = ()


@dataclass(frozen=True)
class JobSucceeded:
    """It is done."""

    job_id: int
    name: str
    result: Any


@dataclass(frozen=True)
class JobFailed:
    """It ended with an error that says what to do."""

    job_id: int
    name: str
    error: AnnotatorError


@dataclass(frozen=True)
class JobStopped:
    """It was cancelled; what it had committed stays."""

    job_id: int
    name: str


JobOutcome: TypeAlias = JobSucceeded | JobFailed | JobStopped
JobEvent: TypeAlias = JobStarted | JobProgress | JobLine | EngineRestarted | JobOutcome
