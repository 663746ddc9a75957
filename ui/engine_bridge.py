"""The only crossing between the GUI thread and everything else: worker threads, the writer lane and the engine process.

``Relay`` carries one object from any thread to a bound method on the GUI thread. ``Jobs`` runs the named jobs of
``annotator.jobs`` (the learning ones in the engine process, those that only move files in a thread) and tells of them in
signals. No other module of the window touches a thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from annotator.errors import AnnotatorError, JobCancelled
from annotator.events import ChangeSet
from annotator.jobs.events import (
    EngineRestarted,
    JobEvent,
    JobFailed,
    JobLine,
    JobProgress,
    JobStopped,
    JobSucceeded,
)

if TYPE_CHECKING:
    from annotator.project import Project

log = logging.getLogger(__name__)

ENGINE_JOBS = frozenset({"suggest", "train", "index", "simulate", "audit", "group_regions", "name_regions"})
LONG_WAITS = frozenset({"pull"})
"""Jobs that mostly wait for a network: each has a thread of its own, for which nobody waits when the window closes."""
LOG_LINES = 200


class Relay(QObject):
    """Carries objects to ``receive`` on the thread where the relay was made, in the order in which they were posted."""

    _arrived = Signal(object)

    def __init__(self, receive: Callable[[Any], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._receive = receive
        self._open = True
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def post(self, thing: Any) -> None:
        """Hand over ``thing`` from any thread; nothing happens once the relay is closed."""
        if self._open:
            with suppress(RuntimeError):  # closed, and gone, since the line above
                self._arrived.emit(thing)

    def close(self) -> None:
        """Deliver nothing more, ever: a relay belongs to one project, and goes with it."""
        if self._open:
            self._open = False
            self.deleteLater()

    @Slot(object)
    def _deliver(self, thing: Any) -> None:
        if self._open:
            self._receive(thing)


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class JobView:
    """A job as the jobs bar shows it. ``rate`` is units per second, ``left`` seconds to go (None when unknown)."""

    id: int
    name: str
    title: str
    done: int = 0
    total: int | None = None
    message: str = ""
    state: JobState = JobState.RUNNING
    result: Any = None
    what: str = ""
    cure: str = ""
    rate: float = 0.0
    left: float | None = None
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    quiet: bool = False


class LaneContext:
    """The JobContext of a job that runs in a thread of this process. Progress crosses at most ten times a second."""

    def __init__(self, job_id: int, name: str, post: Callable[[Any], None]) -> None:
        self._job_id = job_id
        self._name = name
        self._post = post
        self._said = 0.0
        self._started = time.monotonic()
        self.cancelled = False

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        moment = time.monotonic()
        if moment - self._said >= 0.1 or done == total:
            self._said = moment
            rate = done / max(moment - self._started, 1e-6)
            left = (total - done) / rate if total is not None and rate > 0 else None
            self._post(JobProgress(self._job_id, self._name, done, total, message, rate, left))

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise JobCancelled

    def log(self, message: str) -> None:
        self._post(JobLine(self._job_id, self._name, message))

    def handling(self, image_ids: Any) -> None:
        """The images in hand; only the engine, which can die of one, needs to know."""


class Jobs(QObject):
    """Runs jobs over the open project; each ends with ``finished``, ``failed`` or ``cancelled``, exactly once."""

    started = Signal(object)
    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal(object)
    engine_restarted = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.views: dict[int, JobView] = {}
        self._project: Project | None = None
        self._engine: Any = None
        self._engine_views: dict[int, JobView] = {}
        self._handles: dict[int, Any] = {}
        self._contexts: dict[int, LaneContext] = {}
        self._next_id = 1
        self._lane_events = Relay(self._hear_lane, self)
        self._engine_events: Relay | None = None
        self._changes: Relay | None = None
        self._lane: ThreadPoolExecutor | None = None
        self._side: ThreadPoolExecutor | None = None

    @property
    def running(self) -> list[JobView]:
        """The jobs under way, oldest first."""
        return [view for view in self.views.values() if view.state is JobState.RUNNING]

    def is_running(self, name: str) -> bool:
        """Whether a job of that name is under way."""
        return any(view.name == name for view in self.running)

    def attach(self, project: Project) -> None:
        """Run jobs over ``project`` from now on. The engine starts with the first job that needs it."""
        self.detach()
        self._project = project
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="files")

    def detach(self) -> None:
        """Stop everything that runs over the project; waits for the file lane, which stops at its next picture.

        The engine ends behind the window's back: it answers within seconds, works through its own connections, and what it still
        says is heard by nobody. The program waits for it at its end.
        """
        for view in self.running:
            self.cancel(view.id)
        if self._engine is not None:
            threading.Thread(target=self._engine.close, name="engine-end").start()
            self._engine = None
        for relay in (self._engine_events, self._changes):
            if relay is not None:
                relay.close()
        for pool in (self._lane, self._side):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        self._lane = self._side = None
        for view in self.running:
            self._end(view, JobState.CANCELLED)
        self._engine_views.clear()
        self._project = None

    def submit(self, name: str, *, quiet: bool = False, **parameters: Any) -> JobView:
        """Start the job ``name``; ``quiet`` ones do not announce their success."""
        if self._project is None or self._lane is None:
            raise RuntimeError("no project is open")
        from annotator.jobs.catalogue import JOBS

        job = JOBS[name]
        view = JobView(self._next_id, name, self.tr(job.title), quiet=quiet)
        self._next_id += 1
        self.views[view.id] = view
        self.started.emit(view)
        if name in ENGINE_JOBS:
            handle = self._client().submit(name, parameters)
            self._handles[view.id] = handle
            self._engine_views[handle.id] = view
        else:
            post = self._lane_events.post
            context = self._contexts[view.id] = LaneContext(view.id, name, post)
            work = (job.function, self._project, context, view, post, parameters)
            if name in LONG_WAITS:
                threading.Thread(target=_run_in_lane, args=work, name=name, daemon=True).start()
            else:
                self._lane.submit(_run_in_lane, *work)
        return view

    def work(self, name: str, title: str, function: Callable[..., Any], **parameters: Any) -> JobView:
        """Run ``function(project, context, **parameters)`` beside the other jobs: an edit of a pile must not wait for a scan.

        It must not write: what it returns is the ``result`` of the job, and the window performs it.
        """
        if self._project is None:
            raise RuntimeError("no project is open")
        if self._side is None:
            self._side = ThreadPoolExecutor(1, thread_name_prefix="piles")
        view = JobView(self._next_id, name, title, quiet=True)
        self._next_id += 1
        self.views[view.id] = view
        self.started.emit(view)
        post = self._lane_events.post
        context = self._contexts[view.id] = LaneContext(view.id, name, post)
        self._side.submit(_run_in_lane, function, self._project, context, view, post, parameters)
        return view

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop."""
        if job_id in self._contexts:
            self._contexts[job_id].cancelled = True
        elif job_id in self._handles:
            self._handles[job_id].cancel()

    def _client(self) -> Any:
        if self._engine is None:
            from annotator.jobs.engine import Engine

            assert self._project is not None
            self._engine_events = Relay(self._hear_engine, self)
            self._changes = Relay(self._pass_on, self)
            self._engine = Engine(
                self._project.path,
                annotator_name=self._project.annotator,
                on_event=self._engine_events.post,
                on_changes=self._changes.post,
            )
        return self._engine

    def _hear_lane(self, event: JobEvent) -> None:
        self._hear(event, self.views.get(event.job_id))

    def _hear_engine(self, event: JobEvent) -> None:
        self._hear(event, self._engine_views.get(event.job_id))

    def _hear(self, event: JobEvent, view: JobView | None) -> None:
        if view is None or view.state is not JobState.RUNNING:
            return
        if isinstance(event, JobProgress):
            view.done, view.total, view.message = event.done, event.total, event.message
            view.rate, view.left = event.rate, event.seconds_left
            self.progressed.emit(view)
        elif isinstance(event, JobLine):
            view.log.append(event.text)
            self.progressed.emit(view)
        elif isinstance(event, EngineRestarted):
            view.log.append(event.reason)
            self.engine_restarted.emit(event.reason)
        elif isinstance(event, JobSucceeded):
            view.result = event.result
            self._end(view, JobState.DONE)
        elif isinstance(event, JobFailed):
            view.what, view.cure = event.error.what, event.error.cure
            self._end(view, JobState.FAILED)
        elif isinstance(event, JobStopped):
            self._end(view, JobState.CANCELLED)

    def _end(self, view: JobView, state: JobState) -> None:
        view.state = state
        self._handles.pop(view.id, None)
        self._contexts.pop(view.id, None)
        {JobState.DONE: self.finished, JobState.FAILED: self.failed}.get(state, self.cancelled).emit(view)

    def _pass_on(self, changes: ChangeSet) -> None:
        if self._project is not None:
            self._project.publish(changes)


