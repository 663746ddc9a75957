"""Canvas, overlay: what is painted anew in every frame: hovered, selected and moving shapes, handles, chips, guides, the tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from annotator.domain.geometry import Box, GeometryKind, Keypoints, Mask
from annotator.domain.records import Suggestion
from ui.canvas import chips, pens, raster
from ui.canvas.colors import rgb
from ui.canvas.images import pixels_of
from ui.canvas.scene import Record, Style
from ui.canvas.shaping import Handle, Role, handles
from ui.canvas.tools.protocol import Pointer

if TYPE_CHECKING:
    from ui.canvas.view import Canvas

CLOSED = frozenset({GeometryKind.BOX, GeometryKind.ROTATED_BOX, GeometryKind.POLYGON, GeometryKind.MASK})
MOST_LIT = 200
HANDLE_SPACING = 9.0
MOST_HANDLES = 600


def paint(painter: QPainter, canvas: Canvas) -> None:
    """All of the overlay, in screen pixels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    lit = _lit(canvas)
    if len(lit) > MOST_LIT:
        _paint_crowd(painter, canvas, lit)
        lit = canvas.scene.positions({canvas.hovered_id, canvas.active, *list(canvas.previews)[:MOST_LIT]})
    for item in lit:
        _paint_lit(painter, canvas, canvas.scene.records[item], item)
    chosen = canvas.selection if canvas.selection else (canvas.active,)
    if canvas.tool is not None and canvas.tool.edits and len(chosen) == 1:
        record = canvas.scene.get(chosen[0])
        if record is not None and not getattr(record, "locked", False):
            _paint_handles(painter, canvas, record)
    if not canvas.previews:
        _paint_chips(painter, canvas)
    if canvas.tool is not None and canvas.image_size[0]:
        pointer = canvas.tool.pointer
        if canvas.tool.guides and pointer is not None and canvas.mouse_inside:
            _paint_guides(painter, canvas, pointer)
        canvas.tool.paint(painter)
    if canvas.focus_shown:
        painter.setPen(QPen(QColor(canvas.colors.accent), 2 * canvas.unit))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        width, height = canvas.screen_size
        painter.drawRect(QRectF(0, 0, width, height).adjusted(1, 1, -1, -1))


def _lit(canvas: Canvas) -> list[int]:
    """Items that look different from how they rest: in paint order, the moving and the selected ones among them."""
    ids = {*canvas.previews, *canvas.selection, canvas.active, canvas.hovered_id}
    items = np.array(sorted(canvas.scene.positions(ids)), np.int64)
    return canvas.scene.in_paint_order(items).tolist()


def _paint_crowd(painter: QPainter, canvas: Canvas, items: list[int]) -> None:
    """So many selected shapes that each gets a thin bright outline, all drawn at once and kept until something changes."""
    width, height = canvas.screen_size
    key = (canvas.view, width, height)
    if canvas.crowd is None or canvas.crowd[0] != key:
        image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        chosen = np.array([i for i in items if canvas.scene.records[i].id in canvas.selected], np.int64)
        paths = raster.project(canvas.scene, chosen, canvas.view, (0, 0), 1.0)
        rings = raster.mask_rings(canvas.scene, chosen, canvas.view, (0, 0), (width, height))
        paths = raster.with_rings(paths, canvas.scene, rings, (0, 0))
        raster.coarse(pixels_of(image), paths, [rgb(canvas.colors.handle)] * len(canvas.scene.palette))
        canvas.crowd = key, image
    painter.drawImage(0, 0, canvas.crowd[1])


def _paint_lit(painter: QPainter, canvas: Canvas, record: Record, item: int) -> None:
    geometry = canvas.previews.get(record.id, record.geometry)
    selected = record.id in canvas.selected
    active = record.id == canvas.active
    resting = record.id not in canvas.previews
    style = Style(int(canvas.scene.style[item]))
    base = pens.FILL if style is Style.SOLID else pens.FILL_SUGGESTED
    wanted = pens.FILL_HOVERED if record.id == canvas.hovered_id or active else base
    fill = (wanted - base) / (1 - base) if resting else wanted  # the resting shape's own fill lies below
    width = pens.LINE_SELECTED if selected or active else pens.LINE
    stroke = pens.Stroke(canvas.scene.color_of(item), style, fill, width, 6.0 if selected else pens.DOT_RADIUS)
    screen = canvas.screen_size
    skeleton = canvas.skeleton(record)
    path, dots = pens.shape_paths(geometry, canvas.view, (-8, -8, screen[0] + 8, screen[1] + 8), skeleton)
    closed = geometry.kind in CLOSED
    if active:
        glow = QPen(QColor(canvas.colors.handle), (width + 3) * canvas.unit)
        glow.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(glow)
        painter.drawPath(path)
    pens.draw_shape(painter, path, dots, stroke, canvas.colors, canvas.unit, filled=closed)
    if isinstance(geometry, Keypoints):
        pens.draw_keypoint_marks(painter, geometry, canvas.view, stroke, canvas.colors, canvas.unit)


