"""Which screen the window shows: one word for each, at the right of the menus."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from ui.actions import CommandAction
from ui.theme import set_icon
from ui.theme.tokens import ICON_PX, SPACE_1, SPACE_2


class ScreenSwitcher(QWidget):
    """A button for each command that shows a screen; the one in force is checked."""

    def __init__(self, actions: Sequence[CommandAction]) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_1, 1, SPACE_2, 1)
        layout.setSpacing(2)
        self.buttons: list[QToolButton] = []
        for action in actions:
            button = QToolButton()
            button.setProperty("role", "screen")
            button.setText(action.command.text.replace("&", ""))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            set_icon(button, action.command.icon)
            button.setIconSize(QSize(ICON_PX - 2, ICON_PX - 2))
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(button.text())
            button.clicked.connect(action.trigger)
            action.changed.connect(self.follow)
            layout.addWidget(button)
            self.buttons.append(button)
        self._actions = list(actions)
        self.follow()

    def follow(self) -> None:
        """Show which screen is in force, and which can be shown."""
        for button, action in zip(self.buttons, self._actions, strict=True):
            button.setEnabled(action.isEnabled())
            button.setChecked(action.isChecked())
            button.setToolTip(action.toolTip())
