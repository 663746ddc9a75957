"""Canvas, scene: what an image shows, as arrays, so that drawing and hit testing never walk objects one by one.

An edit takes some items away and adds others behind the last one; what stays is not touched, so that an edit costs the same
among twenty thousand shapes as among ten. Paint order: annotations before suggestions; then by z-order; among equals the
smaller lies on top, so that it can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.records import Annotation, Suggestion
from ui.canvas.colors import RGB

Record: TypeAlias = Annotation | Suggestion
IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
NOWHERE = (np.inf, np.inf, -np.inf, -np.inf)


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


def rows(points: FloatArray, chosen: IntArray) -> FloatArray:
    """The chosen rows of (n, 2) contiguous points; taken as one number each, several times as fast as row by row."""
    return points.view(np.complex128).ravel()[chosen].view(np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """N items with their P paths and V vertices, in any order; a scene takes them as a whole.

    ``vertices`` (V, 2) in image coordinates; ``lengths`` (P,) vertices of each path and ``closed`` (P,); ``paths`` (N,) paths
    of each item; ``bounds`` (N, 4), infinite and reversed where there are none; ``z`` (N,); ``color`` (N,) from 1, into the
    palette; ``style`` (N,) of Style; ``masked`` (N,) whether the item is a mask.
    """

    records: list[Record]
    vertices: FloatArray
    lengths: IntArray
    closed: NDArray[np.bool_]
    paths: IntArray
    bounds: FloatArray
    z: FloatArray
    color: NDArray[np.uint8]
    style: NDArray[np.uint8]
    masked: NDArray[np.bool_]

    def in_paint_order(self) -> Items:
        """The same items, the undermost first."""
        order = paint_order(self.bounds, self.z, self.style)
        if (order[1:] > order[:-1]).all():
            return self
        item_path, path_start = starts(self.paths), starts(self.lengths)
        paths = ranges(item_path[order], item_path[order + 1])
        return Items(
            [self.records[i] for i in order.tolist()],
            rows(self.vertices, ranges(path_start[paths], path_start[paths + 1])),
            self.lengths[paths],
            self.closed[paths],
            self.paths[order],
            self.bounds[order],
            self.z[order],
            self.color[order],
            self.style[order],
            self.masked[order],
        )


def paint_order(bounds: FloatArray, z: FloatArray, style: NDArray[np.uint8]) -> IntArray:
    """Positions from the undermost to the topmost; among equals in the order given."""
    area = (bounds[:, 2] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 1])
    return np.lexsort((-area, z, style != Style.SOLID))


class Scene:
    """Items by number. A number stays with its item; numbers of items that were removed are not used again.

    Arrays by item: ``records``, ``bounds``, ``z``, ``color``, ``style``, ``masked``, ``present``, and ``item_path`` and
    ``item_vertex`` (N + 1,), where its paths and vertices begin. By path: ``path_start`` (P + 1,), ``path_closed``,
    ``path_item``. ``vertices`` (V, 2). ``palette`` is shared with whoever chooses colours.
    """

    def __init__(self, palette: list[RGB] | None = None) -> None:
        self.palette: list[RGB] = [] if palette is None else palette
        self.records: list[Record] = []
        self.vertices: FloatArray = np.empty((0, 2))
        self.path_start: IntArray = np.zeros(1, np.int64)
        self.path_closed: NDArray[np.bool_] = np.empty(0, bool)
        self.path_item: IntArray = np.empty(0, np.int64)
        self.item_path: IntArray = np.zeros(1, np.int64)
        self.item_vertex: IntArray = np.zeros(1, np.int64)
        self.bounds: FloatArray = np.empty((0, 4))
        self.z: FloatArray = np.empty(0)
        self.color: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.style: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.masked: NDArray[np.bool_] = np.empty(0, bool)
        self.present: NDArray[np.bool_] = np.empty(0, bool)
        self._count = 0
        self._ordered = True
        self._positions: dict[int, int] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def wasted(self) -> int:
        """How many numbers belong to items that are gone."""
        return len(self.records) - self._count

    def add(self, items: Items) -> range:
        """Takes items in, behind those that are there; their numbers."""
        first, paths, points = len(self.records), len(self.path_closed), len(self.vertices)
        self._ordered = not first
        if not first:
            items = items.in_paint_order()
        path_start, item_path = starts(items.lengths), starts(items.paths)
        numbers = range(first, first + len(items.records))
        self.records.extend(items.records)
        self.vertices = _grown(self.vertices, items.vertices)
        self.path_start = _grown(self.path_start, path_start[1:] + points)
        self.path_closed = _grown(self.path_closed, items.closed)
        self.path_item = _grown(self.path_item, np.repeat(np.arange(numbers.start, numbers.stop), items.paths))
        self.item_path = _grown(self.item_path, item_path[1:] + paths)
        self.item_vertex = _grown(self.item_vertex, path_start[item_path[1:]] + points)
        self.bounds = _grown(self.bounds, items.bounds)
        self.z = _grown(self.z, items.z)
        self.color = _grown(self.color, items.color)
        self.style = _grown(self.style, items.style)
        self.masked = _grown(self.masked, items.masked)
        self.present = _grown(self.present, np.ones(len(numbers), bool))
        self._count += len(numbers)
        if self._positions is not None:
            self._positions.update(zip((record.id.int for record in items.records), numbers, strict=True))
        return numbers

    def remove(self, ids: Iterable[UUID]) -> list[int]:
        """Lets items go: nothing finds them any more. Their numbers, where they were here."""
        gone = self.positions(ids)
        for item in gone:
            del self._known[self.records[item].id.int]
        self.bounds[gone] = NOWHERE
        self.present[gone] = False
        self._count -= len(gone)
        return gone

    @property
    def _known(self) -> dict[int, int]:
        if self._positions is None:  # by the number in the UUID, whose own hash is slow
            present = np.flatnonzero(self.present).tolist()
            self._positions = {self.records[i].id.int: i for i in present}
        return self._positions

    def position(self, item_id: UUID | None) -> int | None:
        """The number of an item; None when it is not shown."""
        return None if item_id is None else self._known.get(item_id.int)

    def positions(self, ids: Iterable[UUID | None]) -> list[int]:
        """The numbers of those items that are shown."""
        return [i for i in map(self.position, ids) if i is not None]

    def get(self, item_id: UUID | None) -> Record | None:
        """The record of an id, if it is shown."""
        position = self.position(item_id)
        return None if position is None else self.records[position]

    def all(self) -> IntArray:
        """Every item, in paint order."""
        return self.in_paint_order(np.flatnonzero(self.present))

    def within(self, x1: float, y1: float, x2: float, y2: float) -> IntArray:
        """Items whose bounds touch the rectangle (image coordinates), in paint order."""
        return self.in_paint_order(self.touching(x1, y1, x2, y2))

    def touching(self, x1: float, y1: float, x2: float, y2: float) -> IntArray:
        """What ``within`` gives, in no order."""
        b = self.bounds
        return np.flatnonzero((b[:, 0] <= x2) & (b[:, 2] >= x1) & (b[:, 1] <= y2) & (b[:, 3] >= y1))

    def in_paint_order(self, items: IntArray) -> IntArray:
        """Items given by rising numbers, the undermost first."""
        if self._ordered:
            return items
        return items[paint_order(self.bounds[items], self.z[items], self.style[items])]

    def vertex_count(self, items: IntArray) -> int:
        """How many vertices the items have; a mask counts as 200."""
        count = int((self.item_vertex[items + 1] - self.item_vertex[items]).sum())
        return count + 200 * int(np.count_nonzero(self.masked[items]))

    def color_of(self, item: int) -> RGB:
        return self.palette[int(self.color[item]) - 1]

    def bounds_of(self, item: int) -> tuple[float, float, float, float]:
        x1, y1, x2, y2 = self.bounds[item].tolist()
        return x1, y1, x2, y2


def _grown(values: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
    """The values with more behind them. They begin a larger array, so that growing again seldom copies what is there."""
    used, wanted = len(values), len(values) + len(more)
    if not used and more.base is None:
        return more
    room = values.base if isinstance(values.base, np.ndarray) else values
    if len(room) < wanted:
        room = np.empty((wanted + wanted // 4 if used > 1 else wanted, *values.shape[1:]), values.dtype)
        room[:used] = values
    room[used:wanted] = more
    return room[:wanted]
