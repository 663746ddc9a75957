"""Between the session and the canvas: records and pictures one way, what the hand did the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.settings import AppSettings
from ui.frames import FrameLoader
from ui.session import Session
from ui.theme import theme
from ui.tools import TOOLS

if TYPE_CHECKING:
    from ui.canvas.view import Canvas

VIEWS_KEPT = 500


class CanvasBinding(QObject):
    """Keeps the canvas showing what the session holds, and remembers the view of each image while the window is open."""

    tool_changed = Signal(str)
    picture_failed = Signal(str, str)
    picture_shown = Signal(int)

    def __init__(self, session: Session, canvas: Canvas, frames: FrameLoader, settings: AppSettings) -> None:
        super().__init__(canvas)
        self._session = session
        self._canvas = canvas
        self._frames = frames
        self._settings = settings
        self._views: dict[int, Any] = {}
        self._shown_id = -1
        self._full_asked = False
        self._picture_scale = 1.0
        self._picture: Any = None
        self.tool = ""
        self.suggestions_shown = True
        self.annotations_shown = True
        self._sharper = QTimer(self)
        self._sharper.setSingleShot(True)
        self._sharper.setInterval(150)
        self._sharper.timeout.connect(self._ask_for_full)
        session.image_changed.connect(self._show_image)
        session.page_changed.connect(self._show_page)
        session.labels_changed.connect(self._show_labels)
        session.selection_changed.connect(self._show_selection)
        session.active_changed.connect(self._show_active)
        session.threshold_changed.connect(self._show_threshold)
        session.current_label_changed.connect(self._show_current_label)
        session.closed.connect(self._clear)
        canvas.selection_requested.connect(self._select)
        canvas.suggestion_activated.connect(self._activate)
        canvas.view_changed.connect(self._sharper.start)
        frames.picture_ready.connect(self._picture_ready)
        frames.picture_failed.connect(self._picture_failed)
        frames.tiles.opened.connect(self._tiles_opened)
        frames.tiles.arrived.connect(canvas.tile_arrived)
        frames.tiles.grew.connect(canvas.tiles_grew)
        frames.tiles.failed.connect(self._tiles_failed)
        theme().changed.connect(self._dress)
        self._dress()
        self.set_tool("tag")

    def set_tool(self, tool_id: str) -> None:
        """Take a tool in hand."""
        if tool_id != self.tool:
            self.tool = tool_id
            self._canvas.set_tool(TOOLS[tool_id].make())
            if self._session.project is not None:
                tools = dict(self._settings.state.tools)
                tools[str(self._session.project.path)] = tool_id
                self._settings.update(tools=tools)
        self.tool_changed.emit(tool_id)

    def toggle_suggestions(self) -> None:
        """Hide or show the suggestions."""
        self.suggestions_shown = not self.suggestions_shown
        self._canvas.set_shown(suggestions=self.suggestions_shown)

    def toggle_annotations(self) -> None:
        """Hide or show the annotations."""
        self.annotations_shown = not self.annotations_shown
        self._canvas.set_shown(annotations=self.annotations_shown)

    def light(self, item_id: UUID | None) -> None:
        """Light the shape whose row the mouse is over."""
        self._canvas.set_hovered(item_id)

    def reveal(self, item_id: UUID) -> None:
        """Move the view, if need be, so that a shape can be seen."""
        self._canvas.reveal(item_id)

    def fit(self) -> None:
        """Show the whole image."""
        self._canvas.fit()

    def actual_size(self) -> None:
        """One image pixel for one screen pixel."""
        self._canvas.actual_size()

    def zoom_to_selection(self) -> None:
        """Show what is chosen, large."""
        self._canvas.zoom_to_selection()

    def set_window(self, low: float, high: float) -> None:
        """Show the values from ``low`` to ``high`` (shares of the picture's range) from black to white: deep pictures only."""
        image, picture = self._session.image, self._picture
        if image is not None and picture is not None and picture.bit_depth > 8:
            least, most = picture.value_range
            span = most - least
            self._full_asked = False
            window = None if (low, high) == (0.0, 1.0) else (least + low * span, least + max(high, low + 0.001) * span)
            shown = self._frames.show(image, self._side(), window)
            if shown is not None:
                self._picture_ready(image.id, shown)

    @property
    def is_deep(self) -> bool:
        """Whether the picture on screen has more than 8 bits, so that a window of values can be chosen."""
        return self._picture is not None and self._picture.bit_depth > 8

    def _side(self) -> int:
        return round(max(self._canvas.width(), self._canvas.height()) * self._canvas.devicePixelRatioF())

    def focus(self) -> None:
        """Give the keys to the canvas."""
        self._canvas.setFocus()

    # --- session to canvas ---------------------------------------------------------------------------------------------

    def _show_image(self, image_id: int) -> None:
        image = self._session.image
        if image is None:
            return
        if self._shown_id >= 0:
            self._views[self._shown_id] = self._canvas.view_state()
            while len(self._views) > VIEWS_KEPT:
                del self._views[next(iter(self._views))]
        self._shown_id = image_id
        self._full_asked = False
        picture = self._picture = self._frames.show(image, self._side())
        self._canvas.set_tiles(None)
        self._canvas.set_picture(picture, image.width, image.height)
        state = self._views.get(image_id)
        if state is not None:
            self._canvas.set_view_state(state)
        else:
            self._canvas.fit()
        self._picture_scale = picture.scale if picture is not None else 1.0
        if picture is not None:
            self.picture_shown.emit(image_id)

    def _show_page(self) -> None:
        page = self._session.page
        if page is not None:
            suggestions = self._session.open_suggestions()
            self._canvas.set_page(page.annotations, suggestions, shaky=[s.id for s in suggestions if s.shaky])

    def _show_labels(self) -> None:
        self._canvas.set_labels(self._session.labels)
        self._show_current_label()

    def _show_selection(self) -> None:
        self._canvas.set_selection(self._session.selected_annotation_ids)

    def _show_active(self) -> None:
        self._canvas.set_active_suggestion(self._session.active_suggestion_id)

    def _show_threshold(self) -> None:
        self._canvas.set_shown(threshold=self._session.threshold)

    def _show_current_label(self) -> None:
        self._canvas.set_current_label(self._session.current_label_id)

    def _clear(self) -> None:
        self._views.clear()
        self._shown_id = -1
        self._canvas.set_page((), ())
        self._canvas.set_tiles(None)
        self._canvas.set_picture(None, 0, 0)

    def _dress(self) -> None:
        from ui.canvas.colors import LIGHT, CanvasColors

        self._canvas.set_colors(CanvasColors() if theme().tokens.is_dark else LIGHT)

    # --- pictures ------------------------------------------------------------------------------------------------------

    def _picture_ready(self, image_id: int, picture: Any) -> None:
        if image_id == self._shown_id:
            image = self._session.image
            known = image is not None and image.width > 0
            width, height = (
                (image.width, image.height) if image and known else (picture.full_width, picture.full_height)
            )
            self._picture = picture
            self._picture_scale = picture.scale
            self._canvas.set_picture(picture, width, height)
            self.picture_shown.emit(image_id)

    def _tiles_opened(self, tiles: Any) -> None:
        """The image is shown in tiles from now on; what was shown of it stays where they are missing."""
        self._full_asked = True
        self._picture, self._picture_scale = tiles, tiles.scale
        self._canvas.set_tiles(tiles)
        self.picture_shown.emit(self._shown_id)

    def _tiles_failed(self, error: Exception) -> None:
        self._picture_failed(self._shown_id, error)

    def _picture_failed(self, image_id: int, error: Exception) -> None:
        if image_id == self._shown_id and self._session.image is not None:
            what = getattr(error, "what", str(error))
            self.picture_failed.emit(what, getattr(error, "cure", ""))

    def _ask_for_full(self) -> None:
        """Full resolution only once the view is closer than the picture is sharp."""
        if not self._full_asked and self._shown_id >= 0 and self._canvas.view.scale > self._picture_scale * 1.15:
            self._full_asked = True
            width, height = self._canvas.image_size
            picture = self._frames.show_full(width * height)
            if picture is not None:
                self._picture_ready(self._shown_id, picture)

    # --- canvas to session ---------------------------------------------------------------------------------------------

    def _select(self, ids: Any) -> None:
        self._session.select(tuple(ids))

    def _activate(self, suggestion_id: UUID) -> None:
        self._session.activate(suggestion_id)
