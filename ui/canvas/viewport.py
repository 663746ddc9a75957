"""Canvas, viewport: the part of the widget that holds the view: fitting, zooming, panning, and remembering where one was."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.canvas.transform import ViewState, ViewTransform, centered, fitted

FIT_MARGIN = 12.0
SELECTION_MARGIN = 64.0
ZOOM_PER_STEP = 1.2
NOTCH = 120.0


class Viewport(QWidget):
    """A widget that shows part of an image. ``view`` maps image pixels to device pixels."""

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ViewTransform()
        self.image_size = (0, 0)
        self._fitted = True

    @property
    def unit(self) -> float:
        """Device pixels per logical pixel."""
        return self.devicePixelRatioF()

    @property
    def screen_size(self) -> tuple[int, int]:
        """The widget's size in device pixels; a pixel that it covers in part counts."""
        return max(math.ceil(self.width() * self.unit), 1), max(math.ceil(self.height() * self.unit), 1)

    def set_view(self, view: ViewTransform, fitted_: bool = False) -> None:
        """Shows another part; the image cannot be lost from sight."""
        self._fitted = fitted_
        view = self._kept_in_sight(view)
        if view != self.view:
            self.view = view
            self.update()
            self.view_changed.emit()

    def _kept_in_sight(self, view: ViewTransform) -> ViewTransform:
        width, height = self.screen_size
        keep = 40 * self.unit
        low_x, high_x = keep - self.image_size[0] * view.scale, width - keep
        low_y, high_y = keep - self.image_size[1] * view.scale, height - keep
        dx = round(min(max(view.dx, low_x), high_x)) if not low_x <= view.dx <= high_x and low_x < high_x else view.dx
        dy = round(min(max(view.dy, low_y), high_y)) if not low_y <= view.dy <= high_y and low_y < high_y else view.dy
        return ViewTransform(view.scale, dx, dy)

    def fit(self) -> None:
        """Shows the whole image, and goes on doing so when the widget changes its size."""
        if all(self.image_size):
            rect = (0.0, 0.0, float(self.image_size[0]), float(self.image_size[1]))
            self.set_view(fitted(rect, *self.screen_size, FIT_MARGIN * self.unit), fitted_=True)

    def actual_size(self) -> None:
        """One image pixel on one device pixel, around the middle of what is shown."""
        width, height = self.screen_size
        self.set_view(centered(*self.view.to_image(width / 2, height / 2), 1.0, width, height))

    def zoom_to(self, bounds: tuple[float, float, float, float]) -> None:
        """Shows an image rectangle (x1, y1, x2, y2) with some room around it."""
        self.set_view(fitted(bounds, *self.screen_size, SELECTION_MARGIN * self.unit))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zooms around a point of the widget (logical pixels), or around its middle."""
        at = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        self.set_view(self.view.zoomed(self.view.scale * factor, at.x() * self.unit, at.y() * self.unit))

    def pan_by(self, dx: float, dy: float) -> None:
        """Moves the picture by device pixels."""
        self.set_view(self.view.panned(dx, dy))

    def view_state(self) -> ViewState:
        """What to remember of the view."""
        width, height = self.screen_size
        x, y = self.view.to_image(width / 2, height / 2)
        return ViewState(x, y, self.view.scale, self._fitted)

    def set_view_state(self, state: ViewState) -> None:
        """Shows again what was remembered; a fitted view is fitted anew."""
        if state.fitted:
            self.fit()
        else:
            self.set_view(centered(state.center_x, state.center_y, state.scale, *self.screen_size))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
        elif event.oldSize().isValid():
            grown = event.size() - event.oldSize()
            self.set_view(self.view.panned(grown.width() * self.unit / 2, grown.height() * self.unit / 2))

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan_by((angle.x() + angle.y()) * self.unit / 2, 0)
        elif angle.y() or not pixels.isNull():
            steps = angle.y() / NOTCH if angle.y() else pixels.y() / 50
            self.zoom_by(ZOOM_PER_STEP**steps, event.position())
        event.accept()
