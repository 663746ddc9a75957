"""Canvas, tools: single points, keypoints along the label's skeleton, and tags, which have no place."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtGui import QCursor, QPainter

from annotator.domain.geometry import Keypoints, Point, Tag, Visibility
from annotator.domain.records import Skeleton
from ui.canvas import pens
from ui.canvas.tools.drawing import finish, inside, paint_draft, paint_size
from ui.canvas.tools.protocol import KeyPress, Pointer, Tool

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
SKIP = Qt.Key.Key_N
SEEN = {True: Visibility.HIDDEN, False: Visibility.VISIBLE}


class PointTool(Tool):
    """A point where the button is released, so that it can still be moved into place."""

    name = "point"
    guides = True

    def __init__(self) -> None:
        super().__init__()
        self._held = False

    @property
    def busy(self) -> bool:
        return self._held

    def press(self, pointer: Pointer) -> None:
        self._held = pointer.button == LEFT
        self.host.refresh()

    def release(self, pointer: Pointer) -> None:
        if self._held:
            self._held = False
            finish(self.host, Point(*inside(self.host, pointer)))

    def double(self, pointer: Pointer) -> bool:
        self.press(pointer)
        return True

    def paint(self, painter: QPainter) -> None:
        if self.pointer is not None:
            point = Point(*inside(self.host, self.pointer))
            if self._held:
                paint_draft(painter, self.host, point)
            paint_size(painter, self, point)

    def wants(self, press: KeyPress) -> bool:
        return self._held and press.key == Qt.Key.Key_Escape

    def key(self, press: KeyPress) -> bool:
        wanted = self.wants(press)
        if wanted:
            self.cancel()
        return wanted

    def cancel(self) -> None:
        self._held = False
        if self._host is not None:
            self._host.refresh()


class KeypointsTool(Tool):
    """One click for each point of the current label's skeleton; Shift marks it hidden, N or the right button skips it.

    Backspace takes the last one back, Enter ends early, Esc abandons. A label without a skeleton takes points until Enter.
    """

    name = "keypoints"
    guides = True

    def __init__(self) -> None:
        super().__init__()
        self._points: list[tuple[float, float, int]] = []

    @property
    def busy(self) -> bool:
        return bool(self._points)

    @property
    def skeleton(self) -> Skeleton | None:
        label = self.host.label
        return label.skeleton if label is not None else None

    def press(self, pointer: Pointer) -> None:
        if pointer.button == LEFT:
            self._add((*inside(self.host, pointer), SEEN[pointer.shift]))
        elif pointer.button == RIGHT:
            self._skip()

    def double(self, pointer: Pointer) -> bool:
        self.press(pointer)
        return True

    def move(self, pointer: Pointer) -> None:
        self.host.refresh()

    def _skip(self) -> None:
        if self.skeleton is not None:
            self._add((0.0, 0.0, Visibility.ABSENT))

    def _add(self, point: tuple[float, float, int]) -> None:
        self._points.append(point)
        if self.skeleton is not None and len(self._points) == len(self.skeleton.points):
            self._finish()
        self.host.refresh()

    def _finish(self) -> None:
        points, self._points = self._points, []
        missing = len(self.skeleton.points) - len(points) if self.skeleton is not None else 0
        points += [(0.0, 0.0, Visibility.ABSENT)] * missing
        placed = any(seen != Visibility.ABSENT for *_, seen in points)
        finish(self.host, Keypoints(tuple(points)) if placed else None)

    def wants(self, press: KeyPress) -> bool:
        keys = (Qt.Key.Key_Escape, Qt.Key.Key_Backspace, *ENTER)
        return (press.key == SKIP and self.skeleton is not None) or (self.busy and press.key in keys)

    def key(self, press: KeyPress) -> bool:
        if not self.wants(press):
            return False
        if press.key == SKIP:
            self._skip()
        elif press.key == Qt.Key.Key_Escape:
            self.cancel()
        elif press.key == Qt.Key.Key_Backspace:
            self._points.pop()
        else:
            self._finish()
        self.host.refresh()
        return True

    def paint(self, painter: QPainter) -> None:
        host = self.host
        if self._points:
            draft = Keypoints(tuple(self._points))
            paint_draft(painter, host, draft, self.skeleton)
            pens.draw_keypoint_marks(painter, draft, host.view, pens.Stroke(host.color), host.colors, host.unit)
        if self.pointer is not None:
            self._paint_lead(painter, self.pointer)
            paint_size(painter, self, None, self._prompt())

    def _paint_lead(self, painter: QPainter, pointer: Pointer) -> None:
        """Lines from the points placed to where the next one would be."""
        host, skeleton, number = self.host, self.skeleton, len(self._points)
        for a, b in skeleton.edges if skeleton is not None else ():
            other = a if b == number else b if a == number else None
            if other is not None and other < number and self._points[other][2] != Visibility.ABSENT:
                x, y = host.view.to_screen(self._points[other][0], self._points[other][1])
                pens.draw_guide(painter, x, y, pointer.screen_x, pointer.screen_y, host.colors, host.unit)

    def _prompt(self) -> str:
        number, skeleton = len(self._points), self.skeleton
        if skeleton is None:
            return QCoreApplication.translate("Canvas", "Point {0} · Enter ends").format(number + 1)
        name, total = skeleton.points[number], len(skeleton.points)
        text = QCoreApplication.translate("Canvas", "{0}  {1}/{2} · Shift hidden · N skip")
        return text.format(name, number + 1, total)

    def cancel(self) -> None:
        self._points = []
        if self._host is not None:
            self._host.refresh()


class TagTool(Tool):
    """A click anywhere on the picture tags the whole image with the current label."""

    name = "tag"

    def cursor(self) -> QCursor:
        return QCursor(Qt.CursorShape.PointingHandCursor)

    def press(self, pointer: Pointer) -> None:
        width, height = self.host.size
        if pointer.button == LEFT and 0 <= pointer.x <= width and 0 <= pointer.y <= height:
            self.host.draw(Tag())

    def move(self, pointer: Pointer) -> None:
        self.host.refresh()

    def paint(self, painter: QPainter) -> None:
        label = self.host.label
        if self.pointer is not None and label is not None:
            at = QPointF(self.pointer.screen_x, self.pointer.screen_y)
            pens.draw_tag(painter, at, label.name, self.host.color, self.host.colors, self.host.unit)
