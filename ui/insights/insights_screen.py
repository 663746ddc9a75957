"""The Insights screen: reads the figures in a thread whenever it is looked at, and lays their cards out in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from annotator.events import ChangeSet
from ui.engine_bridge import Answer, Errand
from ui.insights.card import FigureCard
from ui.insights.confusion import ConfusionFigure
from ui.insights.figure import Figure
from ui.insights.figures_of_learning import AcceptanceFigure, CalibrationFigure, RoundsFigure
from ui.insights.figures_of_work import AgreementFigure, BalanceFigure, ProgressFigure, TimeFigure
from ui.session import Session
from ui.theme import theme
from ui.theme.tokens import SPACE_3
from ui.widgets.basics import EmptyState

if TYPE_CHECKING:
    from annotator.project import Project

FIGURES: tuple[type[Any], ...] = (
    ProgressFigure,
    RoundsFigure,
    CalibrationFigure,
    ConfusionFigure,
    BalanceFigure,
    AcceptanceFigure,
    TimeFigure,
    AgreementFigure,
)
DELAY_MS = 800
COLUMN_PX = 520


class InsightsScreen(QWidget):
    """``pile_wanted`` brings the title and the images behind a cell; ``told`` and ``failed`` what became of an export."""

    pile_wanted = Signal(str, object)
    told = Signal(str)
    failed = Signal(str, str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._active = False
        self._stale = True
        self._columns = 0
        self._waiting: list[Figure] = []
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.reload)
        # One card a turn of the event loop: all of them at once would be felt.
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._draw_next)
        self.cards: dict[str, FigureCard] = {}
        self._grid = QGridLayout()
        self._grid.setSpacing(SPACE_3)
        self._grid.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        host = QWidget()
        host.setProperty("role", "plain")
        host.setLayout(self._grid)
        for kind in FIGURES:
            card = FigureCard()
            card.told.connect(self._card_told)
            self.cards[kind.id] = card
        self.cards[ConfusionFigure.id].cell_opened.connect(self._cell_opened)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setWidget(host)
        self.empty = EmptyState("chart-line", self.tr("The figures of this project are being counted."))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.area)
        layout.addWidget(self.empty)
        self.area.hide()
        session.changes.connect(self._changed)
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        theme().changed.connect(self._dress)

    def set_shown(self, shown: bool) -> None:
        """The screen came, or went: while it is away nothing is counted."""
        self._active = shown
        if shown and self._stale:
            self.reload()

    def reload(self) -> None:
        """Count again."""
        project = self._session.project
        if project is None or not self._active:
            self._stale = True
            return
        self._stale = False
        self._errand.ask("figures", _read, project)

    def close_threads(self) -> None:
        """Count no more."""
        self._timer.stop()
        self._errand.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = max(1, min(3, self.width() // COLUMN_PX))
        if columns == self._columns:
            return
        self._columns = columns
        for at, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, at // columns, at % columns)
        self._grid.setRowStretch(len(self.cards), 1)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def _answered(self, answer: Answer) -> None:
        if answer.error is not None:
            self.failed.emit(str(answer.error), "")
            return
        project, figures = answer.value
        if project is self._session.project:
            self._waiting = list(figures)
            self.empty.hide()
            self.area.show()
            self._next.start(0)

    def _draw_next(self) -> None:
        if self._waiting:
            figure = self._waiting.pop(0)
            self.cards[figure.id].show_figure(figure)
            self._next.start(0)

    def _dress(self) -> None:
        """Draw everything again in the colours of now."""
        self._waiting = [card.figure for card in self.cards.values() if card.figure is not None]
        self._next.start(0)

    def _changed(self, changes: ChangeSet) -> None:
        self._stale = True
        if self._active:
            self._timer.start()

    def _opened(self) -> None:
        self._stale = True
        self.reload()

    def _closed(self) -> None:
        self._timer.stop()
        self._waiting = []
        self._stale = True
        self.area.hide()
        self.empty.show()

    def _cell_opened(self, row: int, column: int) -> None:
        figure = self.cards[ConfusionFigure.id].figure
        if isinstance(figure, ConfusionFigure):
            images = figure.images(row, column)
            if images:
                self.pile_wanted.emit(figure.cell_name(row, column), images)
            else:
                self.told.emit(self.tr("No image is behind this cell."))

    def _card_told(self, what: str, cure: str) -> None:
        if cure:
            self.failed.emit(what, cure)
        else:
            self.told.emit(what)


def _read(project: Project) -> tuple[Project, list[Figure]]:
    """Runs in a thread; so does the import of pyqtgraph, which takes longer than a frame."""
    import pyqtgraph

    pyqtgraph.setConfigOptions(antialias=True)
    insights = project.review.insights
    return project, [kind.read(insights) for kind in FIGURES]
