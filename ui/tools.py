"""The tools of the toolbar: their names, keys and icons, the task each one works for, and how to make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.domain.kinds import Task

if TYPE_CHECKING:
    from ui.canvas.tools.protocol import Tool


@dataclass(frozen=True)
class ToolSpec:
    """``id`` is the canvas's own name of the tool; its module is imported when a tool is first taken."""

    id: str
    text: str
    key: str
    icon: str
    task: Task | None = None
    draws: bool = True

    def make(self) -> Tool:
        """A fresh tool."""
        from ui.canvas import tools

        return tools.TOOLS[self.id]()


TOOLS = {
    spec.id: spec
    for spec in (
        ToolSpec("select", "Select", "V", "cursor", draws=False),
        ToolSpec("box", "Box", "B", "bounding-box", Task.BOXES),
        ToolSpec("rotated_box", "Rotated box", "R", "diamond", Task.BOXES),
        ToolSpec("polygon", "Polygon", "P", "polygon", Task.MASKS),
        ToolSpec("brush", "Brush", "M", "paint-brush", Task.MASKS),
        ToolSpec("eraser", "Eraser", "E", "eraser", Task.MASKS),
        ToolSpec("polyline", "Line", "L", "line-segments", Task.MASKS),
        ToolSpec("point", "Point", "O", "crosshair-simple", Task.KEYPOINTS),
        ToolSpec("keypoints", "Keypoints", "K", "person-simple", Task.KEYPOINTS),
        ToolSpec("tag", "Tag", "T", "tag", Task.TAGS, draws=False),
        ToolSpec("smart", "Smart", "S", "magic-wand", Task.MASKS),
    )
}
DEFAULT = "tag"
