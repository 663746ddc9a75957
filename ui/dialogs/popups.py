"""The sheets over the window: command palette, label typeahead, note, brightness and contrast. Made when first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint

from ui.dialogs.adjust import AdjustPopup
from ui.dialogs.note import NotePopup
from ui.dialogs.palette import CommandPalette
from ui.dialogs.picker import Choice, Picker
from ui.qt_models.labels_model import digit_of

if TYPE_CHECKING:
    from ui.main_window import MainWindow


class Popups(QObject):
    """One method for each sheet."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.palette: CommandPalette | None = None
        self.labels: Picker | None = None
        self.pile_label: Picker | None = None
        self._pile: list[int] = []
        self.note: NotePopup | None = None
        self.adjust: AdjustPopup | None = None

    def leave(self) -> None:
        """Put away the sheet that is open: another screen comes."""
        for sheet in (self.palette, self.labels, self.pile_label, self.note, self.adjust):
            if sheet is not None:
                sheet.leave()

    def open_palette(self) -> None:
        """Every command by name."""
        if self.palette is None:
            self.palette = CommandPalette(self._window, self._window.commands)
        self.palette.open_now()

    def pick_label(self) -> None:
        """A label by typing its name; a name that is not there yet is made."""
        if self.labels is None:
            self.labels = Picker(
                self._window, self.tr("Type a label"), width=320, new_text=self.tr("Enter creates “{0}”.")
            )
            self.labels.picked.connect(self._window.keys.give_label)
            self.labels.entered.connect(self._window.keys.give_new_label)
        ordered = self._window.session.ordered_labels()
        self.labels.offer(
            [Choice(label.name, label.id, digit_of(label, n), color=label.color) for n, label in enumerate(ordered)]
        )
        canvas = self._window.canvas
        middle = canvas.mapTo(self._window, QPoint(canvas.width() // 2 - 160, 48))
        self.labels.open_at(middle, self.labels.field)

    def name_pile(self, images: list[int]) -> None:
        """A label for the images of a pile: one that is there, or a new one by its name."""
        self._pile = images
        if self.pile_label is None:
            self.pile_label = Picker(
                self._window, self.tr("Type the label"), width=320, new_text=self.tr("Enter makes “{0}”.")
            )
            self.pile_label.picked.connect(self._pile_picked)
            self.pile_label.entered.connect(self._pile_named)
        ordered = self._window.session.ordered_labels()
        self.pile_label.offer(
            [Choice(each.name, each.id, digit_of(each, n), color=each.color) for n, each in enumerate(ordered)]
        )
        self.pile_label.open_centred(self.pile_label.field)

    def _pile_picked(self, label_id: int) -> None:
        screen = self._window.screens.review
        if screen is not None:
            screen.judging.tag(self._pile, label_id)

    def _pile_named(self, name: str) -> None:
        screen = self._window.screens.review
        if screen is not None:
            screen.judging.tag(self._pile, None, name)

    def open_note(self) -> None:
        """The note on the image."""
        image = self._window.session.image
        if image is None:
            return
        if self.note is None:
            self.note = NotePopup(self._window)
            self.note.kept.connect(self._window.image_edits.note)
            self.note.flag_wanted.connect(self._window.image_edits.flag)
        self.note.fill(image.note, image.flagged)
        button = self._window.annotate.strip.note
        self.note.open_at(button.mapTo(self._window, QPoint(-300, button.height() + 6)), self.note.field)

    def open_adjust(self) -> None:
        """Brightness and contrast."""
        if self.adjust is None:
            self.adjust = AdjustPopup(self._window)
            self.adjust.changed.connect(self._window.canvas.set_adjust)
            self.adjust.window_changed.connect(self._window.binding.set_window)
        self.adjust.show_deep(self._window.binding.is_deep)
        canvas = self._window.canvas
        self.adjust.open_at(canvas.mapTo(self._window, QPoint(12, 12)), self.adjust.brightness)
