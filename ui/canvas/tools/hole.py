"""Canvas, tools: the outline of a hole, drawn into the selected polygon while H is held."""

from __future__ import annotations

from PySide6.QtGui import QPainter

from annotator.domain.geometry import XY, Polygon
from annotator.domain.records import Annotation
from ui.canvas import shaping
from ui.canvas.tools.drawing import CLICK, apart, inside, paint_line, paint_vertices
from ui.canvas.tools.protocol import Host, Pointer
from ui.canvas.tools.taking import editable, target


def hole_target(host: Host) -> Annotation | None:
    """The polygon that a hole would be cut into: the one that is selected alone and not locked."""
    record = target(host)
    if isinstance(record, Annotation) and isinstance(record.geometry, Polygon) and editable(record):
        return record
    return None


class Hole:
    """Clicks set its vertices, a drag traces them; it is cut when H is released or Enter is pressed."""

    def __init__(self) -> None:
        self.open = False
        self._points: list[XY] = []
        self._last: Pointer | None = None

    def begin(self) -> None:
        self.open, self._points, self._last = True, [], None

    def press(self, host: Host, pointer: Pointer) -> None:
        self._points.append(inside(host, pointer))
        self._last = pointer
        host.refresh()

    def move(self, host: Host, pointer: Pointer) -> None:
        if self._last is not None and apart(host, self._last, pointer) >= 2 * CLICK:
            self.press(host, pointer)
        host.refresh()

    def release(self) -> None:
        self._last = None

    def take_back(self) -> None:
        """Removes the last vertex."""
        if self._points:
            self._points.pop()

    def cut(self, host: Host) -> None:
        """Sends the polygon without what was outlined."""
        points, record = self._points, hole_target(host)
        self.abandon()
        if len(points) >= 3 and record is not None and isinstance(record.geometry, Polygon):
            left = shaping.with_hole(record.geometry, tuple(points))
            if left is not None:
                host.change({record.id: left})
        host.refresh()

    def abandon(self) -> None:
        self.open, self._points, self._last = False, [], None

    def paint(self, painter: QPainter, host: Host, pointer: Pointer | None) -> None:
        cursor = [inside(host, pointer)] if pointer is not None else []
        paint_line(painter, host, [*self._points, *cursor])
        paint_vertices(painter, host, self._points)
