"""The suggestions of the image: slider, rows by confidence with accept and reject, and the bulk button with its number."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain.kinds import Task
from ui.figures import Figures
from ui.panels.histogram import ConfidenceSlider
from ui.qt_models.suggestions_model import ENTRY, KIND_NAMES, Entry, SuggestionsModel
from ui.session import Session
from ui.theme import theme, themed_icon
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_1, SPACE_2, text_on
from ui.widgets.basics import EmptyState, push_button, row
from ui.widgets.row_list import RowList

BUTTON_PX = 22


class SuggestionDelegate(QStyledItemDelegate):
    """Paints a suggestion, its buttons, and the candidates of its shortlist with their digits."""

    accepted = Signal(object)
    rejected = Signal(object)
    candidate_chosen = Signal(object, int)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = theme().tokens
        entry: Entry = index.data(ENTRY)
        rect: QRect = option.rect
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        active = entry.suggestion.id == self._session.active_suggestion_id
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if active or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.raised if hovered and not active else tokens.selected))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 0, -4, 0), 4, 4)
        indent = 16 if entry.rank else 0
        self._chip(painter, QRect(rect.left() + SPACE_2 + indent, rect.center().y() - 8, 18, 17), entry)
        buttons = 2 * BUTTON_PX if entry.rank == 0 else 0
        number = f"{entry.probability:.0%}"
        right = rect.right() - SPACE_2 - buttons
        painter.setFont(ui_font() if entry.rank == 0 else caption_font())
        painter.setPen(QColor(tokens.text if entry.rank == 0 else tokens.muted))
        width = painter.fontMetrics().horizontalAdvance("100%") + 4
        painter.drawText(QRect(right - width, rect.top(), width, rect.height()), Qt.AlignmentFlag.AlignCenter, number)
        room = QRect(rect.left() + SPACE_2 + indent + 26, rect.top(), 0, rect.height())
        room.setRight(right - width - 4)
        name = entry.label.name
        if entry.rank == 0 and entry.suggestion.task is not Task.TAGS:
            name = f"{name}  {KIND_NAMES[entry.suggestion.geometry.kind]}"
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        if entry.rank == 0:
            for place, icon, token in ((0, "check", "good"), (1, "x", "bad")):
                box = self._button(rect, place)
                themed_icon(icon, token).paint(painter, box.adjusted(4, 4, -4, -4))
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
        entry: Entry = index.data(ENTRY)
        rect: QRect = option.rect
        point = event.position().toPoint()
        if entry.rank:
            self.candidate_chosen.emit(entry.suggestion.id, entry.label.id)
        elif self._button(rect, 0).contains(point):
            self.accepted.emit(entry.suggestion.id)
        elif self._button(rect, 1).contains(point):
            self.rejected.emit(entry.suggestion.id)
        else:
            self._session.activate(entry.suggestion.id)
        return True

    @staticmethod
    def _button(rect: QRect, place: int) -> QRect:
        left = rect.right() - SPACE_2 - (2 - place) * BUTTON_PX + 2
        return QRect(left, rect.center().y() - BUTTON_PX // 2 + 1, BUTTON_PX, BUTTON_PX)

    @staticmethod
    def _chip(painter: QPainter, box: QRect, entry: Entry) -> None:
        """A dashed outline in the label's colour: the machine's voice; solid chips are annotations and labels."""
        tokens = theme().tokens
        color = entry.label.color or tokens.muted
        if entry.rank == 0:
            pen = QPen(QColor(color), 1.6)
            pen.setDashPattern([1.0, 1.6] if entry.suggestion.shaky else [2.2, 1.6])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.text if entry.rank == 0 else text_on(color)))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, entry.digit[:2])


class SuggestionRows(RowList):
    """Rows; tells which one the mouse is over."""

    hovered = Signal(object)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)


class SuggestionsPanel(QWidget):
    """The slider, the rows and the bulk button."""

    accept_wanted = Signal(object)
    reject_wanted = Signal(object)
    relabel_wanted = Signal(object, int)
    accept_all_wanted = Signal()
    suggest_wanted = Signal()
    hovered = Signal(object)
    counted = Signal(str)

    def __init__(self, session: Session, figures: Figures) -> None:
        super().__init__()
        self._session = session
        self._figures = figures
        self.slider = ConfidenceSlider()
        self.model = SuggestionsModel()
        self.view = SuggestionRows(self.model)
        self.view.setAccessibleName(self.tr("Suggestions"))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        delegate = SuggestionDelegate(session, self.view)
        self.view.setItemDelegate(delegate)
        self.bulk = push_button("", role="compact")
        self._empty = EmptyState("sparkle", "", self.tr("Suggest now"))
        self._empty.pressed.connect(self.suggest_wanted)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_2)
        layout.setSpacing(SPACE_1)
        layout.addWidget(self.slider)
        layout.addLayout(self._stack, 1)
        layout.addLayout(row(self.bulk, margins=(SPACE_2, 0, SPACE_2, 0)))
        delegate.accepted.connect(self.accept_wanted)
        delegate.rejected.connect(self.reject_wanted)
        delegate.candidate_chosen.connect(self.relabel_wanted)
        self.view.entered.connect(self._entered)
        self.view.hovered.connect(self.hovered)
        self.bulk.clicked.connect(self.accept_all_wanted)
        self.slider.changed.connect(session.set_threshold)
        session.page_changed.connect(self.reload)
        session.labels_changed.connect(self.reload)
        session.threshold_changed.connect(self.reload)
        session.active_changed.connect(self._active_changed)
        session.closed.connect(self.reload)
        figures.changed.connect(self._count)

    def reload(self) -> None:
        """Show what is open on the image now."""
        session = self._session
        visible = session.visible_suggestions()
        self.model.ask(session.project.review.origin if session.project is not None else None)
        self.model.set_suggestions(visible, session.ordered_labels())
        hidden = len(session.open_suggestions()) - len(visible)
        if visible:
            self.slider.set_calibrated(not any(s.uncalibrated for s in visible))
        self.bulk.setVisible(bool(visible))
        self.bulk.setText(self.tr("Accept {0}   Shift+Enter").format(len(visible)))
        self._stack.setCurrentWidget(self.view if visible else self._empty)
        self._empty.button.setVisible(not hidden and bool(session.labels))
        self._empty.set_text(self._why_empty(hidden))
        self.counted.emit(
            f"{len(visible)}" if not hidden else self.tr("{0} of {1}").format(len(visible), len(visible) + hidden)
        )
        self._active_changed()

    def _why_empty(self, hidden: int) -> str:
        if hidden:
            return self.tr(
                "The slider hides {0} suggestions of this image. C or Home on the slider shows them."
            ).format(hidden)
        if not self._session.labels:
            return self.tr("Models suggest labels here as soon as there are some to choose from.")
        page = self._session.page
        if page is not None and page.verdicts and not page.annotations:
            return self.tr("You rejected what was suggested here. 1 to 9 say what it is, D goes to the next image.")
        if page is not None and page.verdicts:
            return self.tr("Everything suggested here has your verdict. D goes to the next image.")
        return self.tr("What the models propose for this image appears here. Enter accepts, Backspace rejects.")

    def _count(self) -> None:
        self.slider.set_counts(self._figures.histogram)

    def _active_changed(self) -> None:
        place = self.model.row_of(self._session.active_suggestion_id)
        if place >= 0:
            self.view.scrollTo(self.model.index(place))
        self.view.viewport().update()

    def _entered(self, index: QModelIndex) -> None:
        entry = self.model.entry(index.row())
        self.hovered.emit(entry.suggestion.id if entry is not None else None)
