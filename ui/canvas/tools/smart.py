"""Canvas, tools: the smart tool. A person points at something, the machine draws it, and further pointing corrects it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from weakref import ref

from PySide6.QtCore import QCoreApplication, QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter

from annotator.domain.prompt import Prompt, Step, StepKind, click
from annotator.jobs.prompting.events import Candidate
from ui.canvas.tools import smart_view
from ui.canvas.tools.drawing import CLICK, apart, inside, paint_size
from ui.canvas.tools.protocol import Host, KeyPress, Pointer, Tool
from ui.canvas.tools.smart_talk import LEAST_TOLERANCE, MOST_TOLERANCE, Choice, Question, Reply
from ui.canvas.tools.smart_view import CandidateView

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
TAB = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
BRACKETS = (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight)
SAME_SPOT = 3.0
LEAST_SCORE = 0.05
REST_MS = 70
TOLERANCE_STEP = 1.25
NUMBERS = count(1)
"""Questions are numbered for the life of the program, so that an answer to an old one is never taken for another's."""


def worth_showing(candidates: tuple[Candidate, ...]) -> tuple[int, ...]:
    """Which ones are neither empty nor doubted by the model itself; the first that is not empty when it doubts them all."""
    drawn = [i for i, c in enumerate(candidates) if c.mask.any()]
    return tuple(i for i in drawn if candidates[i].score >= LEAST_SCORE) or tuple(drawn[:1])


@dataclass
class Turn:
    """A prompt, and what came of it. ``chosen`` is the candidate that is shown."""

    number: int
    prompt: Prompt
    views: tuple[CandidateView, ...] = ()
    chosen: int = 0
    answered: bool = False

    @property
    def view(self) -> CandidateView | None:
        """The candidate that is shown."""
        return self.views[self.chosen] if self.views else None