def _paint_handles(painter: QPainter, canvas: Canvas, record: Record) -> None:
    geometry = canvas.previews.get(record.id, record.geometry)
    color = canvas.record_color(record)
    places = handles(geometry, canvas.unit / canvas.view.scale)
    if places and places[-1].role is Role.ROTATE:
        _paint_stem(painter, canvas, places[1], places[-1])
    previous = (-1e9, -1e9)
    width, height = canvas.screen_size
    drawn = 0
    for handle in places:
        x, y = canvas.view.to_screen(handle.x, handle.y)
        near = max(abs(x - previous[0]), abs(y - previous[1])) < HANDLE_SPACING * canvas.unit
        if (near and handle.role is Role.VERTEX) or not (-9 < x < width + 9 and -9 < y < height + 9):
            continue
        pens.draw_handle(painter, x, y, color, canvas.colors, canvas.unit, handle.role is not Role.RESIZE)
        previous = (x, y)
        drawn += 1
        if drawn == MOST_HANDLES:
            break


def _paint_stem(painter: QPainter, canvas: Canvas, top: Handle, knob: Handle) -> None:
    """The line from a rotated box to the handle that turns it."""
    start, end = canvas.view.to_screen(top.x, top.y), canvas.view.to_screen(knob.x, knob.y)
    pens.draw_guide(painter, *start, *end, canvas.colors, canvas.unit)


def _paint_chips(painter: QPainter, canvas: Canvas) -> None:
    scene, view = canvas.scene, canvas.view
    first = frozenset(
        i for i in (canvas.hovered_id, canvas.active, *canvas.selection[: chips.MOST_CHIPS]) if i is not None
    )
    if len(scene) <= chips.MOST_CHIPS:
        records = [scene.records[i] for i in scene.all().tolist()]
    else:
        records = [scene.records[i] for i in scene.positions(first)]
    room = canvas.image_on_screen()
    wanted = []
    for record in chips.order(records, first):
        item = scene.position(record.id)
        if item is None:
            continue
        x1, y1, x2, y2 = scene.bounds_of(item)
        anchor = QRectF(*view.to_screen(x1, y1), (x2 - x1) * view.scale, (y2 - y1) * view.scale)
        if anchor.right() < room.left() or anchor.left() > room.right():
            continue
        text = chips.chip_text(record, canvas.labels, record.id in canvas.pseudo)
        wanted.append(
            chips.Chip(text, scene.color_of(item), anchor, isinstance(record, Suggestion), _peak(canvas, item))
        )
    painter.setFont(chips.chip_font(canvas.font(), canvas.unit))
    placed = chips.place(wanted, room, QFontMetricsF(painter.font()), canvas.unit)
    chips.draw(painter, placed, canvas.colors, canvas.unit)


def _peak(canvas: Canvas, item: int) -> QPointF | None:
    """The topmost vertex on screen, beside which the chip of a shape that does not fill its bounds belongs."""
    scene = canvas.scene
    geometry = scene.records[item].geometry
    if isinstance(geometry, Box):
        return None
    if isinstance(geometry, Mask):
        x1, y1, x2, _ = scene.bounds_of(item)
        return QPointF(*canvas.view.to_screen((x1 + x2) / 2, y1))
    vertices = scene.vertices[scene.item_vertex[item] : scene.item_vertex[item + 1]]
    return QPointF(*canvas.view.to_screen(*vertices[int(np.argmin(vertices[:, 1]))].tolist()))


def _paint_guides(painter: QPainter, canvas: Canvas, pointer: Pointer) -> None:
    room = canvas.image_on_screen()
    x, y = np.floor(pointer.screen_x) + 0.5, np.floor(pointer.screen_y) + 0.5
    if room.left() <= x <= room.right():
        pens.draw_guide(painter, x, room.top(), x, room.bottom(), canvas.colors, canvas.unit)
    if room.top() <= y <= room.bottom():
        pens.draw_guide(painter, room.left(), y, room.right(), y, canvas.colors, canvas.unit)
