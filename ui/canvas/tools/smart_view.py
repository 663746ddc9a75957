"""Canvas, tools: how the smart tool's candidates and prompts look.

The candidate is the machine's voice until it is kept: dashed. Clicks carry a plus or a minus, so that colour is not needed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from annotator.domain.geometry import Box, GeometryKind, Polygon
from annotator.domain.prompt import Prompt, StepKind
from annotator.domain.tracing import box_around, polygon_around
from annotator.jobs.prompting.events import Candidate
from ui.canvas import pens
from ui.canvas.colors import rgb, with_alpha
from ui.canvas.scene import Style
from ui.canvas.tools.protocol import Host

FILL, FILL_HOVER = 0.32, 0.16
MARK = 6.0
COARSENESS = 0.5
MOST_VERTICES_SHOWN = 200


class CandidateView:
    """One candidate, the model's number ``index``, ready to be painted at any zoom. Outlines are made when first needed."""

    def __init__(self, candidate: Candidate, scale: tuple[float, float], index: int = 0) -> None:
        self.candidate = candidate
        self.index = index
        self._scale = scale
        self._path: QPainterPath | None = None
        self._polygon: tuple[float, Polygon | None] | None = None

    def polygon(self, tolerance: float) -> Polygon | None:
        """The polygon that it would become, up to what drawing it to full resolution changes; None when it is empty."""
        if self._polygon is None or self._polygon[0] != tolerance:
            c, (sx, sy) = self.candidate, self._scale
            made = polygon_around(c.mask, tolerance, c.x / sx, c.y / sy, (1 / sx, 1 / sy))
            self._polygon = tolerance, made
        return self._polygon[1]

    def box(self) -> Box | None:
        """Its bounds in the image."""
        found = box_around(self.candidate.mask, self.candidate.x, self.candidate.y)
        if found is None:
            return None
        sx, sy = self._scale
        return Box(found.x1 / sx, found.y1 / sy, found.x2 / sx, found.y2 / sy)

    def covers(self, x: float, y: float) -> bool:
        """Whether an image point lies within."""
        c = self.candidate
        column, row = int(x * self._scale[0]) - c.x, int(y * self._scale[1]) - c.y
        height, width = c.mask.shape
        return 0 <= row < height and 0 <= column < width and bool(c.mask[row, column])

    def path(self) -> QPainterPath:
        """The outline of its pixels in image coordinates, holes included."""
        if self._path is None:
            c = self.candidate
            rings, _ = cv2.findContours(c.mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
            path = QPainterPath()
            path.setFillRule(Qt.FillRule.OddEvenFill)
            for ring in rings:
                points = cv2.approxPolyDP(ring, COARSENESS, True)[:, 0, :]
                placed: NDArray[np.float64] = (points + np.array((c.x + 0.5, c.y + 0.5))) / self._scale
                path.addPolygon(pens.polygon(placed))
                path.closeSubpath()
            self._path = path
        return self._path


def paint_candidate(
    painter: QPainter, host: Host, view: CandidateView, form: GeometryKind, tolerance: float, *, hover: bool = False
) -> None:
    """The mask, filled; its outline as what it will be kept as."""
    place = QTransform(host.view.scale, 0, 0, host.view.scale, host.view.dx, host.view.dy)
    mask = place.map(view.path())
    stroke = pens.Stroke(host.color, Style.DASHED, FILL_HOVER if hover else FILL)
    if hover or form is GeometryKind.MASK:
        pens.draw_shape(painter, mask, [], stroke, host.colors, host.unit)
        return
    painter.fillPath(mask, with_alpha(host.color, FILL))
    shape = view.box() if form is GeometryKind.BOX else view.polygon(tolerance)
    if shape is None:
        return
    screen = host.screen_size
    path, dots = pens.shape_paths(shape, host.view, (-8, -8, screen[0] + 8, screen[1] + 8))
    pens.draw_shape(painter, path, dots, pens.Stroke(host.color, Style.DASHED, 0.0), host.colors, host.unit)
    if isinstance(shape, Polygon):
        _paint_vertices(painter, host, shape)


def _paint_vertices(painter: QPainter, host: Host, polygon: Polygon) -> None:
    points = [p for part in polygon.parts for ring in (part.outer, *part.holes) for p in ring]
    for x, y in points if len(points) <= MOST_VERTICES_SHOWN else ():
        at = QPointF(*host.view.to_screen(x, y))
        pens.draw_dot(painter, at, 2.5, QColor(host.colors.handle), QColor(*host.color), host.unit)


def paint_prompt(painter: QPainter, host: Host, prompt: Prompt) -> None:
    """Clicks as discs with a plus or minus, strokes as lines with one at their start, the box as a thin frame."""
    for step in prompt.steps:
        points = [QPointF(*host.view.to_screen(x, y)) for x, y in step.points]
        if step.kind is StepKind.BOX:
            frame(painter, host, QRectF(points[0], points[1]).normalized())
            continue
        if step.kind is StepKind.STROKE:
            stroke(painter, host, points, step.positive)
        _mark(painter, host, points[0], step.positive)


def frame(painter: QPainter, host: Host, rect: QRectF) -> None:
    """The box of a prompt: a thin frame that shows on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((host.colors.guide_halo, 3.0), (host.colors.guide, 1.0)):
        painter.setPen(QPen(QColor(color), width * host.unit))
        painter.drawRect(rect)


def stroke(painter: QPainter, host: Host, points: list[QPointF], positive: bool) -> None:
    """The way of a stroke; one that takes away is dotted."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    color = QColor(*_ink(host, positive))
    for ink, width in ((QColor(host.colors.halo), 5.0), (color, 3.0)):
        pen = QPen(ink, width * host.unit, Qt.PenStyle.SolidLine if positive else Qt.PenStyle.DotLine)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPolyline(points)


def _mark(painter: QPainter, host: Host, at: QPointF, positive: bool) -> None:
    pens.draw_dot(painter, at, MARK, QColor(*_ink(host, positive)), QColor(host.colors.handle), host.unit)
    reach = (MARK - 2.5) * host.unit
    painter.setPen(QPen(QColor(host.colors.handle), 2 * host.unit))
    painter.drawLine(at - QPointF(reach, 0), at + QPointF(reach, 0))
    if positive:
        painter.drawLine(at - QPointF(0, reach), at + QPointF(0, reach))


def _ink(host: Host, positive: bool) -> tuple[int, int, int]:
    return rgb(host.colors.plus if positive else host.colors.minus)
