"""Chips in force, each with a cross that removes it, wrapping to as many lines as they need."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QLayout, QLayoutItem, QToolButton, QWidget

from ui.theme.tokens import SPACE_1, SPACE_2


class FlowLayout(QLayout):
    """Lays its items out like words on lines."""

    def __init__(self, parent: QWidget | None = None, spacing: int = SPACE_1) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), apply=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, apply=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _place(self, rect: QRect, *, apply: bool) -> int:
        margins = self.contentsMargins()
        area = rect.marginsRemoved(margins)
        x, y, height = area.x(), area.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x + size.width() > area.right() + 1 and height:
                x, y, height = area.x(), y + height + self.spacing(), 0
            if apply:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            height = max(height, size.height())
        return y + height - rect.y() + margins.bottom()


class Chip(QToolButton):
    """A word that can be removed."""

    removed = Signal(str)

    def __init__(self, key: str, text: str) -> None:
        super().__init__()
        self.key = key
        self.setProperty("role", "chip")
        self.setText(f"{text}  ×")
        self.setToolTip(self.tr("Remove “{0}”").format(text))
        self.setAccessibleName(self.toolTip())
        self.clicked.connect(self._remove)

    def _remove(self) -> None:
        self.removed.emit(self.key)


class ChipRow(QWidget):
    """The chips of one filter; takes no room when there are none."""

    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self)
        self._flow.setContentsMargins(SPACE_2, 0, SPACE_2, SPACE_1)
        self._texts: dict[str, str] = {}
        self.hide()

    @property
    def texts(self) -> dict[str, str]:
        """What is shown, by key."""
        return dict(self._texts)

    def show_chips(self, texts: dict[str, str]) -> None:
        """Show one chip for each text."""
        self._texts = dict(texts)
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for key, text in texts.items():
            chip = Chip(key, text)
            chip.removed.connect(self.removed)
            self._flow.addWidget(chip)
        self.setVisible(bool(texts))
        self.updateGeometry()
