"""The Annotate screen: the queue, the canvas under its strip, and the panels, in splitters that fold down to rails."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from ui.canvas.view import Canvas
from ui.figures import Figures
from ui.panels.annotations_panel import AnnotationsPanel
from ui.panels.attributes_panel import AttributesPanel
from ui.panels.image_strip import ImageStrip
from ui.panels.labels_panel import LabelsPanel
from ui.panels.queue_panel import QueuePanel
from ui.panels.rail import Rail
from ui.panels.suggestions_panel import SuggestionsPanel
from ui.session import Session
from ui.thumbnails import ThumbnailLoader
from ui.widgets.basics import EmptyState, icon_button
from ui.widgets.section import HEADER_PX, Section

QUEUE_SHARE, PANELS_SHARE = 0.138, 0.19
QUEUE_PX, PANELS_PX = (176, 212), (240, 264)
SECTIONS_PX = (216, 268, 136, 100)
LABELS_SHARE = 0.44


class AnnotateScreen(QWidget):
    """Left the queue, right the sections, the picture between them: chrome takes a third of 1280 and a quarter of 1920."""

    def __init__(self, session: Session, figures: Figures, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self._session = session
        self._sized = self._heights_chosen = False
        self.queue = QueuePanel(session, figures, thumbnails)
        self.canvas = Canvas()
        self.strip = ImageStrip(session)
        self.labels = LabelsPanel(session, figures)
        self.suggestions = SuggestionsPanel(session, figures)
        self.annotations = AnnotationsPanel(session)
        self.attributes = AttributesPanel(session)
        self.left_rail = Rail("squares-four", self.tr("Show the queue"))
        self.right_rail = Rail("sliders", self.tr("Show the panels"))
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        self.columns.addWidget(self.queue)
        self.columns.addWidget(self._centre())
        self.columns.addWidget(self._sections())
        self.columns.setStretchFactor(1, 1)
        self.queue.setMinimumWidth(150)
        self.sections.setMinimumWidth(200)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.left_rail)
        layout.addWidget(self.columns, 1)
        layout.addWidget(self.right_rail)
        self.left_rail.hide()
        self.right_rail.hide()
        self.left_rail.pressed.connect(self.toggle_left)
        self.right_rail.pressed.connect(self.toggle_right)
        self.sections.splitterMoved.connect(self._heights_moved)
        session.labels_changed.connect(self.share_height)
        session.image_changed.connect(self._image_changed)
        session.closed.connect(self._image_changed)

    def toggle_left(self) -> None:
        """Fold the queue to a rail, or unfold it."""
        shown = self.queue.isHidden()
        self.queue.setVisible(shown)
        self.left_rail.setVisible(not shown)

    def toggle_right(self) -> None:
        """Fold the panels to a rail, or unfold them."""
        shown = self.sections.isHidden()
        self.sections.setVisible(shown)
        self.right_rail.setVisible(not shown)

    def panels(self) -> list[QWidget]:
        """What F6 goes through."""
        return [
            self.canvas,
            self.labels.view,
            self.suggestions.slider,
            self.annotations.view,
            self.attributes,
            self.queue.grid,
        ]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._sized and self.width() > 800:
            self._sized = True
            self.share_width()
        self.share_height()

    def share_width(self) -> None:
        """Give the columns the widths that the design asks for at this size."""
        width = self.width()
        queue = min(max(round(width * QUEUE_SHARE), QUEUE_PX[0]), QUEUE_PX[1])
        panels = min(max(round(width * PANELS_SHARE), PANELS_PX[0]), PANELS_PX[1])
        self.columns.setSizes([queue, width - queue - panels, panels])

    def share_height(self) -> None:
        """Give the labels the height of their rows, up to a share, until somebody has chosen the heights."""
        if self._heights_chosen or any(section.folded for section in self._folding()):
            return
        height = self.sections.height()
        usual, *others = (part * height // sum(SECTIONS_PX) for part in SECTIONS_PX)
        labels = max(usual, min(self.labels.wanted_px() + HEADER_PX + 1, round(height * LABELS_SHARE)))
        self.sections.setSizes([labels, *((height - labels) * part // sum(others) for part in others), 0])

    def _heights_moved(self, place: int, index: int) -> None:
        self._heights_chosen = True

    def _folding(self) -> tuple[Section, ...]:
        return self.label_section, self.suggestion_section, self.annotation_section, self.attribute_section

    def _centre(self) -> QWidget:
        self._no_image = EmptyState(
            "image-square", self.tr("The picture appears here. Choose one in the queue, or add a folder of pictures.")
        )
        host, self.picture = QWidget(), QWidget()
        self._stack = QStackedLayout(self.picture)
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self._no_image)
        self._trouble = EmptyState("file-x", "")
        self._stack.addWidget(self._trouble)
        self._stack.setCurrentWidget(self._no_image)
        layout = QVBoxLayout(host)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.strip)
        self._bars = QVBoxLayout()
        layout.addLayout(self._bars)
        layout.addWidget(self.picture, 1)
        return host

    def add_bar(self, bar: QWidget) -> None:
        """Put a tool's options above the picture."""
        self._bars.addWidget(bar)

    def _sections(self) -> QSplitter:
        self.paste_button = icon_button("list-plus", self.tr("Paste a list of labels"), token="muted")
        self.label_section = Section(self.tr("Labels"), self.labels, self.paste_button)
        self.walk_button = icon_button("sort-ascending", self.tr("Walk by position"), checkable=True, token="muted")
        self.suggestion_section = Section(self.tr("Suggestions"), self.suggestions, self.walk_button)
        self.annotation_section = Section(self.tr("Annotations"), self.annotations)
        self.attribute_section = Section(self.tr("Attributes"), self.attributes)
        self.suggestions.counted.connect(self.suggestion_section.set_count)
        self.annotations.counted.connect(self.annotation_section.set_count)
        self.sections = QSplitter(Qt.Orientation.Vertical)
        self.sections.setHandleWidth(1)
        self.sections.setProperty("role", "panel")
        self.sections.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sections.setChildrenCollapsible(False)
        for section in self._folding():
            self.sections.addWidget(section)
            section.folded_changed.connect(self._folded)
        self.sections.addWidget(self._filler())
        self.sections.setSizes([*SECTIONS_PX, 0])
        return self.sections

    def _filler(self) -> QWidget:
        """Takes the room when all sections are folded."""
        self._rest = QWidget()
        self._rest.setMinimumHeight(0)
        self._rest.hide()
        return self._rest

    def _folded(self, folded: bool) -> None:
        self._rest.setVisible(all(section.folded for section in self._folding()))

    def show_trouble(self, text: str) -> None:
        """Say in the picture's place why it cannot be shown."""
        self._trouble.set_text(text)
        self._stack.setCurrentWidget(self._trouble)

    def _image_changed(self, image_id: int = -1) -> None:
        self._stack.setCurrentWidget(self.canvas if self._session.page is not None else self._no_image)
