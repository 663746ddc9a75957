"""Canvas, scene: what an image shows, as arrays in paint order, so that drawing and hit testing never walk objects one by one.

Paint order: annotations before suggestions; then by z-order; among equals the smaller lies on top, so that it can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Geometry, GeometryKind, Keypoints, Mask
from annotator.domain.records import Annotation, Label, Suggestion
from ui.canvas.colors import RGB, CanvasColors, rgb
from ui.canvas.paths import Outline, outline, outlines

Record: TypeAlias = Annotation | Suggestion
IntArray: TypeAlias = NDArray[np.int64]
MAX_COLORS = 127
UNPLACED = (GeometryKind.TAG, GeometryKind.CAPTION)


class Style(IntEnum):
    """How an outline is drawn."""

    SOLID = 0
    DASHED = 1
    DOTTED = 2


@dataclass(slots=True, eq=False)
class Scene:
    """Records in paint order with their vertices; N items, P paths, V vertices. Never changed after it was built.

    ``vertices`` (V, 2) image coordinates; ``following`` (V,) index of the vertex that ends the segment begun by each vertex
    (itself where a path ends); ``vertex_closed`` (V,) whether it belongs to a closed path; ``path_start`` (P + 1,);
    ``path_item`` (P,); ``path_closed`` (P,); ``item_path`` and ``item_vertex`` (N + 1,); ``bounds`` (N, 4);
    ``color`` (N,) index from 1 into ``palette``; ``style`` (N,) Style.
    """

    records: list[Record] = field(default_factory=list)
    index: dict[UUID, int] = field(default_factory=dict)
    vertices: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    following: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    vertex_closed: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    path_start: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    path_item: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    path_closed: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    item_path: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    item_vertex: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    bounds: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    color: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    style: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    masks: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    palette: list[RGB] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.records)

    def within(self, x1: float, y1: float, x2: float, y2: float) -> IntArray:
        """Items whose bounds touch the rectangle (image coordinates), in paint order."""
        b = self.bounds
        return np.flatnonzero((b[:, 0] <= x2) & (b[:, 2] >= x1) & (b[:, 1] <= y2) & (b[:, 3] >= y1))

    def vertex_count(self, items: IntArray) -> int:
        """How many vertices the items have; a mask counts as 200."""
        count = int((self.item_vertex[items + 1] - self.item_vertex[items]).sum())
        return count + 200 * int(np.isin(items, self.masks, assume_unique=True).sum()) if self.masks.size else count

    def get(self, item_id: UUID | None) -> Record | None:
        """The record of an id, if it is shown."""
        position = self.index.get(item_id) if item_id is not None else None
        return None if position is None else self.records[position]

    def color_of(self, item: int) -> RGB:
        return self.palette[int(self.color[item]) - 1]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the view shows of a page."""

    annotations: bool = True
    suggestions: bool = True
    threshold: float = 0.0


