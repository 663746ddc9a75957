"""One pile on the wall: what it is, which part of it is shown, the wall, the picture beside it, and the buttons that decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedLayout, QVBoxLayout, QWidget

from annotator.domain.kinds import CERTIFIABLE, Task
from annotator.domain.records import Label, Suggestion
from ui.review.beside import Beside
from ui.review.choices import PileChoice
from ui.review.crops import CropLoader
from ui.review.marks import WRONG, Marks
from ui.review.page_parts import TASK_WORDS
from ui.review.piles import Sorting
from ui.review.wall_bars import WallFooter, WallHeader
from ui.review.wall_view import HEIGHTS, WallView
from ui.session import Session
from ui.widgets.basics import EmptyState, line

if TYPE_CHECKING:
    from annotator.usecases.wall import Judgement, WallPile

BINS = 20


class WallPage(QWidget):
    """``judge_wanted`` brings a pile, what to do with it and a title; ``open_wanted`` an image for the canvas."""

    judge_wanted = Signal(object, object, str)
    open_wanted = Signal(int)
    certify_wanted = Signal()
    order_wanted = Signal(object)
    next_wanted = Signal()
    told = Signal(str)

    def __init__(self, session: Session, crops: CropLoader) -> None:
        super().__init__()
        self._session = session
        self._pile: WallPile | None = None
        self._choice: PileChoice | None = None
        self._look: np.ndarray | None = None
        self._judged: np.ndarray | None = None
        self._doubt = 0.0
        self.marks = Marks(self)
        self.wall = WallView(crops, self.marks)
        self.wall.caption, self.wall.short_caption, self.wall.tip = self._caption, self._percent, self._tip
        self.wall.painter.label_of = self._label
        self.header = WallHeader(len(HEIGHTS), self.wall.zoom)
        self.footer = WallFooter()
        self.beside = Beside(crops)
        self.beside.hide()
        self._empty = EmptyState("checks", "", self.tr("Next pile"))
        self._empty.pressed.connect(self.next_wanted)
        host = QWidget()
        # A layout without a widget shows its first one as a window of its own.
        self._stack = QStackedLayout(host)
        self._stack.addWidget(self.wall)
        self._stack.addWidget(self._empty)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        self.columns.addWidget(host)
        self.columns.addWidget(self.beside)
        self.columns.setStretchFactor(0, 4)
        self.columns.setStretchFactor(1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(line())
        layout.addWidget(self.columns, 1)
        layout.addWidget(line())
        layout.addWidget(self.footer)
        self._connect(session)

    def _connect(self, session: Session) -> None:
        self.header.sorting.currentIndexChanged.connect(self._sorting_changed)
        self.header.zoom.valueChanged.connect(self.wall.set_zoom)
        self.wall.zoomed.connect(self.header.zoom.setValue)
        self.header.range.changed.connect(self._range_changed)
        self.footer.beside.clicked.connect(self.toggle_beside)
        self.footer.certify.clicked.connect(self.certify_wanted)
        self.footer.reject.clicked.connect(self.settle)
        self.footer.accept.clicked.connect(self.accept)
        self.marks.changed.connect(self._tell)
        self.wall.cursor_moved.connect(self._cursor_moved)
        self.beside.open_wanted.connect(self.open_wanted)
        self.beside.closed.connect(self.toggle_beside)
        session.labels_changed.connect(self._labels_changed)
        session.undone.connect(self._undone)
        session.closed.connect(self.forget)

    # --- what is shown -------------------------------------------------------------------------------------------------

    @property
    def pile(self) -> WallPile | None:
        """The pile on the wall."""
        return self._pile

    @property
    def choice(self) -> PileChoice | None:
        """Which pile that is."""
        return self._choice

    def show_pile(self, choice: PileChoice, pile: WallPile) -> None:
        """Show a pile; the one that is shown already, read anew, keeps its marks, its place and its part."""
        before, same = self._pile, choice == self._choice
        self._choice, self._pile, self._look = choice, pile, None
        if same and before is not None:
            self.marks.move(before, pile)
            self._judged = _carried(self._judged, before, pile)
        else:
            self._judged = None
            self.marks.clear()
            self.header.range.set_ends(0.0, 1.0)
        self.header.range.set_counts(np.histogram(pile.confidences, bins=BINS, range=(0.0, 1.0))[0].tolist())
        if self.header.order is Sorting.LOOK:
            self.order_wanted.emit(pile)
        self._fill(keep_place=same)

    def show_order(self, pile: WallPile, rows: np.ndarray | None) -> None:
        """The rows of the pile by look have come; None: nobody has looked at these pictures yet."""
        if pile is not self._pile:
            return
        if rows is None:
            self.told.emit(self.tr("By look comes once the models have looked at these pictures: Ctrl+G suggests."))
            self.header.set_order(Sorting.SURE)
        else:
            self._look = rows
            self._fill(keep_place=True)

    def forget(self) -> None:
        """Show nothing: the project is closed."""
        self._choice = self._pile = self._look = None
        self._judged = None
        self.marks.clear()
        self._fill(keep_place=False)

    def failed(self) -> None:
        """What was decided last has not happened: it is on the wall again."""
        self._judged = None
        self._fill(keep_place=True)

    def _fill(self, *, keep_place: bool) -> None:
        """Put the part of the pile that passes on the wall, in the chosen order."""
        pile = self._pile
        rows = np.zeros(0, np.int64) if pile is None else self._ordered(pile)
        if pile is not None:
            low, high = self.header.range.ends
            sure = pile.confidences[rows]
            rows = rows[(sure >= low - 1e-6) & (sure <= high + 1e-6)]
            if self._judged is not None:
                rows = rows[~self._judged[rows]]
        self._doubt = 0.0 if pile is None else float((1.0 - pile.confidences[rows]).sum())
        self.wall.show_pile(pile, rows, keep_place=keep_place)
        self._stack.setCurrentWidget(self.wall if len(rows) else self._empty)
        self._empty.set_text(self._why_empty())
        self._tell()

    def _ordered(self, pile: WallPile) -> np.ndarray:
        sorting = self.header.order
        if sorting is Sorting.LOOK and self._look is not None:
            return self._look
        rows = np.arange(len(pile), dtype=np.int64)
        return rows[::-1] if sorting is Sorting.UNSURE else rows

    def _why_empty(self) -> str:
        if self._pile is not None and len(self._pile) and self._judged is None:
            return self.tr("No suggestion of this pile has such a confidence. Home on the slider shows all of them.")
        return self.tr("Everything in this pile has your verdict.")

    def _tell(self) -> None:
        """Title, figures and what the buttons would do now."""
        pile, choice = self._pile, self._choice
        if self.wall.pile is not pile:
            return  # a pile is on its way to the wall
        name = self._label_name(choice.label_id) if choice is not None else ""
        self.header.title.show_text(name)
        rows = self.wall.rows
        marked = [row for row in self.marks.rows if self.wall.place_of(row) >= 0]
        settled = len(marked)
        accepted = len(rows) - settled
        parts: list[str] = []
        if pile is not None and choice is not None:
            shown = f"{len(rows):,}" if len(rows) == len(pile) else self.tr("{0} of {1}").format(*_counts(rows, pile))
            parts.append(self.tr("{0} {1}").format(shown, TASK_WORDS.get(choice.task, choice.task.value)))
            if len(self.marks):
                parts.append(self.tr("{0} marked").format(f"{len(self.marks):,}"))
            if self.marks.selected:
                parts.append(self.tr("{0} selected").format(f"{len(self.marks.selected):,}"))
            wrong = max(0.0, self._doubt - float((1.0 - pile.confidences[marked]).sum()))
            words = self.tr("about {0} of the rest wrong")
            if choice.task is not Task.TAGS or self._is_uncalibrated():
                words = self.tr("about {0} of the rest wrong (uncalibrated)")
            parts.append(words.format(_about(wrong)))
        self.header.figures.show_text(" · ".join(parts))
        self.footer.tell(accepted, settled, may_certify=choice is not None and choice.task in CERTIFIABLE)

    def _is_uncalibrated(self) -> bool:
        project = self._session.project
        return project is None or project.review.uncalibrated()

    # --- what keys and buttons do --------------------------------------------------------------------------------------

    def toggle_wrong(self) -> None:
        """The selection, or what is under the cursor, is wrong; or not after all."""
        rows = self.wall.chosen_rows()
        if rows:
            self.marks.toggle(rows)

    def relabel(self, label_id: int) -> None:
        """The selection, or what is under the cursor, is this label."""
        rows = self.wall.chosen_rows()
        if not rows or self._choice is None:
            return
        if label_id == self._choice.label_id:
            marked = [each for each in rows if self.marks.get(each) is not None]
            if marked:
                self.marks.unmark(marked)
        else:
            self.marks.relabel(rows, label_id)

    def accept(self) -> None:
        """Accept what is shown and not marked; what is marked is rejected, or gets its other label. One edit."""
        self._judge(self.marks.judgement(self.wall.rows, rest=True))

    def settle(self) -> None:
        """Only what is marked is decided; the rest stays open."""
        self._judge(self.marks.judgement(self.wall.rows, rest=False))

    def reject_all(self) -> None:
        """Everything that is shown is wrong, but for what is marked as another label."""
        rows = [each for each in self.wall.rows.tolist() if self.marks.get(each) is None]
        self.marks.toggle(rows)
        self.settle()

    def toggle_beside(self) -> None:
        """Show or hide the picture beside the wall."""
        shown = self.beside.isHidden()
        self.beside.setVisible(shown)
        if shown:
            width = self.columns.width()
            self.columns.setSizes([round(width * 0.58), round(width * 0.42)])
            self._cursor_moved(self.wall.current_row)
        self.wall.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_current(self) -> None:
        """The image under the cursor on the canvas of the Annotate screen."""
        if self._pile is not None and self.wall.current_row >= 0:
            self.open_wanted.emit(int(self._pile.image_ids[self.wall.current_row]))

    def zoom_by(self, steps: int) -> None:
        """Larger or smaller crops."""
        self.wall.set_zoom(self.wall.zoom + steps)

    def _judge(self, judgement: Judgement) -> None:
        pile, choice = self._pile, self._choice
        if pile is None or choice is None or not len(judgement):
            return
        judged = np.zeros(len(pile), dtype=bool) if self._judged is None else self._judged.copy()
        for rows in (judgement.accepted, judgement.rejected, np.asarray(list(judgement.relabelled), np.int64)):
            judged[rows] = True
        self._judged = judged
        title = self.tr("Review {0}").format(self._label_name(choice.label_id))
        self.marks.clear()
        self._fill(keep_place=True)
        self.judge_wanted.emit(pile, judgement, title)

    # --- words about a row ---------------------------------------------------------------------------------------------

    def _label(self, label_id: int) -> Label | None:
        return self._session.labels.get(label_id)

    def _label_name(self, label_id: int) -> str:
        known = self._label(label_id)
        return known.name if known is not None else ""

    def _caption(self, place: int) -> str:
        assert self._pile is not None
        return f"{self._label_name(int(self._pile.label_ids[place]))} {self._percent(place)}"

    def _percent(self, place: int) -> str:
        assert self._pile is not None
        return f"{self._pile.confidences[place]:.0%}"

    def _tip(self, place: int) -> str:
        if self._pile is None or place < 0:
            return ""
        mark = self.marks.get(place)
        marked = "" if mark is None else self.tr("wrong") if mark == WRONG else self._label_name(mark)
        return self._caption(place) + (f" → {marked}" if marked else "")

    def _cursor_moved(self, place: int) -> None:
        project, pile = self._session.project, self._pile
        if self.beside.isHidden() or project is None or pile is None or place < 0:
            return
        image = project.images.get(int(pile.image_ids[place]))
        crop = self.wall.crop_of(place)
        known: Label | None = self._session.labels.get(int(pile.label_ids[place]))
        self.beside.show_suggestion(
            image.id,
            image.name,
            (image.width, image.height),
            crop.bounds,
            known.color if known is not None else "",
            self._about(place),
        )

    def _about(self, place: int) -> str:
        """What is known of a suggestion, where its number comes from included."""
        assert self._pile is not None
        found = self._suggestion(place)
        if found is None:
            return self._tip(place)
        lines = [self.tr("{0}, score of the model {1:.3f}").format(self._caption(place), found.score)]
        others = [f"{self._label_name(label_id)} {share:.0%}" for label_id, share in found.distribution[1:3]]
        if others:
            lines.append(self.tr("or: {0}").format(", ".join(others)))
        if found.reason:
            lines.append(found.reason)
        return "\n".join(lines)

    def _suggestion(self, place: int) -> Suggestion | None:
        project, pile = self._session.project, self._pile
        if project is None or pile is None:
            return None
        key = pile.key(place)
        for each in project.review.open_suggestions(int(pile.image_ids[place])):
            if key in (each.id, (each.image_id, each.label_id)):
                return each
        return None

    # --- what changes --------------------------------------------------------------------------------------------------

    def _range_changed(self, low: float, high: float) -> None:
        self._fill(keep_place=True)

    def _sorting_changed(self) -> None:
        if self.header.order is Sorting.LOOK and self._pile is not None and self._look is None:
            self.order_wanted.emit(self._pile)
        else:
            self._fill(keep_place=False)

    def _labels_changed(self) -> None:
        self._tell()
        self.wall.repaint_all()

    def _undone(self) -> None:
        self._judged = None


def _carried(judged: np.ndarray | None, before: WallPile, after: WallPile) -> np.ndarray | None:
    """Which rows of ``after`` were judged as rows of ``before`` and are only still there because they were read too early."""
    if judged is None or not len(after):
        return None
    carried: np.ndarray = np.isin(after.codes, before.codes[judged])
    return carried if carried.any() else None


def _counts(rows: np.ndarray, pile: WallPile) -> tuple[str, str]:
    return f"{len(rows):,}", f"{len(pile):,}"


def _about(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{round(number):,}"
