"""Canvas, tools: one module for each way of using the mouse; ``TOOLS`` names them."""

from __future__ import annotations

from ui.canvas.tools.box import BoxTool, RotatedBoxTool
from ui.canvas.tools.protocol import KeyPress, Pointer, Tool
from ui.canvas.tools.select import SelectTool

TOOLS: dict[str, type[Tool]] = {tool.name: tool for tool in (SelectTool, BoxTool, RotatedBoxTool)}

__all__ = ["TOOLS", "BoxTool", "KeyPress", "Pointer", "RotatedBoxTool", "SelectTool", "Tool"]
