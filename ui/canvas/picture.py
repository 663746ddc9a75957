"""Canvas, picture: the layer under the shapes: surround, checkerboard, picture or its tiles, and the pixel grid."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from PySide6.QtCore import QLine, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from ui.canvas.colors import CanvasColors
from ui.canvas.images import Pixels, adjusted, adjustment, image_of, wrapped
from ui.canvas.layers import Layer
from ui.canvas.tiles import Key, TiledPicture, TilePainter
from ui.canvas.transform import ViewTransform

CHECKER = 8
GRID_FROM = 8.0
GRID_TURN = 3
CONVERTED_PIXELS = 4_000_000
"""Up to this an image is converted once, so that it paints faster; beyond, that takes longer than a frame may."""


class PictureLike(Protocol):
    """What the picture layer needs of a decoded picture: (h, w, 3 | 4) uint8 RGB(A) and the full size it stands for."""

    @property
    def pixels(self) -> Pixels: ...
    @property
    def full_width(self) -> int: ...
    @property
    def full_height(self) -> int: ...


class PictureLayer(Layer):
    """Surround, checkerboard, picture and pixel grid. Keeps halved copies, so that a picture made small stays smooth."""

    def __init__(self) -> None:
        super().__init__()
        self.full_width = self.full_height = 0
        self._raw: list[Pixels] = []
        self._levels: dict[int, QImage] = {}
        self._table: Pixels | None = None
        self.tiles: TilePainter | None = None

    def set_picture(self, picture: PictureLike | None, full_width: int, full_height: int) -> None:
        """Takes a picture of any resolution for an image of the full size; None shows the empty surround."""
        self.full_width, self.full_height = full_width, full_height
        self._raw = [np.ascontiguousarray(picture.pixels)] if picture is not None else []
        while self._raw and min(self._raw[-1].shape[:2]) >= 512:
            height, width = self._raw[-1].shape[:2]
            self._raw.append(cv2.resize(self._raw[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        self._levels.clear()
        self.invalidate()

    def set_tiles(self, picture: TiledPicture | None) -> None:
        """Takes an image that comes in tiles; what was set as its picture shows where they are missing."""
        self.tiles = TilePainter(picture) if picture is not None else None
        if picture is not None and self.tiles is not None:
            self.full_width, self.full_height = picture.full_width, picture.full_height
            self.tiles.set_table(self._table)
        self.invalidate()

    def tile_arrived(self, key: Key) -> bool:
        """Marks what a tile changes on screen; False when that is nothing."""
        rect = self.tiles.concerns(key, self.view, self.image.rect()) if self.tiles is not None else QRect()
        if not rect.isEmpty():
            self.invalidate(rect)
        return not rect.isEmpty()

    def tiles_grew(self) -> None:
        """Asks again for what the screen shows."""
        if self.tiles is not None:
            self.tiles.ask(self.view, self.image.width(), self.image.height(), again=True)

    def set_adjust(self, brightness: float, contrast: float) -> None:
        """Brightness and contrast of what is shown, from -1 to 1."""
        self._table = adjustment(brightness, contrast) if brightness or contrast else None
        self._levels.clear()
        if self.tiles is not None:
            self.tiles.set_table(self._table)
        self.invalidate()

    def prepare(self, view: ViewTransform) -> None:
        """Makes the copy that this scale needs, so that painting only draws."""
        if self._raw:
            self._level(self._best(view))

    def _best(self, view: ViewTransform) -> int:
        shown = self.full_width * view.scale
        for number in range(len(self._raw) - 1, 0, -1):
            if self._raw[number].shape[1] >= shown:
                return number
        return 0

    def _level(self, number: int) -> QImage:
        if number not in self._levels:
            pixels = self._raw[number]
            large = pixels.shape[0] * pixels.shape[1] > CONVERTED_PIXELS
            image = wrapped(pixels) if large and self._table is None else image_of(pixels)
            self._levels[number] = image if self._table is None else adjusted(image, self._table)
        return self._levels[number]

    def paint(self, view: ViewTransform, width: int, height: int, colors: CanvasColors, unit: float) -> None:
        """Brings the layer's image up to date."""
        self.follow(view, width, height)
        if self.tiles is not None:
            self.tiles.ask(view, width, height)
        rects = self.rects()
        if not rects:
            return
        painter = QPainter(self.image)
        for rect in rects:
            painter.setClipRect(rect)
            painter.fillRect(rect, QColor(colors.surround))
            self._paint_picture(painter, rect, view, colors, unit)
        painter.end()

    def _paint_picture(
        self, painter: QPainter, rect: QRect, view: ViewTransform, colors: CanvasColors, unit: float
    ) -> None:
        if not self._raw and self.tiles is None:
            return
        frame = QRectF(view.dx, view.dy, self.full_width * view.scale, self.full_height * view.scale)
        shown = QRectF(rect.adjusted(-2, -2, 2, 2)).intersected(frame)
        if shown.isEmpty():
            return
        clear = self._raw[0].shape[2] == 4 if self._raw else self.tiles is not None and self.tiles.picture.has_alpha
        if clear:
            self._paint_checker(painter, shown, view, colors, unit)
        if self.tiles is None or not self.tiles.covers(view, rect):
            if self._raw:
                self._paint_whole(painter, shown, view)
            elif not clear:
                painter.fillRect(shown, QColor(colors.unread))
        if self.tiles is not None:
            self.tiles.paint(painter, rect, view)
        if view.scale >= GRID_FROM * unit:
            _paint_grid(painter, shown, view, colors)

    def _paint_whole(self, painter: QPainter, shown: QRectF, view: ViewTransform) -> None:
        image = self._level(self._best(view))
        per_x, per_y = image.width() / self.full_width / view.scale, image.height() / self.full_height / view.scale
        # Whole source pixels around what is shown keep their places on screen wherever the rectangle begins.
        left, top = int((shown.left() - view.dx) * per_x), int((shown.top() - view.dy) * per_y)
        right = min(int((shown.right() - view.dx) * per_x) + 2, image.width())
        bottom = min(int((shown.bottom() - view.dy) * per_y) + 2, image.height())
        left, top = max(left - 1, 0), max(top - 1, 0)
        source = QRectF(left, top, right - left, bottom - top)
        target = QRectF(view.dx + left / per_x, view.dy + top / per_y, source.width() / per_x, source.height() / per_y)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, per_x > 1 or image.width() < self.full_width)
        painter.drawImage(target, image, source)

    def _paint_checker(
        self, painter: QPainter, shown: QRectF, view: ViewTransform, colors: CanvasColors, unit: float
    ) -> None:
        side = round(CHECKER * unit)
        tile = QImage(2 * side, 2 * side, QImage.Format.Format_RGB32)
        tile.fill(QColor(colors.checker_even))
        inner = QPainter(tile)
        inner.fillRect(0, 0, side, side, QColor(colors.checker_odd))
        inner.fillRect(side, side, side, side, QColor(colors.checker_odd))
        inner.end()
        brush_origin = QPoint(round(view.dx), round(view.dy))
        painter.setBrushOrigin(brush_origin)
        painter.fillRect(shown, tile)
        painter.setBrushOrigin(0, 0)


def _paint_grid(painter: QPainter, shown: QRectF, view: ViewTransform, colors: CanvasColors) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    x1, y1 = view.to_image(shown.left(), shown.top())
    x2, y2 = view.to_image(shown.right(), shown.bottom())
    top, bottom, left, right = int(shown.top()), int(shown.bottom()), int(shown.left()), int(shown.right())
    columns = [round(x * view.scale + view.dx) for x in range(int(np.ceil(x1)), int(x2) + 1)]
    rows = [round(y * view.scale + view.dy) for y in range(int(np.ceil(y1)), int(y2) + 1)]
    lines = [QLine(x, top, x, bottom) for x in columns] + [QLine(left, y, right, y) for y in rows]
    # Dark and light by turns, so that the grid shows on any picture; the turns stay in place when the picture is panned.
    for color, turn in ((colors.grid_dark, 0), (colors.grid_light, GRID_TURN)):
        pen = QPen(QColor(color), 1)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([GRID_TURN, GRID_TURN])
        for line in lines:
            along = line.y1() - view.dy if line.x1() == line.x2() else line.x1() - view.dx
            pen.setDashOffset((along + turn) % (2 * GRID_TURN))
            painter.setPen(pen)
            painter.drawLine(line)
