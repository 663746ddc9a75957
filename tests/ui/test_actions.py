"""The command table: keys, conditions, the annotator's own keys and their conflicts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.actions import Command, CommandSet, Scope, key_text
from ui.widgets.fields import TextField


class Desk(QWidget):
    """A window with a canvas and a field, and a record of what was done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []
        self.allowed = True
        self.canvas = QWidget()
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.field = TextField("name")
        layout = QVBoxLayout(self)
        layout.addWidget(self.canvas)
        layout.addWidget(self.field)
        self.commands = CommandSet(
            self,
            self.canvas,
            [
                Command("box", "&Tools", "Box", ("B",), self.do, ("box",)),
                Command("enter", "&Edit", "Accept", ("Return",), self.do, ("accept",), enabled=self.may),
                Command("walk", "&Edit", "Next suggestion", ("Tab",), self.do, ("walk",), scope=Scope.CANVAS),
                Command("scan", "&File", "Scan again", ("F5",), self.do, ("scan",)),
                Command("free", "&Edit", "No key", (), self.do, ("free",)),
            ],
        )

    def do(self, what: object) -> None:
        self.done.append(what)

    def may(self) -> bool:
        return self.allowed


@pytest.fixture
def desk(qtbot) -> Desk:  # type: ignore[no-untyped-def]
    desk = Desk()
    qtbot.addWidget(desk)
    with qtbot.waitExposed(desk):
        desk.show()
    desk.activateWindow()
    desk.canvas.setFocus()
    qtbot.waitUntil(desk.canvas.hasFocus)
    return desk


def test_a_key_runs_its_command_on_the_canvas_and_is_text_in_a_field(desk: Desk, qtbot) -> None:  # type: ignore[no-untyped-def]
    qtbot.keyClick(desk.canvas, Qt.Key.Key_B)
    assert desk.done == ["box"]
    desk.field.setFocus()
    qtbot.keyClicks(desk.field, "bob")
    qtbot.keyClick(desk.field, Qt.Key.Key_Return)
    assert desk.field.text() == "bob"
    assert desk.done == ["box"]
    qtbot.keyClick(desk.field, Qt.Key.Key_F5)  # function keys write nothing
    assert desk.done == ["box", "scan"]


def test_enter_of_the_number_pad_is_enter(desk: Desk, qtbot) -> None:  # type: ignore[no-untyped-def]
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Enter)
    assert desk.done == ["accept"]


def test_a_command_asks_its_condition_when_it_runs(desk: Desk, qtbot) -> None:  # type: ignore[no-untyped-def]
    desk.allowed = False
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Return)
    assert desk.done == []
    desk.commands.refresh()
    assert not desk.commands.action("enter").isEnabled()


def test_tab_walks_on_the_canvas_and_moves_on_elsewhere(desk: Desk, qtbot) -> None:  # type: ignore[no-untyped-def]
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Tab)
    assert desk.done == ["walk"]
    desk.field.setFocus()
    qtbot.keyClick(desk.field, Qt.Key.Key_Tab)
    assert desk.done == ["walk"]


def test_chosen_keys_replace_the_defaults_and_conflicts_are_told(desk: Desk, qtbot) -> None:  # type: ignore[no-untyped-def]
    assert desk.commands.conflict("free", "B") == "box"
    assert desk.commands.conflict("box", "B") == ""
    desk.commands.set_keys({"box": "J", "enter": ""})
    qtbot.keyClick(desk.canvas, Qt.Key.Key_B)
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Return)
    assert desk.done == []
    qtbot.keyClick(desk.canvas, Qt.Key.Key_J)
    assert desk.done == ["box"]
    assert desk.commands.shown_key("box") == "J"
    assert desk.commands.shown_key("enter") == ""


def test_two_commands_cannot_share_an_id(desk: Desk) -> None:
    twice = [Command("a", "m", "A", (), desk.do), Command("a", "m", "B", (), desk.do)]
    with pytest.raises(ValueError, match="two commands are called a"):
        CommandSet(desk, desk.canvas, twice)


def test_keys_read_as_on_the_keyboard() -> None:
    assert key_text("Ctrl+Return") == "Ctrl+Enter"
    assert key_text("?") == "?"
