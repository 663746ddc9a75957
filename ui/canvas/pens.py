"""Canvas, pens: drawing single shapes with QPainter, where they are few, selected, hovered or being drawn.

All coordinates are screen pixels; ``unit`` is the number of device pixels per logical pixel and scales every width.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from annotator.domain.geometry import Geometry, Keypoints, Mask, Visibility
from annotator.domain.records import Skeleton
from ui.canvas import masks
from ui.canvas.colors import RGB, CanvasColors, text_on, with_alpha
from ui.canvas.paths import Outline, outline
from ui.canvas.raster import DASH, DOT, DOT_GAP, GAP
from ui.canvas.scene import Style
from ui.canvas.transform import ViewTransform

LINE, LINE_SELECTED = 2.0, 3.0
FILL, FILL_HOVERED, FILL_SUGGESTED = 0.12, 0.25, 0.06
HANDLE = 8.0
DOT_RADIUS = 4.0
Ring: TypeAlias = tuple[list[list[float]], bool]
"""The [x, y] vertices of a path on screen, and whether it closes."""


class Stroke:
    """How one shape is to look."""

    __slots__ = ("color", "dot", "fill", "style", "width")

    def __init__(
        self, color: RGB, style: Style = Style.SOLID, fill: float = FILL, width: float = LINE, dot: float = DOT_RADIUS
    ) -> None:
        self.color, self.style, self.fill, self.width, self.dot = color, style, fill, width, dot


def polygon(points: NDArray[np.float64]) -> QPolygonF:
    """(n, 2) screen points as Qt's polygon."""
    return QPolygonF([QPointF(x, y) for x, y in points.tolist()])


def shape_paths(
    geometry: Geometry, view: ViewTransform, clip: tuple[int, int, int, int], skeleton: Skeleton | None = None
) -> tuple[QPainterPath, list[QPointF]]:
    """A geometry on screen: its lines as one path (even-odd, so that holes stay open), and its dots."""
    if isinstance(geometry, Mask):
        return _path([(ring.tolist(), True) for ring in masks.screen_paths(geometry, view, clip)]), []
    return outline_paths(outline(geometry, skeleton), view)


def outline_paths(shape: Outline, view: ViewTransform) -> tuple[QPainterPath, list[QPointF]]:
    """An outline on screen, as ``shape_paths`` gives it."""
    return ring_paths([(view.array_to_screen(points).tolist(), closed) for points, closed in shape.paths()])


def ring_paths(rings: list[Ring]) -> tuple[QPainterPath, list[QPointF]]:
    """Paths on screen, as ``shape_paths`` gives them; those of one vertex are dots."""
    dots = [QPointF(*points[0]) for points, _ in rings if len(points) == 1]
    return _path([ring for ring in rings if len(ring[0]) > 1]), dots


def _path(rings: Iterable[Ring]) -> QPainterPath:
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for points, closed in rings:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
        if closed:
            path.closeSubpath()
    return path


def draw_shape(
    painter: QPainter,
    path: QPainterPath,
    dots: list[QPointF],
    stroke: Stroke,
    colors: CanvasColors,
    unit: float,
    filled: bool = True,
) -> None:
    """Fill, halo, line, and dots, in that order."""
    if filled and stroke.fill > 0:
        painter.fillPath(path, _brush(stroke.color, stroke.fill))
    if not path.isEmpty():
        painter.strokePath(path, _pen(colors.halo, stroke.width + 2, stroke.style, unit))
        painter.strokePath(path, _pen(stroke.color, stroke.width, stroke.style, unit))
    for dot in dots:
        draw_dot(painter, dot, stroke.dot, QColor(*stroke.color), QColor(colors.halo), unit)


def draw_dot(painter: QPainter, at: QPointF, radius: float, inside: QColor, rim: QColor, unit: float) -> None:
    """A filled dot with a 1 px rim around it."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(rim)
    painter.drawEllipse(at, (radius + 1) * unit, (radius + 1) * unit)
    painter.setBrush(inside)
    painter.drawEllipse(at, radius * unit, radius * unit)


@lru_cache(maxsize=512)
def _brush(color: RGB, alpha: float) -> QBrush:
    return QBrush(with_alpha(color, alpha))


@lru_cache(maxsize=512)
def _pen(color: str | RGB, width: float, style: Style, unit: float) -> QPen:
    pen = QPen(QColor(color) if isinstance(color, str) else QColor(*color), width * unit)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)  # Qt fills round joins three times as slowly, one arc at each vertex
    if style is Style.SOLID:
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        return pen
    on, off = (DASH, GAP) if style is Style.DASHED else (DOT, DOT_GAP)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([on / width, off / width])
    return pen


def draw_keypoint_marks(
    painter: QPainter, geometry: Keypoints, view: ViewTransform, stroke: Stroke, colors: CanvasColors, unit: float
) -> None:
    """Hollow dots over the keypoints that are hidden in the picture."""
    for x, y, seen in geometry.points:
        if seen == Visibility.HIDDEN:
            at = QPointF(*view.to_screen(x, y))
            draw_dot(painter, at, stroke.dot, QColor(*stroke.color), QColor(colors.halo), unit)
            draw_dot(painter, at, stroke.dot - 2.5, QColor(colors.handle), QColor(*stroke.color), unit)


def draw_handle(
    painter: QPainter,
    x: float,
    y: float,
    color: RGB,
    colors: CanvasColors,
    unit: float,
    round_: bool,
    grow: float = 0.0,
) -> None:
    """A white handle ringed in the label's colour; round ones are vertices, square ones resize."""
    half = (HANDLE / 2 + grow) * unit
    rect = QRectF(x - half, y - half, 2 * half, 2 * half)
    painter.setPen(QPen(QColor(colors.halo), 3.5 * unit))
    painter.setBrush(QColor(colors.handle))
    draw = painter.drawEllipse if round_ else painter.drawRect
    draw(rect)
    painter.setPen(QPen(QColor(*color), 1.5 * unit))
    draw(rect)


def draw_guide(
    painter: QPainter, x1: float, y1: float, x2: float, y2: float, colors: CanvasColors, unit: float
) -> None:
    """A thin line that shows on any picture."""
    for color, width in ((colors.guide_halo, 3.0), (colors.guide, 1.0)):
        painter.setPen(QPen(QColor(color), width * unit))
        painter.drawLine(QPointF(x1, y1), QPointF(x2, y2))


def draw_tag(painter: QPainter, at: QPointF, text: str, color: RGB, colors: CanvasColors, unit: float) -> None:
    """A label beside the cursor, as a click would set it."""
    font = QFont(painter.font())
    font.setPixelSize(max(round(13 * unit), 1))
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text) + 16 * unit, metrics.height() + 6 * unit
    rect = QRectF(at.x() + 14 * unit, at.y() + 10 * unit, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*color))
    painter.drawRoundedRect(rect, 4 * unit, 4 * unit)
    painter.setPen(QColor(text_on(color, colors.chip_dark, colors.chip_light)))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
