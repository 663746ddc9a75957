"""Brightness and contrast of the view, and the window of values of deep pictures; the file is never touched."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from ui.dialogs.popup import Popup
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button, row


class AdjustPopup(Popup):
    """``changed`` gives brightness and contrast as -1 to 1, ``window_changed`` black and white as shares of the range."""

    changed = Signal(float, float)
    window_changed = Signal(float, float)

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, 320)
        self.brightness, self.contrast = self._slider(self.tr("Brightness")), self._slider(self.tr("Contrast"))
        self._values = label("", "caption"), label("", "caption")
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_2)
        for place, (slider, value) in enumerate(zip((self.brightness, self.contrast), self._values, strict=True)):
            value.setFixedWidth(32)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(label(slider.accessibleName()), place, 0)
            grid.addWidget(slider, place, 1)
            grid.addWidget(value, place, 2)
        reset = push_button(self.tr("Reset"), role="compact")
        reset.clicked.connect(self.reset)
        self.low, self.high = self._end(self.tr("Black from"), 0), self._end(self.tr("White from"), 1000)
        self._deep = QWidget()
        deep = QGridLayout(self._deep)
        deep.setContentsMargins(0, 0, 0, 0)
        deep.setHorizontalSpacing(SPACE_2)
        for place, slider in enumerate((self.low, self.high)):
            deep.addWidget(label(slider.accessibleName()), place, 0)
            deep.addWidget(slider, place, 1)
        self.body.addLayout(grid)
        self.body.addWidget(self._deep)
        self.body.addLayout(row(label(self.tr("Only the view changes."), "caption"), None, reset))
        self._tell()

    def show_deep(self, deep: bool) -> None:
        """Offer the window of values, for pictures of more than 8 bits."""
        self._deep.setVisible(deep)
        self.adjustSize()

    def reset(self) -> None:
        """Show the picture as it is."""
        self.low.setValue(0)
        self.high.setValue(1000)
        self.brightness.setValue(0)
        self.contrast.setValue(0)

    def _slider(self, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(-100, 100)
        slider.setPageStep(10)
        slider.setAccessibleName(name)
        slider.valueChanged.connect(self._tell)
        return slider

    def _end(self, name: str, value: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 1000)
        slider.setPageStep(50)
        slider.setValue(value)
        slider.setAccessibleName(name)
        slider.valueChanged.connect(self._tell_window)
        return slider

    def _tell_window(self) -> None:
        self.window_changed.emit(self.low.value() / 1000, self.high.value() / 1000)

    def _tell(self) -> None:
        if not hasattr(self, "_values"):
            return
        for slider, value in zip((self.brightness, self.contrast), self._values, strict=True):
            value.setText(f"{slider.value():+d}" if slider.value() else "0")
        self.changed.emit(self.brightness.value() / 100, self.contrast.value() / 100)
