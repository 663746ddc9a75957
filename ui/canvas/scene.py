"""Canvas, scene: what an image shows, as arrays in paint order, so that drawing and hit testing never walk objects one by one.

Paint order: annotations before suggestions; then by z-order; among equals the smaller lies on top, so that it can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.records import Annotation, Suggestion
from ui.canvas.colors import RGB

Record: TypeAlias = Annotation | Suggestion
IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]


class Style(IntEnum):
    """How an outline is drawn."""

    SOLID = 0
    DASHED = 1
    DOTTED = 2


def ranges(first: IntArray, last: IntArray) -> IntArray:
    """The integers of all half-open ranges, one after the other."""
    counts = last - first
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) + np.repeat(first - before, counts)


def starts(counts: IntArray) -> IntArray:
    """Where each of consecutive groups begins, and where the last ends."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _ints() -> IntArray:
    return np.empty(0, np.int64)


def _bytes() -> NDArray[np.uint8]:
    return np.empty(0, np.uint8)


@dataclass(slots=True, eq=False)
class Scene:
    """N items in paint order with their P paths and V vertices. Never changed after it was built.

    ``vertices`` (V, 2) in image coordinates; ``path_start`` (P + 1,) and ``path_closed`` (P,); ``item_path`` (N + 1,);
    ``bounds`` (N, 4), infinite and reversed where there are none; ``z`` (N,); ``color`` (N,) from 1, into ``palette``;
    ``style`` (N,) of Style; ``masked`` (N,) whether the item is a mask. The rest follows from these:
    ``item_vertex`` (N + 1,); ``path_item`` (P,); ``following`` (V,) the vertex that ends the segment begun by each vertex
    (itself where a path ends); ``vertex_closed`` (V,).
    """

    records: list[Record] = field(default_factory=list)
    vertices: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    path_start: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    path_closed: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    item_path: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    bounds: FloatArray = field(default_factory=lambda: np.empty((0, 4)))
    z: FloatArray = field(default_factory=lambda: np.empty(0))
    color: NDArray[np.uint8] = field(default_factory=_bytes)
    style: NDArray[np.uint8] = field(default_factory=_bytes)
    masked: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    palette: list[RGB] = field(default_factory=list)
    item_vertex: IntArray = field(init=False)
    path_item: IntArray = field(init=False)
    _following: IntArray | None = field(init=False, default=None)
    _vertex_closed: NDArray[np.bool_] | None = field(init=False, default=None)
    _positions: dict[int, int] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.item_vertex = self.path_start[self.item_path]
        self.path_item = np.repeat(np.arange(len(self.records)), np.diff(self.item_path))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def following(self) -> IntArray:
        if self._following is None:
            self._following = np.arange(1, len(self.vertices) + 1)
            last = self.path_start[1:] - 1
            self._following[last] = np.where(self.path_closed, self.path_start[:-1], last)
        return self._following

    @property
    def vertex_closed(self) -> NDArray[np.bool_]:
        if self._vertex_closed is None:
            self._vertex_closed = np.repeat(self.path_closed, np.diff(self.path_start))
        return self._vertex_closed

    def position(self, item_id: UUID | None) -> int | None:
        """Where an item is in paint order; None when it is not shown."""
        if item_id is None:
            return None
        if self._positions is None:  # by the number in the UUID, whose own hash is slow
            self._positions = {record.id.int: i for i, record in enumerate(self.records)}
        return self._positions.get(item_id.int)

    def positions(self, ids: Iterable[UUID | None]) -> list[int]:
        """Where those of the items are that are shown."""
        return [i for i in map(self.position, ids) if i is not None]

    def get(self, item_id: UUID | None) -> Record | None:
        """The record of an id, if it is shown."""
        position = self.position(item_id)
        return None if position is None else self.records[position]

    def within(self, x1: float, y1: float, x2: float, y2: float) -> IntArray:
        """Items whose bounds touch the rectangle (image coordinates), in paint order."""
        b = self.bounds
        return np.flatnonzero((b[:, 0] <= x2) & (b[:, 2] >= x1) & (b[:, 1] <= y2) & (b[:, 3] >= y1))

    def vertex_count(self, items: IntArray) -> int:
        """How many vertices the items have; a mask counts as 200."""
        count = int((self.item_vertex[items + 1] - self.item_vertex[items]).sum())
        return count + 200 * int(np.count_nonzero(self.masked[items]))

    def color_of(self, item: int) -> RGB:
        return self.palette[int(self.color[item]) - 1]

    def bounds_of(self, item: int) -> tuple[float, float, float, float]:
        x1, y1, x2, y2 = self.bounds[item].tolist()
        return x1, y1, x2, y2

    def joined(self, other: Scene) -> Scene:
        """The items of both, not yet in paint order, with the palette of the other."""
        return Scene(
            self.records + other.records,
            np.concatenate((self.vertices, other.vertices)),
            np.concatenate((self.path_start, other.path_start[1:] + len(self.vertices))),
            np.concatenate((self.path_closed, other.path_closed)),
            np.concatenate((self.item_path, other.item_path[1:] + len(self.path_closed))),
            np.concatenate((self.bounds, other.bounds)),
            np.concatenate((self.z, other.z)),
            np.concatenate((self.color, other.color)),
            np.concatenate((self.style, other.style)),
            np.concatenate((self.masked, other.masked)),
            other.palette,
        )

    def in_paint_order(self, kept: IntArray) -> Scene:
        """The kept items in paint order."""
        area = (self.bounds[kept, 2] - self.bounds[kept, 0]) * (self.bounds[kept, 3] - self.bounds[kept, 1])
        order = kept[np.lexsort((-area, self.z[kept], self.style[kept] != Style.SOLID))]
        if len(order) == len(self.records) and (order[1:] > order[:-1]).all():
            return self
        paths = ranges(self.item_path[order], self.item_path[order + 1])
        first, last = self.path_start[paths], self.path_start[paths + 1]
        return replace(
            self,
            records=[self.records[i] for i in order.tolist()],
            vertices=self.vertices[ranges(first, last)],
            path_start=starts(last - first),
            path_closed=self.path_closed[paths],
            item_path=starts(self.item_path[order + 1] - self.item_path[order]),
            bounds=self.bounds[order],
            z=self.z[order],
            color=self.color[order],
            style=self.style[order],
            masked=self.masked[order],
        )
