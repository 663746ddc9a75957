"""The interactive engine: a child process that holds one promptable segmenter and answers one prompt after the other.

Started as ``python -m annotator.jobs.prompting.process PLANES``; messages come on standard input and go to what was standard
output when it began, as in ``annotator.jobs.engine_process``. Pictures are read on a thread of their own, the first of the list
first, so that a click on the picture at hand never waits for the next one. It ends when its pipe closes.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from annotator.domain.geometry import Box
from annotator.errors import AnnotatorError, JobCancelled
from annotator.jobs.engine_process import private_pipes
from annotator.jobs.messages import Channel
from annotator.jobs.prompting import messages
from annotator.jobs.prompting.answers import Answers, timed
from annotator.jobs.prompting.pictures import Pictures
from annotator.jobs.prompting.planes import SharedPlanes

log = logging.getLogger(__name__)

Loader = Callable[[str, Path | None, str], Any]


def load_model(model: str, weights: Path | None, device: str) -> Any:
    """A segmenter of the catalogue."""
    from annotator.models import catalogue

    return catalogue.load(model, weights=weights, device=device)


class Reader:
    """Reads pictures on its own thread: the newest list, its first picture first."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._wake = threading.Condition()
        self._wanted: list[messages.PictureFile] = []
        self._told: set[int] = set()
        self._pictures: Pictures | None = None
        self._thread = threading.Thread(target=self._serve, name="reader", daemon=True)
        self._thread.start()

    def look(self, files: Sequence[messages.PictureFile]) -> None:
        """Read these, in this order. What left the list is forgotten; a picture that is being read is left off for one that comes
        before it now, or finished first where the model cannot stop in the middle."""
        with self._wake:
            self._wanted = list(files)
            self._told &= {file.image_id for file in files}
            if self._pictures is not None:
                self._pictures.keep_only(files)
            self._wake.notify()

    def use(self, pictures: Pictures | None) -> None:
        """Read for another model, all pictures of the list anew."""
        with self._wake:
            self._pictures = pictures
            self._told.clear()
            self._wake.notify()

    def _serve(self) -> None:
        while True:
            with self._wake:
                while (chosen := self._next()) is None:
                    self._wake.wait()
                self._told.add(chosen[1].image_id)
            self._read(*chosen)

    def _next(self) -> tuple[Pictures, messages.PictureFile] | None:
        """The first picture of the list that nothing was said of yet."""
        if self._pictures is None:
            return None
        return next(((self._pictures, f) for f in self._wanted if f.image_id not in self._told), None)

    def _comes_first(self, pictures: Pictures, file: messages.PictureFile) -> bool:
        """Whether nothing else should be read rather than this picture, which is being read."""
        with self._wake:
            for other in self._wanted:
                if other == file:
                    return self._pictures is pictures
                if other.image_id not in self._told:
                    return False
        return False

    def _leave(self, file: messages.PictureFile) -> None:
        """Not read after all; it is begun anew when its turn comes."""
        with self._wake:
            self._told.discard(file.image_id)
        self._send(messages.Left(file.image_id))

    def _read(self, pictures: Pictures, file: messages.PictureFile) -> None:
        start = time.monotonic()
        fresh = not pictures.is_read(file)
        if fresh:
            self._send(messages.Reading(file.image_id))
        try:
            pictures.read(file, wanted=lambda: self._comes_first(pictures, file))
        except JobCancelled:
            self._leave(file)
        except AnnotatorError as error:
            self._send(messages.Unread(file.image_id, error.what, error.cure))
        except Exception as error:
            log.exception("reading %s failed", ascii(file.path))
            self._send(messages.Unread(file.image_id, f"The model failed on {Path(file.path).name}: {error}", ""))
        else:
            self._send(messages.Read(file.image_id, time.monotonic() - start if fresh else 0.0))


