"""Canvas, tools: selecting, moving, resizing, turning, and editing vertices. One change is sent when the mouse is released."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QCursor, QPainter, QPen

from annotator.domain.geometry import Geometry
from annotator.domain.records import Annotation, Suggestion
from ui.canvas import shaping
from ui.canvas.colors import with_alpha
from ui.canvas.scene import Record
from ui.canvas.shaping import Handle, Role
from ui.canvas.tools.drawing import CLICK, apart, paint_size
from ui.canvas.tools.hole import Hole, hole_target
from ui.canvas.tools.protocol import Host, KeyPress, Pointer, Tool
from ui.canvas.tools.taking import (
    REACH,
    HandleDrag,
    Insertion,
    Movement,
    Nudge,
    Selection,
    edge_under,
    editable,
    handle_cursor,
    handle_under,
)

LEFT = Qt.MouseButton.LeftButton
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class SelectTool(Tool):
    """Click selects (Shift adds), a drag moves; on empty ground a drag selects what it encloses."""

    name = "select"
    edits = True

    def __init__(self) -> None:
        super().__init__()
        self._press: Pointer | None = None
        self._apply: Callable[[Pointer], dict[UUID, Geometry]] | None = None
        self._changed: dict[UUID, Geometry] = {}
        self._band = False
        self._dragging = False
        self._on_click: Callable[[], None] | None = None
        self._hole = Hole()
        self._nudge = Nudge()

    @property
    def busy(self) -> bool:
        return self._press is not None or self._hole.open

    def attach(self, host: Host | None) -> None:
        self._nudge.flush()
        super().attach(host)
        self._nudge.host = host

    def cursor(self) -> QCursor:
        shape = Qt.CursorShape.ArrowCursor
        if self._hole.open:
            shape = Qt.CursorShape.CrossCursor
        elif self._dragging and self._apply is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.pointer is not None and not self._band:
            shape = self._shape_under(self.pointer)
        return QCursor(shape)

    def _shape_under(self, pointer: Pointer) -> Qt.CursorShape:
        found = handle_under(self.host, pointer)
        if found is not None:
            return handle_cursor(found[1])
        if edge_under(self.host, pointer) is not None:
            return Qt.CursorShape.CrossCursor
        record = self._record_at(pointer)
        return Qt.CursorShape.PointingHandCursor if record is not None else Qt.CursorShape.ArrowCursor

    def _record_at(self, pointer: Pointer) -> Record | None:
        return self.host.at(pointer.x, pointer.y, REACH * self.host.unit / self.host.view.scale)

    def press(self, pointer: Pointer) -> None:
        self._nudge.flush()
        if pointer.button != LEFT:
            self.cancel()
            return
        if self._hole.open:
            self._hole.press(self.host, pointer)
            return
        self._press, self._dragging, self._band, self._on_click, self._apply = pointer, False, False, None, None
        found, edge = handle_under(self.host, pointer), edge_under(self.host, pointer)
        if found is not None and pointer.alt and found[1].role is Role.VERTEX:
            self._remove_vertex(*found)
        elif found is not None:
            self._apply = HandleDrag(self.host, *found)
        elif edge is not None:
            self._apply = Insertion(self.host, *edge)
            self._on_click = self._noop
        else:
            self._press_shape(pointer, self._record_at(pointer))

    def _noop(self) -> None:
        """A click on an edge of the selected shape changes nothing."""

    def _remove_vertex(self, record: Record, handle: Handle) -> None:
        self._press = None
        left = shaping.without_vertex(self.host.geometry(record), handle.key)
        if left is not None:
            self.host.change({record.id: left})

    def _press_shape(self, pointer: Pointer, record: Record | None) -> None:
        host = self.host
        if record is None:
            self._band = True
            if not pointer.shift:
                self._on_click = self._clear
            return
        if isinstance(record, Suggestion):
            if host.active == record.id and not host.selection:
                self._apply = Movement(host, pointer, [record])
            else:
                host.activate(record.id)
            return
        chosen = host.selection
        if pointer.shift:
            chosen = tuple(i for i in chosen if i != record.id) if record.id in chosen else (*chosen, record.id)
            host.select(chosen)
        elif record.id not in chosen:
            chosen = (record.id,)
            host.select(chosen)
        elif len(chosen) > 1:
            self._on_click = Selection(host, record.id)
        if record.id in chosen:
            movable = [r for r in (host.record(i) for i in chosen) if r is not None and editable(r)]
            if editable(record) and movable:
                self._apply = Movement(host, pointer, movable)

    def _clear(self) -> None:
        self.host.select(())

    def move(self, pointer: Pointer) -> None:
        if self._hole.open:
            self._hole.move(self.host, pointer)
            return
        if self._press is None:
            return
        if not self._dragging and apart(self.host, self._press, pointer) < CLICK:
            return
        self._dragging = True
        if self._apply is not None:
            self._changed = self._apply(pointer)
            self.host.preview(self._changed)
        self.host.refresh()

    def release(self, pointer: Pointer) -> None:
        if self._hole.open:
            self._hole.release()
            return
        if self._press is None or pointer.button != LEFT:
            return
        start, dragged, changed = self._press, self._dragging, self._changed
        band, click = self._band, self._on_click
        self._reset()
        if not dragged:
            if click is not None:
                click()
        elif band:
            self._select_within(start, pointer)
        elif changed:
            kept = {i: g for i, g in changed.items() if not shaping.degenerate(g)}
            self.host.change({i: g for i, g in kept.items() if (r := self.host.record(i)) and r.geometry != g})
        self.host.preview({})
        self.host.refresh()

    def _select_within(self, a: Pointer, b: Pointer) -> None:
        scene = self.host.scene
        x1, x2, y1, y2 = min(a.x, b.x), max(a.x, b.x), min(a.y, b.y), max(a.y, b.y)
        held = [scene.records[i] for i in scene.within(x1, y1, x2, y2).tolist()]
        boxes = {r.id: r.geometry.bounds() for r in held if isinstance(r, Annotation)}
        found = tuple(i for i, o in boxes.items() if o and o[0] >= x1 and o[1] >= y1 and o[2] <= x2 and o[3] <= y2)
        before = self.host.selection if b.shift else ()
        self.host.select((*before, *(i for i in found if i not in before)))

    def wants(self, press: KeyPress) -> bool:
        if press.key == Qt.Key.Key_Escape:
            return self.busy or bool(self.host.selection)
        if press.key == Qt.Key.Key_H:
            return self._hole.open or hole_target(self.host) is not None
        if self._hole.open and press.key in (Qt.Key.Key_Backspace, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return True
        return press.key in ARROWS and bool(self.host.selection)

    def key(self, press: KeyPress) -> bool:
        if not self.wants(press):
            return False
        if press.key == Qt.Key.Key_Escape:
            if self.busy:
                self.cancel()
            else:
                self.host.select(())
        elif press.key == Qt.Key.Key_H:
            if not press.repeat:
                self._reset()
                self._hole.begin()
        elif press.key == Qt.Key.Key_Backspace:
            self._hole.take_back()
        elif press.key in ARROWS:
            dx, dy = ARROWS[Qt.Key(press.key)]
            step = 10 if press.shift else 1
            self._nudge.by(dx * step, dy * step)
        else:
            self._hole.cut(self.host)
        self.host.refresh()
        return True

    def key_released(self, press: KeyPress) -> bool:
        if press.key == Qt.Key.Key_H and self._hole.open and not press.repeat:
            self._hole.cut(self.host)
            return True
        return False

    def paint(self, painter: QPainter) -> None:
        if self._hole.open:
            self._hole.paint(painter, self.host, self.pointer)
        elif self._dragging and self._band and self._press is not None and self.pointer is not None:
            a, b, host = self._press, self.pointer, self.host
            start = host.view.to_screen(a.x, a.y)
            painter.setPen(QPen(with_alpha(host.colors.accent, 1.0), host.unit, Qt.PenStyle.SolidLine))
            painter.setBrush(with_alpha(host.colors.accent, 0.15))
            rect = QRectF(start[0], start[1], b.screen_x - start[0], b.screen_y - start[1])
            painter.drawRect(rect.normalized())
        elif self._dragging and len(self._changed) == 1:
            paint_size(painter, self, next(iter(self._changed.values())))

    def cancel(self) -> None:
        self._nudge.flush()
        self._reset()
        if self._host is not None:
            self._host.preview({})
            self._host.refresh()

    def _reset(self) -> None:
        self._press = self._apply = self._on_click = None
        self._hole.abandon()
        self._changed, self._band, self._dragging = {}, False, False
