"""The open suggestions of the image, the most confident first; a tag suggestion brings the candidates of its shortlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from annotator.domain.geometry import GeometryKind
from annotator.domain.records import Label, Suggestion
from ui.qt_models.labels_model import digit_of

if TYPE_CHECKING:
    from annotator.usecases.review_view import Origin

ENTRY = Qt.ItemDataRole.UserRole
SHORTLIST = 5
SHORTLIST_FLOOR = 0.02
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


class SuggestionsModel(QAbstractListModel):
    """Rows for the panel."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self._source: Callable[[Suggestion], Origin] | None = None

    def ask(self, source: Callable[[Suggestion], Origin] | None) -> None:
        """Who knows where a suggestion's numbers come from; asked when someone hovers them."""
        self._source = source

    def set_suggestions(self, suggestions: Sequence[Suggestion], ordered: Sequence[Label]) -> None:
        """Show these, in their order."""
        labels: Mapping[int, tuple[int, Label]] = {label.id: (place, label) for place, label in enumerate(ordered)}
        entries = []
        for suggestion in suggestions:
            many = suggestion.geometry.kind is GeometryKind.TAG
            for rank, (label_id, probability) in enumerate(suggestion.distribution[: SHORTLIST if many else 1]):
                if label_id in labels and (rank == 0 or probability >= SHORTLIST_FLOOR):
                    place, label = labels[label_id]
                    shown = suggestion.confidence if rank == 0 else probability
                    entries.append(Entry(suggestion, label, shown, rank, digit_of(label, place)))
        if entries != self._entries:
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        """What a row shows."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, suggestion_id: UUID | None) -> int:
        """The first row of a suggestion, -1 when it is not shown."""
        return next((row for row, entry in enumerate(self._entries) if entry.suggestion.id == suggestion_id), -1)

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
        if suggestion.reason:
            lines.append(suggestion.reason)
        return "\n".join(lines)
