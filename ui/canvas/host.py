"""Canvas, host: the side of the canvas that tools see; it turns what they ask into the canvas's signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from annotator.domain.geometry import Geometry
from annotator.domain.records import Annotation, Label, Suggestion
from ui.canvas import hit
from ui.canvas.colors import RGB, CanvasColors
from ui.canvas.scene import Record, Scene
from ui.canvas.tools.smart_talk import Choice, Question, SmartOptions
from ui.canvas.transform import ViewTransform

if TYPE_CHECKING:
    from ui.canvas.view import Canvas


class CanvasHost:
    """Answers and messages of one canvas (see ``tools.protocol.Host``)."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    @property
    def size(self) -> tuple[int, int]:
        return self._canvas.image_size

    @property
    def view(self) -> ViewTransform:
        return self._canvas.view

    @property
    def screen_size(self) -> tuple[int, int]:
        return self._canvas.screen_size

    @property
    def unit(self) -> float:
        return self._canvas.unit

    @property
    def colors(self) -> CanvasColors:
        return self._canvas.colors

    @property
    def scene(self) -> Scene:
        return self._canvas.scene

    @property
    def sizes(self) -> dict[str, float]:
        """Sizes that tools remember from one use to the next, by name."""
        return self._canvas.sizes

    @property
    def selection(self) -> tuple[UUID, ...]:
        return self._canvas.selection

    @property
    def active(self) -> UUID | None:
        return self._canvas.active

    @property
    def label(self) -> Label | None:
        return self._canvas.current_label

    @property
    def color(self) -> RGB:
        """The colour of what is drawn next."""
        label = self._canvas.current_label
        return self._canvas.builder.label_color(label.id if label else None)

    def record(self, item_id: UUID | None) -> Record | None:
        return self._canvas.scene.get(item_id)

    def geometry(self, record: Record) -> Geometry:
        """A record's geometry as it is shown now."""
        return self._canvas.previews.get(record.id, record.geometry)

    def at(self, x: float, y: float, reach: float) -> Record | None:
        """The topmost shape at an image point."""
        item = hit.item_at(self._canvas.scene, x, y, reach)
        return None if item is None else self._canvas.scene.records[item]

    def preview(self, geometries: Mapping[UUID, Geometry]) -> None:
        """Shows shapes elsewhere for the time being; an empty mapping shows all where they are."""
        self._canvas.show_previews(geometries)

    def draw(self, geometry: Geometry) -> None:
        """Says that a shape was drawn."""
        self._canvas.drawn.emit(geometry)

    def change(self, geometries: Mapping[UUID, Geometry]) -> None:
        """Says that annotations changed, one or several at once, or that suggestions were corrected."""
        annotations: list[tuple[UUID, Geometry]] = []
        for item_id, geometry in geometries.items():
            record = self.record(item_id)
            if isinstance(record, Suggestion):
                self._canvas.suggestion_corrected.emit(item_id, geometry)
            elif isinstance(record, Annotation):
                annotations.append((item_id, geometry))
        if len(annotations) == 1:
            self._canvas.geometry_changed.emit(*annotations[0])
        elif annotations:
            self._canvas.geometries_changed.emit(tuple(annotations))

    def erased(self, item_id: UUID) -> None:
        """Says that nothing is left of a shape."""
        if item_id != self._canvas.active:
            self._canvas.selection_requested.emit((item_id,))
        self._canvas.delete_requested.emit()

    def select(self, ids: tuple[UUID, ...]) -> None:
        """Asks for another selection."""
        self._canvas.selection_requested.emit(ids)

    def activate(self, suggestion_id: UUID) -> None:
        """Says that a suggestion was clicked."""
        self._canvas.suggestion_activated.emit(suggestion_id)

    @property
    def smart(self) -> SmartOptions:
        """What the smart tool's option bar says."""
        return self._canvas.smart

    def ask(self, question: Question | None) -> None:
        """Wants masks for a prompt; None: waits for none any more."""
        self._canvas.asked.emit(question)

    def smart_moved(self) -> None:
        """Says that the smart tool shows something else, or has other options."""
        self._canvas.smart_moved.emit()

    def keep(self, choice: Choice) -> None:
        """Wants a candidate as an annotation."""
        self._canvas.kept.emit(choice)

    def want_box(self, x: float, y: float) -> None:
        """Wants the box around what lies at an image point."""
        self._canvas.box_wanted.emit(x, y)

    def refresh(self) -> None:
        """Paints again what the tool shows."""
        self._canvas.update()
