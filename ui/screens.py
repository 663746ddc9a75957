"""The screens of the window beside Annotate, each made when it is first shown, and which of them is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from ui.actions import Screen
from ui.widgets.switcher import ScreenSwitcher

if TYPE_CHECKING:
    from ui.insights.insights_screen import InsightsScreen
    from ui.main_window import MainWindow
    from ui.review.review_screen import ReviewScreen


SHOWN = (Screen.ANNOTATE, Screen.REVIEW, Screen.INSIGHTS)


class Screens(QObject):
    """``review`` and ``insights`` are None until somebody has looked at them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.review: ReviewScreen | None = None
        self.insights: InsightsScreen | None = None
        self.switcher: ScreenSwitcher | None = None

    def build_switcher(self) -> None:
        """Put the switcher beside the menus."""
        w = self._window
        shown = [w.commands.action(f"screen.{screen.value}") for screen in SHOWN]
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
        if screen is not self.current:
            w.popups.leave()
        page = self._page(screen)
        w.toolbar.setVisible(screen is not Screen.START)
        w.toolbar.show_tools(screen is Screen.ANNOTATE)
        w.bar.setVisible(screen is not Screen.START)
        w.pages.setCurrentWidget(page)
        w.commands.show_screen(screen)
        if self.review is not None:
            self.review.set_shown(screen is Screen.REVIEW)
        if self.insights is not None:
            self.insights.set_shown(screen is Screen.INSIGHTS)
        self._place_toasts(page)
        if screen is Screen.ANNOTATE:
            w.binding.focus()

    def focus(self) -> None:
        """Give the keys back to what the screen is about."""
        if self.current is Screen.REVIEW and self.review is not None:
            self.review.set_shown(True)
        elif self.current is Screen.ANNOTATE:
            self._window.binding.focus()

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

    def show_pile(self, title: str, image_ids: list[int]) -> None:
        """Images on the wall of the Review screen, e.g. those behind a cell of the confusion matrix."""
        self.show(Screen.REVIEW)
        assert self.review is not None
        self.review.show_images(title, tuple(image_ids))

    def close(self) -> None:
        """Stop the threads of the screens."""
        for screen in (self.review, self.insights):
            if screen is not None:
                screen.close_threads()

    def _place_toasts(self, page: QWidget) -> None:
        """Messages stand over pictures, never over a panel or over the buttons that decide."""
        w = self._window
        if page is w.annotate:
            w.toasts.stand_over(w.annotate.picture)
        elif self.review is not None and page is self.review:
            w.toasts.stand_over(self.review.pages, clear=self.review.footer_px)
        else:
            w.toasts.stand_over(page)

    def _page(self, screen: Screen) -> QWidget:
        w = self._window
        if screen is Screen.START:
            return w.start
        if screen is Screen.REVIEW:
            return self._review()
        if screen is Screen.INSIGHTS:
            return self._insights()
        return w.annotate

    def _review(self) -> ReviewScreen:
        if self.review is None:
            from ui.review.review_screen import ReviewScreen

            w = self._window
            screen = self.review = ReviewScreen(w.session, w.jobs)
            screen.suggest_wanted.connect(w.loop.suggest_now)
            screen.open_wanted.connect(self.show_image)
            screen.failed.connect(w.toasts.error)
            screen.certify_wanted.connect(w.dialogs.open_certificate)
            screen.label_wanted.connect(w.popups.name_pile)
            screen.concluded.connect(w.news.tell_certificate)
            screen.said.connect(w.news.tell_undoable)
            screen.told.connect(w.toasts.info)
            w.pages.addWidget(screen)
        return self.review

    def _insights(self) -> InsightsScreen:
        if self.insights is None:
            from ui.insights.insights_screen import InsightsScreen

            w = self._window
            screen = self.insights = InsightsScreen(w.session)
            screen.pile_wanted.connect(self.show_pile)
            screen.told.connect(w.toasts.info)
            screen.failed.connect(w.toasts.error)
            w.pages.addWidget(screen)
        return self.insights
