"""Canvas, tools: selecting, moving, resizing, turning, and editing vertices. One change is sent when the mouse is released."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from PySide6.QtCore import QObject, QRectF, Qt, QTimer
from PySide6.QtGui import QCursor, QPainter, QPen

from annotator.domain.geometry import XY, Geometry, Polygon, Polyline
from annotator.domain.records import Annotation, Suggestion
from ui.canvas import hit, shaping
from ui.canvas.colors import with_alpha
from ui.canvas.paths import outline
from ui.canvas.scene import Record
from ui.canvas.shaping import Handle, Role
from ui.canvas.tools.drawing import CLICK, apart, inside, paint_line, paint_size, paint_vertices
from ui.canvas.tools.protocol import Host, KeyPress, Pointer, Tool

LEFT = Qt.MouseButton.LeftButton
REACH = 5.0
HANDLE_REACH = 7.0
NUDGE_PAUSE_MS = 400
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


def editable(record: Record | None) -> bool:
    """A locked annotation cannot be changed; a suggestion can, and is corrected by it."""
    return record is not None and not (isinstance(record, Annotation) and record.locked)


def target(host: Host) -> Record | None:
    """The one shape whose handles are shown: the only selected annotation, else the active suggestion."""
    if len(host.selection) == 1:
        return host.record(host.selection[0])
    return host.record(host.active) if not host.selection else None


def handle_under(host: Host, pointer: Pointer) -> tuple[Record, Handle] | None:
    """The nearest handle of the target within reach of the pointer."""
    record = target(host)
    if record is None or not editable(record):
        return None
    scale = host.view.scale
    reach = HANDLE_REACH * host.unit / scale
    best: tuple[float, Handle] | None = None
    for handle in shaping.handles(host.geometry(record), host.unit / scale):
        distance = max(abs(handle.x - pointer.x), abs(handle.y - pointer.y))
        if distance <= reach and (best is None or distance < best[0]):
            best = distance, handle
    return (record, best[1]) if best else None


def edge_under(host: Host, pointer: Pointer) -> tuple[Record, tuple[int, int, int]] | None:
    """The edge of the target's polygon or line under the pointer, as the key of its first vertex."""
    record = target(host)
    if record is None or not editable(record):
        return None
    geometry = host.geometry(record)
    if not isinstance(geometry, Polygon | Polyline):
        return None
    keys = (
        [(p, r) for p, part in enumerate(geometry.parts) for r in range(1 + len(part.holes))]
        if isinstance(geometry, Polygon)
        else [(0, 0)]
    )
    reach = REACH * host.unit / host.view.scale
    for (p, r), (points, closed) in zip(keys, outline(geometry).paths(), strict=True):
        segment = hit.segment_at(points, closed, pointer.x, pointer.y, reach)
        if segment is not None:
            return record, (p, r, segment)
    return None


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
        self._hole: list[XY] | None = None
        self._nudge = Nudge()

    @property
    def busy(self) -> bool:
        return self._press is not None or self._hole is not None

    def attach(self, host: Host | None) -> None:
        self._nudge.flush()
        super().attach(host)
        self._nudge.host = host

    def cursor(self) -> QCursor:
        shape = Qt.CursorShape.ArrowCursor
        if self._hole is not None:
            shape = Qt.CursorShape.CrossCursor
        elif self._dragging and self._apply is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.pointer is not None and not self._band:
            shape = self._shape_under(self.pointer)
        return QCursor(shape)

    def _shape_under(self, pointer: Pointer) -> Qt.CursorShape:
        found = handle_under(self.host, pointer)
        if found is not None:
            return _handle_cursor(found[1])
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
        if self._hole is not None:
            self._hole.append(inside(self.host, pointer))
            self._press = pointer
            return
        self._press, self._dragging, self._band, self._on_click, self._apply = pointer, False, False, None, None
        found, edge = handle_under(self.host, pointer), edge_under(self.host, pointer)
        if found is not None and pointer.alt and found[1].role is Role.VERTEX:
            self._remove_vertex(*found)
        elif found is not None:
            self._apply = _HandleDrag(self.host, *found)
        elif edge is not None:
            self._apply = _Insertion(self.host, *edge)
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
                self._apply = _Movement(host, pointer, [record])
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
            self._on_click = _Selection(host, record.id)
        if record.id in chosen:
            movable = [r for r in (host.record(i) for i in chosen) if r is not None and editable(r)]
            if editable(record) and movable:
                self._apply = _Movement(host, pointer, movable)

    def _clear(self) -> None:
        self.host.select(())

    def move(self, pointer: Pointer) -> None:
        if self._hole is not None:
            if self._press is not None and apart(self.host, self._press, pointer) >= 2 * CLICK:
                self._hole.append(inside(self.host, pointer))
                self._press = pointer
            self.host.refresh()
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
        if self._hole is not None:
            self._press = None
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
            return self._hole is not None or self._hole_target() is not None
        if self._hole is not None and press.key in (Qt.Key.Key_Backspace, Qt.Key.Key_Return, Qt.Key.Key_Enter):
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
                self._hole = []
        elif press.key == Qt.Key.Key_Backspace:
            self._hole = (self._hole or [])[:-1]
        elif press.key in ARROWS:
            dx, dy = ARROWS[Qt.Key(press.key)]
            step = 10 if press.shift else 1
            self._nudge.by(dx * step, dy * step)
        else:
            self._cut()
        self.host.refresh()
        return True

    def key_released(self, press: KeyPress) -> bool:
        if press.key == Qt.Key.Key_H and self._hole is not None and not press.repeat:
            self._cut()
            return True
        return False

    def _hole_target(self) -> Annotation | None:
        record = target(self.host)
        holds = isinstance(record, Annotation) and isinstance(record.geometry, Polygon) and editable(record)
        return record if holds and isinstance(record, Annotation) else None

    def _cut(self) -> None:
        hole, record = self._hole, self._hole_target()
        self._hole = self._press = None
        if hole and len(hole) >= 3 and record is not None and isinstance(record.geometry, Polygon):
            cut = shaping.with_hole(record.geometry, tuple(hole))
            if cut is not None:
                self.host.change({record.id: cut})
        self.host.refresh()

    def paint(self, painter: QPainter) -> None:
        if self._hole:
            cursor = [inside(self.host, self.pointer)] if self.pointer is not None else []
            paint_line(painter, self.host, [*self._hole, *cursor])
            paint_vertices(painter, self.host, self._hole)
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
        self._press = self._apply = self._on_click = self._hole = None
        self._changed, self._band, self._dragging = {}, False, False


