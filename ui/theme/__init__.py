"""How the window looks: one table of tokens, and the palette, stylesheet and icons made from it."""

from ui.theme.icons import set_icon, themed_icon
from ui.theme.theme import Theme, theme
from ui.theme.tokens import DARK, LIGHT, Tokens

__all__ = ["DARK", "LIGHT", "Theme", "Tokens", "set_icon", "theme", "themed_icon"]