class SceneBuilder:
    """Builds scenes, and keeps the vertices of geometries that did not change between two of them."""

    def __init__(self) -> None:
        self._outlines: dict[UUID, tuple[Geometry, Outline]] = {}
        self._labels: Mapping[int, Label] = {}
        self._colors = CanvasColors()

    def set_labels(self, labels: Mapping[int, Label], colors: CanvasColors) -> None:
        """Labels give colours and skeletons."""
        self._labels, self._colors = labels, colors
        self._outlines = {
            key: kept for key, kept in self._outlines.items() if not isinstance(kept[0], Keypoints)
        }  # their lines come from the label

    def build(
        self,
        annotations: Iterable[Annotation],
        suggestions: Iterable[Suggestion],
        shown: Shown = Shown(),
        shaky: frozenset[UUID] = frozenset(),
    ) -> Scene:
        """The scene of what is to be seen: nothing hidden, nothing below the threshold."""
        drawn = [a for a in annotations if not a.hidden and a.kind not in UNPLACED] if shown.annotations else []
        proposed = [
            s
            for s in (suggestions if shown.suggestions else ())
            if s.confidence >= shown.threshold and s.geometry.kind not in UNPLACED
        ]
        records: list[Record] = [*drawn, *proposed]
        if not records:
            self._outlines = {}
            return Scene()
        shapes = self._shapes(records)
        bounds = _bounds(records, shapes)
        order = _paint_order(bounds, [a.z_order for a in drawn], len(proposed))
        records = [records[i] for i in order]
        return self._assemble(records, [shapes[i] for i in order], bounds[order], shaky)

    def _shapes(self, records: list[Record]) -> list[Outline]:
        kept = self._outlines
        fresh: dict[UUID, tuple[Geometry, Outline]] = {}
        missing: list[Record] = []
        for record in records:
            known = kept.get(record.id)
            if known is not None and known[0] is record.geometry:
                fresh[record.id] = known
            elif isinstance(record.geometry, Keypoints):
                label = self._labels.get(record.label_id)
                fresh[record.id] = (record.geometry, outline(record.geometry, label.skeleton if label else None))
            else:
                missing.append(record)
        for record, shape in zip(missing, outlines(r.geometry for r in missing), strict=True):
            fresh[record.id] = (record.geometry, shape)
        self._outlines = fresh
        return [fresh[record.id][1] for record in records]

    def _assemble(
        self, records: list[Record], shapes: list[Outline], bounds: NDArray[np.float64], shaky: frozenset[UUID]
    ) -> Scene:
        lengths = np.array([n for s in shapes for n in s.lengths], np.int64)
        closed = np.array([c for s in shapes for c in s.closed], bool)
        per_item = np.array([len(s.lengths) for s in shapes], np.int64)
        vertices = np.concatenate([s.vertices for s in shapes])
        path_start = np.concatenate(([0], np.cumsum(lengths)))
        item_path = np.concatenate(([0], np.cumsum(per_item)))
        following = np.arange(1, len(vertices) + 1)
        last = path_start[1:] - 1
        following[last] = np.where(closed, path_start[:-1], last)
        palette, color = self._palette(records)
        return Scene(
            records=records,
            index={record.id: i for i, record in enumerate(records)},
            vertices=vertices,
            following=following,
            vertex_closed=np.repeat(closed, lengths),
            path_start=path_start,
            path_item=np.repeat(np.arange(len(records)), per_item),
            path_closed=closed,
            item_path=item_path,
            item_vertex=path_start[item_path],
            bounds=bounds,
            color=color,
            style=np.fromiter((_style(r, shaky) for r in records), np.uint8, len(records)),
            masks=np.array([i for i, r in enumerate(records) if isinstance(r.geometry, Mask)], np.int64),
            palette=palette,
        )

    def _palette(self, records: list[Record]) -> tuple[list[RGB], NDArray[np.uint8]]:
        """Distinct colours in order of first use; beyond 127 of them they are shared."""
        position: dict[int, int] = {}
        palette: list[RGB] = []
        color = np.empty(len(records), np.uint8)
        for i, record in enumerate(records):
            label_id = record.label_id
            if label_id not in position:
                position[label_id] = len(palette) % MAX_COLORS + 1
                if len(palette) < MAX_COLORS:
                    palette.append(self.label_color(label_id))
            color[i] = position[label_id]
        return palette, color

    def label_color(self, label_id: int | None) -> RGB:
        """The colour of a label, or that of things without one."""
        label = self._labels.get(label_id) if label_id is not None else None
        return rgb(label.color if label and label.color else self._colors.unlabelled)


def _style(record: Record, shaky: frozenset[UUID]) -> Style:
    if isinstance(record, Annotation):
        return Style.SOLID
    return Style.DOTTED if record.id in shaky else Style.DASHED


def _bounds(records: list[Record], shapes: list[Outline]) -> NDArray[np.float64]:
    bounds = np.full((len(records), 4), np.inf)
    bounds[:, 2:] = -np.inf
    counts = np.array([len(s.vertices) for s in shapes])
    filled = np.flatnonzero(counts)
    if filled.size:
        starts = np.concatenate(([0], np.cumsum(counts[filled])[:-1]))
        vertices = np.concatenate([shapes[i].vertices for i in filled])
        bounds[filled, :2] = np.minimum.reduceat(vertices, starts, axis=0)
        bounds[filled, 2:] = np.maximum.reduceat(vertices, starts, axis=0)
    for i in np.flatnonzero(counts == 0):
        known = records[i].geometry.bounds()
        if known is not None:
            bounds[i] = known
    return bounds


def _paint_order(bounds: NDArray[np.float64], z_orders: list[int], suggestions: int) -> IntArray:
    area = np.nan_to_num((bounds[:, 2] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 1]), nan=0.0, posinf=0.0)
    kind = np.concatenate((np.zeros(len(z_orders)), np.ones(suggestions)))
    z = np.concatenate((np.array(z_orders, np.float64), np.zeros(suggestions)))
    return np.lexsort((-area, z, kind))
