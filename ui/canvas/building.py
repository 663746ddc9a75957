"""Canvas, building scenes: from records to arrays. What did not change since the last scene is taken over as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.domain.geometry import XY, GeometryKind, Mask
from annotator.domain.records import Annotation, Label, Suggestion
from ui.canvas.colors import RGB, CanvasColors, rgb
from ui.canvas.paths import Block, Outline, block, outline, plain_block, plain_ring
from ui.canvas.scene import FloatArray, IntArray, Record, Scene, Style, starts

MAX_COLORS = 127
UNPLACED = (GeometryKind.TAG, GeometryKind.CAPTION)
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the view shows of a page."""

    annotations: bool = True
    suggestions: bool = True
    threshold: float = 0.0


class SceneBuilder:
    """Builds each scene from the one before."""

    def __init__(self) -> None:
        self._scene = Scene()
        self._labels: Mapping[int, Label] = {}
        self._colors = CanvasColors()
        self._palette: list[RGB] = []
        self._color_of: dict[int, int] = {}
        self._shaky: frozenset[object] = frozenset()

    def set_labels(self, labels: Mapping[int, Label], colors: CanvasColors) -> None:
        """Labels give colours and skeletons, so nothing of the last scene holds."""
        self._labels, self._colors = labels, colors
        self._scene = Scene()
        self._palette, self._color_of = [], {}

    def label_color(self, label_id: int | None) -> RGB:
        """The colour of a label, or that of things without one."""
        label = self._labels.get(label_id) if label_id is not None else None
        return rgb(label.color if label and label.color else self._colors.unlabelled)

    def build(
        self,
        annotations: Iterable[Annotation],
        suggestions: Iterable[Suggestion],
        shown: Shown,
        shaky: frozenset[object] = frozenset(),
    ) -> tuple[Scene, list[Bounds] | None]:
        """The scene of what is to be seen, and the bounds of what differs from the last one (None: everything)."""
        if shaky != self._shaky:
            self._scene, self._shaky = Scene(), shaky
        records = visible(annotations, suggestions, shown)
        before = self._scene
        known = {id(record): position for position, record in enumerate(before.records)}
        kept = [known.get(id(record), -1) for record in records]
        fresh = [record for record, position in zip(records, kept, strict=True) if position < 0]
        stays = np.array([position for position in kept if position >= 0], np.int64)
        added = self._pool(fresh)
        pool = before.joined(added) if len(stays) else added
        offset = len(before) if len(stays) else 0
        order = np.concatenate((stays, np.arange(offset, offset + len(fresh))))
        self._scene = pool.in_paint_order(order)
        if not before.records:
            return self._scene, None
        gone = np.setdiff1d(np.arange(len(before)), stays, assume_unique=True)
        changed = [before.bounds_of(i) for i in gone.tolist()] if len(gone) <= 64 else None
        if changed is None or len(fresh) > 64:
            return self._scene, None
        return self._scene, changed + [added.bounds_of(i) for i in range(len(fresh))]

    def _pool(self, records: list[Record]) -> Scene:
        """Items in any order: plain polygons first, because they are converted together."""
        plain: list[Record] = []
        others: list[Record] = []
        rings: list[tuple[XY, ...]] = []
        for record in records:
            ring = plain_ring(record.geometry)
            if ring is None:
                others.append(record)
            else:
                plain.append(record)
                rings.append(ring)
        parts = [plain_block(rings), block([self._outline(r) for r in others])]
        ordered = plain + others
        made = Block(
            np.concatenate([p.vertices for p in parts]),
            np.concatenate([p.lengths for p in parts]),
            np.concatenate([p.closed for p in parts]),
            np.concatenate([p.per_item for p in parts]),
        )
        path_start, item_path = starts(made.lengths), starts(made.per_item)
        return Scene(
            records=ordered,
            vertices=made.vertices,
            path_start=path_start,
            path_closed=made.closed,
            item_path=item_path,
            bounds=_bounds(ordered, made.vertices, np.diff(path_start[item_path])),
            z=np.array([r.z_order if isinstance(r, Annotation) else 0 for r in ordered], np.float64),
            color=np.array([self._color(r.label_id) for r in ordered], np.uint8),
            style=np.array([self._style(r) for r in ordered], np.uint8),
            masked=np.array([isinstance(r.geometry, Mask) for r in ordered], bool),
            palette=self._palette,
        )

    def _outline(self, record: Record) -> Outline:
        label = self._labels.get(record.label_id)
        return outline(record.geometry, label.skeleton if label else None)

    def _color(self, label_id: int) -> int:
        """The index of a label's colour in the palette; beyond 127 labels colours are shared."""
        known = self._color_of.get(label_id)
        if known is None:
            known = self._color_of[label_id] = len(self._color_of) % MAX_COLORS + 1
            if len(self._palette) < MAX_COLORS:
                self._palette.append(self.label_color(label_id))
        return known

    def _style(self, record: Record) -> int:
        if isinstance(record, Annotation):
            return 0
        return int(Style.DOTTED if record.id in self._shaky else Style.DASHED)


def visible(annotations: Iterable[Annotation], suggestions: Iterable[Suggestion], shown: Shown) -> list[Record]:
    """The records to be drawn: nothing hidden, nothing below the threshold, nothing without a place."""
    records: list[Record] = []
    if shown.annotations:
        records += [a for a in annotations if not a.hidden and a.geometry.kind not in UNPLACED]
    if shown.suggestions:
        least = shown.threshold
        records += [s for s in suggestions if s.confidence >= least and s.geometry.kind not in UNPLACED]
    return records


def _bounds(records: Sequence[Record], vertices: FloatArray, counts: IntArray) -> FloatArray:
    bounds = np.full((len(records), 4), np.inf)
    bounds[:, 2:] = -np.inf
    filled = np.flatnonzero(counts)
    if filled.size:
        first = starts(counts[filled])[:-1]
        for axis in (0, 1):
            column = np.ascontiguousarray(vertices[:, axis])
            bounds[filled, axis] = np.minimum.reduceat(column, first)
            bounds[filled, axis + 2] = np.maximum.reduceat(column, first)
    for i in np.flatnonzero(counts == 0).tolist():
        known = records[i].geometry.bounds()
        if known is not None:
            bounds[i] = known
    return bounds