class SmartTool(Tool):
    """Click on a thing, drag a box around it; then clicks and strokes add to it, with Shift (or the other button) take away.

    Tab walks the candidates, Backspace takes back the last step, Enter keeps what is shown, Esc starts anew.
    """

    name = "smart"

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Turn] = []
        self.waiting = ""
        self._press: Pointer | None = None
        self._way: list[tuple[float, float]] = []
        self._kept: dict[int, CandidateView] = {}
        self._hover = _Hovering(self)

    # --- what the window tells -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return bool(self.turns) or self._press is not None

    @property
    def shown(self) -> Turn | None:
        """The newest turn that has been answered."""
        return next((turn for turn in reversed(self.turns) if turn.views), None)

    def answer(self, reply: Reply) -> None:
        """Masks have come; those for a question that is no longer open are dropped."""
        shown = worth_showing(reply.candidates)
        views = tuple(CandidateView(reply.candidates[i], reply.scale, i) for i in shown)
        turn = next((t for t in self.turns if t.number == reply.number), None)
        if turn is not None:
            turn.views, turn.chosen, turn.answered = views, 0, True
        else:
            self._hover.answer(reply.number, views)
        self._changed()

    def wait(self, text: str) -> None:
        """Say beside the cursor what a click would have to wait for; an empty text: nothing."""
        self.waiting = text
        if self._host is not None:
            self._host.refresh()

    def settle(self, number: int) -> None:
        """What was kept of a question is an annotation now, or never will be."""
        if self._kept.pop(number, None) is not None and self._host is not None:
            self._host.refresh()

    # --- the mouse -----------------------------------------------------------------------------------------------------

    def press(self, pointer: Pointer) -> None:
        if pointer.button in (LEFT, RIGHT) and self._press is None:
            self._press, self._way = pointer, [inside(self.host, pointer)]

    def move(self, pointer: Pointer) -> None:
        if self._press is not None:
            self._way.append(inside(self.host, pointer))
        elif not self.turns:
            self._hover.moved(pointer)
        self.host.refresh()

    def release(self, pointer: Pointer) -> None:
        start = self._press
        if start is None or pointer.button != start.button:
            return
        self._press, way = None, [*self._way, inside(self.host, pointer)]
        step = self._step(start, pointer, way)
        if step is not None and (step.positive or self.turns):
            self._add(step, pointer)
        self.host.refresh()

    def double(self, pointer: Pointer) -> bool:
        self.press(pointer)
        return True

    def wheel(self, steps: float, pointer: Pointer) -> bool:
        self._loosen(TOLERANCE_STEP**steps)
        return True

    def _step(self, start: Pointer, end: Pointer, way: list[tuple[float, float]]) -> Step | None:
        """What the hand did between press and release."""
        positive = start.button == LEFT and not start.shift
        if apart(self.host, start, end) < CLICK and len({(round(x), round(y)) for x, y in way}) < 2 * CLICK:
            return click(*way[0], positive)
        if positive and not self.turns and not start.ctrl:
            (x1, y1), (x2, y2) = way[0], way[-1]
            return Step(StepKind.BOX, (way[0], way[-1])) if abs(x2 - x1) >= 1 and abs(y2 - y1) >= 1 else None
        return Step(StepKind.STROKE, tuple(way), positive)

    def _add(self, step: Step, pointer: Pointer) -> None:
        before = self.turns[-1].prompt if self.turns else Prompt()
        if not self.turns and self._host is not None:
            self.host.select(())
        hover = self._hover.take(pointer)
        if not self.turns and hover is not None and step.kind is StepKind.CLICK:
            self.turns.append(hover)  # asked already, perhaps answered
            return
        last = self.shown
        turn = Turn(next(NUMBERS), before.with_step(step))
        self.turns.append(turn)
        if turn.prompt.can_be_answered:
            previous = (last.number, last.view.index) if last is not None and last.view is not None else None
            self.host.ask(Question(turn.number, turn.prompt, self.host.view.scale, previous))

    # --- keys ----------------------------------------------------------------------------------------------------------

    def wants(self, press: KeyPress) -> bool:
        plain = not press.modifiers & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if not self.turns:
            return plain and (press.key in BRACKETS or (press.key == Qt.Key.Key_Escape and bool(self.host.selection)))
        if press.key == Qt.Key.Key_Z:
            return press.modifiers == Qt.KeyboardModifier.ControlModifier
        keys = (*TAB, *BRACKETS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
        return plain and (press.key in keys or (press.key in ENTER and not press.shift))

    def key(self, press: KeyPress) -> bool:
        if not self.wants(press):
            return False
        if press.key in BRACKETS:
            self._loosen(TOLERANCE_STEP if press.key == Qt.Key.Key_BracketRight else 1 / TOLERANCE_STEP)
        elif press.key == Qt.Key.Key_Escape:
            self.cancel() if self.turns else self.host.select(())
        elif press.key in TAB:
            self.walk(-1 if press.key == Qt.Key.Key_Backtab or press.shift else 1)
        elif press.key in ENTER:
            self.keep()
        else:
            self._take_back()
        return True

    def walk(self, by: int) -> None:
        """Show the next or the previous candidate."""
        turn = self.shown
        if turn is not None:
            turn.chosen = (turn.chosen + by) % len(turn.views)
            self._changed()

    def keep(self) -> None:
        """Keep the candidate that is shown; what is pointed at next is another thing."""
        turn = self.shown
        if turn is None or turn is not self.turns[-1] or turn.view is None:
            return  # the answer to the last step has not come yet
        score = turn.view.candidate.score
        self._kept[turn.number] = turn.view
        self.turns.clear()
        self.host.keep(Choice(turn.number, self._kept[turn.number].index, turn.prompt, score, self.host.view.scale))
        self._changed()

    def _take_back(self) -> None:
        self.turns.pop()
        if not self.turns:
            self.host.ask(None)
        self._changed()

    def _changed(self) -> None:
        self.host.smart_moved()
        self.host.refresh()

    def _loosen(self, factor: float) -> None:
        smart = self.host.smart
        smart.tolerance = round(min(max(smart.tolerance * factor, LEAST_TOLERANCE), MOST_TOLERANCE), 2)
        self._changed()

    def attach(self, host: Host | None) -> None:
        self._hover.drop()
        super().attach(host)

    def cancel(self) -> None:
        was_busy = self.busy
        self.turns.clear()
        self._press = None
        self._hover.drop()
        if self._host is not None:
            if was_busy:
                self._host.ask(None)
            self._changed()

    # --- painting ------------------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter) -> None:
        host, smart = self.host, self.host.smart
        for view in self._kept.values():
            smart_view.paint_candidate(painter, host, view, smart.form, smart.tolerance)
        turn = self.shown
        if turn is not None and turn.view is not None:
            smart_view.paint_candidate(painter, host, turn.view, smart.form, smart.tolerance)
        elif not self.turns and self._hover.view is not None and self.pointer is not None:
            smart_view.paint_candidate(painter, host, self._hover.view, smart.form, smart.tolerance, hover=True)
        if self.turns:
            smart_view.paint_prompt(painter, host, self.turns[-1].prompt)
        self._paint_drag(painter)
        paint_size(painter, self, None, self._note())

    def _paint_drag(self, painter: QPainter) -> None:
        start, host = self._press, self.host
        if start is None or self.pointer is None or len(self._way) < 2:
            return
        step = self._step(start, self.pointer, self._way)
        points = [QPointF(*host.view.to_screen(x, y)) for x, y in self._way]
        if step is not None and step.kind is StepKind.BOX:
            smart_view.frame(painter, host, QRectF(points[0], points[-1]).normalized())
        elif step is not None and step.kind is StepKind.STROKE:
            smart_view.stroke(painter, host, points, step.positive)

    def _note(self) -> str:
        """What stands beside the cursor."""
        turn = self.shown
        if self.turns and (turn is None or turn is not self.turns[-1]):
            if not self.turns[-1].prompt.can_be_answered:
                return QCoreApplication.translate("Canvas", "click on it")
            if not self.waiting:
                nothing = QCoreApplication.translate("Canvas", "nothing found: add a click, or drag a box")
                return nothing if self.turns[-1].answered else "…"
        if self.waiting:
            return self.waiting
        if turn is None or turn.view is None:
            return ""
        score = f"{turn.view.candidate.score:.0%}"
        if len(turn.views) == 1:
            return score
        return QCoreApplication.translate("Canvas", "{0} of {1} · {2}").format(turn.chosen + 1, len(turn.views), score)


class _Hovering(QObject):
    """Shows what a click would give, once the mouse has come to rest and where the model is fast enough."""

    def __init__(self, tool: SmartTool) -> None:
        super().__init__()
        self._tool_of = ref(tool)  # no cycle: a tool that was put away goes at once, on this thread
        self._turn: Turn | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._rested)

    @property
    def view(self) -> CandidateView | None:
        """What the mouse is shown."""
        return self._turn.view if self._turn is not None else None

    def moved(self, pointer: Pointer) -> None:
        """The mouse moved: what it left is shown no longer."""
        self._timer.start()
        if self._turn is not None and not self._holds(self._turn, pointer):
            self._turn = None

    def answer(self, number: int, views: tuple[CandidateView, ...]) -> None:
        """Masks have come."""
        if self._turn is not None and self._turn.number == number:
            self._turn.views, self._turn.answered = views, True

    def take(self, pointer: Pointer) -> Turn | None:
        """A click: the question that was asked for this very spot, if one was."""
        turn = self._turn
        self.drop()
        return turn if turn is not None and self._on_spot(turn, pointer) else None

    def drop(self) -> None:
        """Show and ask nothing."""
        self._timer.stop()
        self._turn = None

    def _rested(self) -> None:
        tool = self._tool_of()
        pointer = tool.pointer if tool is not None else None
        if tool is None or pointer is None or tool.busy or tool.waiting or self._turn is not None:
            return
        host = tool.host
        width, height = host.size
        wanted = host.smart.hover and host.smart.can_hover
        if wanted and 0 <= pointer.x < width and 0 <= pointer.y < height:
            self._turn = Turn(next(NUMBERS), Prompt((click(pointer.x, pointer.y),)))
            host.ask(Question(self._turn.number, self._turn.prompt, host.view.scale, hover=True))

    def _holds(self, turn: Turn, pointer: Pointer) -> bool:
        """Whether the pointer is still on what was shown, or where it was asked for."""
        view = turn.view
        return self._on_spot(turn, pointer) or (view is not None and view.covers(pointer.x, pointer.y))

    def _on_spot(self, turn: Turn, pointer: Pointer) -> bool:
        tool = self._tool_of()
        if tool is None:
            return False
        host = tool.host
        x, y = host.view.to_screen(*turn.prompt.steps[0].points[0])
        return max(abs(x - pointer.screen_x), abs(y - pointer.screen_y)) <= SAME_SPOT * host.unit
