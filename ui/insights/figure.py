"""What a figure of the Insights screen is: its data, the words when there is none, its plot and its table.

pyqtgraph is imported by the screen before the first plot is drawn, in a thread; nothing here imports it at the top.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor

from ui.theme import theme

MOST_BARS = 16
LONGEST_NAME = 18

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def tr(text: str) -> str:
    """The text in the language of the window."""
    return QCoreApplication.translate("Insights", text)


def pen(token: str, width: float = 2.0, *, dashed: bool = False) -> Any:
    """A pen in a colour of the theme."""
    import pyqtgraph as pg

    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(QColor(getattr(theme().tokens, token)), width=width, style=style)


def brush(token: str, alpha: int = 255) -> Any:
    """A brush in a colour of the theme."""
    import pyqtgraph as pg

    color = QColor(getattr(theme().tokens, token))
    color.setAlpha(alpha)
    return pg.mkBrush(color)


@dataclass(frozen=True)
class Figure(ABC):
    """One card. ``read`` runs in a thread; ``caption`` and ``draw`` are only asked when nothing is ``missing``."""

    id: ClassVar[str] = ""
    data: Any

    @property
    @abstractmethod
    def title(self) -> str:
        """What the card is called."""

    @property
    @abstractmethod
    def missing(self) -> str:
        """What is needed before there is something to see; nothing when there is."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """The figure in one line."""

    @abstractmethod
    def draw(self, plot: Any) -> None:
        """Draw into an empty ``pyqtgraph.PlotItem``."""

    @abstractmethod
    def table(self) -> Table:
        """Header and rows of the CSV file."""


def label_axes(plot: Any, bottom: str, left: str) -> None:
    """Words at the axes; an axis without words keeps its ticks."""
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)


def legend(plot: Any, *, low: bool = False) -> None:
    """A legend in the colours of the theme, at the right; items that are added later with a name appear in it."""
    plot.addLegend(
        offset=(-8, -8 if low else 8), labelTextColor=QColor(theme().tokens.text), brush=brush("panel", 210), pen=None
    )


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that fits at an axis."""
    return name if len(name) <= longest else name[: longest - 1] + "…"
