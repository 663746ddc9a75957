"""Canvas: the picture, its annotations and suggestions, and the tools that draw on it. Knows nothing of the session."""

from __future__ import annotations

from ui.canvas.colors import LIGHT, CanvasColors
from ui.canvas.tools import TOOLS
from ui.canvas.transform import ViewState
from ui.canvas.view import Canvas

__all__ = ["LIGHT", "TOOLS", "Canvas", "CanvasColors", "ViewState"]
