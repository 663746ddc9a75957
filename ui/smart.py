"""Between the smart tool and the interactive engine: prompts one way, masks the other, and what is kept becomes an edit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.geometry import Box, GeometryKind
from annotator.domain.prompt import PROMPT, Prompt
from annotator.domain.records import Image, new_annotation
from annotator.edits import shapes
from annotator.jobs.prompting import events
from annotator.jobs.prompting.messages import Ask, Boxed, FindBox, Keep, PictureFile
from annotator.usecases.serving import Role, serving
from ui.canvas.tools.smart import SmartTool
from ui.canvas.tools.smart_talk import Choice, Question, Reply, SmartOptions
from ui.canvas_binding import CanvasBinding
from ui.click_boxes import ClickBoxes
from ui.engine_bridge import Relay
from ui.session import Session
from ui.turning import Turning

if TYPE_CHECKING:
    from annotator.jobs.prompting.client import PromptingEngine
    from ui.canvas.view import Canvas

TOOL = "smart"
FAST = 0.15
"""Seconds of processor time up to which an answer is quick enough to show masks to a mouse that only rests."""
MEASURED = 5
"""The last answers by which that is judged; the very first one warms the model up and is not among them."""


@dataclass(frozen=True)
class _Drawing:
    """A candidate that becomes an annotation. ``question`` is the tool's number of it."""

    image_id: int
    label_id: int | None
    question: int
    facts: dict[str, Any]


