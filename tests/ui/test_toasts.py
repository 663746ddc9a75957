"""Messages over the window: they leave free what is pressed next, and an error about pictures leads to the list of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from tests.ui.conftest import press
from tests.ui.review.conftest import add_suggestions
from ui.dialogs.tables import ProblemsDialog
from ui.main_window import MainWindow
from ui.review.review_screen import ReviewScreen
from ui.theme.tokens import SPACE_2, SPACE_4
from ui.toasts import Toast

CTRL = Qt.KeyboardModifier.ControlModifier


def place_of(widget: QWidget, window: MainWindow) -> QRect:
    """Where a widget stands in the window."""
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def three_errors(window: MainWindow) -> list[Toast]:
    """As many messages as there can be."""
    for number in range(3):
        window.toasts.error(f"Picture {number} cannot be read.", "Its file is cut short; copy it anew, and scan again.")
    return window.toasts.shown


def review_of(window: MainWindow, qtbot: Any) -> ReviewScreen:
    """The Review screen with something on its wall."""
    add_suggestions(window)
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: len(screen.wall.wall.rows) > 0)
    return screen


@pytest.mark.parametrize("size", [(1280, 800), (1024, 700)])
def test_errors_leave_the_buttons_of_the_wall_free(window: MainWindow, size: tuple[int, int], qtbot: Any) -> None:
    screen = review_of(window, qtbot)
    toasts = three_errors(window)
    window.resize(*size)
    qtbot.waitUntil(lambda: window.size().toTuple() == size and screen.pages.width() < size[0] - 150)
    page = place_of(screen.pages, window)
    footer = place_of(screen.wall.footer, window)
    assert all(page.contains(toast.geometry()) for toast in toasts)
    assert all(not footer.intersects(toast.geometry()) for toast in toasts)
    accept = screen.wall.footer.accept
    assert window.childAt(place_of(accept, window).center()) is accept


def test_errors_on_annotate_stand_over_the_picture_wherever_that_is(window: MainWindow, qtbot: Any) -> None:
    toasts, screen = three_errors(window), window.annotate

    def stand_in_the_corner() -> bool:
        picture = place_of(screen.picture, window)
        low = toasts[-1].geometry()
        inside = all(picture.contains(toast.geometry()) for toast in toasts)
        return inside and low.left() - picture.left() == SPACE_4 and picture.bottom() - low.bottom() == SPACE_2

    assert stand_in_the_corner()
    screen.toggle_left()
    qtbot.waitUntil(lambda: screen.left_rail.isVisible() and stand_in_the_corner())
    window.resize(1100, 720)
    qtbot.waitUntil(lambda: window.width() == 1100 and stand_in_the_corner())


def test_messages_follow_to_the_screen_that_is_shown(window: MainWindow, qtbot: Any) -> None:
    toast = three_errors(window)[-1]
    screen = review_of(window, qtbot)
    qtbot.waitUntil(lambda: place_of(screen.pages, window).contains(toast.geometry()))
    assert not place_of(screen.wall.footer, window).intersects(toast.geometry())
    press(window, Qt.Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: place_of(window.annotate.picture, window).contains(toast.geometry()))


def test_show_opens_the_list_of_pictures_that_cannot_be_used(
    empty_window: MainWindow, project_path: Path, photos: Path, qtbot: Any
) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    window = empty_window
    window.open_path(project_path)
    qtbot.waitUntil(lambda: any("broken.png" in text for text in window.toasts.texts))
    toast = next(each for each in window.toasts.shown if "broken.png" in each.text)
    button = toast.action
    assert isinstance(button, QPushButton)
    assert button.text() == "Show"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert isinstance(window.dialogs.current, ProblemsDialog)
    assert toast not in window.toasts.shown
    QTest.keyClick(window.dialogs.current, Qt.Key.Key_Escape)


def test_what_can_be_pressed_goes_with_its_project_and_errors_stay(window: MainWindow) -> None:
    window.toasts.error("The disk is full.", "Free some space.")
    window.toasts.error("broken.png is no picture.", "", "Show")
    window.toasts.good("Deleted 3 boxes", undo=True)
    press(window, Qt.Key.Key_W, CTRL)
    assert window.session.project is None
    assert window.toasts.texts == ["The disk is full."]