def _run_in_lane(
    function: Callable[..., Any],
    project: Project,
    context: LaneContext,
    view: JobView,
    post: Callable[[Any], None],
    parameters: dict[str, Any],
) -> None:
    try:
        context.check_cancelled()
        # What the annotator did a moment ago belongs to an export or an import too.
        project.history.flush()
        result = function(project, context, **parameters)
    except JobCancelled:
        post(JobStopped(view.id, view.name))
    except AnnotatorError as error:
        post(JobFailed(view.id, view.name, error))
    except Exception as error:
        log.exception("%s failed", view.name)
        trouble = AnnotatorError(f"{view.title}: {error}", "This is a bug: please report it with the log.")
        post(JobFailed(view.id, view.name, trouble))
    else:
        post(JobSucceeded(view.id, view.name, result))


@dataclass(frozen=True)
class Answer:
    """What came of a question to a background thread; ``error`` is None when it went well."""

    tag: str
    value: Any = None
    error: BaseException | None = None


class Errand(QObject):
    """Runs one function after another in a thread and brings the answers back to the GUI thread."""

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._relay = Relay(self._deliver, self)
        self._pool: ThreadPoolExecutor | None = None

    def ask(self, tag: str, function: Callable[..., Any], *arguments: Any, **parameters: Any) -> None:
        """Call ``function`` in the background; ``answered`` brings ``Answer(tag, …)``."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="errand")
        future = self._pool.submit(function, *arguments, **parameters)
        future.add_done_callback(_Tagged(tag, self._relay.post))

    def settle(self) -> None:
        """Return when everything that was asked so far has been done; its answers come later."""
        if self._pool is not None:
            self._pool.submit(int).result()

    def wait(self) -> None:
        """Forget what waits and let what runs come to its end; answers that are on their way still arrive."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def close(self) -> None:
        """Wait for what runs, and bring nothing more."""
        self._relay.close()
        self.wait()

    def abandon(self) -> None:
        """Bring nothing more, and wait for nothing: what runs comes to its end unheard."""
        self._relay.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _deliver(self, answer: Answer) -> None:
        self.answered.emit(answer)


class _Tagged:
    """The done-callback of an errand's future."""

    def __init__(self, tag: str, post: Callable[[Any], None]) -> None:
        self._tag = tag
        self._post = post

    def __call__(self, future: Future[Any]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        self._post(Answer(self._tag, None if error else future.result(), error))


class Stack:
    """Loader threads that serve the newest request first; requests beyond ``limit`` are dropped, the oldest first."""

    def __init__(self, load: Callable[[Any], Any], post: Callable[[Any], None], *, threads: int, limit: int) -> None:
        self._load = load
        self._post = post
        self._limit = limit
        self._waiting: list[Any] = []
        self._wake = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._serve, name=f"loader-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def push(self, request: Any) -> list[Any]:
        """Ask for ``request``; returns the requests that were dropped for it."""
        with self._wake:
            self._waiting.append(request)
            dropped = self._waiting[: -self._limit]
            del self._waiting[: -self._limit]
            self._wake.notify()
        return dropped

    def close(self) -> None:
        """Drop what waits, and wait for what is being loaded."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                request = self._waiting.pop()
            try:
                answer = self._load(request)
            except Exception:
                log.exception("a loader failed on %r", request)
                continue
            self._post(answer)
