"""Icons of one outline set (Phosphor, through qtawesome) in the colours of the theme."""

from __future__ import annotations

import weakref
from typing import Any

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QIcon

from ui.theme.theme import theme
from ui.theme.tokens import ICON_PX, mix


def themed_icon(name: str, token: str = "text") -> QIcon:
    """The Phosphor icon ``name`` in the colour of ``token``."""
    import qtawesome

    tokens = theme().tokens
    return qtawesome.icon(
        f"ph.{name}", color=getattr(tokens, token), color_disabled=mix(tokens.panel, tokens.muted, 0.5)
    )


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
