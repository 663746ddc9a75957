"""Canvas, tools: boxes and rotated boxes, by dragging or by clicks."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QPainter

from annotator.domain.geometry import XY, Box, RotatedBox
from ui.canvas.shaping import LEAST, clamp
from ui.canvas.tools.drawing import CLICK, apart, finish, inside, paint_draft, paint_line, paint_size
from ui.canvas.tools.protocol import KeyPress, Pointer, Tool

LEFT = Qt.MouseButton.LeftButton


class TwoPointTool(Tool):
    """Begins with two points: dragged from one to the other, or clicked. Escape and the other buttons abandon the shape."""

    guides = True

    def __init__(self) -> None:
        super().__init__()
        self._first: Pointer | None = None

    @property
    def busy(self) -> bool:
        return self._first is not None

    def press(self, pointer: Pointer) -> None:
        if pointer.button != LEFT:
            self.cancel()
        elif self._first is None:
            self._first = pointer

    def move(self, pointer: Pointer) -> None:
        self.host.refresh()

    def wants(self, press: KeyPress) -> bool:
        return self.busy and press.key == Qt.Key.Key_Escape

    def key(self, press: KeyPress) -> bool:
        if self.wants(press):
            self.cancel()
            return True
        return False

    def cancel(self) -> None:
        self._first = None
        if self._host is not None:
            self._host.refresh()


class BoxTool(TwoPointTool):
    """A box between two corners: drag, or click twice. Shift makes it square. Ctrl+click: the box around what lies there."""

    name = "box"

    def __init__(self) -> None:
        super().__init__()
        self._clicked = False

    def press(self, pointer: Pointer) -> None:
        if self._first is None:
            self._clicked = False
        super().press(pointer)

    def release(self, pointer: Pointer) -> None:
        if self._first is None or pointer.button != LEFT:
            return
        if not self._clicked and apart(self.host, self._first, pointer) < CLICK:
            if self._first.ctrl:
                self._want()
                return
            self._clicked = True  # the first of two clicks
            return
        box = self._box(pointer)
        self._first = None
        finish(self.host, box)

    def _want(self) -> None:
        assert self._first is not None
        first, self._first = self._first, None
        width, height = self.host.size
        if 0 <= first.x < width and 0 <= first.y < height:
            self.host.want_box(first.x, first.y)
        self.host.refresh()

    def _box(self, pointer: Pointer) -> Box | None:
        if self._first is None:
            return None
        x1, y1 = inside(self.host, self._first)
        x2, y2 = inside(self.host, pointer)
        if pointer.shift:
            width, height = self.host.size
            side = max(abs(x2 - x1), abs(y2 - y1))
            side = min(side, width - x1 if x2 >= x1 else x1, height - y1 if y2 >= y1 else y1)
            x2, y2 = x1 + math.copysign(side, x2 - x1), y1 + math.copysign(side, y2 - y1)
        return Box.of(x1, y1, x2, y2)

    def paint(self, painter: QPainter) -> None:
        box = self._box(self.pointer) if self.pointer is not None else None
        if box is not None:
            paint_draft(painter, self.host, box)
            paint_size(painter, self, box)
        elif self.host.smart.boxes_wanted:
            paint_size(painter, self, None, QCoreApplication.translate("Canvas", "finding the box…"))


class RotatedBoxTool(TwoPointTool):
    """Drag (or click twice) along one side, then move across and click: the box stands on that side. Shift: steps of 15°."""

    name = "rotated_box"

    def __init__(self) -> None:
        super().__init__()
        self._base: tuple[XY, XY] | None = None

    def release(self, pointer: Pointer) -> None:
        if self._first is None or pointer.button != LEFT:
            return
        if self._base is not None:
            box = self._box(pointer)
            self._first = self._base = None
            finish(self.host, box)
        elif apart(self.host, self._first, pointer) >= CLICK:  # nearer, it was a click: the second one is to come
            base = (inside(self.host, self._first), self._end(pointer))
            # Two points beside the image may come to lie on one point of its border: no side to stand on.
            if math.dist(*base) >= LEAST:
                self._base = base
            else:
                self._first = None
        self.host.refresh()

    def _end(self, pointer: Pointer) -> XY:
        assert self._first is not None
        x1, y1 = inside(self.host, self._first)
        x2, y2 = inside(self.host, pointer)
        if pointer.shift:
            length, angle = math.hypot(x2 - x1, y2 - y1), math.degrees(math.atan2(y2 - y1, x2 - x1))
            angle = math.radians(round(angle / 15) * 15)
            x2, y2 = clamp(x1 + length * math.cos(angle), y1 + length * math.sin(angle), self.host.size)
        return x2, y2

    def _box(self, pointer: Pointer) -> RotatedBox | None:
        if self._base is None:
            return None
        (x1, y1), (x2, y2) = self._base
        width = math.hypot(x2 - x1, y2 - y1)
        cos, sin = (x2 - x1) / width, (y2 - y1) / width
        px, py = inside(self.host, pointer)
        height = -(px - x1) * sin + (py - y1) * cos
        cx, cy = (x1 + x2) / 2 - height / 2 * sin, (y1 + y2) / 2 + height / 2 * cos
        return RotatedBox(cx, cy, width, abs(height), math.degrees(math.atan2(sin, cos)))

    def paint(self, painter: QPainter) -> None:
        if self._first is None or self.pointer is None:
            return
        box = self._box(self.pointer)
        if box is not None:
            paint_draft(painter, self.host, box)
            paint_size(painter, self, box)
        else:
            start, end = inside(self.host, self._first), self._end(self.pointer)
            paint_line(painter, self.host, (start, end))
            angle = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
            paint_size(painter, self, None, f"{math.dist(start, end):.0f}  {angle:.0f}°")

    def cancel(self) -> None:
        self._base = None
        super().cancel()
