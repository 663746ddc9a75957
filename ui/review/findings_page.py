"""What the audit found, one at a time: the picture with the place, the reason, and three keys: fix, keep, skip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QSplitter,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.errors import AnnotatorError
from ui.review.beside import PictureView
from ui.review.crops import PICTURE_SIDE, Crop, CropLoader
from ui.review.page_parts import Footer, Header
from ui.session import Session
from ui.theme import theme
from ui.theme.theme import caption_font, ui_font
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import EmptyState, label, line, push_button

if TYPE_CHECKING:
    from annotator.usecases.results import AuditResult, Finding

ROW_PX, THUMB_PX = 76, 60
FINDING = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class FindingsModel(QAbstractListModel):
    """Rows are findings."""

    def __init__(self) -> None:
        super().__init__()
        self._findings: list[Finding] = []

    def show(self, findings: Sequence[Finding]) -> None:
        """Show these."""
        self.beginResetModel()
        self._findings = list(findings)
        self.endResetModel()

    def finding(self, row: int) -> Finding | None:
        """What a row shows."""
        return self._findings[row] if 0 <= row < len(self._findings) else None

    def row_of(self, key: str) -> int:
        """The row of a finding, -1 when it is not there."""
        return next((row for row, each in enumerate(self._findings) if each.key == key), -1)

    def remove(self, key: str) -> None:
        """A finding was decided: it leaves at once."""
        row = self.row_of(key)
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._findings[row]
            self.endRemoveRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._findings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        finding = self.finding(index.row()) if index.isValid() else None
        if finding is None:
            return None
        if role == FINDING:
            return finding
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return f"{finding.uri}: {finding.reason}"
        return None


class FindingDelegate(QStyledItemDelegate):
    """A thumbnail, what it is about, and why."""

    def __init__(self, crops: CropLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._crops = crops

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        finding: Finding = index.data(FINDING)
        rect: QRect = option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.selected if chosen else tokens.raised))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), 4, 4)
        frame = QRect(rect.left() + SPACE_2, rect.top() + (ROW_PX - THUMB_PX) // 2, THUMB_PX, THUMB_PX)
        painter.fillRect(frame, QColor(tokens.raised))
        image = self._crops.get(crop_of(finding))
        if image is not None:
            size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            at = QRectF(0, 0, size.width(), size.height())
            at.moveCenter(QRectF(frame).center())
            painter.drawImage(at, image)
        words = rect.adjusted(THUMB_PX + 2 * SPACE_2, 8, -SPACE_2, -6)
        painter.setFont(ui_font())
        painter.setPen(QColor(tokens.muted if finding.state else tokens.text))
        head = headline(finding)
        top = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        shown = painter.fontMetrics().elidedText(head, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, top, shown)
        painter.setFont(caption_font())
        painter.setPen(QColor(tokens.muted))
        painter.drawText(words.adjusted(0, 20, 0, 0), top | Qt.TextFlag.TextWordWrap, finding.reason)
        painter.restore()


class FindingsPage(QWidget):
    """``edited`` brings the edit of an answer; ``audit_wanted`` asks for an audit, ``open_wanted`` for an image."""

    edited = Signal(object, str)
    audit_wanted = Signal()
    open_wanted = Signal(int)
    failed = Signal(str, str)

    def __init__(self, session: Session, crops: CropLoader) -> None:
        super().__init__()
        self._session = session
        self._crops = crops
        self._result: AuditResult | None = None
        self.model = FindingsModel()
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(FindingDelegate(crops, self.list))
        self.list.setAccessibleName(self.tr("Findings"))
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.selectionModel().currentChanged.connect(self._moved)
        self.picture = PictureView()
        self.reason = label("", "muted", wrap=True)
        again = push_button(self.tr("Audit again"), role="compact")
        again.clicked.connect(self.audit_wanted)
        self.header = Header(again)
        self.header.title.show_text(self.tr("Label errors"))
        self.fix_button = push_button("", role="primary")
        self.keep_button = push_button(self.tr("Keep   K"), role="compact")
        self.skip_button = push_button(self.tr("Skip   X"), role="compact")
        self.fix_button.clicked.connect(self.fix)
        self.keep_button.clicked.connect(self.keep)
        self.skip_button.clicked.connect(self.skip)
        self.footer = Footer(self.skip_button, self.keep_button, self.fix_button)
        self.footer.hint.show_text(
            self.tr("F: do what is proposed · K: it is right as it is · X: later · O: on the canvas")
        )
        self._empty = EmptyState("checks", "", self.tr("Audit now"))
        self._empty.pressed.connect(self.audit_wanted)
        host = QWidget()
        self._stack = QStackedLayout(host)
        self._stack.addWidget(self._columns())
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget, share in ((self.header, 0), (line(), 0), (host, 1), (line(), 0), (self.footer, 0)):
            layout.addWidget(widget, share)
        crops.ready.connect(self._crop_ready)
        session.closed.connect(self.forget)

    def _columns(self) -> QSplitter:
        side = QWidget()
        side.setProperty("role", "panel")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(SPACE_3, SPACE_2, SPACE_3, SPACE_3)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.reason)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.setHandleWidth(1)
        columns.setChildrenCollapsible(False)
        columns.addWidget(self.list)
        columns.addWidget(side)
        columns.setSizes([420, 620])
        return columns

    # --- what is shown -------------------------------------------------------------------------------------------------

    @property
    def current(self) -> Finding | None:
        """The finding that keys are about."""
        return self.model.finding(self.list.currentIndex().row())

    def show_result(self, result: AuditResult | None) -> None:
        """Show what an audit found; None: there was none yet."""
        before, place = self.current, self.list.currentIndex().row()
        self._result = result
        self.model.show(() if result is None else result.findings)
        row = self.model.row_of(before.key) if before is not None else -1
        self._stand(row if row >= 0 else max(0, place))
        self._tell()

    def forget(self) -> None:
        """Show nothing."""
        self._result = None
        self.model.show(())

    def _stand(self, row: int) -> None:
        count = self.model.rowCount()
        if count:
            self.list.setCurrentIndex(self.model.index(min(row, count - 1)))
        self._show_current()

    def _moved(self, current: QModelIndex, previous: QModelIndex) -> None:
        self._show_current()

    def _show_current(self) -> None:
        finding, project = self.current, self._session.project
        known = finding is not None
        for button in (self.fix_button, self.keep_button, self.skip_button):
            button.setEnabled(known)
        self.fix_button.setText(self.tr("Fix   F"))
        if finding is None or project is None:
            self.picture.show_picture(None, (0, 0), None, "")
            self.reason.setText("")
            return
        self.fix_button.setEnabled(bool(finding.fix))
        if finding.fix:
            self.fix_button.setText(self.tr("Fix: {0}   F").format(finding.fix))
        image = project.images.get(finding.image_id)
        picture = self._crops.get(Crop(finding.image_id, None, PICTURE_SIDE))
        self.picture.show_picture(picture, (image.width, image.height), finding.where, theme().tokens.warn)
        self.reason.setText(f"{finding.uri}\n{finding.reason}")

    def _crop_ready(self, crop: Crop) -> None:
        finding = self.current
        if finding is not None and crop == Crop(finding.image_id, None, PICTURE_SIDE):
            self._show_current()
        elif self.isVisible():
            self.list.viewport().update()

    def _tell(self) -> None:
        result, count = self._result, self.model.rowCount()
        if count:
            kinds = " · ".join(
                f"{kind_words(kind)} {number:,}" for kind, number in (result.counts if result else {}).items()
            )
            self.header.figures.show_text(kinds)
            self._stack.setCurrentIndex(0)
            return
        self.header.figures.show_text("")
        if result is None:
            text = self.tr(
                "An audit compares every label with what models trained without it say, and looks for duplicates."
            )
        else:
            text = self.tr("Nothing is left of what the last audit found.")
        self._empty.set_text(text)
        self._stack.setCurrentWidget(self._empty)

    # --- keys ----------------------------------------------------------------------------------------------------------

    def fix(self) -> None:
        """Do what the finding proposes."""
        finding, project = self.current, self._session.project
        if finding is None or project is None:
            return
        if not finding.fix:
            self.failed.emit(
                self.tr("No key can fix this one."),
                self.tr("O opens it on the canvas; K keeps it, X leaves it for later."),
            )
            return
        try:
            edit = project.review.findings.fix([finding], project.history.page)
        except AnnotatorError as error:
            self.failed.emit(error.what, error.cure)
            return
        self._decided(finding, edit, self.tr("Fixed: {0}").format(finding.fix))

    def keep(self) -> None:
        """It is right as it is."""
        finding, project = self.current, self._session.project
        if finding is not None and project is not None:
            self._decided(finding, project.review.findings.keep([finding]), "")

    def skip(self) -> None:
        """Later."""
        finding, project = self.current, self._session.project
        if finding is not None and project is not None:
            self._decided(finding, project.review.findings.skip([finding]), "")

    def open_current(self) -> None:
        """The image on the canvas."""
        if self.current is not None:
            self.open_wanted.emit(self.current.image_id)

    def _decided(self, finding: Finding, edit: Any, said: str) -> None:
        row = self.list.currentIndex().row()
        self.edited.emit(edit, said)
        self.model.remove(finding.key)
        self._stand(row)
        self._tell()


def crop_of(finding: Finding) -> Crop:
    """The thumbnail of a finding: the place where it is, else the whole image."""
    return Crop(finding.image_id, finding.where)


def headline(finding: Finding) -> str:
    """What a finding is about, in a few words."""
    if finding.kind == "duplicate":
        return f"{finding.uri.rsplit('/', 1)[-1]} = {finding.other.rsplit('/', 1)[-1]}"
    if finding.given and finding.other:
        return f"{finding.given} → {finding.other}"
    return finding.other or finding.given or finding.uri


_KINDS = {
    "label": "wrong labels",
    "folder": "wrong folders",
    "missing": "missing tags",
    "shape": "boxes and masks",
    "duplicate": "duplicates",
    "disagreement": "disagreements",
}


def kind_words(kind: str) -> str:
    """A kind of findings as people say it."""
    return _KINDS.get(kind, kind)
