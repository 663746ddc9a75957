"""The client of the interactive engine: starts its process when it is first needed, asks it, and survives its death.

    engine = PromptingEngine(on_event=bridge)
    engine.use("embedded-segmenter")
    engine.look([picture, the_next_one])
    engine.ask(Ask(1, picture, prompt.to_json(), scale=0.5))

Callbacks run on the client's own thread and must be quick. One prompt is under way at a time; of those that come meanwhile only
the newest is asked, so that nobody waits for an answer to an old one. When the process dies it is started again, reads its
pictures anew, and is asked what was not answered; a picture that kills it twice is left alone.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from annotator.domain.geometry import from_json
from annotator.jobs.child import Child
from annotator.jobs.events import EngineError
from annotator.jobs.log_files import log_folder
from annotator.jobs.messages import Channel
from annotator.jobs.prompting import events, messages
from annotator.jobs.prompting.messages import Ask, FindBox, Keep, Look, PictureFile, Use
from annotator.jobs.prompting.planes import SharedPlanes

log = logging.getLogger(__name__)

KILLS_PER_PICTURE = 2
KILLS_PER_REQUEST = 2
FRUITLESS_DEATHS = 3
"""Deaths in a row, without an answer or a picture read in between, after which nothing is started by itself."""


@dataclass
class _State:
    """What one process knows and what it was asked. ``sent``: the keeps that are in its pipe."""

    ready: bool = False
    instant: bool = False
    reading: int | None = None
    read: set[int] = field(default_factory=set)
    in_flight: Ask | None = None
    sent: set[int] = field(default_factory=set)


class PromptingEngine:
    """All methods may be called from any thread, return at once, and are answered by events."""

    def __init__(
        self,
        on_event: Callable[[events.PromptingEvent], None],
        *,
        log_path: Path | None = None,
        loader: str = "",
    ) -> None:
        self._on_event = on_event
        self._log_path = log_path or log_folder() / "smart.log"
        self._loader = loader
        self._wake = threading.Condition()
        self._use: Use | None = None
        self._look: tuple[PictureFile, ...] = ()
        self._next_ask: Ask | None = None
        self._keeps: dict[int, Keep | FindBox] = {}
        self._state = _State()
        self._process: Child | None = None
        self._planes: SharedPlanes | None = None
        self._kills: Counter[int] = Counter()
        self._blamed: Counter[int] = Counter()
        self._fruitless = 0
        self._wanted = False
        self._closing = False
        self._thread: threading.Thread | None = None

    # --- from any thread -----------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The process's id while it lives."""
        process = self._process
        return process.popen.pid if process is not None and process.alive() else None

    def use(self, model: str, weights: str = "", device: str = "auto") -> None:
        """Answer with this model from now on; ``ModelReady`` or ``ModelRefused`` follows."""
        with self._wake:
            wanted = Use(model, weights, device)
            if wanted != self._use:
                self._use = wanted
                self._next_ask, self._keeps = None, {r: k for r, k in self._keeps.items() if isinstance(k, FindBox)}
                self._state = _State()
                self._send(wanted)
                self._send(Look(self._look))
            self._want()

    def look(self, pictures: Sequence[PictureFile]) -> None:
        """Have these pictures ready, the first one first; what was asked of others is dropped."""
        with self._wake:
            self._look = tuple(p for p in pictures if self._kills[p.image_id] < KILLS_PER_PICTURE)
            known = {p.image_id for p in self._look}
            if self._next_ask is not None and self._next_ask.picture.image_id not in known:
                self._next_ask = None
            self._state.read &= known
            self._send(Look(self._look))
            self._want()
        for picture in pictures:
            if picture.image_id not in known:
                self._tell(_left_alone(picture))

    def ask(self, ask: Ask) -> None:
        """Answer a prompt, in the place of any that still waits."""
        with self._wake:
            self._next_ask = ask
            self._pump()
            self._want()

    def drop(self) -> None:
        """Nobody waits for an answer to a prompt any more."""
        with self._wake:
            self._next_ask = None

    def keep(self, keep: Keep | FindBox) -> None:
        """Make a candidate a geometry, or a click a box; every one of these is answered."""
        with self._wake:
            self._keeps[keep.request] = keep
            self._pump()
            self._want()

    def close(self, patience: float = 2.0) -> None:
        """End the process and wait for it; nothing is told any more."""
        with self._wake:
            self._closing = True
            process, thread = self._process, self._thread
            self._wake.notify_all()
        if process is not None:
            process.end(patience)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        if self._planes is not None:
            self._planes.close()
            self._planes = None

    def _want(self) -> None:
        self._wanted = self._use is not None
        if self._wanted and self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._serve, name="prompting-client", daemon=True)
            self._thread.start()
        self._wake.notify_all()

    def _send(self, message: msgspec.Struct) -> None:
        """Write to the process, if there is one; that it is gone shows when its pipe ends."""
        if self._process is not None:
            with suppress(OSError, ValueError):
                self._process.channel.send(message)

    def _pump(self) -> None:
        """Send what can be answered now."""
        state = self._state
        if self._process is None:
            return
        ask = self._next_ask
        if ask is not None and state.in_flight is None and self._can_answer(ask.picture):
            self._next_ask, state.in_flight = None, ask
            self._send(ask)
        for request, keep in self._keeps.items():
            if request not in state.sent and (isinstance(keep, FindBox) or self._can_answer(keep.picture)):
                state.sent.add(request)
                self._send(keep)

    def _can_answer(self, picture: PictureFile) -> bool:
        if not self._state.ready:
            return False
        waits = any(p.image_id == picture.image_id for p in self._look)
        return self._state.instant or picture.image_id in self._state.read or not waits

    # --- on the client's thread ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._wanted and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
            try:
                process = self._start()
            except (EngineError, OSError) as error:
                self._give_up(getattr(error, "what", str(error)), getattr(error, "cure", ""))
                continue
            while (message := process.channel.receive()) is not None:
                self._hear(message)
            status = process.end(1.0)
            with self._wake:
                self._process = None
            self._mourn(f"signal {-status}" if status < 0 else f"exit status {status}")

    def _start(self) -> Child:
        if self._planes is not None:
            self._planes.close()
        planes = self._planes = SharedPlanes.create()
        command = [sys.executable, "-m", "annotator.jobs.prompting.process", str(planes.path)]
        command += ["--loader", self._loader] if self._loader else []
        process = Child(command, self._log_path, _channel, _greets)
        planes.forget_name()
        with self._wake:
            self._process, self._state = process, _State()
            closing, use = self._closing, self._use
            if use is not None:
                self._send(use)
                self._send(Look(self._look))
        if closing:
            process.end()
        return process

    def _hear(self, message: Any) -> None:
        with self._wake:
            told = self._take(message)
            self._pump()
        for event in told:
            self._tell(event)

    def _take(self, message: Any) -> list[events.PromptingEvent]:
        """Note what the process says; returns what to tell of it."""
        state = self._state
        if isinstance(message, messages.Ready):
            if self._use is None or message.model != self._use.model:
                return []
            state.ready, state.instant = True, message.instant
            return [events.ModelReady(message.model, message.version, message.device, message.instant)]
        if isinstance(message, messages.Refused):
            return [events.ModelRefused(message.what, message.cure)]
        if isinstance(message, messages.Reading):
            state.reading = message.image_id
            return [events.PictureReading(message.image_id)]
        if isinstance(message, messages.Left):
            state.reading = None
            return []
        if isinstance(message, messages.Read):
            state.reading, self._fruitless = None, 0
            state.read.add(message.image_id)
            return [events.PictureRead(message.image_id, message.seconds)]
        if isinstance(message, messages.Unread):
            state.reading = None
            return [events.PictureUnread(message.image_id, message.what, message.cure), *self._refuse(message)]
        return self._answered(message)

    def _answered(self, message: Any) -> list[events.PromptingEvent]:
        state = self._state
        if isinstance(message, messages.Found):
            return self._found(message)
        if isinstance(message, messages.Kept):
            self._fruitless = 0
            if self._keeps.pop(message.request, None) is None:
                return []
            geometry = None if message.geometry is None else from_json(message.geometry)
            return [events.GeometryKept(message.request, geometry, message.score, message.seconds)]
        if isinstance(message, messages.Failed):
            if state.in_flight is not None and state.in_flight.request == message.request:
                state.in_flight = None
            self._keeps.pop(message.request, None)
            return [events.RequestFailed(message.request, message.what, message.cure)]
        return []

    def _found(self, message: messages.Found) -> list[events.PromptingEvent]:
        """The planes are copied here, before the next request goes out and they are written anew."""
        asked, self._state.in_flight, self._fruitless = self._state.in_flight, None, 0
        if asked is None or asked.request != message.request or self._planes is None:
            return []
        if not any(p.image_id == asked.picture.image_id for p in self._look):
            return []
        candidates = tuple(
            events.Candidate(self._planes.take(plane), plane.x, plane.y, score)
            for plane, score in zip(message.planes, message.scores, strict=True)
        )
        return [events.PromptAnswered(message.request, candidates, message.scale, message.seconds)]

    def _refuse(self, unread: messages.Unread) -> list[events.PromptingEvent]:
        """Nothing that is asked of a picture that cannot be read will be answered."""
        refused = [r for r, keep in self._keeps.items() if keep.picture.image_id == unread.image_id]
        for request in refused:
            del self._keeps[request]
        ask = self._next_ask
        if ask is not None and ask.picture.image_id == unread.image_id:
            self._next_ask = None
            refused.append(ask.request)
        return [events.RequestFailed(request, unread.what, unread.cure) for request in refused]

    def _mourn(self, reason: str) -> None:
        """The process died: find out over what, and go on with the rest; nothing to do when it was closed."""
        if self._closing:
            return
        told: list[events.PromptingEvent] = []
        with self._wake:
            state, self._state = self._state, _State()
            self._fruitless += 1
            if state.in_flight is not None:  # an instant model may have been reading too: ask, or the click is lost
                told += self._ask_again(state.in_flight)
            elif state.reading is not None:
                told += self._set_aside(state.reading)
            gone = self._fruitless >= FRUITLESS_DEATHS
        log.warning("the interactive engine died (%s)", reason)
        for event in told:
            self._tell(event)
        if gone:
            self._give_up(f"The smart tool's engine keeps dying ({reason}).", f"Its log is {self._log_path}.")
        else:
            self._tell(events.PromptingRestarted(reason))

    def _set_aside(self, image_id: int) -> list[events.PromptingEvent]:
        """It died over this picture; after the second time it is left alone."""
        self._kills[image_id] += 1
        if self._kills[image_id] < KILLS_PER_PICTURE:
            return []
        self._fruitless = 0
        told: list[events.PromptingEvent] = []
        for picture in self._look:
            if picture.image_id == image_id:
                event = _left_alone(picture)
                told += [event, *self._refuse(messages.Unread(image_id, event.what, event.cure))]
        self._look = tuple(p for p in self._look if p.image_id != image_id)
        return told

    def _ask_again(self, ask: Ask) -> list[events.PromptingEvent]:
        """It died over this request: once more, without what only the dead process knew, unless a newer one waits."""
        self._blamed[ask.request] += 1
        if self._blamed[ask.request] >= KILLS_PER_REQUEST:
            self._fruitless = 0
            what = "The smart tool's engine died twice over this prompt."
            return [events.RequestFailed(ask.request, what, "Try another prompt, or another model.")]
        if self._next_ask is None:
            self._next_ask = msgspec.structs.replace(ask, previous=None)
        return []

    def _give_up(self, what: str, cure: str) -> None:
        with self._wake:
            self._wanted, self._fruitless = False, 0
            lost = [*self._keeps]
            if self._next_ask is not None:
                lost.append(self._next_ask.request)
            self._next_ask, self._keeps = None, {}
        for request in lost:
            self._tell(events.RequestFailed(request, what, cure))
        self._tell(events.PromptingGone(what, cure))

    def _tell(self, event: events.PromptingEvent) -> None:
        """A listener's mistake must not stop the lane."""
        if self._closing:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("a listener of the interactive engine failed on %r", event)


def _left_alone(picture: PictureFile) -> events.PictureUnread:
    name = Path(picture.path).name
    what = f"{name} stopped the smart tool's engine twice, so it leaves this picture alone."
    return events.PictureUnread(picture.image_id, what, "Draw on it with the other tools, or choose another model.")


def _channel(incoming: BinaryIO, outgoing: BinaryIO) -> Channel:
    return Channel(incoming, outgoing, messages.from_engine)


def _greets(hello: Any) -> bool:
    return isinstance(hello, messages.Hello) and hello.protocol == messages.PROTOCOL
