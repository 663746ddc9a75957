"""Canvas, tools: what the drawing tools share: painting the unfinished shape, its size beside the cursor, and handing it over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from annotator.domain.geometry import XY, Geometry
from annotator.domain.records import Skeleton
from ui.canvas import chips, pens
from ui.canvas.paths import Outline
from ui.canvas.shaping import clamp, degenerate, describe
from ui.canvas.tools.protocol import Host, Pointer, Tool

CLICK = 4.0


def inside(host: Host, pointer: Pointer) -> XY:
    """The pointer's image point, brought into the image."""
    return clamp(pointer.x, pointer.y, host.size)


def apart(host: Host, a: Pointer, b: Pointer) -> float:
    """Distance on screen in logical pixels."""
    return float(np.hypot(a.screen_x - b.screen_x, a.screen_y - b.screen_y)) / host.unit


def finish(host: Host, geometry: Geometry | None) -> None:
    """Hands over a drawn shape, unless it is too small to be meant."""
    if geometry is not None and not degenerate(geometry):
        host.draw(geometry)
    host.refresh()


def everywhere(host: Host) -> tuple[int, int, int, int]:
    """A clip that holds all of the image on screen as far as it can matter."""
    x1, y1 = host.view.to_screen(0, 0)
    x2, y2 = host.view.to_screen(*host.size)
    return int(max(x1, -20000)), int(max(y1, -20000)), int(min(x2, 40000)), int(min(y2, 40000))


def paint_draft(painter: QPainter, host: Host, geometry: Geometry, skeleton: Skeleton | None = None) -> None:
    """A shape being drawn, in the current label's colour."""
    path, dots = pens.shape_paths(geometry, host.view, everywhere(host), skeleton)
    pens.draw_shape(painter, path, dots, pens.Stroke(host.color), host.colors, host.unit)


def paint_line(painter: QPainter, host: Host, points: Sequence[XY]) -> None:
    """An open line being drawn."""
    if len(points) >= 2:
        shape = Outline(np.array(points, dtype=np.float64), (len(points),), (False,))
        path, dots = pens.outline_paths(shape, host.view)
        pens.draw_shape(painter, path, dots, pens.Stroke(host.color, fill=0.0), host.colors, host.unit)


def paint_vertices(painter: QPainter, host: Host, points: Sequence[XY], grown: int | None = None) -> None:
    """Round handles on the vertices so far; ``grown`` is the one that shows that a click there closes the shape."""
    for number, (x, y) in enumerate(points):
        grow = 3.0 if number == grown else -1.0
        pens.draw_handle(painter, *host.view.to_screen(x, y), host.color, host.colors, host.unit, True, grow)


def paint_size(painter: QPainter, tool: Tool, geometry: Geometry | None, text: str = "") -> None:
    """The size of a shape, or a text, beside the cursor."""
    pointer, host = tool.pointer, tool.host
    text = text or (describe(geometry) if geometry is not None else "")
    if pointer is None or not text:
        return
    painter.setFont(chips.chip_font(painter.font(), host.unit))
    room = QRectF(0, 0, *host.screen_size)
    chips.note(painter, QPointF(pointer.screen_x, pointer.screen_y), text, room, host.colors, host.unit)
