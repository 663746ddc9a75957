"""Commands: one table feeds the menus, the single keys, the command palette and the shortcut sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from ui.theme import set_icon


class Scope(StrEnum):
    """Where a shortcut is heard."""

    WINDOW = "window"
    CANVAS = "canvas"


class Screen(StrEnum):
    """What the window shows."""

    START = "start"
    ANNOTATE = "annotate"
    REVIEW = "review"
    INSIGHTS = "insights"


@dataclass(frozen=True)
class Command:
    """One thing that can be done. ``keys`` are the default key sequences, the first is the one that is shown.

    ``screen`` is the only one where it can be done; None: everywhere. Commands of different screens may have the same keys.
    """

    id: str
    menu: str
    text: str
    keys: tuple[str, ...]
    handler: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    enabled: Callable[[], bool] | None = None
    checked: Callable[[], bool] | None = None
    icon: str = ""
    scope: Scope = Scope.WINDOW
    listed: bool = field(default=True)
    screen: Screen | None = None


class CommandAction(QAction):
    """The Qt side of one command."""

    ran = Signal(str)

    def __init__(self, command: Command, parent: CommandSet) -> None:
        super().__init__(command.text, parent)
        self.command = command
        self._set = parent
        self.setObjectName(command.id)
        self.setCheckable(command.checked is not None)
        self.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut
            if command.scope is Scope.WINDOW
            else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        if command.icon:
            set_icon(self, command.icon)
        self.triggered.connect(self._run)

    def is_enabled_now(self) -> bool:
        """Ask the command's own condition, on its screen."""
        if self.command.screen not in (None, self._set.screen):
            return False
        return self.command.enabled is None or self.command.enabled()

    def refresh(self) -> None:
        """Follow the conditions of the command."""
        self.setEnabled(self.is_enabled_now())
        if self.command.checked is not None:
            self.setChecked(self.command.checked())

    def _run(self) -> None:
        if self.is_enabled_now():
            self.command.handler(*self.command.arguments)
            self.ran.emit(self.command.id)
        self.refresh()


class CommandSet(QObject):
    """All commands of the window, with the keys that the annotator chose."""

    keys_changed = Signal()

    def __init__(self, window: QWidget, canvas: QWidget, commands: Iterable[Command]) -> None:
        super().__init__(window)
        self.screen = Screen.START
        self._actions: dict[str, CommandAction] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        for command in commands:
            if command.id in self._actions:
                raise ValueError(f"two commands are called {command.id}")
            action = CommandAction(command, self)
            (window if command.scope is Scope.WINDOW else canvas).addAction(action)
            self._actions[command.id] = action
        self.set_keys({})

    def __iter__(self) -> Any:
        return iter(self._actions.values())

    def action(self, command_id: str) -> CommandAction:
        """The action of one command."""
        return self._actions[command_id]

    def run(self, command_id: str) -> None:
        """Do it, if it can be done now."""
        self._actions[command_id].refresh()
        self._actions[command_id].trigger()

    def show_screen(self, screen: Screen) -> None:
        """The window shows this now: commands of the others cannot be run, and their keys are free."""
        self.screen = screen
        self.refresh()

    def refresh(self) -> None:
        """Follow the conditions of all commands."""
        for action in self._actions.values():
            action.refresh()

    def set_keys(self, chosen: Mapping[str, str]) -> None:
        """Use the annotator's keys where ``chosen`` has them (command id to sequence, "" for none), else the defaults."""
        for command_id, action in self._actions.items():
            keys = action.command.keys
            if command_id in chosen:
                keys = (chosen[command_id],) if chosen[command_id] else ()
            self._keys[command_id] = keys
            action.setShortcuts(_sequences(keys))
            shown = self.shown_key(command_id)
            tip = action.command.text.replace("&", "").rstrip("…")
            action.setToolTip(f"{tip}  {shown}" if shown else tip)
        self.keys_changed.emit()

    def shown_key(self, command_id: str) -> str:
        """The key to show beside the command, as the platform writes it; empty when it has none."""
        keys = self._keys.get(command_id, ())
        return key_text(keys[0]) if keys else ""

    def conflict(self, command_id: str, key: str) -> str:
        """The id of another command that already listens to ``key`` on the same screen; empty when it is free."""
        wanted = QKeySequence(key)
        if wanted.isEmpty():
            return ""
        mine = self._actions[command_id].command.screen
        for other, keys in self._keys.items():
            theirs = self._actions[other].command.screen
            meet = mine is None or theirs is None or mine is theirs
            if other != command_id and meet and any(QKeySequence(k) == wanted for k in keys):
                return other
        return ""


_SHOWN = {"Return": "Enter", "Backspace": "Backspace", "PgUp": "Page up", "PgDown": "Page down", "Ins": "Insert"}


def key_text(key: str) -> str:
    """A key sequence as it is printed on the screen: "Ctrl+Enter", "?"."""
    parts = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    for name, shown in _SHOWN.items():
        parts = parts.replace(name, shown)
    return parts


def _sequences(keys: tuple[str, ...]) -> list[QKeySequence]:
    result = []
    for key in keys:
        result.append(QKeySequence(key))
        if key.endswith("Return"):
            result.append(QKeySequence(key[: -len("Return")] + "Enter"))
    return result
