"""The queue panel: search and filters as chips, the thumbnails, what is left, and edits of several images at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedLayout, QVBoxLayout, QWidget

from annotator.domain.kinds import ImageState, Split
from annotator.domain.records import ImageFilter
from annotator.events import ChangeSet, Table
from ui.figures import Figures
from ui.ordering import Sorting
from ui.panels.thumbnail_grid import Layout, ThumbnailGrid
from ui.qt_models.queue_rows import QueueRows
from ui.session import Session
from ui.soon import Soon
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.thumbnails import ThumbnailLoader
from ui.widgets.basics import EmptyState, icon_button, label
from ui.widgets.chips import ChipRow
from ui.widgets.fields import TextField

SEARCH_DELAY_MS = 120

REFRESH_MS = 150
"""Captions may follow an edit this much later; while a key is held down, fewer repaints stand between its steps."""


class QueuePanel(QWidget):
    """The left column."""

    folder_wanted = Signal()
    canvas_wanted = Signal()

    def __init__(self, session: Session, figures: Figures, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self._session = session
        self._wanted = ImageFilter()
        self._sorting = Sorting.QUEUE
        self.rows = QueueRows(figures, session)
        self.grid = ThumbnailGrid(self.rows, thumbnails)
        self.search = TextField(self.tr("Search file names"))
        self.chips = ChipRow()
        self._left = label("", "caption")
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SEARCH_DELAY_MS)
        self._timer.timeout.connect(self._search_now)
        self.search.textEdited.connect(self._search_soon)
        self.search.escaped.connect(self.canvas_wanted)
        self.search.returnPressed.connect(self._search_and_leave)
        self.chips.removed.connect(self._remove_filter)
        self.grid.activated.connect(session.go_to)
        figures.changed.connect(self._figures_changed)
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        session.order_changed.connect(self._order_changed)
        session.image_changed.connect(self.grid.set_current)
        self._refresh_soon = Soon(self._refresh, self, REFRESH_MS)
        session.changes.connect(self._changed)
        session.labels_changed.connect(self._figures_changed)

    def _build(self) -> None:
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._sort_button = icon_button("sort-ascending", self.tr("Sort and show"))
        self._sort_button.setMenu(self._sort_menu())
        self._sort_button.setPopupMode(self._sort_button.ToolButtonPopupMode.InstantPopup)
        self._filter_button = icon_button("funnel-simple", self.tr("Filter"))
        self._filter_menu = QMenu(self)
        self._filter_menu.aboutToShow.connect(self._fill_filter_menu)
        self._filter_menu.triggered.connect(self._filter_chosen)
        self._filter_button.setMenu(self._filter_menu)
        self._filter_button.setPopupMode(self._filter_button.ToolButtonPopupMode.InstantPopup)
        title = QHBoxLayout()
        title.setContentsMargins(SPACE_2, SPACE_1, SPACE_1, 0)
        title.setSpacing(SPACE_1)
        title.addWidget(label(self.tr("Queue"), "section"))
        title.addWidget(self._left)
        title.addStretch(1)
        title.addWidget(self._filter_button)
        title.addWidget(self._sort_button)
        self._empty = EmptyState("image-square", self.tr("The pictures to label appear here."), self.tr("Add a folder"))
        self._empty.pressed.connect(self.folder_wanted)
        self._nothing = EmptyState("funnel", self.tr("No image passes the filter."), self.tr("Clear the filter"))
        self._nothing.pressed.connect(self.clear_filter)
        self._stack = QStackedLayout()
        for page in (self.grid, self._empty, self._nothing):
            self._stack.addWidget(page)
        searching = QHBoxLayout()
        searching.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_1)
        searching.addWidget(self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(title)
        layout.addLayout(searching)
        layout.addWidget(self.chips)
        layout.addLayout(self._stack, 1)

    def _sort_menu(self) -> QMenu:
        menu = QMenu(self)
        for text, data in (
            (self.tr("Order of the queue"), Sorting.QUEUE),
            (self.tr("File name"), Sorting.NAME),
            (self.tr("Grid"), Layout.GRID),
            (self.tr("List"), Layout.LIST),
        ):
            if data is Layout.GRID:
                menu.addSeparator()
            menu.addAction(text).setData(data)
        menu.triggered.connect(self._sort_chosen)
        return menu

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def is_filtered(self) -> bool:
        """Whether a filter hides images."""
        return self._wanted != ImageFilter()

    def clear_filter(self) -> None:
        """Show all images again."""
        self.search.clear()
        self._show(ImageFilter())

    def toggle_layout(self) -> None:
        """Grid to list and back."""
        self.grid.set_mode(Layout.LIST if self.grid.mode is Layout.GRID else Layout.GRID)

    def show_label(self, label_id: int) -> None:
        """Show only images with this label."""
        self._show(replace(self._wanted, label_ids=frozenset({label_id})))

    # --- filters -------------------------------------------------------------------------------------------------------

    def _show(self, wanted: ImageFilter) -> None:
        self._wanted = wanted
        self._session.show_images(wanted, self._sorting)
        self._show_chips()

    def _search_soon(self, text: str) -> None:
        self._timer.start()

    def _search_now(self) -> None:
        if self._session.project is not None and self.search.text().strip() != self._wanted.text:
            self._show(replace(self._wanted, text=self.search.text().strip()))

    def _search_and_leave(self) -> None:
        self._timer.stop()
        self._search_now()
        first = self._session.order.at_offset(0)
        if self._session.order.index < 0 and first is not None:
            self._session.go_to(first)
        self.canvas_wanted.emit()

    def _choices(self) -> list[tuple[str, ImageFilter]]:
        names = state_names(self)
        wanted = self._wanted
        result = [(names[s], replace(wanted, states=frozenset({s}))) for s in ImageState]
        result += [
            (self.tr("Flagged"), replace(wanted, flagged=True)),
            (self.tr("With annotations"), replace(wanted, annotated=True)),
            (self.tr("Without annotations"), replace(wanted, annotated=False)),
            (self.tr("With suggestions"), replace(wanted, suggested=True)),
        ]
        return result + [(self.tr("Split: {0}").format(s.value), replace(wanted, splits=frozenset({s}))) for s in Split]

    def _fill_filter_menu(self) -> None:
        self._filter_menu.clear()
        for index, (text, wanted) in enumerate(self._choices()):
            if index in (len(ImageState), len(ImageState) + 4):
                self._filter_menu.addSeparator()
            self._filter_menu.addAction(text).setData(wanted)
        labels = self._filter_menu.addMenu(self.tr("With the label"))
        for each in self._session.ordered_labels():
            labels.addAction(each.name).setData(replace(self._wanted, label_ids=frozenset({each.id})))
        labels.setEnabled(bool(self._session.labels))
        self._add_choices(self.tr("Confidence of a suggestion"), self._confidences())
        project = self._session.project
        names = project.images.annotators() if project is not None else []
        self._add_choices(self.tr("Annotated by"), [(n, replace(self._wanted, annotator=n)) for n in names if n])
        pairs = project.images.attributes() if project is not None else []
        found = [(attribute_words(*pair), replace(self._wanted, attribute=pair)) for pair in pairs]
        self._add_choices(self.tr("With the attribute"), found)

    def _add_choices(self, title: str, choices: list[tuple[str, ImageFilter]]) -> None:
        menu = self._filter_menu.addMenu(title)
        for text, wanted in choices:
            menu.addAction(text.replace("&", "&&")).setData(wanted)
        menu.setEnabled(bool(choices))

    def _confidences(self) -> list[tuple[str, ImageFilter]]:
        edges = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
        found = []
        for low, high in pairwise(edges):
            found.append((f"{low:.0%} – {high:.0%}", replace(self._wanted, min_confidence=low, max_confidence=high)))
        return found

    def _filter_chosen(self, action: QAction) -> None:
        if isinstance(action.data(), ImageFilter):
            self._show(action.data())

    def _sort_chosen(self, action: QAction) -> None:
        if isinstance(action.data(), Sorting):
            self._sorting = action.data()
            self._show(self._wanted)
        else:
            self.grid.set_mode(action.data())

    def _show_chips(self) -> None:
        names, wanted = state_names(self), self._wanted
        chips = {f"state:{s}": names[s] for s in sorted(wanted.states)}
        chips |= {f"split:{s}": str(s) for s in sorted(wanted.splits)}
        chips |= {
            f"label:{i}": self._session.labels[i].name for i in sorted(wanted.label_ids) if i in self._session.labels
        }
        if wanted.flagged:
            chips["flagged"] = self.tr("Flagged")
        if wanted.suggested:
            chips["suggested"] = self.tr("With suggestions")
        if wanted.annotated is not None:
            chips["annotated"] = self.tr("With annotations") if wanted.annotated else self.tr("Without annotations")
        if wanted.min_confidence is not None and wanted.max_confidence is not None:
            chips["confidence"] = f"{wanted.min_confidence:.0%} – {wanted.max_confidence:.0%}"
        if wanted.annotator:
            chips["annotator"] = self.tr("By {0}").format(wanted.annotator)
        if wanted.attribute is not None:
            chips["attribute"] = attribute_words(*wanted.attribute)
        self.chips.show_chips(chips)

    def _remove_filter(self, key: str) -> None:
        kind, _, value = key.partition(":")
        wanted = self._wanted
        if kind == "state":
            wanted = replace(wanted, states=wanted.states - {ImageState(value)})
        elif kind == "split":
            wanted = replace(wanted, splits=wanted.splits - {Split(value)})
        elif kind == "label":
            wanted = replace(wanted, label_ids=wanted.label_ids - {int(value)})
        elif kind == "flagged":
            wanted = replace(wanted, flagged=None)
        elif kind == "suggested":
            wanted = replace(wanted, suggested=None)
        elif kind == "confidence":
            wanted = replace(wanted, min_confidence=None, max_confidence=None)
        elif kind == "annotator":
            wanted = replace(wanted, annotator="")
        elif kind == "attribute":
            wanted = replace(wanted, attribute=None)
        else:
            wanted = replace(wanted, annotated=None)
        self._show(wanted)

    # --- what arrives --------------------------------------------------------------------------------------------------

    def _opened(self) -> None:
        self.rows.follow(self._session.project)
        self._wanted = ImageFilter()
        self.search.clear()
        self._show_chips()

    def _closed(self) -> None:
        self.rows.follow(None)
        self._order_changed()

    def _order_changed(self) -> None:
        order = self._session.order
        self.grid.set_ids(order.ids)
        filtered = self._wanted != ImageFilter()
        self._stack.setCurrentWidget(self.grid if len(order.ids) else self._nothing if filtered else self._empty)
        self._tell_left()

    def _tell_left(self) -> None:
        project, order = self._session.project, self._session.order
        if project is None:
            self._left.setText("")
        elif self._wanted != ImageFilter():
            self._left.setText(self.tr("{0} shown").format(f"{len(order.ids):,}"))
        else:
            self._left.setText(self.tr("{0} left").format(f"{project.queue.remaining():,}"))

    def _figures_changed(self) -> None:
        self.rows.forget()
        self.grid.refresh()

    def _changed(self, changes: ChangeSet) -> None:
        self.rows.forget(None if changes.everything or changes.touches(Table.QUEUE) else changes.image_ids)
        self._refresh_soon.ask()

    def _refresh(self) -> None:
        """Paint the thumbnails anew and count what is left."""
        self._tell_left()
        self.grid.refresh()


def state_names(widget: QWidget) -> dict[ImageState, str]:
    """The states in words."""
    return {
        ImageState.NEW: widget.tr("New"),
        ImageState.IN_PROGRESS: widget.tr("In progress"),
        ImageState.DONE: widget.tr("Done"),
        ImageState.SKIPPED: widget.tr("Skipped"),
        ImageState.MISSING: widget.tr("Missing"),
        ImageState.UNREADABLE: widget.tr("Unreadable"),
    }


def attribute_words(name: str, value: Any) -> str:
    """An attribute as a person reads it."""
    return f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
