"""Icons of one outline set (Phosphor, in the font that qtawesome brings) in the colours of the theme.

Only qtawesome's font and its table of names are used: importing the package loads eleven other fonts and every module of Qt, a
quarter of the time until the window is seen.
"""

from __future__ import annotations

import json
import weakref
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from ui.theme.theme import theme
from ui.theme.tokens import ICON_PX, mix

GLYPH_SHARE = 0.875
"""The size of the font in an icon: glyphs need some air around them."""


def themed_icon(name: str, token: str = "text") -> QIcon:
    """The Phosphor icon ``name`` in the colour of ``token``. Raises ``KeyError`` for a name that the font does not have."""
    tokens = theme().tokens
    return _icon(name, getattr(tokens, token), mix(tokens.panel, tokens.muted, 0.5))


@lru_cache(maxsize=1024)
def _icon(name: str, color: str, disabled: str) -> QIcon:
    family, characters = _font()
    return QIcon(_GlyphEngine(family, characters[name], color, disabled))


@lru_cache(maxsize=1)
def _font() -> tuple[str, dict[str, str]]:
    """The family of the icon font, loaded into the application, and the character of each name."""
    spec = find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("qtawesome is not installed: it holds the icon font")
    folder = Path(spec.origin).with_name("fonts")
    [font], [table] = folder.glob("phosphor-*.ttf"), folder.glob("phosphor-charmap-*.json")
    number = QFontDatabase.addApplicationFont(str(font))
    if number < 0:
        raise RuntimeError(f"{font} could not be loaded")
    names = json.loads(table.read_text("utf-8"))
    return QFontDatabase.applicationFontFamilies(number)[0], {name: chr(int(code, 16)) for name, code in names.items()}


class _GlyphEngine(QIconEngine):
    """Draws one character of the icon font at any size."""

    def __init__(self, family: str, character: str, color: str, disabled: str) -> None:
        super().__init__()
        self._made_of = family, character, color, disabled

    def clone(self) -> QIconEngine:
        return _GlyphEngine(*self._made_of)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        family, character, color, disabled = self._made_of
        font = QFont(family)
        font.setPixelSize(max(round(GLYPH_SHARE * rect.height()), 1))
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(disabled if mode == QIcon.Mode.Disabled else color))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, character)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        result = QPixmap(size)
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return result


class _Registry(QObject):
    """Everything that wears an icon, so that a change of theme reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self._wearers: weakref.WeakKeyDictionary[QObject, tuple[str, str]] = weakref.WeakKeyDictionary()
        theme().changed.connect(self.refresh)

    def put(self, wearer: Any, name: str, token: str) -> None:
        if self._wearers.get(wearer) == (name, token):
            return  # a button lays out its row again when it is given an icon, even the same one
        self._wearers[wearer] = (name, token)
        wearer.setIcon(themed_icon(name, token))
        if hasattr(wearer, "setIconSize"):
            wearer.setIconSize(QSize(ICON_PX, ICON_PX))

    @staticmethod
    def _wear(wearer: Any, icon: QIcon) -> None:
        wearer.setIcon(icon)

    def refresh(self) -> None:
        """Give every wearer its icon in the colours of now."""
        import shiboken6

        for wearer, (name, token) in list(self._wearers.items()):
            if shiboken6.isValid(wearer):
                self._wear(wearer, themed_icon(name, token))


_registry: _Registry | None = None


def set_icon(wearer: Any, name: str, token: str = "text") -> None:
    """Give a button or an action an icon that follows the theme."""
    global _registry
    if _registry is None:
        _registry = _Registry()
    _registry.put(wearer, name, token)
