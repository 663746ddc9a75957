"""Canvas, tools: polygons and lines, by clicks or by tracing with the button held."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from annotator.domain.geometry import XY, Geometry, Polygon, Polyline
from ui.canvas.tools.drawing import apart, finish, inside, paint_draft, paint_line, paint_size, paint_vertices
from ui.canvas.tools.protocol import KeyPress, Pointer, Tool

LEFT = Qt.MouseButton.LeftButton
CLOSE_REACH = 10.0
TRACE_STEP = 6.0
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PathTool(Tool):
    """What polygon and line share: a growing list of vertices. Backspace or Ctrl+Z takes the last one back, Esc all."""

    guides = True
    least = 2

    def __init__(self) -> None:
        super().__init__()
        self._points: list[XY] = []
        self._last: Pointer | None = None
        self._traced = False

    @property
    def busy(self) -> bool:
        return bool(self._points)

    def shape(self, points: list[XY]) -> Geometry:
        """The geometry of enough vertices."""
        raise AssertionError("a path tool says what it draws")

    def closes(self, pointer: Pointer) -> bool:
        """Whether a click here ends the shape."""
        return False

    def press(self, pointer: Pointer) -> None:
        if pointer.button != LEFT:
            return
        self._traced = False
        if self.closes(pointer):
            self._finish()
            return
        self._add(inside(self.host, pointer))
        self._last = pointer

    def _add(self, point: XY) -> None:
        if not self._points or math.dist(self._points[-1], point) > 1e-9:
            self._points.append(point)
        self.host.refresh()

    def move(self, pointer: Pointer) -> None:
        if self._last is not None and apart(self.host, self._last, pointer) >= TRACE_STEP:
            self._add(inside(self.host, pointer))
            self._last, self._traced = pointer, True
        self.host.refresh()

    def release(self, pointer: Pointer) -> None:
        self._last = None
        if self._traced and self.closes(pointer):
            self._finish()
        self._traced = False

    def double(self, pointer: Pointer) -> bool:
        """The second click of a double-click ends the shape; its first click has set the last vertex."""
        if len(self._points) >= self.least:
            self._finish()
        else:
            self.press(pointer)
        return True

    def _finish(self) -> None:
        points, self._points, self._last = self._points, [], None
        finish(self.host, self.shape(points) if len(points) >= self.least else None)

    def wants(self, press: KeyPress) -> bool:
        undo = press.key == Qt.Key.Key_Z and press.modifiers == Qt.KeyboardModifier.ControlModifier
        return self.busy and (press.key in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace, *ENTER) or undo)

    def key(self, press: KeyPress) -> bool:
        if not self.wants(press):
            return False
        if press.key == Qt.Key.Key_Escape:
            self.cancel()
        elif press.key in ENTER:
            if len(self._points) >= self.least:
                self._finish()
        else:
            self._points.pop()
            self.host.refresh()
        return True

    def cancel(self) -> None:
        self._points, self._last = [], None
        if self._host is not None:
            self._host.refresh()

    def paint(self, painter: QPainter) -> None:
        if not self._points or self.pointer is None:
            return
        closes = self.closes(self.pointer)
        points = [*self._points] if closes else [*self._points, inside(self.host, self.pointer)]
        if isinstance(self, PolygonTool) and len(points) >= 3:
            paint_draft(painter, self.host, Polygon.of(points))
        else:
            paint_line(painter, self.host, points)
        paint_vertices(painter, self.host, self._points, 0 if closes else None)
        if len(points) >= 2:
            paint_size(painter, self, Polyline(tuple(points)))


class PolygonTool(PathTool):
    """Enter, a double-click or a click on the first vertex, which grows when that is possible, closes the polygon."""

    name = "polygon"
    least = 3

    def shape(self, points: list[XY]) -> Geometry:
        return Polygon.of(points)

    def closes(self, pointer: Pointer) -> bool:
        if len(self._points) < 3:
            return False
        x, y = self.host.view.to_screen(*self._points[0])
        return math.hypot(x - pointer.screen_x, y - pointer.screen_y) <= CLOSE_REACH * self.host.unit


class PolylineTool(PathTool):
    """Enter or a double-click ends the line."""

    name = "polyline"

    def shape(self, points: list[XY]) -> Geometry:
        return Polyline(tuple(points))
