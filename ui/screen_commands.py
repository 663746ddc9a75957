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
            (Screen.INSIGHTS, w.tr("Insights"), "Ctrl+4", "chart-line-up"),
        )
    ]


def _review(w: MainWindow) -> list[Command]:
    menu, keys = w.tr("&Review"), w.review_keys
    table: tuple[tuple[str, str, tuple[str, ...], str, tuple[Any, ...]], ...] = (
        ("accept", w.tr("Accept the rest; in an audit: it is right"), ("Return",), "do", ("accept",)),
        (
            "settle",
            w.tr("Only what is marked; in an audit: the others are right"),
            ("Shift+Return",),
            "do",
            ("settle",),
        ),
        ("wrong", w.tr("It is wrong"), ("Backspace", "Del"), "do", ("toggle_wrong",)),
        ("reject_all", w.tr("Reject everything on the wall"), ("Ctrl+Backspace",), "do", ("reject_all",)),
        ("beside", w.tr("The picture beside the wall"), ("Space",), "do", ("toggle_beside",)),
        ("open", w.tr("Open on the canvas"), ("O",), "do", ("open_current",)),
        ("larger", w.tr("Larger crops"), ("+", "="), "do", ("zoom_by", 1)),
        ("smaller", w.tr("Smaller crops"), ("-",), "do", ("zoom_by", -1)),
        ("fix", w.tr("Fix the finding"), ("F",), "do", ("fix",)),
        ("keep", w.tr("Keep it: it is right as it is"), ("K",), "do", ("keep",)),
        ("skip", w.tr("Skip the finding for now"), ("X",), "do", ("skip",)),
        ("audit", w.tr("Look for label errors"), (), "audit", ()),
        ("next_pile", w.tr("Next pile"), ("Ctrl+Down",), "next_pile", (1,)),
        ("previous_pile", w.tr("Previous pile"), ("Ctrl+Up",), "next_pile", (-1,)),
        ("next_panel", w.tr("Between the piles and the wall"), ("F6",), "next_panel", ()),
    )
    certify = Command(
        "review.certify",
        menu,
        w.tr("Certify…"),
        ("C",),
        w.dialogs.open_certificate,
        enabled=w.conditions.labels,
        screen=Screen.REVIEW,
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
    return [*commands, certify, *digits]
