"""The Review screen: the piles on the left, and the one that is chosen on the wall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from annotator.domain.kinds import Task
from ui.engine_bridge import Jobs
from ui.qt_models.labels_model import digit_of
from ui.review.crops import CropLoader
from ui.review.judging import Judging
from ui.review.pile_list import PileEntry, PileList
from ui.review.piles import PileChoice, Piles
from ui.review.wall_page import TASK_WORDS, WallPage
from ui.session import Session
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import EmptyState, label, row

LIST_PX = 208


class ReviewScreen(QWidget):
    """Owns the readers and the pages; keys and menus come through its methods."""

    suggest_wanted = Signal()
    open_wanted = Signal(int)
    judged = Signal(int)
    said = Signal(str)
    told = Signal(str)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session = session
        self._counts: Mapping[tuple[Task, int], int] = {}
        self._arriving = False
        self.crops = CropLoader(self)
        self.piles = Piles(session, self)
        self.judging = Judging(session, jobs, self)
        self.list = PileList()
        self.wall = WallPage(session, self.crops)
        self.empty = EmptyState("stack", "", self.tr("Suggest now"), "Ctrl+G")
        self.empty.pressed.connect(self.suggest_wanted)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.wall)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        self.columns.addWidget(self._side())
        self.columns.addWidget(self.pages)
        self.columns.setStretchFactor(1, 1)
        self.columns.setSizes([LIST_PX, 1000])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.columns)
        self._connect()
        self._opened()

    def _side(self) -> QWidget:
        host = QWidget()
        host.setProperty("role", "panel")
        host.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        host.setMinimumWidth(150)
        layout = QVBoxLayout(host)
        layout.setContentsMargins(0, SPACE_2, 0, 0)
        layout.setSpacing(0)
        self._total = label("", "caption")
        layout.addLayout(row(label(self.tr("Piles"), "section"), self._total, None, margins=(SPACE_2, 0, SPACE_2, 4)))
        layout.addWidget(self.list, 1)
        return host

    def _connect(self) -> None:
        session = self._session
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        session.labels_changed.connect(self._list_piles)
        self.piles.counted.connect(self._counted)
        self.piles.read.connect(self._read)
        self.piles.ordered.connect(self.wall.show_order)
        self.piles.failed.connect(self.told)
        self.list.chosen.connect(self._chosen)
        self.wall.judge_wanted.connect(self.judging.judge)
        self.wall.order_wanted.connect(self.piles.ask_order)
        self.wall.open_wanted.connect(self.open_wanted)
        self.wall.next_wanted.connect(self.next_pile)
        self.wall.told.connect(self.told)
        self.judging.judged.connect(self.judged)
        self.judging.said.connect(self.said)
        self.judging.failed.connect(self.wall.failed)

    # --- coming and going ----------------------------------------------------------------------------------------------

    def set_shown(self, shown: bool) -> None:
        """The screen came, or went: while it is away nothing is read."""
        self._arriving = shown
        self.piles.set_active(shown)
        if shown:
            self._focus()

    def close_threads(self) -> None:
        """Read and cut no more."""
        self.piles.close()
        self.crops.close()

    def _opened(self) -> None:
        self.crops.follow(self._session.project)
        self._counts = {}
        self._list_piles()
        self.piles.reload()

    def _closed(self) -> None:
        self.crops.follow(None)
        self._counts = {}
        self._list_piles()

    # --- piles ---------------------------------------------------------------------------------------------------------

    def _counted(self, counts: Mapping[tuple[Task, int], int]) -> None:
        self._counts = counts
        self._list_piles()

    def _list_piles(self) -> None:
        """One line for each task and label with open suggestions, and for the pile that is looked at."""
        labels = self._session.ordered_labels()
        kept = self.list.current
        entries: list[PileEntry] = []
        for task in Task:
            lines = [
                PileEntry(each.name, PileChoice(task, each.id), each.color, count=self._counts.get((task, each.id), 0))
                for each in labels
                if self._counts.get((task, each.id)) or kept == PileChoice(task, each.id)
            ]
            if lines:
                entries += [PileEntry(TASK_WORDS.get(task, task.value).capitalize()), *lines]
        total = sum(self._counts.values())
        self._total.setText(self.tr("{0} open").format(f"{total:,}") if total else "")
        self.list.show_entries(entries)
        choices = self.list.entries.choices()
        if kept not in choices and choices:
            self.list.choose(choices[0])
        self._show_page()

    def _show_page(self) -> None:
        if self.list.entries.choices():
            self.pages.setCurrentWidget(self.wall)
            return
        if self._session.labels:
            text = self.tr("Suggestions wait here in piles, one for each label. None is open now.")
        else:
            text = self.tr("Suggestions wait here in piles, one for each label. Make labels first.")
        self.empty.set_text(text)
        self.empty.button.setVisible(bool(self._session.labels))
        self.pages.setCurrentWidget(self.empty)

    def _chosen(self, choice: PileChoice) -> None:
        self.piles.choose(choice)

    def _read(self, choice: PileChoice, pile: Any) -> None:
        self.wall.show_pile(choice, pile)
        self._show_page()
        if self.isVisible() and (self._arriving or not self.list.hasFocus()):
            self._focus()

    def _focus(self) -> None:
        if self.pages.currentWidget() is self.wall:
            self._arriving = False
            self.wall.wall.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_pile(self, choice: PileChoice) -> None:
        """Show one pile, e.g. the one behind a cell of the confusion matrix."""
        self.list.choose(choice)

    # --- keys ----------------------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Enter: accept the rest."""
        self.wall.accept_rest()

    def settle(self) -> None:
        """Shift+Enter: only what is marked."""
        self.wall.settle_marked()

    def wrong(self) -> None:
        """Backspace: wrong."""
        self.wall.toggle_wrong()

    def reject_all(self) -> None:
        """Everything on the wall is wrong."""
        self.wall.reject_all()

    def digit(self, number: int) -> None:
        """The selection is the label that shows this digit."""
        ordered = self._session.ordered_labels()
        found = next((v for n, v in enumerate(ordered) if digit_of(v, n) == str(number)), None)
        if found is None:
            self.told.emit(self.tr("No label has the key {0} yet.").format(number))
        else:
            self.wall.relabel(found.id)

    def beside(self) -> None:
        """Space: the picture beside the wall."""
        self.wall.toggle_beside()

    def open_current(self) -> None:
        """O: the image on the canvas."""
        self.wall.open_current()

    def zoom_by(self, steps: int) -> None:
        """Larger or smaller crops."""
        self.wall.zoom_by(steps)

    def next_pile(self, by: int = 1) -> None:
        """The next pile of the list, round its end."""
        choices = self.list.entries.choices()
        if choices:
            here = choices.index(self.list.current) if self.list.current in choices else -1
            self.list.choose(choices[(here + by) % len(choices)])

    def next_panel(self) -> None:
        """F6: between the piles and the wall."""
        if self.list.hasFocus():
            self._focus()
        else:
            self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
