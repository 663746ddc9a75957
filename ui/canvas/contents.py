"""Canvas, contents: the records that the canvas shows, and what of them is selected, active, hovered, moving or hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import numpy as np
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from annotator.domain.geometry import Geometry
from annotator.domain.records import Annotation, Label, Skeleton, Suggestion
from ui.canvas import hit
from ui.canvas.building import SceneBuilder, Shown
from ui.canvas.colors import RGB, CanvasColors
from ui.canvas.input import InputWidget
from ui.canvas.layers import AnnotationLayer
from ui.canvas.scene import Record, Scene, Style
from ui.canvas.tools.protocol import Pointer
from ui.canvas.tools.taking import REACH

REVEAL_MARGIN = 24.0


class Contents(InputWidget):
    """Takes frozen records; never changes them."""

    hovered = Signal(object)  # UUID | None

    def __init__(self, parent: QWidget | None, colors: CanvasColors) -> None:
        super().__init__(parent)
        self.colors = colors
        self.labels: Mapping[int, Label] = {}
        self.current_label: Label | None = None
        self.scene = Scene()
        self.builder = SceneBuilder()
        self.selection: tuple[UUID, ...] = ()
        self.selected: frozenset[UUID] = frozenset()
        self.active: UUID | None = None
        self.hovered_id: UUID | None = None
        self.previews: dict[UUID, Geometry] = {}
        self.pseudo: frozenset[UUID] = frozenset()
        self.shown = Shown()
        self.layer = AnnotationLayer()
        self.sizes: dict[str, float] = {}
        self.crowd: tuple[object, QImage] | None = None
        self._shaky: frozenset[object] = frozenset()
        self._page: tuple[tuple[Annotation, ...], tuple[Suggestion, ...]] = ((), ())
        self.layer.colors = colors
        self.builder.set_labels(self.labels, colors)

    def set_labels(self, labels: Mapping[int, Label]) -> None:
        """Labels by id: their colours, names and skeletons."""
        self.labels = dict(labels)
        self.builder.set_labels(self.labels, self.colors)
        self._rebuild(everything=True)

    def set_current_label(self, label_id: int | None) -> None:
        """The label of what is drawn next."""
        self.current_label = self.labels.get(label_id) if label_id is not None else None
        self.update()

    def set_page(
        self,
        annotations: Iterable[Annotation],
        suggestions: Iterable[Suggestion] = (),
        *,
        shaky: Iterable[UUID] = (),
        pseudo: Iterable[UUID] = (),
    ) -> None:
        """What is known of the image: its annotations and its open suggestions.

        Of the suggestions, ``shaky`` ones are dotted and ``pseudo``-labels carry ◇.
        """
        self._page = tuple(annotations), tuple(suggestions)
        self.pseudo = frozenset(pseudo)
        restyled, self._shaky = self._shaky != frozenset(shaky), frozenset(shaky)
        self._rebuild(everything=restyled)

    def set_shown(
        self, *, annotations: bool | None = None, suggestions: bool | None = None, threshold: float | None = None
    ) -> None:
        """Shows or hides annotations and suggestions; suggestions with a confidence below the threshold are gone."""
        shown = Shown(
            self.shown.annotations if annotations is None else annotations,
            self.shown.suggestions if suggestions is None else suggestions,
            self.shown.threshold if threshold is None else threshold,
        )
        if shown != self.shown:
            self.shown = shown
            self._rebuild()

    def _rebuild(self, everything: bool = False) -> None:
        self.layer.lift(frozenset())
        self.scene, changed = self.builder.build(*self._page, self.shown, self._shaky)
        self.previews, self.crowd = {}, None
        self.layer.set_scene(self.scene, None if everything else changed)
        if self.hovered_id is not None and self.scene.position(self.hovered_id) is None:
            self.set_hovered(None)
        self._describe()
        self.contents_changed()

    def contents_changed(self) -> None:
        """Called after every change of the scene."""
        self.update()

    def set_selection(self, ids: Iterable[UUID]) -> None:
        """The selected annotations, in the order in which they were chosen."""
        self.selection = tuple(ids)
        self.selected = frozenset(self.selection)
        self.crowd = None
        self._describe()
        self.update()

    def set_active_suggestion(self, suggestion_id: UUID | None) -> None:
        """The suggestion that the next key is about."""
        self.active = suggestion_id
        self._describe()
        self.update()

    def set_hovered(self, item_id: UUID | None) -> None:
        """Lights a shape, as when the mouse is over it or over its row in a panel."""
        if item_id != self.hovered_id:
            self.hovered_id = item_id
            self.hovered.emit(item_id)
            self.update()

    def hover(self, pointer: Pointer) -> None:
        if self.tool is None or not self.tool.edits or pointer.buttons.value:
            return
        item = hit.item_at(self.scene, pointer.x, pointer.y, REACH * self.unit / self.view.scale)
        self.set_hovered(None if item is None else self.scene.records[item].id)

    def show_previews(self, geometries: Mapping[UUID, Geometry]) -> None:
        """Draws shapes elsewhere than they rest, until the next page."""
        self.previews = {i: g for i, g in geometries.items() if self.scene.position(i) is not None}
        self.layer.lift(frozenset(self.scene.positions(self.previews)))
        self.update()

    def record_color(self, record: Record) -> RGB:
        """The colour of a record's label."""
        return self.builder.label_color(record.label_id)

    def skeleton(self, record: Record) -> Skeleton | None:
        """The skeleton of a record's label."""
        label = self.labels.get(record.label_id)
        return label.skeleton if label else None

    def image_on_screen(self) -> QRectF:
        """The part of the widget that shows the image, in device pixels."""
        left, top = self.view.to_screen(0, 0)
        right, bottom = self.view.to_screen(*self.image_size)
        width, height = self.screen_size
        return QRectF(left, top, right - left, bottom - top).intersected(QRectF(0, 0, width, height))

    def reading_order(self) -> list[UUID]:
        """What is shown, top to bottom and left to right, for walking it by keyboard."""
        bounds = self.scene.bounds
        order = sorted(self.scene.all().tolist(), key=lambda i: (float(bounds[i, 1]), float(bounds[i, 0])))
        return [self.scene.records[i].id for i in order]

    def zoom_to_selection(self) -> None:
        """Shows the selected annotations, or the active suggestion, large."""
        chosen = self.selection if self.selection else (self.active,)
        items = self.scene.positions(chosen)
        if items:
            bounds = self.scene.bounds[items]
            low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
            self.zoom_to((float(low[0]), float(low[1]), float(high[0]), float(high[1])))

    def reveal(self, item_id: UUID) -> None:
        """Moves the view as far as it takes to see a shape, or its middle where it is larger than the view."""
        item = self.scene.position(item_id)
        if item is None:
            return
        x1, y1, x2, y2 = self.scene.bounds_of(item)
        (left, top), (right, bottom) = self.view.to_screen(x1, y1), self.view.to_screen(x2, y2)
        width, height = self.screen_size
        room = REVEAL_MARGIN * self.unit
        self.pan_by(_shift(left - room, right + room, width), _shift(top - room, bottom + room, height))

    def _describe(self) -> None:
        """What a screen reader says of the canvas."""
        suggestions = int(np.count_nonzero(self.scene.style[self.scene.present] != Style.SOLID))
        parts = [
            self.tr("{0} annotations").format(len(self.scene) - suggestions),
            self.tr("{0} suggestions").format(suggestions),
        ]
        chosen = self.selection[0] if len(self.selection) == 1 else self.active if not self.selection else None
        record = self.scene.get(chosen)
        label = self.labels.get(record.label_id) if record is not None else None
        if record is not None and label is not None:
            parts.append(
                self.tr("selected: {0}").format(f"{label.name} ({record.geometry.kind.value.replace('_', ' ')})")
            )
        elif len(self.selection) > 1:
            parts.append(self.tr("{0} selected").format(len(self.selection)))
        self.setAccessibleDescription(", ".join(parts))


def _shift(low: float, high: float, size: float) -> float:
    """How far a span must move to lie within 0 and ``size``; one that does not fit is centred if nothing of it is seen."""
    if high - low > size:
        return size / 2 - (low + high) / 2 if low > size or high < 0 else 0.0
    return -low if low < 0 else size - high if high > size else 0.0
