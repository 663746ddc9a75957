"""The theme in force: chosen by the annotator, or the system's, followed while the window is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QApplication

from annotator.settings import ThemeChoice
from ui.theme.style import palette, stylesheet
from ui.theme.tokens import BODY_PX, CAPTION_PX, DARK, LIGHT, Tokens

_GENERIC = frozenset({"sans serif", "sans", "sans-serif", ""})


class Theme(QObject):
    """Holds the tokens in force and repaints the application when they change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = DARK
        self.choice = ThemeChoice.SYSTEM

    def install(self, app: QApplication, choice: ThemeChoice = ThemeChoice.SYSTEM) -> None:
        """Style ``app``, and follow the system from now on unless a theme is chosen."""
        app.setStyle("Fusion")
        app.setFont(ui_font())
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed, Qt.ConnectionType.UniqueConnection)
        self.choose(choice)

    def choose(self, choice: ThemeChoice) -> None:
        """Wear the chosen theme now."""
        self.choice = choice
        self._apply(self._wanted())

    def _wanted(self) -> Tokens:
        if self.choice is ThemeChoice.DARK:
            return DARK
        if self.choice is ThemeChoice.LIGHT:
            return LIGHT
        return LIGHT if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK

    def _system_changed(self) -> None:
        if self.choice is ThemeChoice.SYSTEM:
            self._apply(self._wanted())

    def _apply(self, tokens: Tokens) -> None:
        self.tokens = tokens
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(palette(tokens))
            app.setStyleSheet(stylesheet(tokens))
        self.changed.emit()


def ui_font(pixels: int = BODY_PX, *, bold: bool = False) -> QFont:
    """The system's UI font at ``pixels``, with figures of equal width."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if font.family().lower() in _GENERIC:
        font.setFamilies(["Inter", "Noto Sans", "DejaVu Sans"])
    font.setPixelSize(pixels)
    font.setFeature(QFont.Tag.fromString("tnum"), 1)
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def caption_font() -> QFont:
    """For captions under thumbnails, counts and keys."""
    return ui_font(CAPTION_PX)


_theme: Theme | None = None


def theme() -> Theme:
    """The application's one theme."""
    global _theme
    if _theme is None:
        _theme = Theme()
    return _theme
