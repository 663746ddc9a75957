"""Canvas, tools: one module for each way of using the mouse; ``TOOLS`` names them."""

from __future__ import annotations

from ui.canvas.tools.box import BoxTool, RotatedBoxTool
from ui.canvas.tools.brush import BrushTool, EraserTool
from ui.canvas.tools.path import PolygonTool, PolylineTool
from ui.canvas.tools.points import KeypointsTool, PointTool, TagTool
from ui.canvas.tools.protocol import KeyPress, Pointer, Tool
from ui.canvas.tools.select import SelectTool
from ui.canvas.tools.smart import SmartTool

TOOLS: dict[str, type[Tool]] = {
    tool.name: tool
    for tool in (
        SelectTool,
        BoxTool,
        RotatedBoxTool,
        PolygonTool,
        BrushTool,
        EraserTool,
        PolylineTool,
        PointTool,
        KeypointsTool,
        TagTool,
        SmartTool,
    )
}

__all__ = [
    "TOOLS",
    "BoxTool",
    "BrushTool",
    "EraserTool",
    "KeyPress",
    "KeypointsTool",
    "PointTool",
    "Pointer",
    "PolygonTool",
    "PolylineTool",
    "RotatedBoxTool",
    "SelectTool",
    "SmartTool",
    "TagTool",
    "Tool",
]
