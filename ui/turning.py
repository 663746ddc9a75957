"""One key turns boxes, a person's or the machine's, into masks or polygons: the segmenter draws what is in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from annotator.domain.geometry import Box, Geometry, GeometryKind
from annotator.domain.page import Page
from annotator.domain.prompt import PROMPT, around
from annotator.edits import shapes, verdicts
from annotator.edits.changes import Edit
from annotator.edits.resolve import after, joined
from annotator.jobs.prompting.events import GeometryKept
from ui.session import Session

if TYPE_CHECKING:
    from ui.smart import Smart

TURNED = frozenset({GeometryKind.BOX, GeometryKind.ROTATED_BOX})


@dataclass
class _Batch:
    """Boxes that become masks together: request to record, and what has come of them."""

    image_id: int
    form: GeometryKind
    waiting: dict[int, UUID]
    made: dict[UUID, tuple[Geometry, dict[str, Any]]]


class Turning(QObject):
    """Asks the smart tool's engine; what comes back is one edit, however many boxes there were."""

    told = Signal(str)

    def __init__(self, session: Session, smart: Smart) -> None:
        super().__init__(smart)
        self._session = session
        self._smart = smart
        self._batches: list[_Batch] = []

    @property
    def waiting(self) -> int:
        """Boxes that have not been answered."""
        return sum(len(batch.waiting) for batch in self._batches)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._batches.clear()

    def turn(self) -> None:
        """Turn the selected boxes, else the active suggestion's."""
        image, boxes = self._session.image, self._chosen()
        if image is None or not boxes:
            self.told.emit(self.tr("Select boxes, or walk to a suggested one with Tab, to turn them into masks."))
            return
        wanted = self._smart.options.form
        form = wanted if wanted is not GeometryKind.BOX else GeometryKind.MASK
        batch = _Batch(image.id, form, {}, {})
        self._batches.append(batch)
        for item_id, box in boxes.items():
            request = self._smart.ask_to_keep(image, around(box), form)
            if request is not None:
                batch.waiting[request] = item_id
        self._finish_if_complete(batch)

    def answered(self, event: GeometryKept) -> None:
        """A geometry has come; not ours unless a box waits for it."""
        for batch in self._batches:
            item_id = batch.waiting.pop(event.request, None)
            if item_id is not None:
                if event.geometry is not None:
                    batch.made[item_id] = event.geometry, {"score": round(event.score, 4)}
                self._finish_if_complete(batch)
                return

    def failed(self, request: int) -> bool:
        """A request will not be answered; whether it was ours."""
        for batch in self._batches:
            if batch.waiting.pop(request, None) is not None:
                self._finish_if_complete(batch)
                return True
        return False

    def _chosen(self) -> dict[UUID, Box]:
        session = self._session
        chosen = [(a.id, a.geometry) for a in session.selected_annotations() if not a.locked]
        if not session.selected_annotation_ids:
            visible = session.visible_suggestions()
            chosen = [(s.id, s.geometry) for s in visible if s.id == session.active_suggestion_id]
        return {item: box for item, shape in chosen if shape.kind in TURNED and (box := _box(shape)) is not None}

    def _finish_if_complete(self, batch: _Batch) -> None:
        if batch.waiting:
            return
        self._batches.remove(batch)
        session = self._session
        if session.project is None or session.page is None or not batch.made:
            return
        here = session.page.image.id == batch.image_id
        page = session.page if here else session.read_page(batch.image_id)
        edits: list[Edit] = []
        for item_id, (geometry, facts) in batch.made.items():
            edit = self._edit(page, item_id, geometry, batch.form, facts)
            if edit is not None:
                edits.append(edit)
                page = after(page, edit)
        if len(edits) == 1:
            session.perform(edits[0])
        elif edits:
            title = self.tr("Turn {0} boxes into masks").format(len(edits))
            session.perform(joined(title, edits, session.annotator))

    def _edit(
        self, page: Page, item_id: UUID, geometry: Geometry, form: GeometryKind, facts: dict[str, Any]
    ) -> Edit | None:
        """The edit of one box; None when it has gone in the meantime."""
        who = self._session.annotator
        annotation = next((a for a in page.annotations if a.id == item_id), None)
        if annotation is not None and (box := _box(annotation.geometry)) is not None:
            extra = {PROMPT: {**self._smart.facts(around(box), form), **facts}}
            return shapes.change_geometry(page, item_id, geometry, annotator=who, extra=extra)
        suggestion = next((s for s in page.suggestions if s.id == item_id), None)
        if suggestion is not None and (box := _box(suggestion.geometry)) is not None:
            extra = {PROMPT: {**self._smart.facts(around(box), form), **facts}}
            words = self._session.vocabulary
            return verdicts.correct(page, suggestion, words, annotator=who, geometry=geometry, extra=extra)
        return None


def _box(geometry: Geometry) -> Box | None:
    bounds = geometry.bounds()
    return None if bounds is None else Box(*bounds)
