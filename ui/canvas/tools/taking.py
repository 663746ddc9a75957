"""Canvas, tools: what of a shape is under the mouse, and what happens to it while it is dragged."""

from __future__ import annotations

from uuid import UUID

from PySide6.QtCore import QObject, Qt, QTimer

from annotator.domain.geometry import Geometry, Polygon, Polyline
from annotator.domain.records import Annotation
from ui.canvas import hit, shaping
from ui.canvas.paths import outline
from ui.canvas.scene import Record
from ui.canvas.shaping import Handle, Role
from ui.canvas.tools.drawing import inside
from ui.canvas.tools.protocol import Host, Pointer

REACH = 5.0
HANDLE_REACH = 7.0
NUDGE_PAUSE_MS = 400


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


class HandleDrag:
    """Brings a handle to the pointer, keeping the distance at which it was taken."""

    def __init__(self, host: Host, record: Record, handle: Handle) -> None:
        self._host, self._record, self._handle = host, record, handle
        self._geometry = host.geometry(record)

    def __call__(self, pointer: Pointer) -> dict[UUID, Geometry]:
        size = self._host.size
        changed = shaping.dragged(self._geometry, self._handle, pointer.x, pointer.y, size, pointer.shift)
        return {self._record.id: changed}


class Insertion:
    """Pulls a new vertex out of an edge."""

    def __init__(self, host: Host, record: Record, key: tuple[int, int, int]) -> None:
        self._host, self._record, self._key = host, record, key
        self._geometry = host.geometry(record)

    def __call__(self, pointer: Pointer) -> dict[UUID, Geometry]:
        geometry = self._geometry
        assert isinstance(geometry, Polygon | Polyline)
        return {self._record.id: shaping.with_vertex(geometry, self._key, *inside(self._host, pointer))}


class Movement:
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


class Selection:
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


def handle_cursor(handle: Handle) -> Qt.CursorShape:
    if handle.role is Role.ROTATE:
        return Qt.CursorShape.OpenHandCursor
    if handle.role is Role.VERTEX:
        return Qt.CursorShape.SizeAllCursor
    sx, sy = handle.key
    if sx and sy:
        return Qt.CursorShape.SizeFDiagCursor if sx == sy else Qt.CursorShape.SizeBDiagCursor
    return Qt.CursorShape.SizeHorCursor if sx else Qt.CursorShape.SizeVerCursor
