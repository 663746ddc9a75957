"""Brightness and contrast of the view; the file is never touched."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from ui.dialogs.popup import Popup
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button, row


class AdjustPopup(Popup):
    """Two sliders from -100 to 100; ``changed`` gives both as -1 to 1."""

    changed = Signal(float, float)

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
        self.body.addLayout(grid)
        self.body.addLayout(row(label(self.tr("Only the view changes."), "caption"), None, reset))
        self._tell()

    def reset(self) -> None:
        """Show the picture as it is."""
        self.brightness.setValue(0)
        self.contrast.setValue(0)

    def _slider(self, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(-100, 100)
        slider.setPageStep(10)
        slider.setAccessibleName(name)
        slider.valueChanged.connect(self._tell)
        return slider

    def _tell(self) -> None:
        if not hasattr(self, "_values"):
            return
        for slider, value in zip((self.brightness, self.contrast), self._values, strict=True):
            value.setText(f"{slider.value():+d}" if slider.value() else "0")
        self.changed.emit(self.brightness.value() / 100, self.contrast.value() / 100)
