"""One figure on a card: title, a line of words, the plot, and its export as PNG, SVG and CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPaintDevice, QPainter
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from ui.insights.confusion import ConfusionFigure, mark_of
from ui.insights.figure import Figure
from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_3
from ui.widgets.basics import ElidedLabel, EmptyState, icon_button, label, row

LEAST_PX, MOST_PX = 262, 360
EXPORT_WIDTH = 1600


class FigureCard(QFrame):
    """``cell_opened`` brings the row and column of a confusion matrix; ``told`` what became of an export."""

    cell_opened = Signal(int, int)
    told = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.figure: Figure | None = None
        self.plot: Any = None
        self._cell = (0, 0)
        self._mark: Any = None
        self.setProperty("role", "card")
        self.setMinimumHeight(LEAST_PX)
        self.setMaximumHeight(MOST_PX)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.title = label("", "section")
        self.caption = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self.export_button = icon_button("download-simple", self.tr("Export this figure"), token="muted")
        self.export_button.clicked.connect(self._open_menu)
        self._empty = EmptyState("chart-line", "")
        host = QWidget()
        self._stack = QStackedLayout(host)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_2, SPACE_3, SPACE_2)
        layout.setSpacing(SPACE_1)
        layout.addLayout(row(self.title, None, self.export_button))
        layout.addWidget(self.caption)
        layout.addWidget(host, 1)

    def show_figure(self, figure: Figure) -> None:
        """Draw it, or say what is missing."""
        self.figure = figure
        self.title.setText(figure.title)
        self.setAccessibleName(figure.title)
        missing = figure.missing
        self.export_button.setVisible(not missing)
        self.caption.show_text("" if missing else figure.caption)
        self.setAccessibleDescription(missing or figure.caption)
        if missing:
            self._empty.set_text(missing)
            self._stack.setCurrentWidget(self._empty)
            return
        self._draw()

    def _draw(self) -> None:
        import pyqtgraph as pg

        assert self.figure is not None
        if self.plot is None:
            self.plot = pg.PlotWidget()
            self.plot.setMenuEnabled(False)
            self.plot.hideButtons()
            self.plot.setMinimumHeight(120)
            self.plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            self.plot.setMouseEnabled(False, False)
            self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.plot.scene().sigMouseClicked.connect(self._clicked)
            self._stack.addWidget(self.plot)
        self._mark = None
        dress(self.plot)
        self.figure.draw(self.plot.getPlotItem())
        self._stack.setCurrentWidget(self.plot)
        if self.hasFocus():
            self._show_mark()

    # --- the cells of a confusion matrix -------------------------------------------------------------------------------

    def _clicked(self, event: Any) -> None:
        figure = self.figure
        if not isinstance(figure, ConfusionFigure):
            return
        point: QPointF = self.plot.getPlotItem().getViewBox().mapSceneToView(event.scenePos())
        row_, column = int(point.y() // 1), int(point.x() // 1)
        if 0 <= row_ < figure.size and 0 <= column < figure.size:
            self._cell = row_, column
            self.cell_opened.emit(row_, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        figure, key = self.figure, Qt.Key(event.key())
        steps = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        if not isinstance(figure, ConfusionFigure) or figure.missing:
            super().keyPressEvent(event)
        elif key in steps:
            down, right = steps[key]
            last = figure.size - 1
            self._cell = min(max(self._cell[0] + down, 0), last), min(max(self._cell[1] + right, 0), last)
            self._show_mark()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.cell_opened.emit(*self._cell)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: Any) -> None:
        super().focusInEvent(event)
        self._show_mark()

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self._show_mark()

    def _show_mark(self) -> None:
        """Frame the cell that the keys are on, and say what it holds."""
        figure = self.figure
        if self.plot is None or not isinstance(figure, ConfusionFigure) or figure.missing:
            return
        if self._mark is not None:
            self.plot.removeItem(self._mark)
            self._mark = None
        if self.hasFocus():
            self._mark = mark_of(*self._cell)
            self.plot.addItem(self._mark)
            self.setAccessibleDescription(figure.cell_name(*self._cell))

    # --- export --------------------------------------------------------------------------------------------------------

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for suffix, text, slot in (
            ("png", self.tr("Picture, PNG…"), self._ask_png),
            ("svg", self.tr("Drawing, SVG…"), self._ask_svg),
            ("csv", self.tr("Numbers, CSV…"), self._ask_csv),
        ):
            action = menu.addAction(text)
            action.setObjectName(suffix)
            action.triggered.connect(slot)
        menu.popup(self.export_button.mapToGlobal(self.export_button.rect().bottomLeft()))

    def _ask_png(self) -> None:
        self._ask("png")

    def _ask_svg(self) -> None:
        self._ask("svg")

    def _ask_csv(self) -> None:
        self._ask("csv")

    def _ask(self, suffix: str) -> None:
        assert self.figure is not None
        start = str(Path.home() / f"{self.figure.id}.{suffix}")
        dialog = QFileDialog(self.window(), self.tr("Export “{0}”").format(self.figure.title), start)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.setNameFilter(f"*.{suffix}")
        dialog.fileSelected.connect(self._save_at)
        dialog.open()

    def _save_at(self, path: str) -> None:
        try:
            self.save(Path(path))
        except OSError as error:
            self.told.emit(self.tr("{0} could not be written.").format(path), str(error.strerror or error))
        else:
            self.told.emit(self.tr("Wrote {0}").format(path), "")

    def save(self, path: Path) -> None:
        """Write the figure as its suffix says, whole or not at all. Raises ``OSError``."""
        assert self.figure is not None
        unfinished = path.with_name(f".{path.stem}.part{path.suffix}")
        try:
            if path.suffix == ".csv":
                write_csv(unfinished, self.figure)
            else:
                self._export(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _export(self, path: Path) -> None:
        """The plot as it is on screen, drawn anew: pyqtgraph's own exporters stumble over text in a matrix."""
        size = QSize(EXPORT_WIDTH, round(EXPORT_WIDTH * self.plot.height() / max(1, self.plot.width())))
        with path.open("wb"):
            pass  # a folder that cannot be written to is told by its error
        if path.suffix == ".svg":
            from PySide6.QtSvg import QSvgGenerator

            drawing = QSvgGenerator()
            drawing.setFileName(str(path))
            drawing.setSize(self.plot.size())
            drawing.setViewBox(self.plot.rect())
            drawing.setTitle(self.title.text())
            self._render(drawing, QRectF(self.plot.rect()))
            return
        image = QImage(size, QImage.Format.Format_RGB32)
        self._render(image, QRectF(QPointF(0, 0), size.toSizeF()))
        if not image.save(str(path)):
            raise OSError(f"{path} cannot be written")

    def _render(self, device: QPaintDevice, area: QRectF) -> None:
        painter = QPainter(device)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(area, QColor(theme().tokens.panel))
        self.plot.render(painter, area, self.plot.viewport().rect())
        painter.end()


def write_csv(path: Path, figure: Figure) -> None:
    """The numbers of a figure."""
    header, rows = figure.table()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def dress(plot: Any) -> None:
    """Take everything out of a plot widget and give it the colours of the theme."""
    tokens = theme().tokens
    item = plot.getPlotItem()
    item.clear()
    if item.legend is not None:
        item.legend.scene().removeItem(item.legend)
        item.legend = None
    plot.setBackground(QColor(tokens.panel))
    font = caption_font()
    for side in ("left", "bottom", "top"):
        axis = item.getAxis(side)
        axis.setPen(QColor(tokens.border))
        axis.setTextPen(QColor(tokens.muted))
        axis.setTickFont(font)
        axis.setTicks(None)
        axis.enableAutoSIPrefix(False)
        axis.label.setFont(font)
    item.showAxis("bottom")
    item.hideAxis("top")
    item.getViewBox().invertY(False)
    item.getViewBox().enableAutoRange()
    item.showGrid(x=False, y=True, alpha=0.12)