class PromptingProcess:
    """Reads requests on one thread and answers them on the main one."""

    def __init__(self, channel: Channel, planes: SharedPlanes, load: Loader = load_model) -> None:
        self._channel = channel
        self._planes = planes
        self._load = load
        self._requests: queue.SimpleQueue[messages.ToEngine | None] = queue.SimpleQueue()
        self._reader = Reader(channel.send)
        self._answers: Answers | None = None
        self._boxing: Any = None

    def run(self) -> None:
        """Greet, then serve until the pipe closes."""
        self._channel.send(messages.Hello(messages.PROTOCOL, os.getpid()))
        threading.Thread(target=self._listen, name="prompting-pipe", daemon=True).start()
        while (request := self._requests.get()) is not None:
            if isinstance(request, messages.Use):
                self._use(request)
            elif isinstance(request, messages.Look):
                self._reader.look(request.pictures)
            else:
                self._serve(request)

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            self._requests.put(message)
        # Nobody waits for what is being read or answered, and nothing here needs to be saved.
        os._exit(0)

    def _use(self, use: messages.Use) -> None:
        self._answers = None
        self._reader.use(None)
        try:
            model = self._load(use.model, Path(use.weights) if use.weights else None, use.device)
        except AnnotatorError as error:
            self._channel.send(messages.Refused(error.what, error.cure))
            return
        except Exception as error:
            log.exception("loading %s failed", use.model)
            self._channel.send(messages.Refused(f"{use.model} cannot be loaded: {error}", "The log has the details."))
            return
        pictures = Pictures(model)
        self._answers = Answers(pictures)
        info = model.info
        self._channel.send(messages.Ready(use.model, info.version, info.device, pictures.instant))
        self._reader.use(pictures)

    def _find_box(self, request: messages.FindBox) -> Box:
        if self._boxing is None:
            from annotator.jobs.prompting.click_boxing import ClickBoxing

            self._boxing = ClickBoxing()
        found: Box = self._boxing.find(request)
        return found

    def _serve(self, request: messages.Ask | messages.Keep | messages.FindBox) -> None:
        start = time.thread_time()
        try:
            if isinstance(request, messages.FindBox):
                found = self._find_box(request)
                self._channel.send(messages.Kept(request.request, found.to_json(), 1.0, timed(start)))
            elif self._answers is None:
                raise AnnotatorError("No model is loaded for the smart tool.", "Choose one under Models.")
            elif isinstance(request, messages.Ask):
                answer = self._answers.ask(request)
                planes = self._planes.put([(cut.mask, cut.x, cut.y) for cut in answer.cuts])
                scores = answer.scores[: len(planes)]
                self._channel.send(messages.Found(request.request, planes, scores, answer.scale, timed(start)))
            else:
                geometry, score = self._answers.keep(request)
                data = None if geometry is None else geometry.to_json()
                self._channel.send(messages.Kept(request.request, data, score, timed(start)))
        except AnnotatorError as error:
            self._channel.send(messages.Failed(request.request, error.what, error.cure))
        except Exception as error:
            log.exception("request %d failed", request.request)
            what = f"The model failed: {type(error).__name__}: {error}"
            self._channel.send(messages.Failed(request.request, what, "This is a bug: please report it.", False))


def main(arguments: Sequence[str] | None = None) -> None:
    """The interactive engine's entry point."""
    parser = argparse.ArgumentParser(
        prog="annotator-prompting", description="Answers clicks for a window; not started by hand."
    )
    parser.add_argument("planes", type=Path, help="the file of the shared memory")
    parser.add_argument("--loader", default="", help="MODULE:FUNCTION that loads models in the place of the catalogue")
    options = parser.parse_args(arguments)
    incoming, outgoing = private_pipes()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    load: Loader = load_model
    if options.loader:
        import importlib

        module, _, function = options.loader.partition(":")
        load = getattr(importlib.import_module(module), function)
    channel = Channel(incoming, outgoing, messages.to_engine)
    with suppress(BrokenPipeError, ValueError):
        PromptingProcess(channel, SharedPlanes.attach(options.planes), load).run()


if __name__ == "__main__":
    main()
