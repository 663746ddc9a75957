"""The labels: colour, name, counts and key. Type to filter, Enter creates, F2 renames everywhere, drag to reorder."""

from __future__ import annotations

import re

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain.records import Label
from ui.figures import Figures
from ui.qt_models.labels_model import COUNTS, DIGIT, LABEL, LabelsModel
from ui.session import Session
from ui.theme import theme
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_1, SPACE_2, text_on
from ui.widgets.basics import EmptyState
from ui.widgets.fields import TextField, is_typing

ROW_PX = 26


def split_names(text: str) -> list[str]:
    """Label names from a pasted list: one a line, or separated by commas, semicolons or tabs; without repetition."""
    names = (name.strip().strip("\"'") for name in re.split(r"[,;\t\r\n]+", text))
    return list(dict.fromkeys(name for name in names if name))


class LabelDelegate(QStyledItemDelegate):
    """Paints a row: the key, the colour, the name, the counts."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = theme().tokens
        label: Label = index.data(LABEL)
        rect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            self._ground(painter, rect, tokens.selected)
        elif state & QStyle.StateFlag.State_MouseOver:
            self._ground(painter, rect, tokens.raised)
        self._chip(painter, QRect(rect.left() + SPACE_2, rect.top() + 4, 20, 18), label, index.data(DIGIT))
        annotations, suggestions = index.data(COUNTS)
        counts = f"{annotations:,}" + (f" / {suggestions:,}" if suggestions else "")
        body = painter.font()
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        width = painter.fontMetrics().horizontalAdvance(counts) + SPACE_2
        painter.drawText(
            rect.adjusted(0, 0, -SPACE_2, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, counts
        )
        painter.setFont(body)
        painter.setPen(QColor(tokens.text))
        room = rect.adjusted(SPACE_2 + 28, 0, -width - SPACE_1, 0)
        name = painter.fontMetrics().elidedText(label.name, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.restore()

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        editor = TextField("", parent)
        editor.setAccessibleName(self.tr("New name of the label"))
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        editor.setGeometry(option.rect.adjusted(SPACE_2 + 20, 0, 0, 0))

    @staticmethod
    def _ground(painter: QPainter, rect: QRect, color: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), 4, 4)

    @staticmethod
    def _chip(painter: QPainter, rect: QRect, label: Label, key: str) -> None:
        color = label.color or theme().tokens.muted
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(rect), 4, 4)
        if key:
            font = caption_font()
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(QColor(text_on(color)))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, key[:2])
            painter.setFont(ui_font())


class LabelList(QListView):
    """The rows; typing goes on to the field below the title."""

    def event(self, event: object) -> bool:
        if self.state() == QAbstractItemView.State.EditingState and is_typing(event):  # type: ignore[arg-type]
            event.accept()  # type: ignore[attr-defined]
            return True
        return super().event(event)  # type: ignore[arg-type]


class LabelsPanel(QWidget):
    """The list and the field that filters it and creates labels."""

    create_wanted = Signal(list)
    rename_wanted = Signal(int, str)
    reorder_wanted = Signal(list)
    delete_wanted = Signal(int)
    merge_wanted = Signal(int, int)
    edit_wanted = Signal(int)
    show_wanted = Signal(int)
    paste_wanted = Signal()
    picked = Signal(int)
    canvas_wanted = Signal()

    def __init__(self, session: Session, figures: Figures) -> None:
        super().__init__()
        self._session = session
        self._figures = figures
        self.model = LabelsModel()
        self.view = LabelList()
        self.view.setModel(self.model)
        self.view.setItemDelegate(LabelDelegate(self.view))
        self.view.setAccessibleName(self.tr("Labels"))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.view.clicked.connect(self._clicked)
        self.view.doubleClicked.connect(self._double_clicked)
        self.field = TextField(self.tr("Filter, or type a new label"))
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self._entered)
        self.field.escaped.connect(self._leave)
        self._empty = EmptyState(
            "tag",
            self.tr("Labels are the words you sort and draw with. Type one above, or paste a list."),
            self.tr("Paste a list"),
        )
        self._empty.pressed.connect(self.paste_wanted)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_1)
        layout.setSpacing(SPACE_1)
        box = QVBoxLayout()
        box.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        box.addWidget(self.field)
        layout.addLayout(box)
        layout.addLayout(self._stack, 1)
        self.model.renamed.connect(self.rename_wanted)
        self.model.reordered.connect(self.reorder_wanted)
        session.labels_changed.connect(self.reload)
        figures.changed.connect(self.reload)
        session.current_label_changed.connect(self._show_current)
        session.closed.connect(self.reload)

    def reload(self) -> None:
        """Show the labels as they are now."""
        self.model.set_labels(self._session.ordered_labels(), self._figures.by_label)
        self._stack.setCurrentWidget(self.view if self._session.labels else self._empty)
        self._show_current()

    def wanted_px(self) -> int:
        """The height in which all rows are seen."""
        return self.field.sizeHint().height() + 3 * SPACE_1 + ROW_PX * self.model.rowCount()

    def rename_current(self) -> None:
        """Edit the name of the current label in place."""
        row = self.model.row_of(self._session.current_label_id)
        if row >= 0:
            self.view.setFocus()
            self.view.edit(self.model.index(row))

    def focus_field(self) -> None:
        """Start typing a label's name."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self._session.current_label_id is not None:
            self.delete_wanted.emit(self._session.current_label_id)
        else:
            super().keyPressEvent(event)

    def _show_current(self) -> None:
        row = self.model.row_of(self._session.current_label_id)
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row))
        else:
            self.view.clearSelection()

    def _typed(self, text: str) -> None:
        names = split_names(text)
        self.model.set_filter(text if len(names) <= 1 else "")
        self._show_current()

    def _entered(self) -> None:
        names = split_names(self.field.text())
        if len(names) == 1 and (known := self.model.exact(names[0])) is not None:
            self.picked.emit(known.id)
        elif len(names) == 1 and self.model.rowCount() == 1 and self.model.label_at(0) is not None:
            self.create_wanted.emit(names)
        else:
            new = [name for name in names if self.model.exact(name) is None]
            if new:
                self.create_wanted.emit(new)
        self.field.clear()

    def _leave(self) -> None:
        self.field.clear()
        self.canvas_wanted.emit()

    def _clicked(self, index: QModelIndex) -> None:
        label = self.model.label_at(index.row())
        if label is not None:
            self.picked.emit(label.id)

    def _double_clicked(self, index: QModelIndex) -> None:
        label = self.model.label_at(index.row())
        if label is not None:
            self.edit_wanted.emit(label.id)

    def _show_menu(self, point: QPoint) -> None:
        label = self.model.label_at(self.view.indexAt(point).row())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.triggered.connect(self._menu_chosen)
        if label is not None:
            for text, verb in (
                (self.tr("Rename everywhere…\tF2"), "rename"),
                (self.tr("Colour, synonyms, group, skeleton, attributes…"), "edit"),
                (self.tr("Show its images"), "show"),
            ):
                menu.addAction(text).setData((verb, label.id, 0))
            merge = menu.addMenu(self.tr("Merge into"))
            for other in self._session.ordered_labels():
                if other.id != label.id:
                    merge.addAction(other.name).setData(("merge", label.id, other.id))
            merge.setEnabled(bool(merge.actions()))
            menu.addAction(self.tr("Delete")).setData(("delete", label.id, 0))
            menu.addSeparator()
        menu.addAction(self.tr("Paste a list of labels…")).setData(("paste", 0, 0))
        menu.popup(self.view.viewport().mapToGlobal(point))

    def _menu_chosen(self, action: QAction) -> None:
        if not isinstance(action.data(), tuple):
            return
        verb, label_id, other = action.data()
        if verb == "rename":
            self._session.set_current_label(label_id)
            self.rename_current()
        elif verb == "edit":
            self.edit_wanted.emit(label_id)
        elif verb == "show":
            self.show_wanted.emit(label_id)
        elif verb == "merge":
            self.merge_wanted.emit(label_id, other)
        elif verb == "delete":
            self.delete_wanted.emit(label_id)
        else:
            self.paste_wanted.emit()
