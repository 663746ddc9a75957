"""The hands of the end-to-end tests: key presses and mouse events for whichever widget would get them, and nothing else.

Coordinates are those of the image; ``at`` says exactly which image point a mouse event on whole pixels of the screen meets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit, QPushButton, QWidget

from annotator.domain.page import Page
from annotator.domain.records import Annotation
from ui.main_window import MainWindow

Key, Modifier, Button = Qt.Key, Qt.KeyboardModifier, Qt.MouseButton
PLAIN, CTRL, SHIFT = Modifier.NoModifier, Modifier.ControlModifier, Modifier.ShiftModifier
PATIENCE_MS = 60_000
XY = tuple[float, float]


class Hands:
    """Works on one window as a person does."""

    def __init__(self, window: MainWindow, qtbot: Any) -> None:
        self.window = window
        self._qtbot = qtbot

    # --- looking -------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """What is on screen."""
        page = self.window.session.page
        assert page is not None
        return page

    @property
    def last(self) -> Annotation:
        """The annotation of this image that came last."""
        return self.page.annotations[-1]

    def label_of(self, annotation: Annotation) -> str:
        """Its label's name."""
        return self.window.session.labels[annotation.label_id].name

    def until(self, condition: Callable[[], Any], patience_ms: int = PATIENCE_MS) -> None:
        """Let the window live until ``condition`` holds."""
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=patience_ms)

    def until_saved(self) -> None:
        """Wait for the dot."""
        self.until(lambda: self.window.toolbar.saved.state == "saved")

    def until_idle(self) -> None:
        """Wait for all jobs."""
        self.until(lambda: not self.window.jobs.running)

    def dialog(self, kind: type[QDialog] = QDialog) -> Any:
        """The dialog that is open, once it is."""
        found: list[QDialog] = []

        def look() -> bool:
            found[:] = [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]
            return bool(found)

        self.until(look)
        found[-1].activateWindow()
        self.until(found[-1].isActiveWindow)
        return found[-1]

    def type_into(self, field: QWidget, text: str) -> None:
        """Put the cursor into a field and type over what is there, a line at a time."""
        field.setFocus()
        assert field.hasFocus()
        self.key(Key.Key_A, CTRL)
        for number, line in enumerate(text.splitlines()):
            if number:
                self.key(Key.Key_Return)
            self.key(line)

    # --- keys ----------------------------------------------------------------------------------------------------------

    def key(self, key: Qt.Key | str, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        """Press a key, or type text, where the focus is."""
        widget = QApplication.focusWidget() or self.window
        if not isinstance(key, str):
            QTest.keyClick(widget, key, modifier)
        elif key.isascii():
            QTest.keyClicks(widget, key, modifier)
        else:  # such letters come from an input method
            composed = QInputMethodEvent()
            composed.setCommitString(key)
            QApplication.sendEvent(widget, composed)

    def push(self, button: QWidget) -> None:
        """Click a button."""
        assert button.isVisible()
        assert button.isEnabled()
        QTest.mouseClick(button, Button.LeftButton)

    def choose_path(self, path: Path) -> None:
        """Enter a path into the file dialog that is open."""
        dialog = self.dialog(QFileDialog)
        dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
        self.push_in(dialog, dialog.labelText(QFileDialog.DialogLabel.Accept))
        self.back()

    def push_in(self, dialog: QDialog, text: str) -> None:
        """Click the button of a dialog that says ``text``."""
        self.push(next(b for b in dialog.findChildren(QPushButton) if b.text() == text))

    def back(self) -> None:
        """What a window manager does once a dialog has closed: the window is active again."""
        self.until(lambda: QApplication.activeModalWidget() is None)
        self.window.activateWindow()
        self.until(self.window.isActiveWindow)

    def find_image(self, name: str) -> None:
        """Go to an image by its file name: search, Enter; then show the whole queue again."""
        self.key(Key.Key_F, CTRL)
        assert self.window.queue.search.hasFocus()
        self.key(name)
        self.key(Key.Key_Return)
        self.until(lambda: self.page.image.uri.endswith(name))
        self.key(Key.Key_F, CTRL)
        self.key(Key.Key_A, CTRL)
        self.key(Key.Key_Delete)
        self.key(Key.Key_Return)
        self.until(lambda: not self.window.queue.is_filtered())
        assert self.page.image.uri.endswith(name)
        self.until_picture()

    def until_picture(self) -> None:
        """Wait until the picture is on the canvas and the canvas has the keys."""
        canvas = self.window.canvas
        self.until(lambda: all(canvas.image_size))
        canvas.grab()
        assert canvas.hasFocus()

    # --- mouse on the canvas -------------------------------------------------------------------------------------------

    def _pixel(self, x: float, y: float) -> QPoint:
        canvas = self.window.canvas
        sx, sy = canvas.view.to_screen(x, y)
        return QPoint(round(sx / canvas.unit), round(sy / canvas.unit))

    def at(self, x: float, y: float) -> XY:
        """The image point under the screen pixel nearest to (x, y)."""
        canvas, pixel = self.window.canvas, self._pixel(x, y)
        point = canvas.view.to_image(pixel.x() * canvas.unit, pixel.y() * canvas.unit)
        return float(point[0]), float(point[1])

    def move(self, x: float, y: float) -> None:
        """Move the mouse without a button."""
        QTest.mouseMove(self.window.canvas, self._pixel(x, y))

    def click(
        self, x: float, y: float, modifier: Qt.KeyboardModifier = PLAIN, button: Qt.MouseButton | None = None
    ) -> XY:
        """Click; returns the image point that was met."""
        QTest.mouseClick(self.window.canvas, button or Button.LeftButton, modifier, self._pixel(x, y))
        return self.at(x, y)

    def drag(
        self, points: Sequence[XY], modifier: Qt.KeyboardModifier = PLAIN, button: Qt.MouseButton | None = None
    ) -> list[XY]:
        """Drag through ``points``; returns the image points that were met."""
        held, canvas = button or Button.LeftButton, self.window.canvas
        met = [self.at(*point) for point in points]
        pixels = [self._pixel(*point) for point in points]
        QTest.mousePress(canvas, held, modifier, pixels[0])
        for pixel in pixels[1:]:
            QTest.mouseMove(canvas, pixel)
        QTest.mouseRelease(canvas, held, modifier, pixels[-1])
        return met
