"""A child process of this program with a pipe to it: how both engines are started, watched and ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeAlias, cast

import annotator
from annotator.jobs.events import EngineError
from annotator.jobs.messages import Channel

ChannelMaker: TypeAlias = Callable[[BinaryIO, BinaryIO], Channel]


class Child:
    """One process, running. ``greets`` says whether its first message is the one of the protocol that we speak.

    Its errors go to the end of ``log_path``, where that can be written. Raises ``EngineError`` when it does not start.
    """

    def __init__(
        self, command: list[str], log_path: Path | None, channel: ChannelMaker, greets: Callable[[Any], bool]
    ) -> None:
        roots = [str(Path(annotator.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(r for r in roots if r), "PYTHONUNBUFFERED": "1"}
        errors: IO[bytes] | int = subprocess.DEVNULL
        if log_path is not None:
            with suppress(OSError):
                log_path.parent.mkdir(parents=True, exist_ok=True)
                errors = log_path.open("ab")
        try:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
            )
        finally:
            if not isinstance(errors, int):
                errors.close()
        incoming, outgoing = cast(BinaryIO, self.popen.stdout), cast(BinaryIO, self.popen.stdin)
        self.channel = channel(incoming, outgoing)
        if not greets(self.channel.receive()):
            self.end()
            where = f"Its log is {log_path}." if log_path else ""
            raise EngineError("The engine did not start.", f"{where} `annotator doctor` says what is missing.".strip())

    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    def end(self, patience: float = 0.0) -> int:
        """Close the pipe, which ends the process; kill it after ``patience`` seconds. Returns its exit status."""
        self.channel.close()
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()
