"""Commands that concern more than one part of the window, and the conditions under which commands can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication

from annotator.domain.kinds import Split

if TYPE_CHECKING:
    from ui.main_window import MainWindow


class Conditions:
    """Questions that commands ask before they run."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def project(self) -> bool:
        """Whether a project is open."""
        return self._window.session.project is not None

    def page(self) -> bool:
        """Whether an image is on screen."""
        return self._window.session.page is not None

    def labels(self) -> bool:
        """Whether there are labels."""
        return bool(self._window.session.labels)

    def undo(self) -> bool:
        """Whether there is something to take back."""
        project = self._window.session.project
        return project is not None and project.history.can_undo

    def redo(self) -> bool:
        """Whether there is something to do again."""
        project = self._window.session.project
        return project is not None and project.history.can_redo

    def auto_advance(self) -> bool:
        """Whether a tag verdict goes to the next image."""
        return self._window.settings.state.auto_advance

    def auto_train(self) -> bool:
        """Whether the machine learns by itself."""
        return self._window.settings.state.auto_train

    def suggestions_shown(self) -> bool:
        """Whether suggestions are on the canvas."""
        return self._window.binding.suggestions_shown

    def annotations_shown(self) -> bool:
        """Whether annotations are on the canvas."""
        return self._window.binding.annotations_shown


class Keys(QObject):
    """What single keys do when the answer depends on where one is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def take_tool(self, tool_id: str) -> None:
        """Take a tool, and give the keys to the canvas."""
        self._window.binding.set_tool(tool_id)
        self._window.binding.focus()
        self._window.commands.refresh()

    def digit(self, number: int) -> None:
        """The label with that digit: for the chosen thumbnails, else for what is on the canvas."""
        label = self._window.verdicts.label_of_digit(number)
        if label is not None and self._window.image_edits.tag_chosen(label.id):
            return
        self._window.verdicts.digit(number)

    def give_label(self, label_id: int) -> None:
        """A label picked by name: finishes a shape that waits for one, else does what its digit would."""
        w = self._window
        if w.image_edits.tag_chosen(label_id):
            return
        if w.editing.is_waiting():
            w.session.set_current_label(label_id)
            w.editing.finish_pending()
        else:
            w.verdicts.give(label_id)

    def pick_in_panel(self, label_id: int) -> None:
        """A click on a label does what its digit would, and the canvas has the keys again."""
        self.give_label(label_id)
        self._window.binding.focus()

    def give_new_label(self, name: str) -> None:
        """A label that is not there yet: make it, then give it."""
        w = self._window
        w.label_edits.create([name])
        if w.session.current_label_id is not None:
            self.give_label(w.session.current_label_id)

    def backspace(self) -> None:
        """Delete the selection; without one, reject the suggestion."""
        if self._window.editing.has_selection():
            self._window.editing.delete()
        else:
            self._window.verdicts.reject()

    def set_split(self, name: str) -> None:
        """Put the image, or the chosen ones, into a split."""
        self._window.image_edits.set_split(Split(name) if name else None)

    def toggle_auto_advance(self) -> None:
        """Whether a tag verdict goes to the next image."""
        settings = self._window.settings
        settings.update(auto_advance=not settings.state.auto_advance)

    def toggle_auto_train(self) -> None:
        """Whether the machine learns by itself."""
        settings = self._window.settings
        settings.update(auto_train=not settings.state.auto_train)

    def next_panel(self, by: int) -> None:
        """Give the keys to the next panel that can be seen."""
        panels = [p for p in self._window.annotate.panels() if p.isVisible()]
        focus = QApplication.focusWidget()
        here = next(
            (n for n, p in enumerate(panels) if focus is not None and (p is focus or p.isAncestorOf(focus))), -by
        )
        if panels:
            panels[(here + by) % len(panels)].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def rescan(self) -> None:
        """Look for pictures again."""
        if self._window.session.project is not None:
            self._window.jobs.submit("scan")

    def close_project(self) -> None:
        """Back to the start page."""
        self._window.projects.leave()
        self._window.show_start()
