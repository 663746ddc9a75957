"""Canvas, input: where mouse and keys go: Space and the middle button pan, a few keys set the view, the rest is the tool's."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.canvas.tools.protocol import KeyPress, Pointer, Tool
from ui.canvas.viewport import NOTCH, Viewport

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class InputWidget(Viewport):
    """Routes events to the tool. Image coordinates in ``cursor_moved``."""

    cursor_moved = Signal(float, float)
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool | None = None
        self.focus_shown = False
        self.mouse_inside = False
        self._space = False
        self._pan_from: QPointF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def pointer_of(self, event: QMouseEvent | QWheelEvent) -> Pointer:
        """A mouse event in image coordinates."""
        at = event.position() * self.unit
        x, y = self.view.to_image(at.x(), at.y())
        button = event.button() if isinstance(event, QMouseEvent) else Qt.MouseButton.NoButton
        return Pointer(x, y, at.x(), at.y(), button, event.buttons(), event.modifiers())

    def event(self, event: QEvent) -> bool:
        """Keys that the tool wants are not left to the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            space = event.key() == Qt.Key.Key_Space and not event.modifiers()
            if space or (self.tool is not None and self.tool.wants(_press(event))):
                event.accept()
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        pointer = self.pointer_of(event)
        if event.button() == MIDDLE or (self._space and event.button() == LEFT):
            self._pan_from = event.position()
        elif self.tool is not None and all(self.image_size):
            self.tool.pointer = pointer
            self.tool.press(pointer)
        self.update_cursor()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        pointer = self.pointer_of(event)
        if self._pan_from is not None:
            moved = (event.position() - self._pan_from) * self.unit
            self.pan_by(moved.x(), moved.y())
            self._pan_from += QPointF(round(moved.x()), round(moved.y())) / self.unit
        elif self.tool is not None and all(self.image_size):
            self.tool.pointer = pointer
            self.tool.move(pointer)
            self.hover(pointer)
            if self.tool.guides:
                self.update()
        self.update_cursor()
        self.cursor_moved.emit(pointer.x, pointer.y)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pointer = self.pointer_of(event)
        if self._pan_from is not None and event.button() in (MIDDLE, LEFT):
            self._pan_from = None
        elif self.tool is not None and all(self.image_size):
            self.tool.pointer = pointer
            self.tool.release(pointer)
        self.update_cursor()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        pointer = self.pointer_of(event)
        if self.tool is not None and all(self.image_size) and not self._space and event.button() == LEFT:
            self.tool.pointer = pointer
            if self.tool.double(pointer):
                event.accept()
                return
        if event.button() == LEFT:
            self.fit()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.tool is not None:
            pointer = self.pointer_of(event)
            self.tool.pointer = pointer
            if self.tool.wheel(steps, pointer):
                event.accept()
                return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        press = _press(event)
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if self.tool is not None and self.tool.key(press):
            event.accept()
        elif press.key == Qt.Key.Key_Space and plain:
            self._space = True
            event.accept()
        elif press.key == Qt.Key.Key_Delete and plain:
            self.delete_requested.emit()
            event.accept()
        elif plain and self.view_key(press.key):
            event.accept()
        else:
            super().keyPressEvent(event)
        self.update_cursor()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
        elif self.tool is None or not self.tool.key_released(_press(event)):
            super().keyReleaseEvent(event)
        self.update_cursor()

    def view_key(self, key: int) -> bool:
        """The keys of the view: 0 is 1:1, F fits."""
        if key == Qt.Key.Key_0:
            self.actual_size()
        elif key == Qt.Key.Key_F:
            self.fit()
        else:
            return False
        return True

    def hover(self, pointer: Pointer) -> None:
        """The mouse moved without a button; subclasses look what lies under it."""

    def update_cursor(self) -> None:
        """Shows the cursor of what a press would do now."""
        if self._pan_from is not None:
            cursor = QCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            cursor = QCursor(Qt.CursorShape.OpenHandCursor)
        elif self.tool is not None and all(self.image_size):
            cursor = self.tool.cursor()
        else:
            cursor = QCursor(Qt.CursorShape.ArrowCursor)
        if cursor.shape() != self.cursor().shape() or cursor.shape() == Qt.CursorShape.BitmapCursor:
            self.setCursor(cursor)

    def enterEvent(self, event: QEvent) -> None:
        self.mouse_inside = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.mouse_inside = False
        if self.tool is not None and not self.tool.busy:
            self.tool.pointer = None
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.focus_shown = event.reason() in KEYBOARD_REASONS
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.focus_shown = self._space = False
        self._pan_from = None
        self.update()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab walks the suggestions here, which is the window's business."""
        return False


def _press(event: QKeyEvent) -> KeyPress:
    return KeyPress(event.key(), event.modifiers(), event.isAutoRepeat())
