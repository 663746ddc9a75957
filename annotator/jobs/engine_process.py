"""The engine: a child process that holds the models and runs one job at a time over one project.

Started as ``python -m annotator.jobs.engine_process PROJECT``; it reads messages from standard input and writes them to what was
standard output when it began. Standard output itself then goes where standard error goes, because model packages print to it.
The process ends when its pipe closes, whatever it is doing: every commit is whole, so nothing is lost.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import annotator
from annotator.errors import AnnotatorError, JobCancelled
from annotator.jobs import messages
from annotator.jobs.catalogue import Job, job
from annotator.project import Project

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.1
GRACE_AFTER_CLOSE = 1.0


class EngineContext:
    """The ``JobContext`` of a job in the engine: progress and log lines go through the pipe, cancel comes from it."""

    def __init__(self, channel: messages.Channel, start: messages.Start) -> None:
        self._channel = channel
        self._job_id = start.job_id
        self._suspects = frozenset(start.suspects)
        self._cancelled = threading.Event()
        self._last_sent = 0.0
        self._in_hand: tuple[int, ...] = ()

    @property
    def suspects(self) -> frozenset[int]:
        """Images that were in hand when the process died before."""
        return self._suspects

    def cancel(self) -> None:
        """Ask the job to stop."""
        self._cancelled.set()

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        self.check_cancelled()
        moment = time.monotonic()
        if moment - self._last_sent >= PROGRESS_INTERVAL or done == total:
            self._last_sent = moment
            self._channel.send(messages.Progress(self._job_id, done, total, message))

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise JobCancelled

    def log(self, message: str) -> None:
        self._channel.send(messages.Line(self._job_id, message))

    def handling(self, image_ids: Sequence[int]) -> None:
        """Leave a note of the images in hand; it is in the pipe before the work begins, so that it outlives a crash."""
        in_hand = tuple(int(i) for i in image_ids)
        if in_hand != self._in_hand:
            self._in_hand = in_hand
            self._channel.send(messages.Handling(self._job_id, in_hand))


class EngineProcess:
    """Reads requests on one thread and runs jobs on the main one."""

    def __init__(self, channel: messages.Channel, folder: Path, annotator_name: str, jobs: Mapping[str, Job]) -> None:
        self._channel = channel
        self._folder = folder
        self._annotator = annotator_name
        self._jobs = jobs
        self._requests: queue.SimpleQueue[messages.Start | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: EngineContext | None = None
        self._running_id: int | None = None
        self._cancelled_early: set[int] = set()
        self._project: Project | None = None

    def run(self) -> None:
        """Greet, then serve until the pipe closes."""
        self._channel.send(messages.Hello(messages.PROTOCOL, annotator.__version__, os.getpid()))
        threading.Thread(target=self._listen, name="engine-pipe", daemon=True).start()
        while (request := self._requests.get()) is not None:
            self._serve(request)
        if self._project is not None:
            self._project.close()

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            if isinstance(message, messages.Start):
                self._requests.put(message)
            else:
                self._cancel(message.job_id)
        self._requests.put(None)
        with self._lock:
            if self._running is not None:
                self._running.cancel()
        time.sleep(GRACE_AFTER_CLOSE)
        os._exit(0)

    def _cancel(self, job_id: int) -> None:
        with self._lock:
            if self._running is not None and self._running_id == job_id:
                self._running.cancel()
            else:
                self._cancelled_early.add(job_id)

    def _serve(self, start: messages.Start) -> None:
        context = EngineContext(self._channel, start)
        with self._lock:
            self._running, self._running_id = context, start.job_id
            if start.job_id in self._cancelled_early:
                context.cancel()
        try:
            answer = self._answer(start, context)
        finally:
            with self._lock:
                self._running, self._running_id = None, None
                self._cancelled_early.discard(start.job_id)
        self._channel.send(answer)

    def _answer(self, start: messages.Start, context: EngineContext) -> messages.FromEngine:
        try:
            self._channel.send(messages.Handling(start.job_id, ()))
            entry = job(start.name, self._jobs)
            project = self._open()
            if start.set_aside:
                project.images.set_aside(start.set_aside, "It stopped the engine twice and was set aside.")
            result = entry.function(project, context, **start.parameters)
            return messages.Succeeded(start.job_id, messages.encode_result(result))
        except JobCancelled:
            return messages.Stopped(start.job_id)
        except AnnotatorError as error:
            return messages.Failed(start.job_id, error.what, error.cure, expected=True)
        except MemoryError:
            what = f"There is not enough memory for {start.name!r}."
            return messages.Failed(
                start.job_id, what, "Close other programs and start it again; it goes on where it was.", True
            )
        except Exception as error:
            log.exception("job %s failed", start.name)
            what = f"{start.name!r} failed: {type(error).__name__}: {error}"
            return messages.Failed(start.job_id, what, "", expected=False, detail=traceback.format_exc())

    def _open(self) -> Project:
        if self._project is None:
            self._project = Project.open(self._folder, annotator=self._annotator or None, lock=False)
            self._project.subscribe(lambda changes: self._channel.send(messages.Changed(changes)))
        return self._project


def private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for messages, and give the process an empty input and standard error as its output."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing


def main(arguments: Sequence[str] | None = None) -> None:
    """The engine's entry point."""
    parser = argparse.ArgumentParser(
        prog="annotator-engine", description="Runs jobs for a window; not started by hand."
    )
    parser.add_argument("project", type=Path)
    parser.add_argument("--annotator", default="")
    parser.add_argument("--jobs", default="annotator.jobs.catalogue", help="module whose JOBS the engine runs")
    options = parser.parse_args(arguments)
    incoming, outgoing = private_pipes()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    jobs: Mapping[str, Any] = importlib.import_module(options.jobs).JOBS
    channel = messages.Channel.in_engine(incoming, outgoing)
    with suppress(BrokenPipeError, ValueError):
        EngineProcess(channel, options.project, options.annotator, jobs).run()


if __name__ == "__main__":
    main()
