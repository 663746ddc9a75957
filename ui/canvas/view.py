"""Canvas: the picture with its annotations and suggestions, and the tools that draw on it. It knows nothing of the session.

It is given frozen records and says through signals what the user did; whoever listens applies it and gives the new page at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui.canvas import overlay
from ui.canvas.colors import CanvasColors
from ui.canvas.contents import Contents
from ui.canvas.host import CanvasHost
from ui.canvas.picture import PictureLayer, PictureLike
from ui.canvas.tiles import Key, TiledPicture
from ui.canvas.tools.protocol import Tool
from ui.canvas.tools.select import SelectTool
from ui.canvas.tools.smart_talk import SmartOptions

IDLE_MS = 100
SLICE_S = 0.006


class Canvas(Contents):
    """See UI.md, "Canvas". All coordinates in signals are image pixels."""

    drawn = Signal(object)  # Geometry
    geometry_changed = Signal(object, object)  # UUID, Geometry
    geometries_changed = Signal(object)  # tuple[tuple[UUID, Geometry], ...]: several at once are one edit
    suggestion_corrected = Signal(object, object)  # UUID, Geometry
    selection_requested = Signal(object)  # tuple[UUID, ...]
    suggestion_activated = Signal(object)  # UUID
    asked = Signal(object)  # Question | None
    kept = Signal(object)  # Choice
    smart_moved = Signal()
    box_wanted = Signal(float, float)  # x, y of a click

    def __init__(self, parent: QWidget | None = None, colors: CanvasColors | None = None) -> None:
        super().__init__(parent, colors or CanvasColors())
        self._picture = PictureLayer()
        self._sharpening: Iterator[None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._sharpen)
        self.smart = SmartOptions()
        self._host = CanvasHost(self)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Canvas"))
        self.set_tool(SelectTool())
        self.view_changed.connect(self._drop_sharpening)

    def set_picture(self, picture: PictureLike | None, full_width: int = 0, full_height: int = 0) -> None:
        """Shows a picture of any resolution in the place of the full image. A sharper one of the same image may follow.

        The view is kept while the full size stays the same; an image of another size is fitted.
        """
        if picture is not None:
            full_width, full_height = full_width or picture.full_width, full_height or picture.full_height
        self._picture.set_picture(picture, full_width, full_height)
        self._take_size(full_width, full_height)
        self._picture.prepare(self.view)
        self.update()

    def set_tiles(self, tiles: TiledPicture | None) -> None:
        """Shows an image that is too large to hold, from tiles that are asked for and come by ``tile_arrived``.

        A picture that was set for it stays visible where tiles are missing. None goes back to the picture alone.
        """
        self._picture.set_tiles(tiles)
        if tiles is not None:
            self._take_size(tiles.full_width, tiles.full_height)
        self.update()

    def tile_arrived(self, key: Key) -> None:
        """A tile that was wanted is there."""
        if self._picture.tile_arrived(key):
            self.update()

    def tiles_grew(self) -> None:
        """Some tiles show more than they did; those on screen are asked for again."""
        self._picture.tiles_grew()

    def _take_size(self, width: int, height: int) -> None:
        if (width, height) != self.image_size:
            self.image_size = (width, height)
            if self.tool is not None:
                self.tool.cancel()
            self.fit()

    def set_adjust(self, brightness: float, contrast: float) -> None:
        """Brightness and contrast of the view, from -1 to 1; the file is untouched."""
        self._picture.set_adjust(brightness, contrast)
        self._picture.prepare(self.view)
        self.update()

    def set_colors(self, colors: CanvasColors) -> None:
        """Another theme."""
        self.colors = self.layer.colors = colors
        self._picture.invalidate()
        self.set_labels(self.labels)

    def set_tool(self, tool: Tool) -> None:
        """Takes a tool in hand; an unfinished shape of the last one is abandoned."""
        if self.tool is not None:
            self.tool.cancel()
            self.tool.attach(None)
            tool.pointer = self.tool.pointer
        self.tool = tool
        tool.attach(self._host)
        if not tool.edits:
            self.set_hovered(None)
        self.update_cursor()
        self.update()

    def view_key(self, key: int) -> bool:
        if key == Qt.Key.Key_Z:
            self.zoom_to_selection()
            return True
        return super().view_key(key)

    def contents_changed(self) -> None:
        self._drop_sharpening()
        super().contents_changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        width, height = self.screen_size
        self.layer.unit = self.unit
        self._picture.paint(self.view, width, height, self.colors, self.unit)
        self.layer.paint(self.view, width, height)
        painter = QPainter(self)
        painter.scale(1 / self.unit, 1 / self.unit)
        painter.drawImage(0, 0, self._picture.image)
        painter.drawImage(0, 0, self.layer.image)
        overlay.paint(painter, self)
        painter.end()
        if self.layer.needs_sharpening and self._sharpening is None and not self._timer.isActive():
            self._timer.start(IDLE_MS)

    def _drop_sharpening(self) -> None:
        """What was being drawn is out of date; if still needed, it begins again when the view has come to rest."""
        self._sharpening = None
        if self._timer.isActive():
            self._timer.start(IDLE_MS)

    def _sharpen(self) -> None:
        """Draws finely for a few milliseconds, then lets input have its turn."""
        if self._sharpening is None:
            if not self.layer.needs_sharpening:
                return
            self._sharpening = self.layer.sharpen()
        until = perf_counter() + SLICE_S
        for _ in self._sharpening:
            if perf_counter() >= until:
                self._timer.start(0)
                return
        self._sharpening = None
        self.update()
