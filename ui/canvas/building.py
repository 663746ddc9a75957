"""Canvas, building scenes: from records to arrays. What did not change since the last page is not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import is_not
from typing import TypeAlias, TypeVar

import numpy as np

from annotator.domain.geometry import XY, GeometryKind, Mask
from annotator.domain.records import Annotation, Label, Suggestion
from ui.canvas.colors import RGB, CanvasColors, rgb
from ui.canvas.paths import Outline, block, outline, plain_block, plain_ring
from ui.canvas.scene import FloatArray, IntArray, Items, Record, Scene, Style, starts

MAX_COLORS = 127
UNPLACED = (GeometryKind.TAG, GeometryKind.CAPTION)
MOST_CHANGED = 64
MOST_WASTED = 2000
Bounds = tuple[float, float, float, float]
Page: TypeAlias = tuple[Sequence[Annotation], Sequence[Suggestion]]
Some = TypeVar("Some")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the view shows of a page."""

    annotations: bool = True
    suggestions: bool = True
    threshold: float = 0.0


class SceneBuilder:
    """Keeps one scene up to date with the page, from what changed since the last time."""

    def __init__(self) -> None:
        self._scene = Scene()
        self._labels: Mapping[int, Label] = {}
        self._colors = CanvasColors()
        self._palette: list[RGB] = []
        self._color_of: dict[int, int] = {}
        self._shaky: frozenset[object] = frozenset()
        self._shown = Shown()
        self._page: Page = ((), ())

    def set_labels(self, labels: Mapping[int, Label], colors: CanvasColors) -> None:
        """Labels give colours and skeletons, so nothing of the last scene holds."""
        self._labels, self._colors = labels, colors
        self._palette, self._color_of = [], {}
        self._begin_anew()

    def label_color(self, label_id: int | None) -> RGB:
        """The colour of a label, or that of things without one."""
        label = self._labels.get(label_id) if label_id is not None else None
        return rgb(label.color if label and label.color else self._colors.unlabelled)

    def build(
        self,
        annotations: Sequence[Annotation],
        suggestions: Sequence[Suggestion],
        shown: Shown,
        shaky: frozenset[object] = frozenset(),
    ) -> tuple[Scene, list[Bounds] | None]:
        """The scene of what is to be seen, and the bounds of what differs from the last one (None: everything)."""
        if shaky != self._shaky or self._scene.wasted > len(self._scene) + MOST_WASTED:
            self._shaky = shaky
            self._begin_anew()
        gone, fresh = self._differences((annotations, suggestions), shown)
        self._page, self._shown = (annotations, suggestions), shown
        if len(gone) >= len(self._scene):
            self._scene = Scene(self._palette)
            if fresh:
                self._scene.add(self._items(fresh))
            return self._scene, None
        scene = self._scene
        few = len(gone) <= MOST_CHANGED and len(fresh) <= MOST_CHANGED
        changed = [scene.bounds_of(i) for i in scene.positions(r.id for r in gone)] if few else []
        scene.remove(record.id for record in gone)
        added = scene.add(self._items(fresh)) if fresh else range(0)
        return scene, changed + [scene.bounds_of(i) for i in added] if few else None

    def _begin_anew(self) -> None:
        self._scene, self._page = Scene(self._palette), ((), ())

    def _differences(self, page: Page, shown: Shown) -> tuple[list[Record], list[Record]]:
        """The records that are no longer, and those that are newly to be seen."""
        if shown != self._shown:
            return _exchanged(visible(*self._page, self._shown), visible(*page, shown))
        drawn, proposed = differing(self._page[0], page[0]), differing(self._page[1], page[1])
        return _exchanged(visible(drawn[0], proposed[0], shown), visible(drawn[1], proposed[1], shown))

    def _items(self, records: list[Record]) -> Items:
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
        vertices = np.concatenate([p.vertices for p in parts])
        lengths = np.concatenate([p.lengths for p in parts])
        paths = np.concatenate([p.per_item for p in parts])
        return Items(
            records=ordered,
            vertices=vertices,
            lengths=lengths,
            closed=np.concatenate([p.closed for p in parts]),
            paths=paths,
            bounds=_bounds(ordered, vertices, np.diff(starts(lengths)[starts(paths)])),
            z=np.array([r.z_order if isinstance(r, Annotation) else 0 for r in ordered], np.float64),
            color=np.array([self._color(r.label_id) for r in ordered], np.uint8),
            style=np.array([self._style(r) for r in ordered], np.uint8),
            masked=np.array([isinstance(r.geometry, Mask) for r in ordered], bool),
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


def differing(before: Sequence[Some], after: Sequence[Some]) -> tuple[Sequence[Some], Sequence[Some]]:
    """Both rows without the objects that they have in common at their beginnings and ends."""
    least = min(len(before), len(after))
    first = next(compress(count(), map(is_not, before, after)), least)
    last = next(compress(count(), map(is_not, reversed(before), reversed(after))), least)
    last = min(last, least - first)
    return before[first : len(before) - last], after[first : len(after) - last]


def _exchanged(before: list[Record], after: list[Record]) -> tuple[list[Record], list[Record]]:
    """What is only in ``before``, and what is only in ``after``."""
    old, new = set(map(id, before)), set(map(id, after))
    return [r for r in before if id(r) not in new], [r for r in after if id(r) not in old]


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
