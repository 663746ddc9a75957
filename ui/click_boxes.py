"""A click with the box tool becomes the box around what lies there, drawn as this project's boxes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from annotator.domain.prompt import PROMPT, Prompt, click
from annotator.domain.records import Image, new_annotation
from annotator.edits import shapes
from annotator.jobs.prompting.events import GeometryKept
from ui.engine_bridge import Answer, Errand
from ui.session import Session

if TYPE_CHECKING:
    from annotator.project import Project
    from ui.canvas.view import Canvas
    from ui.smart import Smart

MODEL = "click-boxes"


def read_examples(project: Project, label_id: int | None) -> Any:
    """The boxes to learn from, on a background thread; what was drawn a moment ago teaches too."""
    project.history.flush()
    return project.box_examples(label_id)


@dataclass(frozen=True)
class _Click:
    """Where somebody clicked, and the label that was chosen then."""

    image: Image
    x: float
    y: float
    label_id: int | None


class ClickBoxes(QObject):
    """Reads the examples in the background, asks the smart tool's engine, and draws what comes back: one edit a click."""

    told = Signal(str)

    def __init__(self, session: Session, canvas: Canvas, smart: Smart) -> None:
        super().__init__(smart)
        self._session, self._canvas, self._smart = session, canvas, smart
        self._clicks: dict[int, _Click] = {}
        self._read: list[_Click] = []
        self._errand = Errand(self)
        self._errand.answered.connect(self._examples_read)
        canvas.box_wanted.connect(self._clicked)

    @property
    def waiting(self) -> int:
        """Clicks that have not become boxes yet."""
        return len(self._clicks) + len(self._read)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._errand.wait()
        self._clicks.clear()
        self._read.clear()
        self._show_waiting()

    def answered(self, event: GeometryKept) -> bool:
        """A geometry has come; whether it was ours."""
        clicked = self._clicks.pop(event.request, None)
        self._show_waiting()
        if clicked is not None and event.geometry is not None:
            self._draw(clicked, event)
        return clicked is not None

    def failed(self, request: int) -> bool:
        """A request will not be answered; whether it was ours."""
        lost = self._clicks.pop(request, None)
        self._show_waiting()
        return lost is not None

    def _clicked(self, x: float, y: float) -> None:
        session = self._session
        if session.project is None or session.image is None:
            return
        label_id = session.current_label_id
        self._read.append(_Click(session.image, x, y, label_id))
        self._errand.ask("examples", read_examples, session.project, label_id)
        self._show_waiting()

    def _examples_read(self, answer: Answer) -> None:
        if not self._read:
            return
        clicked = self._read.pop(0)
        if answer.error is not None:
            self._show_waiting()
            self.told.emit(str(getattr(answer.error, "what", answer.error)))
            return
        request = self._smart.ask_for_box(clicked.image, clicked.x, clicked.y, answer.value)
        if request is not None:
            self._clicks[request] = clicked

    def _show_waiting(self) -> None:
        """The box tool says that a box is being found."""
        self._canvas.smart.boxes_wanted = self.waiting
        self._canvas.update()

    def _draw(self, clicked: _Click, event: GeometryKept) -> None:
        session = self._session
        if session.project is None or session.page is None or event.geometry is None:
            return
        steps = Prompt((click(clicked.x, clicked.y),)).to_json()
        extra = {PROMPT: {"steps": steps, "kept_as": "box", "model": MODEL}}
        here = clicked.image.id == session.page.image.id
        label_id = clicked.label_id if clicked.label_id in session.labels else session.current_label_id
        if label_id is None:
            if here:
                self._smart.geometry_wanted.emit(event.geometry, extra)
            return
        page = session.page if here else session.read_page(clicked.image.id)
        annotation = new_annotation(clicked.image.id, label_id, event.geometry, session.annotator, extra=extra)
        session.perform(shapes.draw(page, annotation))
        if here:
            session.select((annotation.id,))
