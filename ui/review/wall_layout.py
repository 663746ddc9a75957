"""Where the crops of the wall stand: rows of one height, each crop as wide as it is, the rows filled to the edge.

Pure arithmetic on arrays: a hundred thousand crops are laid out in some milliseconds, and every question about the layout is a
division or a binary search.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 6
CAPTION_PX = 17
NARROWEST, WIDEST = 0.5, 2.2
MOST_STRETCH = 1.35

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Cell:
    """The picture of one place in pixels of the whole wall; its caption stands below it."""

    x: int
    y: int
    width: int
    height: int


class WallLayout:
    """Rows of crops with the ``aspects`` (n,) in a ``width``; ``height`` is that of a picture, in pixels."""

    def __init__(self, aspects: NDArray[np.floating], width: int, height: int) -> None:
        self.height = height
        self.width = max(width, height)
        self.row_px = height + CAPTION_PX + GAP
        shapes = np.clip(np.nan_to_num(np.asarray(aspects, np.float64), nan=1.0), NARROWEST, WIDEST)
        self._ends = np.concatenate([[0.0], np.cumsum(shapes * height)])
        self.count = len(shapes)
        self._firsts = self._rows()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._firsts)

    @property
    def total_px(self) -> int:
        """How high the wall is."""
        return self.rows * self.row_px + GAP if self.count else 0

    def row_of(self, place: int) -> int:
        """The row of a place."""
        return bisect_right(self._firsts, place) - 1

    def places(self, row: int) -> range:
        """The places of a row; none outside the wall."""
        if not 0 <= row < self.rows:
            return range(0)
        end = self._firsts[row + 1] if row + 1 < self.rows else self.count
        return range(self._firsts[row], end)

    def cells(self, row: int) -> list[Cell]:
        """The pictures of a row, from left to right."""
        places = self.places(row)
        if not places:
            return []
        ends = self._ends[places.start : places.stop + 1] - self._ends[places.start]
        room = self.width - 2 * GAP - GAP * (len(places) - 1)
        stretch = room / ends[-1]
        if row == self.rows - 1 or stretch > MOST_STRETCH:
            stretch = min(stretch, 1.0)
        edges = np.rint(ends * stretch).astype(int).tolist()
        top = GAP + row * self.row_px
        return [
            Cell(GAP + edges[at] + at * GAP, top, edges[at + 1] - edges[at], self.height) for at in range(len(places))
        ]

    def cell(self, place: int) -> Cell:
        """The picture of a place."""
        row = self.row_of(place)
        return self.cells(row)[place - self._firsts[row]]

    def at(self, x: int, y: int) -> int:
        """The place under a point of the wall, its caption included; -1 between and outside."""
        row = (y - GAP) // self.row_px
        for place, cell in zip(self.places(row), self.cells(row), strict=True):
            if cell.x <= x < cell.x + cell.width and cell.y <= y < cell.y + cell.height + CAPTION_PX:
                return place
        return -1

    def inside(self, left: int, top: int, right: int, bottom: int) -> list[int]:
        """The places that a rectangle of the wall touches."""
        found: list[int] = []
        first, last = max(0, (top - GAP) // self.row_px), min(self.rows - 1, (bottom - GAP) // self.row_px)
        for row in range(first, last + 1):
            for place, cell in zip(self.places(row), self.cells(row), strict=True):
                if cell.x < right and cell.x + cell.width > left and cell.y < bottom and cell.y + cell.height > top:
                    found.append(place)
        return found

    def beside(self, place: int, by: int) -> int:
        """The place ``by`` rows below (or above), under the middle of this one; the ends of the wall stop it."""
        row = self.row_of(place)
        target = min(max(row + by, 0), self.rows - 1)
        if target == row:
            return place
        here = self.cell(place)
        middle = here.x + here.width / 2
        cells = self.cells(target)
        nearest = min(range(len(cells)), key=lambda at: abs(cells[at].x + cells[at].width / 2 - middle))
        return self.places(target).start + nearest

    def _rows(self) -> list[int]:
        """The first place of each row: as many crops as fit, and one more where shrinking all a little makes room for it."""
        if not self.count:
            return []
        reach = memoryview(self._ends + np.arange(self.count + 1) * float(GAP))
        room = self.width - GAP
        most = int(room / (NARROWEST * self.height + GAP)) + 2
        firsts, place = [], 0
        while place < self.count:
            firsts.append(place)
            last = min(place + most, self.count + 1)
            place = max(bisect_right(reach, reach[place] + room, place, last) - 1, place + 1)
        return firsts
