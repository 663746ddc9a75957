"""The tools of the toolbar: their names, keys and icons, the task each one works for, and how to make one."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.domain.kinds import Task

if TYPE_CHECKING:
    from ui.canvas.tools.protocol import Tool


@dataclass(frozen=True)
class ToolSpec:
    """``factory`` is "module:class" inside ``ui.canvas.tools``, imported when the tool is first taken."""

    id: str
    text: str
    key: str
    icon: str
    factory: str
    task: Task | None = None
    draws: bool = True

    def make(self) -> Tool:
        """A fresh tool."""
        module, _, name = self.factory.partition(":")
        made: Tool = getattr(importlib.import_module(f"ui.canvas.tools.{module}"), name)()
        return made


TOOLS = {
    spec.id: spec
    for spec in (
        ToolSpec("select", "Select", "V", "cursor", "select:SelectTool", draws=False),
        ToolSpec("box", "Box", "B", "bounding-box", "box:BoxTool", Task.BOXES),
        ToolSpec("rotated_box", "Rotated box", "R", "diamond", "box:RotatedBoxTool", Task.BOXES),
        ToolSpec("polygon", "Polygon", "P", "polygon", "polygon:PolygonTool", Task.MASKS),
        ToolSpec("brush", "Brush", "M", "paint-brush", "brush:BrushTool", Task.MASKS),
        ToolSpec("eraser", "Eraser", "E", "eraser", "brush:EraserTool", Task.MASKS),
        ToolSpec("line", "Line", "L", "line-segments", "lines:LineTool", Task.MASKS),
        ToolSpec("point", "Point", "O", "crosshair-simple", "points:PointTool", Task.KEYPOINTS),
        ToolSpec("keypoints", "Keypoints", "K", "person-simple", "points:KeypointsTool", Task.KEYPOINTS),
        ToolSpec("tag", "Tag", "T", "tag", "select:SelectTool", Task.TAGS, draws=False),
    )
}
DEFAULT = "tag"
