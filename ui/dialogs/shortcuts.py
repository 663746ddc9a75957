"""The shortcut sheet: every command with its key; click a key and press another to change it. Conflicts are told."""

from __future__ import annotations

from itertools import islice

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from ui.actions import CommandAction, CommandSet, key_text
from ui.dialogs.dialog import Dialog
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_6
from ui.widgets.basics import label, push_button, set_role
from ui.widgets.fields import TextField

COLUMNS = 2
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyButton(QPushButton):
    """Shows a key; pressed, it takes the next key press instead."""

    pressed_key = Signal(str, str)

    def __init__(self, command_id: str, key: str) -> None:
        super().__init__(key)
        self._id = command_id
        self._key = key
        self._listening = False
        self.setProperty("role", "compact")
        self.setAutoDefault(False)
        self.setMinimumWidth(104)
        self.clicked.connect(self._listen)

    def show_key(self, key: str) -> None:
        """Show a key and stop listening."""
        self._listening = False
        self._key = key
        self.setText(key or "–")

    def _listen(self) -> None:
        self._listening = True
        self.setText(self.tr("press a key"))

    def event(self, event: QEvent) -> bool:
        if self._listening and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
        return super().event(event)

    def focusOutEvent(self, event: object) -> None:
        if self._listening:
            self.show_key(self._key)
        super().focusOutEvent(event)  # type: ignore[arg-type]

    def _take(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _MODIFIERS:
            return
        if key == Qt.Key.Key_Escape:
            self.show_key(self._key)
        elif key == Qt.Key.Key_Delete:
            self.pressed_key.emit(self._id, "")
        else:
            sequence = QKeySequence(event.keyCombination())
            self.pressed_key.emit(self._id, sequence.toString(QKeySequence.SequenceFormat.PortableText))


class ShortcutSheet(Dialog):
    """``changed`` gives the keys that differ from the defaults."""

    changed = Signal(dict)

    def __init__(self, parent: QWidget, commands: CommandSet, chosen: dict[str, str]) -> None:
        super().__init__(
            parent,
            parent.tr("Keyboard"),
            width=820,
            explanation=parent.tr("Click a key and press another to change it; Delete takes it away, Esc keeps it."),
        )
        self._commands = commands
        self._chosen = dict(chosen)
        self._buttons: dict[str, KeyButton] = {}
        self._rows: list[tuple[QLabel, KeyButton, str]] = []
        self._menus: list[tuple[QLabel, int]] = []
        self.search = TextField(self.tr("Search commands"))
        self.search.textChanged.connect(self._filter)
        self.message = label("", "muted", wrap=True)
        self.body.addWidget(self.search)
        self.body.addWidget(self._table(), 1)
        self.body.addWidget(self.message)
        reset = push_button(self.tr("Use the defaults"), role="link")
        reset.clicked.connect(self._reset)
        self.buttons.insertWidget(0, reset)
        self.add_close()
        self.resize(860, 620)

    def button(self, command_id: str) -> KeyButton:
        """The key of one command."""
        return self._buttons[command_id]

    def _table(self) -> QScrollArea:
        host = QWidget()
        host.setProperty("role", "plain")
        columns = QHBoxLayout(host)
        columns.setContentsMargins(0, 0, SPACE_2, 0)
        columns.setSpacing(SPACE_6)
        menus: dict[str, list[CommandAction]] = {}
        for action in self._commands:
            if action.command.listed:
                menus.setdefault(action.command.menu, []).append(action)
        total = sum(len(actions) + 2 for actions in menus.values())
        column, filled = self._new_column(columns), 0
        for menu, actions in menus.items():
            if filled > total / COLUMNS:
                column.addStretch(1)
                column, filled = self._new_column(columns), 0
            heading = label(menu.replace("&", ""), "section")
            column.addWidget(heading)
            grid = QGridLayout()
            grid.setVerticalSpacing(SPACE_1)
            grid.setColumnStretch(0, 1)
            for row, action in enumerate(actions):
                self._add_row(grid, row, action)
            column.addLayout(grid)
            self._menus.append((heading, len(actions)))
            column.addSpacing(SPACE_2)
            filled += len(actions) + 2
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # long names wrap instead
        scroll.setWidget(host)
        return scroll

    @staticmethod
    def _new_column(columns: QHBoxLayout) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(SPACE_1)
        columns.addLayout(column, 1)
        return column

    def _add_row(self, grid: QGridLayout, row: int, action: CommandAction) -> None:
        command = action.command
        text = label(command.text.replace("&", "").rstrip("…"), wrap=True)
        button = KeyButton(command.id, self._commands.shown_key(command.id) or "–")
        button.setAccessibleName(self.tr("Key of “{0}”").format(text.text()))
        button.pressed_key.connect(self._assign)
        grid.addWidget(text, row, 0)
        grid.addWidget(button, row, 1)
        self._buttons[command.id] = button
        self._rows.append((text, button, command.text.lower()))

    def _filter(self, text: str) -> None:
        rows = iter(self._rows)
        for heading, count in self._menus:
            any_shown = False
            for name, button, words in islice(rows, count):
                shown = text.lower() in words or text.lower() in button.text().lower()
                name.setVisible(shown)
                button.setVisible(shown)
                any_shown = any_shown or shown
            heading.setVisible(any_shown)

    def _assign(self, command_id: str, key: str) -> None:
        other = self._commands.conflict(command_id, key)
        if other:
            name = self._commands.action(other).command.text.replace("&", "").rstrip("…")
            self.message.setText(
                self.tr("{0} already does “{1}”. Change that one first, or press another key.").format(
                    key_text(key), name
                )
            )
            set_role(self.message, "bad")
            self._buttons[command_id].show_key(self._commands.shown_key(command_id))
            return
        self._chosen[command_id] = key
        self._commands.set_keys(self._chosen)
        self._buttons[command_id].show_key(self._commands.shown_key(command_id))
        self.message.setText("")
        self.changed.emit(dict(self._chosen))

    def _reset(self) -> None:
        self._chosen = {}
        self._commands.set_keys({})
        for command_id, button in self._buttons.items():
            button.show_key(self._commands.shown_key(command_id))
        self.message.setText("")
        self.changed.emit({})
