"""A field over a list that narrows while one types: the command palette and the label typeahead are both this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ui.dialogs.fuzzy import score
from ui.dialogs.popup import Popup
from ui.theme import theme
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import label
from ui.widgets.fields import TextField

CHOICE = Qt.ItemDataRole.UserRole
ROW_PX = 30
ROWS = 12
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Choice:
    """One thing to pick: ``value`` is handed over, ``right`` stands at the right (a key), ``color`` is a swatch."""

    text: str
    value: Any
    right: str = ""
    group: str = ""
    color: str = ""
    enabled: bool = True


class ChoiceModel(QAbstractListModel):
    """The choices that match."""

    def __init__(self) -> None:
        super().__init__()
        self._choices: list[Choice] = []
        self._shown: list[Choice] = []

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """All there is to choose from."""
        self._choices = list(choices)
        self.narrow("")

    def narrow(self, query: str) -> None:
        """Show what matches, the best first."""
        self.beginResetModel()
        if query.strip():
            scored = [(score(query, f"{c.text} {c.group}".strip()), n, c) for n, c in enumerate(self._choices)]
            kept = [(s, n, c) for s, n, c in scored if s is not None]
            kept.sort(key=_best_first)
            self._shown = [c for _, _, c in kept]
        else:
            self._shown = list(self._choices)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        choice = self._shown[index.row()]
        return choice if role == CHOICE else choice.text if role == Qt.ItemDataRole.DisplayRole else None


def _best_first(entry: tuple[float, int, Choice]) -> tuple[bool, float, int]:
    return not entry[2].enabled, -entry[0], entry[1]


class ChoiceDelegate(QStyledItemDelegate):
    """A row: swatch, text, group, key."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        choice: Choice = index.data(CHOICE)
        rect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.selected))
            painter.drawRoundedRect(QRectF(rect), 4, 4)
        left = rect.left() + SPACE_2
        if choice.color:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(choice.color))
            painter.drawRoundedRect(QRectF(left, rect.center().y() - 5, 11, 11), 3, 3)
            left += 20
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        right = rect.adjusted(0, 0, -SPACE_3, 0)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | middle, choice.right)
        keys = painter.fontMetrics().horizontalAdvance(choice.right) + SPACE_3 if choice.right else 0
        painter.setFont(ui_font())
        painter.setPen(QColor(tokens.text if choice.enabled else tokens.muted))
        room = rect.adjusted(left - rect.left(), 0, -keys - SPACE_3, 0)
        text = painter.fontMetrics().elidedText(choice.text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | middle, text)
        used = painter.fontMetrics().horizontalAdvance(text) + SPACE_2
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        painter.drawText(room.adjusted(used, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | middle, choice.group)
        painter.restore()


class Picker(Popup):
    """``picked`` gives the chosen value; ``entered`` the text, when nothing matches it and new ones are allowed."""

    picked = Signal(object)
    entered = Signal(str)

    def __init__(self, host: QWidget, placeholder: str, *, width: int = 560, new_text: str = "") -> None:
        super().__init__(host, width)
        self._new_text = new_text
        self.field = TextField(placeholder)
        self.field.setProperty("role", "hero" if width >= 500 else "")
        self.model = ChoiceModel()
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(ChoiceDelegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._nothing = label(self.tr("Nothing matches."), "muted")
        self._nothing.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        self.body.addWidget(self.field)
        self.body.addWidget(self.view)
        self.body.addWidget(self._nothing)
        self.field.textChanged.connect(self._narrow)
        self.field.returnPressed.connect(self._take)
        self.field.escaped.connect(self.dismiss)
        self.field.stepped.connect(self._step)
        self.view.clicked.connect(self._clicked)

    def offer(self, choices: Sequence[Choice]) -> None:
        """Put these up for choice, with an empty field."""
        self.model.set_choices(choices)
        self.field.clear()
        self._narrow("")

    def _narrow(self, text: str) -> None:
        self.model.narrow(text)
        count = self.model.rowCount()
        self.view.setVisible(count > 0)
        self.view.setFixedHeight(min(max(count, 1), ROWS) * ROW_PX + 4)
        self._nothing.setVisible(count == 0)
        if self._new_text:
            self._nothing.setText(self._new_text.format(text.strip()))
        if count:
            self.view.setCurrentIndex(self.model.index(0))
        self.adjustSize()

    def _step(self, by: int) -> None:
        count = self.model.rowCount()
        if count:
            self.view.setCurrentIndex(self.model.index((self.view.currentIndex().row() + by) % count))

    def _take(self) -> None:
        choice = self.view.currentIndex().data(CHOICE)
        if choice is not None:
            self._pick(choice)
        elif self._new_text and self.field.text().strip():
            text = self.field.text().strip()
            self.dismiss()
            self.entered.emit(text)

    def _clicked(self, index: QModelIndex) -> None:
        self._pick(index.data(CHOICE))

    def _pick(self, choice: Choice) -> None:
        if choice.enabled:
            self.dismiss()
            self.picked.emit(choice.value)
