"""The annotations of the image by label, with eye and lock; choosing rows chooses on the canvas, and the other way round."""

from __future__ import annotations

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
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from annotator.domain.records import Annotation
from ui.qt_models.annotations_model import ANNOTATION, GROUP, AnnotationsModel
from ui.session import Session
from ui.theme import theme, themed_icon
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import EmptyState

ICON_BOX = 20


class AnnotationDelegate(QStyledItemDelegate):
    """Paints the rows with an eye and a lock at the right."""

    eye_clicked = Signal(list, bool)
    lock_clicked = Signal(list, bool)

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
            painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, -4, -1), 4, 4)
        annotations = self._annotations(index)
        group = index.data(GROUP)
        left = rect.left() + SPACE_1
        if group is not None and group[0] is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(group[0].color or tokens.muted))
            painter.drawRoundedRect(QRectF(left, rect.center().y() - 5, 11, 11), 3, 3)
            left += 18
        hidden = all(a.hidden for a in annotations)
        locked = all(a.locked for a in annotations)
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
        annotations = self._annotations(index)
        ids = [a.id for a in annotations]
        if self.box(rect, 0).contains(event.position().toPoint()):
            self.eye_clicked.emit(ids, not all(a.hidden for a in annotations))
            return True
        if self.box(rect, 1).contains(event.position().toPoint()):
            self.lock_clicked.emit(ids, not all(a.locked for a in annotations))
            return True
        return False

    @staticmethod
    def box(rect: QRect, place: int) -> QRect:
        """Where the eye (0) and the lock (1) are."""
        left = rect.right() - SPACE_1 - (2 - place) * ICON_BOX
        return QRect(left, rect.center().y() - ICON_BOX // 2 + 1, ICON_BOX, ICON_BOX)

    @staticmethod
    def _annotations(index: QModelIndex | QPersistentModelIndex) -> list[Annotation]:
        group = index.data(GROUP)
        return list(group[1]) if group is not None else [index.data(ANNOTATION)]


class AnnotationTree(QTreeView):
    """The rows; tells which one the mouse is over, and passes Delete on."""

    left = Signal()
    delete_pressed = Signal()

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
        else:
            super().keyPressEvent(event)


class AnnotationsPanel(QWidget):
    """The tree, kept in step with the selection on the canvas."""

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
        self.view = AnnotationTree()
        self.view.setModel(self.model)
        self.view.setHeaderHidden(True)
        self.view.setIndentation(16)
        self.view.setUniformRowHeights(True)
        self.view.setMouseTracking(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
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
        if self.model.set_annotations(annotations, self._session.ordered_labels()):
            self.view.expandAll()
        self._following = False
        self._stack.setCurrentWidget(self.view if annotations else self._empty)
        self.counted.emit(f"{len(annotations):,}" if annotations else "")
        self._follow_selection()

    def _follow_selection(self) -> None:
        selection = QItemSelection()
        for annotation_id in self._session.selected_annotation_ids:
            index = self.model.index_of(annotation_id)
            if index.isValid():
                selection.select(index, index)
        self._following = True
        self.view.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if selection.indexes():
            self.view.scrollTo(selection.indexes()[0])
        self._following = False

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
