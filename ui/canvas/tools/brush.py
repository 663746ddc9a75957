"""Canvas, tools: brush and eraser for masks."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QImage, QPainter, QPainterPath, QPen

from annotator.domain.geometry import XY, Mask
from annotator.domain.records import Annotation, Suggestion
from ui.canvas import pens
from ui.canvas.colors import RGB, rgb
from ui.canvas.raster import packed
from ui.canvas.scene import Record
from ui.canvas.tools.drawing import paint_size
from ui.canvas.tools.protocol import Host, KeyPress, Pointer, Tool
from ui.canvas.tools.stroke import StrokeArea, difference, union, window_of
from ui.canvas.tools.taking import editable, target

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
FIRST_SIZE = 24.0
SIZE_STEP = 1.2
LIVE_ALPHA = 0.45
OUTLINE_UNTIL = 3.0  # beyond, the pixels themselves show the edge


class BrushTool(Tool):
    """Paints a new mask, or more of the selected one. Shift draws straight, the other button does the opposite.

    [ and ] or Ctrl and the wheel change ``diameter`` (image pixels). With ``keep_others`` strokes leave locked masks alone.
    """

    name = "brush"
    erases = False

    def __init__(self) -> None:
        super().__init__()
        self.diameter: float | None = None
        self.keep_others = True
        self._area: StrokeArea | None = None
        self._last: XY = (0.0, 0.0)
        self._straight_from: XY | None = None
        self._erasing = False
        self._record: Record | None = None
        self._button = LEFT

    @property
    def busy(self) -> bool:
        return self._area is not None

    def attach(self, host: Host | None) -> None:
        super().attach(host)
        if host is not None and self.diameter is None:
            self.diameter = host.sizes.get("brush") or max(FIRST_SIZE * host.unit / host.view.scale, 1.0)

    def cursor(self) -> QCursor:
        return QCursor(Qt.CursorShape.BlankCursor)

    def press(self, pointer: Pointer) -> None:
        if pointer.button not in (LEFT, RIGHT) or self._area is not None:
            self.cancel()
            return
        self._button = pointer.button
        self._erasing = self.erases != (pointer.button == RIGHT)
        self._record = self._mask_for(pointer)
        if self._erasing and self._record is None:
            return
        self._area = StrokeArea(self.host.size)
        self._last = (pointer.x, pointer.y)
        self._straight_from = self._last if pointer.shift else None
        self._area.stamp(self._last, self._last, self.diameter or 1.0)
        self.host.refresh()

    def _mask_for(self, pointer: Pointer) -> Record | None:
        """The mask that a stroke belongs to: the selected one; when erasing or starting inside it, the active suggestion's;
        when erasing with nothing selected, the one under the brush."""
        host = self.host
        record = target(host)
        under = host.at(pointer.x, pointer.y, 0.0)
        if isinstance(record, Suggestion) and not self._erasing and under is not record:
            record = None
        if record is None and self._erasing and not host.selection:
            record = under
        return record if editable(record) and isinstance(record and record.geometry, Mask) else None

    def move(self, pointer: Pointer) -> None:
        area = self._area
        if area is not None:
            now = (pointer.x, pointer.y)
            if pointer.shift:
                self._straight_from = self._straight_from or self._last
            else:
                self._straighten()
                area.stamp(self._last, now, self.diameter or 1.0)
            self._last = now
        self.host.refresh()

    def _straighten(self) -> None:
        """Makes the straight part final."""
        if self._area is not None and self._straight_from is not None:
            self._area.stamp(self._straight_from, self._last, self.diameter or 1.0)
        self._straight_from = None

    def release(self, pointer: Pointer) -> None:
        if self._area is None or pointer.button != self._button:
            return
        self._last = (pointer.x, pointer.y)
        self._straighten()
        area, record, self._area, self._record = self._area, self._record, None, None
        mask = record.geometry if record is not None and isinstance(record.geometry, Mask) else None
        if not self._erasing and self.keep_others:
            for other in self._locked(area):
                area.remove(other)
        if self._erasing:
            left = difference(mask, area) if mask is not None else None
            if record is not None and left is None:
                self.host.erased(record.id)
        else:
            left = union(area, mask) if area.area else mask
        if left is not None and left != mask:
            if record is not None:
                self.host.change({record.id: left})
            else:
                self.host.draw(left)
        self.host.refresh()

    def _locked(self, area: StrokeArea) -> list[Mask]:
        height, width = area.pixels.shape
        near = self.host.scene.within(area.x, area.y, area.x + width, area.y + height)
        records = [self.host.scene.records[i] for i in near.tolist()]
        return [r.geometry for r in records if isinstance(r, Annotation) and r.locked and isinstance(r.geometry, Mask)]

    def double(self, pointer: Pointer) -> bool:
        self.press(pointer)
        return True

    def wheel(self, steps: float, pointer: Pointer) -> bool:
        self._resize(SIZE_STEP**steps)
        return True

    def _resize(self, factor: float) -> None:
        most = float(max(self.host.size))
        self.diameter = min(max((self.diameter or 1.0) * factor, 1.0), most)
        self.host.sizes["brush"] = self.diameter
        self.host.refresh()

    def wants(self, press: KeyPress) -> bool:
        if press.key == Qt.Key.Key_Escape:
            return self.busy or bool(self.host.selection)
        return press.key in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight)

    def key(self, press: KeyPress) -> bool:
        if not self.wants(press):
            return False
        if press.key != Qt.Key.Key_Escape:
            self._resize(SIZE_STEP if press.key == Qt.Key.Key_BracketRight else 1 / SIZE_STEP)
        elif self.busy:
            self.cancel()
        else:
            self.host.select(())  # the next stroke is a new mask
        return True

    def cancel(self) -> None:
        self._area = self._record = self._straight_from = None
        if self._host is not None:
            self._host.refresh()

    def paint(self, painter: QPainter) -> None:
        host, pointer = self.host, self.pointer
        area = self._live()
        if area is not None:
            _paint_area(painter, host, area, rgb(host.colors.bad) if self._erasing else self._color())
        if pointer is None:
            return
        radius = (self.diameter or 1.0) / 2 * host.view.scale
        at = QPointF(pointer.screen_x, pointer.screen_y)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((host.colors.guide_halo, 3.0), (host.colors.handle, 1.25)):
            painter.setPen(QPen(QColor(color), width * host.unit))
            painter.drawEllipse(at, max(radius, 1.5), max(radius, 1.5))
        paint_size(painter, self, None, self._text(area))

    def _live(self) -> StrokeArea | None:
        """The stroke with the straight part that is still being aimed."""
        if self._area is None or self._straight_from is None:
            return self._area
        area = self._area.copy()
        area.stamp(self._straight_from, self._last, self.diameter or 1.0)
        return area

    def _color(self) -> RGB:
        item = self.host.scene.position(self._record.id) if self._record is not None else None
        return self.host.color if item is None else self.host.scene.color_of(item)

    def _text(self, area: StrokeArea | None) -> str:
        if area is None:
            return QCoreApplication.translate("Canvas", "{0} px").format(round(self.diameter or 1.0))
        count = area.area
        mask = self._record.geometry if self._record is not None else None
        if isinstance(mask, Mask):
            held = window_of(mask, area.x, area.y, area.pixels.shape)
            common = int(np.count_nonzero(held & area.pixels)) if held is not None else 0
            count = mask.area - common if self._erasing else mask.area + count - common
        return QCoreApplication.translate("Canvas", "area {0} px²").format(f"{count:,}")


class EraserTool(BrushTool):
    """Takes pixels from the selected mask, or from the one under the brush."""

    name = "eraser"
    erases = True


def _paint_area(painter: QPainter, host: Host, area: StrokeArea, color: RGB) -> None:
    """The visible part of a stroke, tinted."""
    height, width = area.pixels.shape
    x1, y1 = host.view.to_image(0, 0)
    x2, y2 = host.view.to_image(*host.screen_size)
    left, top = max(int(x1) - area.x, 0), max(int(y1) - area.y, 0)
    right, bottom = min(int(x2) + 1 - area.x, width), min(int(y2) + 1 - area.y, height)
    if right <= left or bottom <= top:
        return
    window = area.pixels[top:bottom, left:right].view(np.uint8)
    table = np.array([0, packed(color, LIVE_ALPHA)], np.uint32)
    tinted = table[window]
    image = QImage(
        tinted.data, right - left, bottom - top, 4 * (right - left), QImage.Format.Format_ARGB32_Premultiplied
    )
    x, y = host.view.to_screen(area.x + left, area.y + top)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, host.view.scale < 1)
    painter.drawImage(QRectF(x, y, (right - left) * host.view.scale, (bottom - top) * host.view.scale), image)
    if host.view.scale <= OUTLINE_UNTIL * host.unit:
        rings, _ = cv2.findContours(np.ascontiguousarray(window), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        path = QPainterPath()
        for ring in rings:
            points = ring[:, 0, :] + np.array((area.x + left + 0.5, area.y + top + 0.5))
            path.addPolygon(pens.polygon(host.view.array_to_screen(points)))
            path.closeSubpath()
        pens.draw_shape(painter, path, [], pens.Stroke(color, fill=0.0), host.colors, host.unit)
