"""Jobs for the tests of the engine: they count, print, fail, hang, die, and fall over certain images."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.errors import AnnotatorError
from annotator.jobs.catalogue import JOBS as REAL_JOBS
from annotator.jobs.catalogue import Job


@dataclass(frozen=True)
class Walk:
    """Which images a walk over the project handled in this process."""

    handled: tuple[int, ...]
    pid: int


def _mark(project: Any, image_id: int) -> None:
    with project._parts.db.write("walk") as writer:
        writer.images.set_note(image_id, "handled")


def walk(
    project: Any, context: Any, *, deadly: Sequence[int] = (), die_once_at: int | None = None, marker: str = ""
) -> Walk:
    """Note "handled" on every usable image, two at a time; ``deadly`` images kill the process whenever they are in hand."""
    handled = []
    images = [i for i in project.images.many(project.queue.order().tolist()) if not i.note]
    pairs = [[i] for i in images if i.id in context.suspects]
    calm = [i for i in images if i.id not in context.suspects]
    pairs += [calm[at : at + 2] for at in range(0, len(calm), 2)]
    for at, pair in enumerate(pairs):
        context.progress(at, len(pairs), "walking")
        context.handling([image.id for image in pair])
        for image in pair:
            if image.id in deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            _mark(project, image.id)
            handled.append(image.id)
            if image.id == die_once_at and not Path(marker).exists():
                Path(marker).write_text("died")
                os.kill(os.getpid(), signal.SIGKILL)
        context.handling([])
    return Walk(tuple(handled), os.getpid())


def chatter(project: Any, context: Any) -> Walk:
    """Print, which must not disturb the pipe."""
    print("a model package says hello")
    os.write(1, b"and so does its native code\n")
    context.log("a line for the log")
    for at in range(1000):
        context.progress(at, 1000)
    return Walk((), os.getpid())


def fail(project: Any, context: Any, *, bug: bool = False) -> Walk:
    """Fail as a person can mend, or as only we can."""
    if bug:
        raise ZeroDivisionError("nobody expected this")
    raise AnnotatorError("The disk is full.", "Free some space.")


def wait(project: Any, context: Any, *, politely: bool = True) -> Walk:
    """Go on until cancelled; impolitely: do not listen."""
    context.progress(0, None, "waiting")
    while True:
        time.sleep(0.02)
        if politely:
            context.check_cancelled()


def die(project: Any, context: Any) -> Walk:
    """Die with nothing in hand."""
    os._exit(9)


JOBS = {
    **REAL_JOBS,
    **{
        name: Job(name, name, function, Walk)
        for name, function in (
            ("walk", walk),
            ("chatter", chatter),
            ("fail", fail),
            ("wait", wait),
            ("die", die),
        )
    },
}
