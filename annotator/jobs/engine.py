"""The client of the engine: starts the child process, hands it one job after the other and survives its death.

    engine = Engine(project.path, on_event=bridge, on_changes=project.publish)
    handle = engine.submit("suggest", {"task": "tags"})
    result = handle.result()

Both callbacks run on the engine's own thread and must be quick; the window's bridge turns them into signals. When the process
dies in a job, it is started again and the job goes on from the last commit; images that were in hand are then taken one at a
time, and one that kills it twice is set aside.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from annotator.errors import AnnotatorError
from annotator.events import ChangeSet
from annotator.jobs import messages
from annotator.jobs.catalogue import JOBS, Job, job
from annotator.jobs.child import Child
from annotator.jobs.events import (
    EngineError,
    EngineRestarted,
    JobEvent,
    JobFailed,
    JobLine,
    JobOutcome,
    JobProgress,
    JobStarted,
    JobStopped,
    JobSucceeded,
)
from annotator.jobs.log_files import log_folder

log = logging.getLogger(__name__)

CANCEL_GRACE = 10.0
"""Seconds a cancelled job may take to notice before its process is ended (every commit is whole, so this is safe)."""
KILLS_PER_IMAGE = 2
NAMELESS_DEATHS = 2
"""Deaths without an image in hand after which a job is given up."""
LARGEST_NUMBER_OF_DEATHS = 40


class JobHandle:
    """A submitted job. ``result`` waits for it; ``cancel`` stops it, queued or running."""

    def __init__(self, engine: Engine, job_id: int, entry: Job, parameters: Mapping[str, Any]) -> None:
        self._engine = engine
        self.id = job_id
        self.job = entry
        self.parameters = dict(parameters)
        self.outcome: Future[JobOutcome] = Future()
        self.cancel_requested = False
        self.started = 0.0

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name

    def done(self) -> bool:
        """Whether the outcome has been delivered."""
        return self.outcome.done()

    def cancel(self) -> None:
        """Stop the job; its outcome is then ``JobStopped`` unless it had already ended."""
        self._engine.cancel(self)

    def result(self, timeout: float | None = None) -> Any:
        """The job's typed result; raises its ``AnnotatorError``, ``CancelledError``, or ``TimeoutError`` after ``timeout`` s."""
        outcome = self.outcome.result(timeout)
        if isinstance(outcome, JobSucceeded):
            return outcome.result
        if isinstance(outcome, JobFailed):
            raise outcome.error
        raise CancelledError(f"{self.name!r} was cancelled")