class _HandleDrag:
    """Brings a handle to the pointer, keeping the distance at which it was taken."""

    def __init__(self, host: Host, record: Record, handle: Handle) -> None:
        self._host, self._record, self._handle = host, record, handle
        self._geometry = host.geometry(record)

    def __call__(self, pointer: Pointer) -> dict[UUID, Geometry]:
        size = self._host.size
        changed = shaping.dragged(self._geometry, self._handle, pointer.x, pointer.y, size, pointer.shift)
        return {self._record.id: changed}


class _Insertion:
    """Pulls a new vertex out of an edge."""

    def __init__(self, host: Host, record: Record, key: tuple[int, int, int]) -> None:
        self._host, self._record, self._key = host, record, key
        self._geometry = host.geometry(record)

    def __call__(self, pointer: Pointer) -> dict[UUID, Geometry]:
        geometry = self._geometry
        assert isinstance(geometry, Polygon | Polyline)
        return {self._record.id: shaping.with_vertex(geometry, self._key, *inside(self._host, pointer))}


class _Movement:
    """Moves shapes together, as far as the image's border lets them all."""

    def __init__(self, host: Host, start: Pointer, records: list[Record]) -> None:
        self._host, self._start = host, start
        self._geometries = {r.id: host.geometry(r) for r in records}

    def __call__(self, pointer: Pointer) -> dict[UUID, Geometry]:
        dx, dy = pointer.x - self._start.x, pointer.y - self._start.y
        return moved_together(self._geometries, dx, dy, self._host.size)


def moved_together(geometries: dict[UUID, Geometry], dx: float, dy: float, size: shaping.Size) -> dict[UUID, Geometry]:
    """All geometries by the same offset, shortened so that none leaves the image."""
    dx, dy = shaping.move_limits(list(geometries.values()), dx, dy, size)
    return {i: g.moved(dx, dy) for i, g in geometries.items()}


class _Selection:
    """A click, not a drag, on one of several selected shapes selects it alone."""

    def __init__(self, host: Host, item_id: UUID) -> None:
        self._host, self._id = host, item_id

    def __call__(self) -> None:
        self._host.select((self._id,))


class Nudge(QObject):
    """Moves by arrow keys: shown at once, sent as one change when no key has come for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.host: Host | None = None
        self._geometries: dict[UUID, Geometry] = {}
        self._offset = (0.0, 0.0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NUDGE_PAUSE_MS)
        self._timer.timeout.connect(self.flush)

    def by(self, dx: float, dy: float) -> None:
        """Moves the selection a step further."""
        host = self.host
        if host is None:
            return
        if not self._geometries:
            records = [host.record(i) for i in host.selection]
            self._geometries = {r.id: r.geometry for r in records if r is not None and editable(r)}
            self._offset = (0.0, 0.0)
        wanted = self._offset[0] + dx, self._offset[1] + dy
        self._offset = shaping.move_limits(list(self._geometries.values()), *wanted, host.size)
        host.preview({i: g.moved(*self._offset) for i, g in self._geometries.items()})
        self._timer.start()

    def flush(self) -> None:
        """Sends what has been moved so far."""
        self._timer.stop()
        geometries, offset = self._geometries, self._offset
        self._geometries, self._offset = {}, (0.0, 0.0)
        if self.host is not None and geometries:
            if any(offset):
                self.host.change({i: g.moved(*offset) for i, g in geometries.items()})
            self.host.preview({})


def _handle_cursor(handle: Handle) -> Qt.CursorShape:
    if handle.role is Role.ROTATE:
        return Qt.CursorShape.OpenHandCursor
    if handle.role is Role.VERTEX:
        return Qt.CursorShape.SizeAllCursor
    sx, sy = handle.key
    if sx and sy:
        return Qt.CursorShape.SizeFDiagCursor if sx == sy else Qt.CursorShape.SizeBDiagCursor
    return Qt.CursorShape.SizeHorCursor if sx else Qt.CursorShape.SizeVerCursor
