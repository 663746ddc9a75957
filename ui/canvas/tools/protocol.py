"""Canvas, tools: what a tool is, what it is told, and what it may ask of the canvas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor, QPainter

from annotator.domain.geometry import Geometry
from annotator.domain.records import Label
from ui.canvas.colors import RGB, CanvasColors
from ui.canvas.scene import Record, Scene
from ui.canvas.tools.smart_talk import Choice, Question, SmartOptions
from ui.canvas.transform import ViewTransform


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is, in image coordinates (not clamped) and in screen pixels, with what is held down."""

    x: float
    y: float
    screen_x: float
    screen_y: float
    button: Qt.MouseButton = Qt.MouseButton.NoButton
    buttons: Qt.MouseButton = Qt.MouseButton.NoButton
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier

    @property
    def shift(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def alt(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    @property
    def ctrl(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)


class Host(Protocol):
    """What a tool sees of the canvas, and the ways in which it speaks."""

    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def view(self) -> ViewTransform: ...
    @property
    def screen_size(self) -> tuple[int, int]: ...
    @property
    def unit(self) -> float: ...
    @property
    def colors(self) -> CanvasColors: ...
    @property
    def scene(self) -> Scene: ...
    @property
    def sizes(self) -> dict[str, float]: ...
    @property
    def selection(self) -> tuple[UUID, ...]: ...
    @property
    def active(self) -> UUID | None: ...
    @property
    def label(self) -> Label | None: ...
    @property
    def color(self) -> RGB: ...
    def record(self, item_id: UUID | None) -> Record | None: ...
    def geometry(self, record: Record) -> Geometry: ...
    def at(self, x: float, y: float, reach: float) -> Record | None: ...
    def preview(self, geometries: Mapping[UUID, Geometry]) -> None: ...
    def draw(self, geometry: Geometry) -> None: ...
    def change(self, geometries: Mapping[UUID, Geometry]) -> None: ...
    def erased(self, item_id: UUID) -> None: ...
    def select(self, ids: tuple[UUID, ...]) -> None: ...
    def activate(self, suggestion_id: UUID) -> None: ...
    def refresh(self) -> None: ...
    @property
    def smart(self) -> SmartOptions: ...
    def ask(self, question: Question | None) -> None: ...
    def keep(self, choice: Choice) -> None: ...
    def smart_moved(self) -> None: ...
    def want_box(self, x: float, y: float) -> None: ...


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key with what is held down."""

    key: int
    modifiers: Qt.KeyboardModifier
    repeat: bool = False

    @property
    def shift(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)


class Tool:
    """One way of using the mouse on the picture. The defaults do nothing, so that a tool says only what is its own.

    ``press``, ``move`` and ``release`` follow the mouse; ``key`` and ``key_released`` return whether the key was theirs, and
    ``wants`` says so beforehand, so that such keys do not trigger the window's shortcuts. ``busy`` is True in the middle of a
    shape. ``cancel`` abandons it. ``paint`` draws over the picture in screen pixels.
    """

    name = "tool"
    guides = False
    edits = False

    def __init__(self) -> None:
        self._host: Host | None = None
        self.pointer: Pointer | None = None

    @property
    def host(self) -> Host:
        """The canvas; only while the tool is in use."""
        if self._host is None:
            raise RuntimeError(f"the {self.name} tool is not on a canvas")
        return self._host

    def attach(self, host: Host | None) -> None:
        """Puts the tool on a canvas, or takes it off."""
        self._host = host

    @property
    def busy(self) -> bool:
        return False

    def cursor(self) -> QCursor:
        return QCursor(Qt.CursorShape.CrossCursor)

    def press(self, pointer: Pointer) -> None: ...

    def move(self, pointer: Pointer) -> None: ...

    def release(self, pointer: Pointer) -> None: ...

    def double(self, pointer: Pointer) -> bool:
        """A double-click; False lets the canvas fit the picture."""
        return self.busy

    def wheel(self, steps: float, pointer: Pointer) -> bool:
        """Ctrl and the wheel; False lets the canvas zoom."""
        return False

    def wants(self, press: KeyPress) -> bool:
        return False

    def key(self, press: KeyPress) -> bool:
        return False

    def key_released(self, press: KeyPress) -> bool:
        return False

    def paint(self, painter: QPainter) -> None: ...

    def cancel(self) -> None: ...
