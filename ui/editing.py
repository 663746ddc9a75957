"""What the hand does to annotations: drawing, changing, copying, ordering, hiding and deleting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from annotator.domain.geometry import Geometry, GeometryKind
from annotator.domain.records import Annotation, new_annotation
from annotator.edits import shapes
from annotator.edits.resolve import after, joined
from ui.session import Session

OFFSET = 12.0


class Editing(QObject):
    """Turns gestures into edits of the session."""

    label_needed = Signal()
    tag_drawn = Signal(int)
    told = Signal(str)
    deleted = Signal(str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._copied: tuple[Annotation, ...] = ()
        self._pending: tuple[Geometry, Mapping[str, Any] | None] | None = None

    def has_selection(self) -> bool:
        """Whether annotations are chosen."""
        return bool(self._session.selected_annotation_ids)

    def has_copied(self) -> bool:
        """Whether there is something to paste."""
        return bool(self._copied) and self._session.page is not None

    # --- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, geometry: Geometry, extra: Mapping[str, Any] | None = None) -> None:
        """A shape was drawn: it gets the current label; without one the person is asked first."""
        session = self._session
        if session.page is None:
            return
        if session.current_label_id is None:
            self._pending = geometry, extra
            self.label_needed.emit()
            return
        if geometry.kind is GeometryKind.TAG:
            self.tag_drawn.emit(session.current_label_id)
            return
        image_id, values = session.page.image.id, {"extra": dict(extra or {})}
        annotation = new_annotation(image_id, session.current_label_id, geometry, session.annotator, **values)
        session.perform(shapes.draw(session.page, annotation))
        session.select((annotation.id,))

    def is_waiting(self) -> bool:
        """Whether a shape waits for its label."""
        return self._pending is not None

    def finish_pending(self) -> None:
        """The label that was missing has been chosen: draw what waits for it."""
        pending, self._pending = self._pending, None
        if pending is not None and self._session.current_label_id is not None:
            self.draw(*pending)

    def change_geometry(self, annotation_id: UUID, geometry: Geometry) -> None:
        """An annotation was moved or reshaped."""
        self._perform(shapes.change_geometry, annotation_id, geometry)

    def change_geometries(self, changes: tuple[tuple[UUID, Geometry], ...]) -> None:
        """Several annotations were moved at once: one edit."""
        page, who = self._session.page, self._session.annotator
        if page is None:
            return
        edits = []
        for annotation_id, geometry in changes:
            edits.append(shapes.change_geometry(page, annotation_id, geometry, annotator=who))
            page = after(page, edits[-1])
        self._session.perform(joined(self.tr("Move {0} annotations").format(len(edits)), edits, who))

    def change_attribute(self, name: str, value: Any) -> None:
        """Set one attribute of everything that is chosen; None takes it away."""
        if self.has_selection():
            self._perform(shapes.change_attributes, self._session.selected_annotation_ids, {name: value})

    # --- deleting, copying ---------------------------------------------------------------------------------------------

    def delete(self) -> None:
        """Delete what is chosen and not locked."""
        chosen = self._session.selected_annotations()
        free = [a.id for a in chosen if not a.locked]
        if free:
            self._perform(shapes.delete, free)
            if len(free) > 1:
                self.deleted.emit(self.tr("Deleted {0} annotations").format(len(free)))
        if len(free) < len(chosen):
            self.told.emit(self.tr("{0} locked annotations were kept.").format(len(chosen) - len(free)))

    def duplicate(self) -> None:
        """Copy what is chosen beside itself, and choose the copies."""
        self._add(self._session.selected_annotations(), OFFSET)

    def copy(self) -> None:
        """Remember what is chosen."""
        self._copied = tuple(self._session.selected_annotations())
        if self._copied:
            self.told.emit(
                self.tr("Copied {0}: Ctrl+V pastes, Ctrl+Shift+V pastes on the next image").format(len(self._copied))
            )

    def paste(self) -> None:
        """Paste what was copied; beside the original when that is on this image."""
        page = self._session.page
        if page is not None and self._copied:
            same = self._copied[0].image_id == page.image.id
            self._add(list(self._copied), OFFSET if same else 0.0)

    def paste_next(self) -> None:
        """Go to the next image and paste in place there: what is chosen, else what was copied."""
        chosen = tuple(self._session.selected_annotations()) or self._copied
        if chosen and self._session.step(1):
            self._copied = chosen
            self._add(list(chosen), 0.0)

    def select_all(self) -> None:
        """Choose every annotation that can be seen."""
        page = self._session.page
        if page is not None:
            self._session.select(tuple(a.id for a in page.annotations if not a.hidden))

    # --- order, lock, eye ----------------------------------------------------------------------------------------------

    def raise_selection(self, by: int) -> None:
        """Draw what is chosen above all others (1) or below them (-1)."""
        if self.has_selection():
            builder = shapes.raise_to_top if by > 0 else shapes.lower_to_bottom
            self._perform(builder, self._session.selected_annotation_ids)

    def lock(self, ids: list[UUID] | None = None, locked: bool | None = None) -> None:
        """Lock or unlock: these, or what is chosen."""
        chosen = self._chosen(ids)
        if chosen:
            wanted = not all(a.locked for a in chosen) if locked is None else locked
            self._perform(shapes.lock, [a.id for a in chosen], wanted)

    def hide(self, ids: list[UUID] | None = None, hidden: bool | None = None) -> None:
        """Hide or show: these, or what is chosen."""
        chosen = self._chosen(ids)
        if chosen:
            wanted = not all(a.hidden for a in chosen) if hidden is None else hidden
            self._perform(shapes.hide, [a.id for a in chosen], wanted)

    # --- shared --------------------------------------------------------------------------------------------------------

    def _chosen(self, ids: list[UUID] | None) -> list[Annotation]:
        if ids is None:
            return self._session.selected_annotations()
        page = self._session.page
        return [a for a in page.annotations if a.id in set(ids)] if page is not None else []

    def _add(self, originals: list[Annotation], offset: float) -> None:
        page = self._session.page
        if page is None or not originals:
            return
        known = self._session.labels
        wanted = [replace(a, geometry=a.geometry.moved(offset, offset)) for a in originals if a.label_id in known]
        before = {a.id for a in page.annotations}
        self._perform(shapes.paste, wanted)
        pasted = self._session.page
        if pasted is not None:
            self._session.select(tuple(a.id for a in pasted.annotations if a.id not in before))

    def _perform(self, builder: Any, *arguments: Any) -> None:
        session = self._session
        if session.page is not None:
            session.perform(builder(session.page, *arguments, annotator=session.annotator))