class Smart(QObject):
    """The engine starts when the tool is first taken in hand, or a box is first turned into a mask."""

    status_changed = Signal(str, bool)
    told = Signal(str)
    failed = Signal(str, str)
    geometry_wanted = Signal(object, object)
    tool_moved = Signal()

    def __init__(self, session: Session, canvas: Canvas, binding: CanvasBinding, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._canvas, self._binding = session, canvas, binding
        self.options: SmartOptions = canvas.smart
        self._engine: PromptingEngine | None = None
        self._relay: Relay | None = None
        self.ready: events.ModelReady | None = None
        self._requests = 0
        self._drawings: dict[int, _Drawing] = {}
        self._reading: tuple[int, float] | None = None
        self._read: set[int] = set()
        self._trouble = ""
        self._seconds: deque[float] = deque(maxlen=MEASURED)
        self._warm = False
        self.turning, self.click_boxes = Turning(session, self), ClickBoxes(session, canvas, self)
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tell_status)
        canvas.asked.connect(self._asked)
        canvas.kept.connect(self._kept)
        canvas.smart_moved.connect(self.tool_moved)
        binding.tool_changed.connect(self._tool_changed)
        session.image_changed.connect(self._image_changed)
        session.order_changed.connect(self._look)
        session.closed.connect(self.close)

    # --- the engine ----------------------------------------------------------------------------------------------------

    @property
    def in_hand(self) -> bool:
        """Whether the smart tool is in hand."""
        return self._binding.tool == TOOL

    @property
    def pid(self) -> int | None:
        """The engine's process id while it lives."""
        return self._engine.pid if self._engine is not None else None

    def close(self) -> None:
        """End the engine; what was asked is forgotten."""
        self._clock.stop()
        if self._relay is not None:
            self._relay.close()
        if self._engine is not None:
            self._engine.close()
        self._engine, self._relay, self.ready, self._reading = None, None, None, None
        self._drawings.clear()
        self.turning.clear()
        self.click_boxes.clear()
        self._read.clear()
        self._trouble = ""

    def follow_choice(self, role: Role) -> None:
        """The project's choice of a model has changed: if it is ours, answer with the new one."""
        if role is Role.SMART and self._engine is not None:
            self.ready, self._trouble = None, ""
            self._read.clear()
            self._seconds.clear()
            self._warm = False
            self._use()
            self._tell_status()

    def _start(self) -> PromptingEngine | None:
        if self._engine is None and self._session.project is not None:
            from annotator.jobs.prompting.client import PromptingEngine

            self._relay = Relay(self._hear, self)
            self._engine = PromptingEngine(self._relay.post)
            self._use()
        return self._engine

    def _use(self) -> None:
        project, engine = self._session.project, self._engine
        if project is not None and engine is not None:
            served = serving(project.settings, Role.SMART)
            engine.use(served.model, str(served.weights or ""))

    def _look(self) -> None:
        """Have the picture on screen and the next one read."""
        engine, image, project = self._engine, self._session.image, self._session.project
        if engine is None or image is None or project is None or not self.in_hand:
            return
        following = project.images.many(self._session.order.ahead(1))
        files = [self._file(i) for i in (image, *following)]
        self._read &= {file.image_id for file in files}
        engine.look(files)
        self._tell_status()

    def _file(self, image: Image) -> PictureFile:
        assert self._session.project is not None
        width, height = image.width, image.height
        if image.id == (self._session.image.id if self._session.image else None) and not width:
            width, height = self._canvas.image_size
        return PictureFile(image.id, str(self._session.project.images.path_of(image)), max(width, 1), max(height, 1))

    # --- what the window does ------------------------------------------------------------------------------------------

    def _tool_changed(self, tool_id: str) -> None:
        if tool_id == TOOL and self._session.image is not None:
            self._start()
            self._look()
        elif self._engine is not None:
            self._engine.drop()
        self._tell_status()

    def _image_changed(self, image_id: int) -> None:
        tool = self.tool()
        if tool is not None:
            tool.cancel()
            self._start()
        self._look()

    def tool(self) -> SmartTool | None:
        """The tool, while it is in hand."""
        return self._canvas.tool if isinstance(self._canvas.tool, SmartTool) else None

    def _asked(self, question: Question | None) -> None:
        engine, image = self._start(), self._session.image
        if engine is None or image is None:
            return
        if question is None:
            engine.drop()
            self._tell_status()
            return
        self._trouble = ""
        steps = question.prompt.to_json()
        engine.ask(Ask(question.number, self._file(image), steps, question.scale, question.previous))
        self._tell_status()

    def _kept(self, choice: Choice) -> None:
        image = self._session.image
        if image is None:
            return
        facts = {**self.facts(choice.prompt, self.options.form), "candidate": choice.index}
        request = self.ask_to_keep(image, choice.prompt, self.options.form, choice)
        if request is not None:
            self._drawings[request] = _Drawing(image.id, self._session.current_label_id, choice.number, facts)

    def ask_to_keep(self, image: Image, prompt: Prompt, form: GeometryKind, choice: Choice | None = None) -> int | None:
        """Want a geometry for a prompt, of a candidate or of the first one; returns the number of the request.

        Requests to keep have negative numbers, questions of the tool positive ones.
        """
        engine = self._start()
        if engine is None:
            return None
        self._requests -= 1
        scale, asked, index = self._canvas.view.scale, 0, 0
        if choice is not None:
            scale, asked, index = choice.scale, choice.number, choice.index
        steps, tolerance = prompt.to_json(), self.options.tolerance
        engine.keep(Keep(self._requests, self._file(image), steps, form.value, tolerance, scale, asked, index))
        self._tell_status()
        return self._requests

    def ask_for_box(
        self, image: Image, x: float, y: float, examples: Sequence[tuple[Image, Sequence[Box]]]
    ) -> int | None:
        """Want the box around what lies at a place, drawn as the examples are; returns the number of the request."""
        engine = self._start()
        if engine is None:
            return None
        self._requests -= 1
        boxed = tuple(Boxed(self._file(each), tuple(box.bounds() for box in boxes)) for each, boxes in examples)
        engine.keep(FindBox(self._requests, self._file(image), x, y, boxed))
        return self._requests

    def facts(self, prompt: Prompt, form: GeometryKind) -> dict[str, Any]:
        """What is kept with the annotation."""
        facts: dict[str, Any] = {"steps": prompt.to_json(), "kept_as": form.value}
        if form is GeometryKind.POLYGON:
            facts["tolerance"] = self.options.tolerance
        if self.ready is not None:
            facts |= {"model": self.ready.model, "version": self.ready.version}
        return facts

    # --- what the engine says ------------------------------------------------------------------------------------------

    def _hear(self, event: events.PromptingEvent) -> None:
        tool = self.tool()
        if isinstance(event, events.PromptAnswered):
            self._measure(event.seconds)
            if tool is not None:
                tool.answer(Reply(event.request, event.candidates, event.scale))
        elif isinstance(event, events.GeometryKept):
            self._finish(event)
        elif isinstance(event, events.RequestFailed):
            self._request_failed(event)
        elif isinstance(event, events.ModelReady):
            self.ready, self._trouble = event, ""
        elif isinstance(event, events.PictureReading):
            self._reading = event.image_id, time.monotonic()
        elif isinstance(event, events.PictureRead):
            self._reading = None
            self._read.add(event.image_id)
        else:
            self._bad_news(event)
        self._tell_status()

    def _measure(self, seconds: float) -> None:
        if self._warm:
            self._seconds.append(seconds)
        self._warm = True
        self.options.can_hover = bool(self._seconds) and median(self._seconds) <= FAST

    @property
    def too_slow_to_hover(self) -> bool:
        """Whether answers have proven too slow for masks under a mouse that only rests."""
        return len(self._seconds) > 1 and not self.options.can_hover

    def _bad_news(self, event: events.PromptingEvent) -> None:
        self._reading = None
        if isinstance(event, events.PictureUnread):
            if self._session.image is not None and event.image_id == self._session.image.id:
                self._trouble = event.what
                self.failed.emit(event.what, event.cure)
        elif isinstance(event, events.ModelRefused | events.PromptingGone):
            self.ready, self._trouble = None, event.what
            self.failed.emit(event.what, event.cure)
        elif isinstance(event, events.PromptingRestarted):
            self.ready = None
            self._read.clear()
            words = self.tr("The smart tool's engine stopped ({0}) and was started again. Just go on.")
            self.told.emit(words.format(event.reason))

    def _request_failed(self, event: events.RequestFailed) -> None:
        drawing = self._drawings.pop(event.request, None)
        turned = self.turning.failed(event.request) or self.click_boxes.failed(event.request)
        tool = self.tool()
        if drawing is not None and tool is not None:
            tool.settle(drawing.question)
        self._trouble = event.what
        if drawing is not None or turned:
            self.failed.emit(event.what, event.cure)

    def _finish(self, event: events.GeometryKept) -> None:
        drawing = self._drawings.pop(event.request, None)
        if drawing is not None:
            self._draw(drawing, event)
        elif not self.click_boxes.answered(event):
            self.turning.answered(event)

    def _draw(self, drawing: _Drawing, event: events.GeometryKept) -> None:
        session, tool = self._session, self.tool()
        if tool is not None:
            tool.settle(drawing.question)
        if session.project is None or session.page is None:
            return
        if event.geometry is None:
            self.told.emit(self.tr("Nothing was left of the mask, so nothing was drawn."))
            return
        extra = {PROMPT: {**drawing.facts, "score": round(event.score, 4)}}
        here = drawing.image_id == session.page.image.id
        label_id = drawing.label_id if drawing.label_id is not None else session.current_label_id
        if label_id is None or label_id not in session.labels:
            if here:
                self.geometry_wanted.emit(event.geometry, extra)
            return
        page = session.page if here else session.read_page(drawing.image_id)
        annotation = new_annotation(drawing.image_id, label_id, event.geometry, session.annotator, extra=extra)
        session.perform(shapes.draw(page, annotation))
        if here and (tool is None or not tool.busy):
            session.select((annotation.id,))

    # --- what is shown -------------------------------------------------------------------------------------------------

    def status(self) -> tuple[str, bool]:
        """What the tool is at, and whether a click would have to wait."""
        image = self._session.image
        if self._trouble:
            return self._trouble, False
        if self._engine is None or image is None:
            return "", False
        if self.ready is None:
            return self.tr("loading the model…"), True
        if not self.ready.instant and image.id not in self._read:
            return self._reading_words(image.id), True
        waiting = self.turning.waiting
        if waiting:
            return self.tr("turning {0} boxes…").format(waiting) if waiting > 1 else self.tr("turning the box…"), False
        return "", False

    def _reading_words(self, image_id: int) -> str:
        if self._reading is None or self._reading[0] != image_id:
            return self.tr("reading the picture…")
        seconds = int(time.monotonic() - self._reading[1])
        return self.tr("reading the picture… {0} s").format(seconds) if seconds else self.tr("reading the picture…")

    def _tell_status(self) -> None:
        text, waits = self.status()
        if waits and self.in_hand:
            self._clock.start() if not self._clock.isActive() else None
        else:
            self._clock.stop()
        tool = self.tool()
        if tool is not None and tool.waiting != (text if waits else ""):
            tool.wait(text if waits else "")
        self.status_changed.emit(text, waits)
