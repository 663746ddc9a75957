"""The toolbar: tools with their keys, view, undo and redo, and the saved dot."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

from ui.actions import CommandAction, CommandSet
from ui.theme import theme
from ui.theme.theme import caption_font
from ui.theme.tokens import ICON_PX, SPACE_1, SPACE_2
from ui.widgets.basics import line

NAMES_FROM_PX = 1440
DOT_PX = 7
VIEW = ("view.fit", "view.actual", "view.adjust")
HISTORY = ("edit.undo", "edit.redo")


class SavedDot(QWidget):
    """Says whether everything is on disk: by colour, by word and in the tooltip.

    It changes with every edit, so it paints itself and keeps its size: nothing around it is laid out again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._state = ""
        self._words = {
            "saved": (self.tr("saved"), self.tr("Every edit is on disk."), "good"),
            "saving": (self.tr("saving"), self.tr("The last edits are being written."), "warn"),
            "failed": (self.tr("not saved"), self.tr("The last edit could not be written and was taken back."), "bad"),
        }
        metrics = QFontMetrics(caption_font())
        widest = max(metrics.horizontalAdvance(word) for word, _, _ in self._words.values())
        self.setFixedSize(2 * SPACE_2 + DOT_PX + SPACE_1 + widest, metrics.height() + SPACE_2)
        theme().changed.connect(self.update)
        self.show_state("saved")

    @property
    def state(self) -> str:
        """ "saved", "saving" or "failed"."""
        return self._state

    def show_state(self, state: str) -> None:
        """Show a state."""
        if state != self._state:
            self._state = state
            word, tip, _ = self._words[state]
            self.setToolTip(tip)
            self.setAccessibleName(word)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        word, _, token = self._words[self._state]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(tokens, token)))
        painter.drawEllipse(QRectF(SPACE_2, (self.height() - DOT_PX) / 2, DOT_PX, DOT_PX))
        painter.setPen(QColor(tokens.muted))
        painter.setFont(caption_font())
        room = self.rect().adjusted(SPACE_2 + DOT_PX + SPACE_1, 0, 0, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        painter.end()


class ToolButton(QToolButton):
    """A tool with its key beside the icon."""

    def __init__(self, action: CommandAction, key: str) -> None:
        super().__init__()
        self._action = action
        self._key = key
        self._named = True
        self.setProperty("role", "tool")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(action.command.text)
        self.clicked.connect(self._press)
        action.changed.connect(self._follow)
        self._follow()

    def show_key(self, key: str) -> None:
        """Show the key that chooses the tool."""
        self._key = key
        self._follow()

    def show_name(self, named: bool) -> None:
        """Show the name beside the key, where there is room."""
        self._named = named
        self._follow()

    def _press(self) -> None:
        self._action.trigger()
        self._follow()

    def _follow(self) -> None:
        action = self._action
        self.setIcon(action.icon())
        self.setEnabled(action.isEnabled())
        self.setChecked(action.isChecked())
        self.setToolTip(action.toolTip())
        name = action.command.text if self._named else ""
        self.setText(f"{name}  {self._key}".strip())


class MainToolBar(QToolBar):
    """Made from the command table, so that a key that the annotator changed shows here too."""

    def __init__(self, commands: CommandSet, tools: list[str]) -> None:
        super().__init__()
        self.setObjectName("tools")
        self.setWindowTitle(self.tr("Tools"))
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self._commands = commands
        self._buttons: dict[str, ToolButton] = {}
        for command_id in tools:
            button = ToolButton(commands.action(command_id), commands.shown_key(command_id))
            self._buttons[command_id] = button
            self.addWidget(button)
        self.addWidget(self._gap())
        for command_id in VIEW:
            self._add_plain(command_id)
        self.addWidget(self._gap())
        self._of_canvas = list(self.actions())
        for command_id in HISTORY:
            self._add_plain(command_id)
        stretch = QWidget()
        stretch.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(stretch)
        self.saved = SavedDot()
        self._add_plain("app.palette")
        self.addWidget(self.saved)
        commands.keys_changed.connect(self._show_keys)

    def show_tools(self, shown: bool) -> None:
        """Tools and views belong to the canvas; undo, redo and the saved dot to every screen."""
        for action in self._of_canvas:
            action.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for button in self._buttons.values():
            button.show_name(self.width() >= NAMES_FROM_PX)

    def _add_plain(self, command_id: str) -> None:
        button = QToolButton()
        button.setDefaultAction(self._commands.action(command_id))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(self._commands.action(command_id).command.text)
        self.addWidget(button)

    @staticmethod
    def _gap() -> QWidget:
        host = QWidget()
        host.setFixedSize(17, 24)
        bar = line(upright=True)
        bar.setParent(host)
        bar.setGeometry(8, 2, 1, 20)
        return host

    def _show_keys(self) -> None:
        for command_id, button in self._buttons.items():
            button.show_key(self._commands.shown_key(command_id))
