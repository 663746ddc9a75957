"""The open suggestions of the image, the most confident first; a tag suggestion brings the candidates of its shortlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from annotator.domain.geometry import GeometryKind
from annotator.domain.records import Label, Suggestion
from annotator.pseudolabel.shortlist import MOST, shortlist
from ui.differences import Span, difference
from ui.qt_models.labels_model import digit_of

if TYPE_CHECKING:
    from annotator.usecases.review_view import Origin

ENTRY = Qt.ItemDataRole.UserRole
SHORTLIST = 5
SHORTLIST_FLOOR = 0.02
ROW_PX = 28
CANDIDATE_PX = 24
Index = QModelIndex | QPersistentModelIndex

KIND_NAMES = {
    GeometryKind.TAG: "tag",
    GeometryKind.BOX: "box",
    GeometryKind.ROTATED_BOX: "rotated box",
    GeometryKind.POLYGON: "polygon",
    GeometryKind.MASK: "mask",
    GeometryKind.POLYLINE: "line",
    GeometryKind.POINT: "point",
    GeometryKind.KEYPOINTS: "keypoints",
    GeometryKind.CAPTION: "caption",
}


@dataclass(frozen=True)
class Entry:
    """One row: a suggestion (``rank`` 0) or another candidate of its shortlist."""

    suggestion: Suggestion
    label: Label
    probability: float
    rank: int
    digit: str


def _offered(suggestion: Suggestion) -> int:
    """How many labels of a suggestion are offered: the shortlist of an unsure tag once its confidence is calibrated."""
    if suggestion.geometry.kind is not GeometryKind.TAG:
        return 1
    if suggestion.uncalibrated:
        return SHORTLIST
    return len(shortlist(suggestion.distribution)) or MOST


class SuggestionsModel(QAbstractListModel):
    """Rows for the panel."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[Suggestion] = ()
        self._ordered: list[Label] = []
        self._labels: Mapping[int, tuple[int, Label]] = {}
        self._entries: list[Entry] = []
        self._sizes: list[int] = []
        self._source: Callable[[Suggestion], Origin] | None = None

    def ask(self, source: Callable[[Suggestion], Origin] | None) -> None:
        """Who knows where a suggestion's numbers come from; asked when someone hovers them."""
        self._source = source

    def set_suggestions(self, suggestions: Sequence[Suggestion], ordered: Sequence[Label]) -> None:
        """Show these, in their order. Rows between others come and go; other labels reset the model."""
        if list(ordered) != self._ordered:
            self.beginResetModel()
            self._ordered = list(ordered)
            self._labels = {label.id: (place, label) for place, label in enumerate(ordered)}
            blocks = [self._block(each) for each in suggestions]
            self._sizes = [len(block) for block in blocks]
            self._entries = [entry for block in blocks for entry in block]
            self.endResetModel()
        else:
            self._follow(difference(self._shown, suggestions))
        self._shown = suggestions

    def _follow(self, span: Span[Suggestion]) -> None:
        blocks = [self._block(each) for each in span.after]
        come = [entry for block in blocks for entry in block]
        first, end = sum(self._sizes[: span.start]), span.start + len(span.before)
        last = first + sum(self._sizes[span.start : end]) - 1
        self._sizes[span.start : end] = [len(block) for block in blocks]
        if self._entries[first : last + 1] == come:
            return
        if last >= first:
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._entries[first : last + 1]
            self.endRemoveRows()
        if come:
            self.beginInsertRows(QModelIndex(), first, first + len(come) - 1)
            self._entries[first:first] = come
            self.endInsertRows()

    def _block(self, suggestion: Suggestion) -> list[Entry]:
        """The rows of one suggestion: none when the project does not know its label."""
        block = []
        for rank, (label_id, probability) in enumerate(suggestion.distribution[: _offered(suggestion)]):
            if label_id in self._labels and (rank == 0 or probability >= SHORTLIST_FLOOR):
                place, label = self._labels[label_id]
                shown = suggestion.confidence if rank == 0 else probability
                block.append(Entry(suggestion, label, shown, rank, digit_of(label, place)))
        return block

    def heights(self) -> NDArray[np.int64]:
        """The height of every row in pixels."""
        return np.fromiter((CANDIDATE_PX if e.rank else ROW_PX for e in self._entries), np.int64, len(self._entries))

    def entry(self, row: int) -> Entry | None:
        """What a row shows."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, suggestion_id: UUID | None) -> int:
        """The first row of a suggestion, -1 when it is not shown."""
        if suggestion_id is None:
            return -1
        wanted = suggestion_id.int
        return next((row for row, entry in enumerate(self._entries) if entry.suggestion.id.int == wanted), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.label.name} {entry.probability:.0%}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._origin(entry)
        return None

    def _origin(self, entry: Entry) -> str:
        """Where the number comes from."""
        suggestion = entry.suggestion
        lines = [
            self.tr("{0}: confidence {1:.1%}").format(entry.label.name, entry.probability),
            self.tr("Score of the model: {0:.3f}").format(suggestion.score),
            self.tr("Not calibrated yet: too few verdicts.")
            if suggestion.uncalibrated
            else self.tr("Calibrated on the verdicts of this project."),
        ]
        if self._source is not None:
            origin = self._source(suggestion)
            model = self.tr("Model {0}, version {1}, run {2}")
            lines.append(model.format(origin.model, origin.version[:24] or "–", origin.run_id))
            if origin.verdicts is not None:
                lines.append(self.tr("Verdicts behind the calibration: {0}").format(f"{origin.verdicts:,}"))
        if suggestion.shaky:
            lines.append(self.tr("Shaky: the box moved when the model looked again, so check its edges."))
        if suggestion.reason:
            lines.append(suggestion.reason)
        return "\n".join(lines)
