"""What a person has marked on the wall, and what is selected there, before anything is decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from annotator.usecases.wall import Judgement, WallPile

WRONG, RIGHT = -1, -2


class Marks(QObject):
    """Row of the pile to ``WRONG``, to ``RIGHT`` (in an audit), or to the label that it should have.

    A pile that is read anew keeps its marks by its keys.
    """

    changed = Signal()
    touched = Signal(object)
    """The rows that look different now, as a collection; None: any of them. Comes before ``changed``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._marks: dict[int, int] = {}
        self.selected: set[int] = set()

    def __len__(self) -> int:
        return len(self._marks)

    def get(self, row: int) -> int | None:
        """How a row is marked, None when it is not."""
        return self._marks.get(row)

    @property
    def rows(self) -> Mapping[int, int]:
        """All marks."""
        return self._marks

    def toggle(self, rows: Iterable[int]) -> None:
        """Mark these as wrong; when all of them are marked, take the marks away."""
        chosen = list(rows)
        if chosen and all(row in self._marks for row in chosen):
            for row in chosen:
                del self._marks[row]
        else:
            self._marks.update({row: WRONG for row in chosen if row not in self._marks})
        self._tell(chosen)

    def set(self, rows: Iterable[int], mark: int) -> None:
        """Give these a mark, whatever they had."""
        chosen = list(rows)
        self._marks.update(dict.fromkeys(chosen, mark))
        self._tell(chosen)

    def unmark(self, rows: Iterable[int]) -> None:
        """Take the marks of these away."""
        chosen = list(rows)
        for row in chosen:
            self._marks.pop(row, None)
        self._tell(chosen)

    def relabel(self, rows: Iterable[int], label_id: int) -> None:
        """Mark these as being another label; said again, take it back."""
        chosen = list(rows)
        if chosen and all(self._marks.get(row) == label_id for row in chosen):
            for row in chosen:
                del self._marks[row]
        else:
            self._marks.update(dict.fromkeys(chosen, label_id))
        self._tell(chosen)

    def select(self, rows: Iterable[int]) -> None:
        """Select these."""
        chosen = set(rows)
        if chosen != self.selected:
            before, self.selected = self.selected, chosen
            self._tell(before ^ chosen)

    def clear(self) -> None:
        """Nothing is marked or selected."""
        self._marks.clear()
        self.selected = set()
        self._tell(None)

    def move(self, before: WallPile, after: WallPile) -> None:
        """Follow the marked suggestions from one reading of a pile to the next; those that are gone lose their mark."""
        if not self._marks and not self.selected:
            return
        places: Mapping[Any, int] = after.rows_by_key
        known = {row: places.get(before.key(row), -1) for row in {*self._marks, *self.selected} if row < len(before)}
        self._marks = {known[row]: mark for row, mark in self._marks.items() if known.get(row, -1) >= 0}
        self.selected = {known[row] for row in self.selected if known.get(row, -1) >= 0}
        self._tell(None)

    def _tell(self, rows: Collection[int] | None) -> None:
        self.touched.emit(rows)
        self.changed.emit()

    def judgement(self, rows: np.ndarray, *, rest: bool) -> Judgement:
        """What the marks mean for ``rows``: wrong ones are rejected, others relabelled, and with ``rest`` all others accepted."""
        from annotator.usecases.wall import Judgement

        among = np.asarray(rows, np.int64)
        marked = np.fromiter(self._marks, np.int64, len(self._marks))
        within = marked[np.isin(marked, among)].tolist()
        wrong = np.asarray(sorted(row for row in within if self._marks[row] == WRONG), np.int64)
        relabelled = {row: self._marks[row] for row in within if self._marks[row] != WRONG}
        accepted = among[~np.isin(among, marked)] if rest else np.zeros(0, np.int64)
        return Judgement(accepted, wrong, relabelled)
