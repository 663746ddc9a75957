"""The confusion matrix: what people said by what the head said of answers it had not seen; a cell opens its images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ui.insights.figure import Figure, Table, brush, pen, short, tr
from ui.theme import theme
from ui.theme.tokens import channels, mix, text_on

if TYPE_CHECKING:
    from annotator.usecases.insights import Confusion, Insights


TOP_NAME = 8


class ConfusionFigure(Figure):
    """Rows are what people said, columns what the head said; numbers are images."""

    id = "confusion"
    data: tuple[Confusion, ...]

    @classmethod
    def read(cls, insights: Insights) -> ConfusionFigure:
        """Ask the project."""
        return cls(insights.confusion())

    @property
    def title(self) -> str:
        return tr("Confusion")

    @property
    def shown(self) -> Confusion | None:
        """The group with the most answers."""
        return max(self.data, key=_answers, default=None)

    @property
    def missing(self) -> str:
        view = self.shown
        if view is not None and view.counts.sum():
            return ""
        return tr("Needs a round of learning with at least 20 answers: tag pictures, or press Ctrl+T.")

    @property
    def caption(self) -> str:
        view = self.shown
        assert view is not None
        right, total = int(np.trace(view.counts)), int(view.counts.sum())
        off = view.counts - np.diag(np.diag(view.counts))
        row, column = np.unravel_index(int(off.argmax()), off.shape)
        text = tr("{0} of {1} right").format(f"{right:,}", f"{total:,}")
        if off.max():
            most = tr("most often {0} is seen as {1} ({2})")
            text += " · " + most.format(view.labels[int(row)], view.labels[int(column)], int(off.max()))
        return text

    def cell_name(self, row: int, column: int) -> str:
        """What a cell holds, in words."""
        view = self.shown
        assert view is not None
        if row == column:
            return tr("{0}, seen as such").format(view.labels[row])
        return tr("{0}, seen as {1}").format(view.labels[row], view.labels[column])

    def images(self, row: int, column: int) -> list[int]:
        """The images of a cell."""
        view = self.shown
        return [] if view is None else view.images(row, column).tolist()

    @property
    def size(self) -> int:
        """How many rows and columns there are."""
        return 0 if self.shown is None else len(self.shown.labels)

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        view = self.shown
        assert view is not None
        size, tokens = self.size, theme().tokens
        share = view.counts / np.maximum(view.counts.sum(axis=1, keepdims=True), 1)
        pixels = np.zeros((size, size, 3), np.uint8)
        colors: dict[tuple[int, int], str] = {}
        for row in range(size):
            for column in range(size):
                token = tokens.accent if row == column else tokens.bad
                colors[row, column] = mix(tokens.panel, token, 0.08 + 0.92 * float(share[row, column]))
                if not view.counts[row, column]:
                    colors[row, column] = tokens.panel
                pixels[row, column] = channels(colors[row, column])
        image = pg.ImageItem(pixels, axisOrder="row-major", levels=(0, 255))
        image.setRect(0, 0, size, size)
        plot.addItem(image)
        for row in range(size):
            for column in range(size):
                if view.counts[row, column]:
                    text = pg.TextItem(f"{view.counts[row, column]}", text_on(colors[row, column]), anchor=(0.5, 0.5))
                    text.setPos(column + 0.5, row + 0.5)
                    plot.addItem(text)
        ticks = [(at + 0.5, short(name)) for at, name in enumerate(view.labels)]
        plot.getAxis("left").setTicks([ticks])
        plot.getAxis("top").setTicks([[(at, short(name, TOP_NAME)) for at, name in ticks]])
        plot.showAxis("top")
        plot.hideAxis("bottom")
        plot.getViewBox().invertY(True)
        plot.setRange(xRange=(0, size), yRange=(0, size), padding=0)

    def table(self) -> Table:
        rows = [
            (view.group, view.labels[row], view.labels[column], int(view.counts[row, column]))
            for view in self.data
            for row in range(len(view.labels))
            for column in range(len(view.labels))
        ]
        return ("group", "people_said", "head_said", "images"), rows


def mark_of(row: int, column: int) -> Any:
    """The frame around the cell that the keys are on."""
    import pyqtgraph as pg

    frame = pg.QtWidgets.QGraphicsRectItem(column, row, 1, 1)
    frame.setPen(pen("text", 2))
    frame.setBrush(brush("text", 0))
    frame.setZValue(10)
    return frame


def _answers(view: Confusion) -> int:
    return int(view.counts.sum())
