"""The annotations of the image by label, with eye and lock; choosing rows chooses on the canvas, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain.records import Annotation
from ui.qt_models.annotations_model import ANNOTATION, FEW, GROUP, AnnotationsModel, Group
from ui.session import Session
from ui.theme import theme, themed_icon
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import EmptyState
from ui.widgets.row_list import RowList

ICON_BOX = 20
INDENT = 16


class AnnotationDelegate(QStyledItemDelegate):
    """Paints the rows with an eye and a lock at the right, labels with the arrow that folds them."""

    eye_clicked = Signal(list, bool)
    lock_clicked = Signal(list, bool)
    fold_clicked = Signal(int, bool)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = theme().tokens
        rect: QRect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if state & QStyle.StateFlag.State_Selected or hovered:
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.selected if chosen else tokens.raised))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), 4, 4)
        group: Group | None = index.data(GROUP)
        left = rect.left() + SPACE_1 + INDENT
        if group is None:
            left += INDENT
        else:
            self._arrow(painter, rect, group.folded)
            if group.label is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(group.label.color or tokens.muted))
                painter.drawRoundedRect(QRectF(left, rect.center().y() - 5, 11, 11), 3, 3)
                left += 18
        hidden, locked = self._state(index)
        painter.setFont(ui_font() if group is not None else caption_font())
        painter.setPen(QColor(tokens.muted if hidden or group is None else tokens.text))
        room = QRect(left, rect.top(), rect.right() - left - 2 * ICON_BOX - SPACE_2, rect.height())
        text = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if hovered or hidden:
            themed_icon("eye-slash" if hidden else "eye", "muted").paint(
                painter, self.box(rect, 0).adjusted(3, 3, -3, -3)
            )
        if hovered or locked:
            name = "lock-simple" if locked else "lock-simple-open"
            themed_icon(name, "warn" if locked else "muted").paint(painter, self.box(rect, 1).adjusted(3, 3, -3, -3))
        painter.restore()

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        if event.type() != QEvent.Type.MouseButtonRelease or not isinstance(event, QMouseEvent):
            return False
        rect: QRect = option.rect
        point = event.position().toPoint()
        group: Group | None = index.data(GROUP)
        if group is not None and self.arrow(rect).contains(point):
            self.fold_clicked.emit(group.label_id, not group.folded)
            return True
        assert isinstance(model, AnnotationsModel)
        hidden, locked = self._state(index)
        for place, signal, value in ((0, self.eye_clicked, not hidden), (1, self.lock_clicked, not locked)):
            if self.box(rect, place).contains(point):
                signal.emit([a.id for a in model.annotations_at(index)], value)
                return True
        return False

    @staticmethod
    def box(rect: QRect, place: int) -> QRect:
        """Where the eye (0) and the lock (1) are."""
        left = rect.right() - SPACE_1 - (2 - place) * ICON_BOX
        return QRect(left, rect.center().y() - ICON_BOX // 2 + 1, ICON_BOX, ICON_BOX)

    @staticmethod
    def arrow(rect: QRect) -> QRect:
        """Where the arrow of a label is."""
        return QRect(rect.left() + SPACE_1, rect.top(), INDENT, rect.height())

    def _arrow(self, painter: QPainter, rect: QRect, folded: bool) -> None:
        box = QRect(0, 0, 10, 10)
        box.moveCenter(self.arrow(rect).center())
        themed_icon("caret-right" if folded else "caret-down", "muted").paint(painter, box)

    @staticmethod
    def _state(index: QModelIndex | QPersistentModelIndex) -> tuple[bool, bool]:
        """Whether all that the row stands for is hidden, and whether it is locked."""
        group: Group | None = index.data(GROUP)
        if group is not None:
            return group.all_hidden, group.all_locked
        annotation: Annotation = index.data(ANNOTATION)
        return annotation.hidden, annotation.locked


class AnnotationRows(RowList):
    """The rows; tells when the mouse leaves them, passes Delete on, and folds labels with the arrow keys or a double click."""

    left = Signal()
    delete_pressed = Signal()
    fold_wanted = Signal(int, bool)

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        group: Group | None = self.currentIndex().data(GROUP)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
        elif group is not None and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.fold_wanted.emit(group.label_id, event.key() == Qt.Key.Key_Left)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        group: Group | None = self.indexAt(event.position().toPoint()).data(GROUP)
        if group is not None:
            self.fold_wanted.emit(group.label_id, not group.folded)
        else:
            super().mouseDoubleClickEvent(event)


class AnnotationsPanel(QWidget):
    """The rows, kept in step with the selection on the canvas."""

    hide_wanted = Signal(list, bool)
    lock_wanted = Signal(list, bool)
    delete_wanted = Signal()
    menu_wanted = Signal(QPoint)
    hovered = Signal(object)
    counted = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._following = False
        self.model = AnnotationsModel()
        self.view = AnnotationRows(self.model)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setAccessibleName(self.tr("Annotations"))
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._menu)
        delegate = AnnotationDelegate(self.view)
        self.view.setItemDelegate(delegate)
        self._empty = EmptyState(
            "bounding-box",
            self.tr("What you draw or accept on this image is listed here. B draws a box, T tags the image."),
        )
        self._stack = QStackedLayout()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._stack)
        delegate.eye_clicked.connect(self.hide_wanted)
        delegate.lock_clicked.connect(self.lock_wanted)
        delegate.fold_clicked.connect(self.model.fold)
        self.view.fold_wanted.connect(self.model.fold)
        self.view.delete_pressed.connect(self.delete_wanted)
        self.view.entered.connect(self._entered)
        self.view.left.connect(self._left)
        self.view.selectionModel().selectionChanged.connect(self._rows_chosen)
        session.page_changed.connect(self.reload)
        session.labels_changed.connect(self.reload)
        session.closed.connect(self.reload)
        session.selection_changed.connect(self._follow_selection)

    def reload(self) -> None:
        """Show the annotations as they are now."""
        page = self._session.page
        annotations = page.annotations if page is not None else ()
        self._following = True
        self.model.set_annotations(annotations, self._session.ordered_labels())
        self._following = False
        self._stack.setCurrentWidget(self.view if annotations else self._empty)
        self.counted.emit(f"{len(annotations):,}" if annotations else "")
        self._follow_selection()

    def _follow_selection(self) -> None:
        page = self._session.page
        if page is not None and page.annotations is not self.model.shown:
            return  # the rows are about to follow the page, and then the selection
        rows = self._selected_rows()
        selection = QItemSelection()
        for first, last in _runs(rows):
            selection.select(self.model.index(first, 0), self.model.index(last, 0))
        self._following = True
        self.view.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            self.view.scrollTo(self.model.index(rows[0], 0))
        self._following = False

    def _selected_rows(self) -> list[int]:
        """Rows of what is chosen, ascending; a single one comes out of a folded label."""
        chosen = self._session.selected_annotations()
        if len(chosen) > FEW:
            return self.model.rows_of([a.id for a in chosen])
        if len(chosen) == 1:
            self.model.fold(chosen[0].label_id, False)
        return sorted({self.model.row_of(annotation) for annotation in chosen})

    def _rows_chosen(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._following:
            return
        chosen: dict[object, None] = {}
        for index in self.view.selectionModel().selectedIndexes():
            chosen.update({a.id: None for a in self.model.annotations_at(index)})
        self._session.select(tuple(chosen))  # type: ignore[arg-type]

    def _entered(self, index: QModelIndex) -> None:
        annotations = self.model.annotations_at(index)
        self.hovered.emit(annotations[0].id if len(annotations) == 1 else None)

    def _left(self) -> None:
        self.hovered.emit(None)

    def _menu(self, point: QPoint) -> None:
        self.menu_wanted.emit(self.view.viewport().mapToGlobal(point))


def _runs(rows: list[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of consecutive numbers."""
    first = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[at - 1] + 1:
            yield rows[first], rows[at - 1]
            first = at
