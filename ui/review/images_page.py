"""Whole images on the wall: the "new?" pile, of which a label can be made, and the images behind a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from annotator.domain.records import Label
from ui.review.choices import ImagesChoice, NovelChoice
from ui.review.crops import CropLoader
from ui.review.marks import Marks
from ui.review.page_parts import Footer, Header
from ui.review.wall_view import WallView
from ui.session import Session
from ui.widgets.basics import line, push_button

if TYPE_CHECKING:
    from annotator.edits.changes import Edit
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.wall import WallPile


class ImagesPage(QWidget):
    """A click leaves an image out of the pile. ``label_wanted`` brings the images that a label is to be given to."""

    open_wanted = Signal(int)
    label_wanted = Signal(object)
    tag_wanted = Signal(object, int)

    def __init__(self, session: Session, crops: CropLoader) -> None:
        super().__init__()
        self._session = session
        self._pile: WallPile | None = None
        self._choice: NovelChoice | ImagesChoice | None = None
        self.marks = Marks(self)
        self.wall = WallView(crops, self.marks)
        self.wall.setAccessibleName(self.tr("Wall of images"))
        self.wall.caption = self.wall.short_caption = self.wall.tip = self._caption
        self.wall.painter.label_of = self._label
        self.header = Header()
        self.open_button = push_button(self.tr("Open on the canvas   O"), role="compact")
        self.open_button.clicked.connect(self.open_current)
        self.make = push_button("", role="primary")
        self.make.clicked.connect(self.accept)
        self.footer = Footer(self.open_button, self.make)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget, share in ((self.header, 0), (line(), 0), (self.wall, 1), (line(), 0), (self.footer, 0)):
            layout.addWidget(widget, share)
        self.marks.changed.connect(self._tell)
        session.labels_changed.connect(self.wall.refresh)
        session.closed.connect(self.forget)

    def show_pile(self, choice: NovelChoice | ImagesChoice, pile: WallPile) -> None:
        """Show these images; the pile that is shown already keeps its marks."""
        before, same = self._pile, choice == self._choice
        self._choice, self._pile = choice, pile
        if same and before is not None:
            self.marks.move(before, pile)
        else:
            self.marks.clear()
        self.wall.set_toggles(isinstance(choice, NovelChoice))
        self.wall.show_pile(pile, np.arange(len(pile)), keep_place=same)
        self._tell()

    def forget(self) -> None:
        """Show nothing."""
        self._choice = self._pile = None
        self.marks.clear()
        self.wall.show_pile(None, np.zeros(0, np.int64))

    def chosen_images(self) -> list[int]:
        """The selection; without one, all that were not left out."""
        if self._pile is None:
            return []
        rows = sorted(self.marks.selected) or [r for r in range(len(self._pile)) if self.marks.get(r) is None]
        return self._pile.image_ids[rows].tolist()

    # --- keys ----------------------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Ask for the label of the pile."""
        images = self.chosen_images()
        if images and isinstance(self._choice, NovelChoice):
            self.label_wanted.emit(images)

    def relabel(self, label_id: int) -> None:
        """The selection, or what is under the cursor, has this tag."""
        if self._pile is not None and self.wall.chosen_rows():
            self.tag_wanted.emit(self._pile.image_ids[self.wall.chosen_rows()].tolist(), label_id)
            self.marks.select(())

    def toggle_wrong(self) -> None:
        """Leave the selection out of the pile, or take it in again."""
        if isinstance(self._choice, NovelChoice):
            self.marks.toggle(self.wall.chosen_rows())

    def open_current(self) -> None:
        """The image under the cursor on the canvas."""
        if self._pile is not None and self.wall.current_row >= 0:
            self.open_wanted.emit(int(self._pile.image_ids[self.wall.current_row]))

    def zoom_by(self, steps: int) -> None:
        """Larger or smaller images."""
        self.wall.set_zoom(self.wall.zoom + steps)

    # --- words ---------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._pile is None or self.wall.pile is not self._pile:
            return
        novel = isinstance(self._choice, NovelChoice)
        number = len(self._pile)
        if novel:
            self.header.title.show_text(self.tr("New?"))
            text = self.tr("{0} open images unlike anything that is labelled, the strangest first").format(
                f"{number:,}"
            )
            self.footer.hint.show_text(
                self.tr("Click or Backspace: leave out · drag, Shift: select · 1–9: has this tag · O: on the canvas")
            )
        else:
            assert isinstance(self._choice, ImagesChoice)
            self.header.title.show_text(self._choice.title)
            text = self.tr("1 image") if number == 1 else self.tr("{0} images").format(f"{number:,}")
            self.footer.hint.show_text(self.tr("Drag, Shift: select · 1–9: is this label · O: on the canvas"))
        self.header.figures.show_text(text)
        self.make.setVisible(novel)
        self.make.setText(self.tr("Make a label of these {0}   Enter").format(f"{len(self.chosen_images()):,}"))
        self.make.setEnabled(bool(self.chosen_images()))

    def _caption(self, place: int) -> str:
        known = None if self._pile is None else self._label(int(self._pile.label_ids[place]))
        return known.name if known is not None else ""

    def _label(self, label_id: int) -> Label | None:
        return self._session.labels.get(label_id)


def tag_images(
    project: Project, context: JobContext, *, images: list[int], label_id: int | None, new_name: str
) -> Edit:
    """The edit that gives images a tag; without ``label_id`` the label ``new_name`` is made first. Runs in a thread."""
    from annotator.edits import tags
    from annotator.usecases.novelty import label_pile

    pages = list(project.history.pages(images, context))
    words = project.history.vocabulary()
    if label_id is not None:
        return tags.tag_many(pages, label_id, words, annotator=project.annotator)
    fresh = project.history.next_label_id()
    group = min(words.groups, default=None)
    return label_pile(
        pages, new_name, words.labels.values(), words, label_id=fresh, annotator=project.annotator, group_id=group
    )
