"""What the smart tool keeps a mask as, how closely a polygon follows it, and whether hovering shows masks; remembered."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from annotator.domain.geometry import GeometryKind
from annotator.settings import AppSettings
from ui.canvas.tools.smart_talk import FORMS, LEAST_TOLERANCE, MOST_TOLERANCE, SmartOptions


class SmartChoices(QObject):
    """Changes ``options``, which the canvas reads, and keeps them in the settings."""

    changed = Signal()

    def __init__(self, options: SmartOptions, settings: AppSettings, parent: QObject) -> None:
        super().__init__(parent)
        self.options = options
        self._settings = settings
        self._restore()

    def set_form(self, form: GeometryKind) -> None:
        """What a mask is kept as from now on."""
        self.options.form = form
        self.keep()

    def set_tolerance(self, tolerance: float) -> None:
        """How far, in image pixels, a polygon may stray from the mask."""
        self.options.tolerance = min(max(tolerance, LEAST_TOLERANCE), MOST_TOLERANCE)
        self.keep()

    def set_hover(self, hover: bool) -> None:
        """Whether the mouse alone shows masks."""
        self.options.hover = hover
        self.keep()

    def keep(self) -> None:
        """Remember what the options are now."""
        o = self.options
        self._settings.update(smart={"form": o.form.value, "tolerance": o.tolerance, "hover": o.hover})
        self.changed.emit()

    def follow(self) -> None:
        """The tool itself may have changed an option, by a key."""
        if self.options.tolerance != self._settings.state.smart.get("tolerance", SmartOptions().tolerance):
            self.keep()

    def _restore(self) -> None:
        kept = self._settings.state.smart
        form, tolerance, hover = kept.get("form"), kept.get("tolerance"), kept.get("hover")
        if form in [f.value for f in FORMS]:
            self.options.form = GeometryKind(form)
        if isinstance(tolerance, (int, float)) and LEAST_TOLERANCE <= tolerance <= MOST_TOLERANCE:
            self.options.tolerance = float(tolerance)
        if isinstance(hover, bool):
            self.options.hover = hover
