"""The commands that show the screens, and those of the Review screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from ui.actions import Command, Screen

if TYPE_CHECKING:
    from ui.main_window import MainWindow

DIGITS = range(1, 10)


class ReviewKeys(QObject):
    """Passes keys on to the Review screen, which is made when it is first shown."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def do(self, what: str, *arguments: Any) -> None:
        """Call a method of the screen."""
        screen = self._window.screens.review
        if screen is not None:
            getattr(screen, what)(*arguments)


class _Shows:
    """Whether a screen is in force."""

    def __init__(self, window: MainWindow, screen: Screen) -> None:
        self._window = window
        self._name = screen.value

    def __call__(self) -> bool:
        return self._window.screens.is_shown(self._name)


def screen_commands(w: MainWindow) -> list[Command]:
    """Ctrl+1 and so on, then the Review menu."""
    return [*_screens(w), *_review(w)]


def _screens(w: MainWindow) -> list[Command]:
    menu, is_open = w.tr("&View"), w.conditions.project
    return [
        Command(
            f"screen.{screen.value}",
            menu,
            text,
            (key,),
            w.screens.show_named,
            (screen.value,),
            enabled=is_open,
            checked=_Shows(w, screen),
            icon=icon,
        )
        for screen, text, key, icon in (
            (Screen.ANNOTATE, w.tr("Annotate"), "Ctrl+1", "pencil-simple"),
            (Screen.REVIEW, w.tr("Review"), "Ctrl+2", "squares-four"),
        )
    ]


def _review(w: MainWindow) -> list[Command]:
    menu, keys = w.tr("&Review"), w.review_keys
    table: tuple[tuple[str, str, tuple[str, ...], str, tuple[Any, ...]], ...] = (
        ("accept", w.tr("Accept the rest"), ("Return",), "accept", ()),
        ("settle", w.tr("Decide only what is marked"), ("Shift+Return",), "settle", ()),
        ("wrong", w.tr("Mark as wrong"), ("Backspace", "Del"), "wrong", ()),
        ("reject_all", w.tr("Reject everything on the wall"), ("Ctrl+Backspace",), "reject_all", ()),
        ("beside", w.tr("The picture beside the wall"), ("Space",), "beside", ()),
        ("open", w.tr("Open on the canvas"), ("O",), "open_current", ()),
        ("larger", w.tr("Larger crops"), ("+", "="), "zoom_by", (1,)),
        ("smaller", w.tr("Smaller crops"), ("-",), "zoom_by", (-1,)),
        ("next_pile", w.tr("Next pile"), ("Ctrl+Down",), "next_pile", (1,)),
        ("previous_pile", w.tr("Previous pile"), ("Ctrl+Up",), "next_pile", (-1,)),
        ("next_panel", w.tr("Between the piles and the wall"), ("F6",), "next_panel", ()),
    )
    commands = [
        Command(f"review.{name}", menu, text, shown, keys.do, (method, *arguments), screen=Screen.REVIEW)
        for name, text, shown, method, arguments in table
    ]
    digits = [
        Command(
            f"review.label.{n}",
            menu,
            w.tr("It is label {0}").format(n),
            (str(n),),
            keys.do,
            ("digit", n),
            listed=False,
            screen=Screen.REVIEW,
        )
        for n in DIGITS
    ]
    return [*commands, *digits]
