"""The screens of the window beside Annotate, each made when it is first shown, and which of them is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from ui.actions import Screen
from ui.widgets.switcher import ScreenSwitcher

if TYPE_CHECKING:
    from ui.main_window import MainWindow
    from ui.review.review_screen import ReviewScreen


class Screens(QObject):
    """``review`` is None until somebody has looked at it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.review: ReviewScreen | None = None
        self.switcher: ScreenSwitcher | None = None

    def build_switcher(self) -> None:
        """Put the switcher beside the menus."""
        w = self._window
        shown = [w.commands.action(f"screen.{screen.value}") for screen in (Screen.ANNOTATE, Screen.REVIEW)]
        self.switcher = ScreenSwitcher(shown)
        w.menuBar().setCornerWidget(self.switcher, Qt.Corner.TopRightCorner)

    @property
    def current(self) -> Screen:
        """What the window shows."""
        return self._window.commands.screen

    def show(self, screen: Screen) -> None:
        """Show a screen; all but the start page need a project."""
        w = self._window
        if screen is not Screen.START and w.session.project is None:
            return
        page = self._page(screen)
        w.toolbar.setVisible(screen is not Screen.START)
        w.toolbar.show_tools(screen is Screen.ANNOTATE)
        w.bar.setVisible(screen is not Screen.START)
        w.pages.setCurrentWidget(page)
        w.commands.show_screen(screen)
        if self.review is not None:
            self.review.set_shown(screen is Screen.REVIEW)
        if screen is Screen.ANNOTATE:
            w.binding.focus()

    def is_shown(self, name: str) -> bool:
        """Whether the screen of that name is in force."""
        return self.current.value == name

    def show_named(self, name: str) -> None:
        """Show the screen of that name."""
        self.show(Screen(name))

    def show_image(self, image_id: int) -> None:
        """The image on the canvas of the Annotate screen."""
        self.show(Screen.ANNOTATE)
        self._window.session.go_to(image_id)

    def close(self) -> None:
        """Stop the threads of the screens."""
        if self.review is not None:
            self.review.close_threads()

    def _page(self, screen: Screen) -> QWidget:
        w = self._window
        if screen is Screen.START:
            return w.start
        if screen is Screen.REVIEW:
            return self._review()
        return w.annotate

    def _review(self) -> ReviewScreen:
        if self.review is None:
            from ui.review.review_screen import ReviewScreen

            w = self._window
            screen = self.review = ReviewScreen(w.session, w.jobs)
            screen.suggest_wanted.connect(w.loop.suggest_now)
            screen.open_wanted.connect(self.show_image)
            screen.judged.connect(w.loop.count_verdicts)
            screen.said.connect(w.news.tell_undoable)
            screen.told.connect(w.toasts.info)
            w.pages.addWidget(screen)
        return self.review