class Engine:
    """The batch lane: jobs run one at a time in the order of ``submit``. Starts its process with the first job."""

    def __init__(
        self,
        project: Path | str,
        *,
        annotator_name: str = "",
        on_event: Callable[[JobEvent], None] | None = None,
        on_changes: Callable[[ChangeSet], None] | None = None,
        jobs: Mapping[str, Job] = JOBS,
        jobs_module: str = "annotator.jobs.catalogue",
        log_path: Path | None = None,
    ) -> None:
        self._on_event = on_event
        self._on_changes = on_changes
        self._jobs = jobs
        self._command = [sys.executable, "-m", "annotator.jobs.engine_process", str(project)]
        self._command += ["--annotator", annotator_name, "--jobs", jobs_module]
        self._log_path = log_path or log_folder() / "engine.log"
        self._wake = threading.Condition()
        self._queue: deque[JobHandle] = deque()
        self._running: JobHandle | None = None
        self._process: Child | None = None
        self._closing = False
        self._next_id = 1
        self._thread: threading.Thread | None = None

    # --- from any thread -----------------------------------------------------------------------------------------------

    def submit(self, name: str, parameters: Mapping[str, Any] | None = None) -> JobHandle:
        """Queue the job ``name``; raises ``UsageError`` for an unknown one and ``EngineError`` after ``close``."""
        entry = job(name, self._jobs)
        with self._wake:
            if self._closing:
                raise EngineError("The engine has been closed.", "Open the project again.")
            handle = JobHandle(self, self._next_id, entry, parameters or {})
            self._next_id += 1
            self._queue.append(handle)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="engine-client", daemon=True)
                self._thread.start()
            self._wake.notify_all()
        return handle

    def cancel(self, handle: JobHandle) -> None:
        """Stop a job: a queued one at once, a running one at its next step, and by force after ``CANCEL_GRACE`` seconds."""
        with self._wake:
            if handle.cancel_requested or handle.done():
                return
            handle.cancel_requested = True
            process = self._process if handle is self._running else None
            queued = handle in self._queue
            if queued:
                self._queue.remove(handle)
        if queued:
            self._deliver(handle, JobStopped(handle.id, handle.name))
        elif process is not None:
            with suppress(OSError, ValueError):
                process.channel.send(messages.Cancel(handle.id))
            timer = threading.Timer(CANCEL_GRACE, self._end_stubborn, (handle, process))
            timer.daemon = True
            timer.start()

    def close(self, patience: float = 3.0) -> None:
        """Cancel everything, end the process and wait for both; every job still open hears that it was stopped."""
        with self._wake:
            self._closing = True
            waiting = list(self._queue)
            self._queue.clear()
            running, process, thread = self._running, self._process, self._thread
            if running is not None:
                running.cancel_requested = True
            self._wake.notify_all()
        for handle in waiting:
            self._deliver(handle, JobStopped(handle.id, handle.name))
        if process is not None and running is not None:
            self._ask_to_end(process, running, patience)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._wake:
            process, self._process = self._process, None
        if process is not None:
            process.end(patience)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The engine's process id while it lives."""
        process = self._process
        return process.popen.pid if process is not None and process.alive() else None

    # --- on the engine's thread ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
                handle = self._running = self._queue.popleft()
            try:
                outcome = self._run(handle)
            except AnnotatorError as error:
                outcome = JobFailed(handle.id, handle.name, error)
            except Exception as error:  # the boundary: whatever happens here, the job's owner hears of it
                log.exception("the client of the engine failed in %s", handle.name)
                outcome = JobFailed(handle.id, handle.name, EngineError(f"{handle.name!r} failed: {error}"))
            with self._wake:
                self._running = None
            self._deliver(handle, outcome)

    def _run(self, handle: JobHandle) -> JobOutcome:
        """Run one job to its outcome, through as many processes as it takes."""
        handle.started = time.monotonic()
        self._tell(JobStarted(handle.id, handle.name, handle.job.title))
        kills: Counter[int] = Counter()
        nameless = 0
        while True:
            was_idle = self._process is not None
            in_hand, outcome = self._attempt(handle, kills)
            if outcome is not None:
                return outcome
            status = self._bury()
            if handle.cancel_requested:
                return JobStopped(handle.id, handle.name)
            if in_hand is None and was_idle:
                continue  # it had died before this job, which did not begin
            in_hand = in_hand or ()
            kills.update(in_hand)
            nameless += not in_hand
            if nameless >= NAMELESS_DEATHS or sum(kills.values()) + nameless > LARGEST_NUMBER_OF_DEATHS:
                cure = f"What it had saved is kept. Its log is {self._log_path}."
                return JobFailed(
                    handle.id, handle.name, EngineError(f"The engine died in {handle.name!r} ({status}).", cure)
                )
            log.warning("the engine died in %s (%s) with images %s in hand", handle.name, status, in_hand)
            self._tell(EngineRestarted(handle.id, handle.name, status, _condemned(kills)))

    def _attempt(self, handle: JobHandle, kills: Counter[int]) -> tuple[tuple[int, ...] | None, JobOutcome | None]:
        """One process's try at a job: its outcome, or None and the images in hand when the process died (None: not begun)."""
        set_aside = _condemned(kills)
        suspects = tuple(i for i in kills if i not in set_aside)
        process = self._start(handle)
        in_hand: tuple[int, ...] | None = None
        with suppress(OSError, ValueError):
            process.channel.send(messages.Start(handle.id, handle.name, handle.parameters, suspects, set_aside))
            if handle.cancel_requested:
                process.channel.send(messages.Cancel(handle.id))
        while (message := process.channel.receive()) is not None:
            if isinstance(message, messages.Changed):
                if self._on_changes is not None:
                    self._guard(self._on_changes, message.changes)
            elif isinstance(message, messages.Handling):
                in_hand = message.image_ids
            elif isinstance(message, messages.Progress):
                self._tell(_progress(handle, message))
            elif isinstance(message, messages.Line):
                self._tell(JobLine(handle.id, handle.name, message.text))
            elif isinstance(message, messages.Succeeded):
                result = messages.decode_result(message.result, handle.job.result)
                return in_hand, JobSucceeded(handle.id, handle.name, result)
            elif isinstance(message, messages.Failed):
                return in_hand, JobFailed(handle.id, handle.name, _error(message))
            elif isinstance(message, messages.Stopped):
                return in_hand, JobStopped(handle.id, handle.name)
        return in_hand, None

    def _start(self, handle: JobHandle) -> Child:
        """The living process, or a new one when there is none (one that died while idle is replaced without a word)."""
        process = self._process
        if process is not None and process.alive():
            return process
        self._bury()
        fresh = Child(self._command, self._log_path, messages.Channel.in_client, _greets)
        with self._wake:
            self._process = fresh
        return fresh

    def _bury(self) -> str:
        """Let go of the process; says how it ended."""
        with self._wake:
            process, self._process = self._process, None
        if process is None:
            return "no process"
        status = process.end(1.0)
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def _ask_to_end(self, process: Child, handle: JobHandle, patience: float) -> None:
        with suppress(OSError, ValueError):
            process.channel.send(messages.Cancel(handle.id))
        timer = threading.Timer(patience, self._end_stubborn, (handle, process))
        timer.daemon = True
        timer.start()

    def _end_stubborn(self, handle: JobHandle, process: Child) -> None:
        if not handle.done() and process.alive():
            # Expected when a project is closed in the middle of a job: between two images there may be an import.
            level = logging.INFO if self._closing else logging.WARNING
            log.log(level, "%s did not stop when it was cancelled; ending its process", handle.name)
            process.popen.kill()

    def _deliver(self, handle: JobHandle, outcome: JobOutcome) -> None:
        handle.outcome.set_result(outcome)
        self._tell(outcome)

    def _tell(self, event: JobEvent) -> None:
        if self._on_event is not None:
            self._guard(self._on_event, event)

    @staticmethod
    def _guard(callback: Callable[[Any], None], argument: Any) -> None:
        """A listener's mistake must not stop the lane."""
        try:
            callback(argument)
        except Exception:
            log.exception("a listener of the engine failed on %r", argument)


def _greets(hello: Any) -> bool:
    return isinstance(hello, messages.Hello) and hello.protocol == messages.PROTOCOL


def _condemned(kills: Counter[int]) -> tuple[int, ...]:
    return tuple(i for i, count in kills.items() if count >= KILLS_PER_IMAGE)


def _progress(handle: JobHandle, message: messages.Progress) -> JobProgress:
    elapsed = max(time.monotonic() - handle.started, 1e-6)
    rate = message.done / elapsed
    left = None if message.total is None or rate <= 0 else max(0.0, (message.total - message.done) / rate)
    return JobProgress(handle.id, handle.name, message.done, message.total, message.message, rate, left)


def _error(message: messages.Failed) -> AnnotatorError:
    if message.expected:
        return AnnotatorError(message.what, message.cure)
    return EngineError(
        message.what, message.cure or "This is a bug: please report it with the log.", detail=message.detail
    )
