"""The command palette: every command by name, with its key beside it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ui.actions import CommandSet
from ui.dialogs.picker import Choice, Picker


class CommandPalette(Picker):
    """Opens over the window; Enter runs the command."""

    def __init__(self, host: QWidget, commands: CommandSet) -> None:
        super().__init__(host, host.tr("Type a command"))
        self._commands = commands
        self.picked.connect(self._run)

    def open_now(self) -> None:
        """Offer the commands as they are now."""
        self._commands.refresh()
        choices = [
            Choice(
                action.command.text.replace("&", ""),
                action.command.id,
                self._commands.shown_key(action.command.id),
                action.command.menu.replace("&", ""),
                enabled=action.isEnabled(),
            )
            for action in self._commands
            if action.command.listed
        ]
        choices.sort(key=_usable_first)
        self.offer(choices)
        self.open_centred(self.field)

    def _run(self, command_id: str) -> None:
        self._commands.run(command_id)


def _usable_first(choice: Choice) -> bool:
    return not choice.enabled
