"""The sample of a certificate on the wall: each is right, wrong or another label, and the bound moves with each answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from annotator.domain.kinds import Task
from annotator.domain.records import Label
from ui.review.crops import CropLoader
from ui.review.marks import RIGHT, WRONG, Marks
from ui.review.page_parts import TASK_WORDS, Footer, Header
from ui.review.wall_view import WallView
from ui.session import Session
from ui.widgets.basics import label, line, push_button, set_role

if TYPE_CHECKING:
    from annotator.usecases.samples import Audit
    from annotator.usecases.wall import WallPile

REMEMBER_MS = 1_500


class CheckPage(QWidget):
    """``remember_wanted`` and ``sign_wanted`` bring the audit and its answers: suggestion id to label, None for wrong."""

    remember_wanted = Signal(object, object)
    sign_wanted = Signal(object, object)
    open_wanted = Signal(int)

    def __init__(self, session: Session, crops: CropLoader) -> None:
        super().__init__()
        self._session = session
        self._audit: Audit | None = None
        self._pile: WallPile | None = None
        self._signing = False
        self.marks = Marks(self)
        self.wall = WallView(crops, self.marks)
        self.wall.set_toggles(False)
        self.wall.setAccessibleName(self.tr("Sample to check"))
        self.wall.caption, self.wall.short_caption, self.wall.tip = self._caption, self._percent, self._tip
        self.wall.painter.label_of = self._label
        self.wall.clicked.connect(self._clicked)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setAccessibleName(self.tr("How much of the sample is checked"))
        self.bound = label("", "title")
        self.header = Header(self.bound, self.bar)
        self.rest = push_button("", role="compact")
        self.rest.clicked.connect(self.settle)
        self.sign = push_button(self.tr("Sign the certificate"), role="primary")
        self.sign.clicked.connect(self._sign)
        self.footer = Footer(self.rest, self.sign)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget, share in ((self.header, 0), (line(), 0), (self.wall, 1), (line(), 0), (self.footer, 0)):
            layout.addWidget(widget, share)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REMEMBER_MS)
        self._timer.timeout.connect(self.remember)
        self.marks.changed.connect(self._tell)
        session.closed.connect(self.forget)

    # --- what is shown -------------------------------------------------------------------------------------------------

    @property
    def audit(self) -> Audit | None:
        """The audit whose sample is on the wall."""
        return self._audit

    @property
    def checked(self) -> dict[UUID, int | None]:
        """The answers: suggestion id to the label that is right there, None where it is wrong."""
        if self._audit is None:
            return {}
        sample = self._audit.sample
        said: dict[UUID, int | None] = {}
        for row, mark in self.marks.rows.items():
            each = sample[row]
            said[each.id] = each.label_id if mark == RIGHT else None if mark == WRONG else mark
        return said

    def show_sample(self, audit: Audit, checked: Mapping[UUID, int | None], pile: WallPile) -> None:
        """Put a sample on the wall with the answers so far; the one that is there already stays as it is."""
        if self._audit is not None and audit.certificate_id == self._audit.certificate_id:
            return
        self.forget()  # the wall may be painted at any moment, and asks this page about the rows that it shows
        self._audit, self._pile, self._signing = audit, pile, False
        for row, each in enumerate(audit.sample):
            if each.id in checked:
                said = checked[each.id]
                self.marks.set([row], RIGHT if said == each.label_id else WRONG if said is None else said)
        self.wall.show_pile(pile, np.arange(len(pile)))
        self._go_on(-1)
        self._tell()

    def forget(self) -> None:
        """Show nothing."""
        self._timer.stop()
        self.wall.show_pile(None, np.zeros(0, np.int64))
        self._audit = self._pile = None
        self.marks.clear()

    # --- keys ----------------------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """The selection, or what is under the cursor, is right: on to the next. When all is checked: sign."""
        if self._audit is not None and len(self.marks) == len(self._audit.sample):
            self._sign()
        else:
            self._answer(RIGHT)

    def toggle_wrong(self) -> None:
        """It is wrong, whatever it is."""
        self._answer(WRONG)

    def relabel(self, label_id: int) -> None:
        """It is this label."""
        if self._audit is None:
            return
        for row in self.wall.chosen_rows():
            self.marks.set([row], RIGHT if self._audit.sample[row].label_id == label_id else label_id)
        self._answered()

    def settle(self) -> None:
        """Everything that has no answer yet is right: the person has looked at all of it."""
        if self._audit is not None:
            open_rows = [row for row in range(len(self._audit.sample)) if self.marks.get(row) is None]
            self.marks.set(open_rows, RIGHT)
            self._answered()

    def open_current(self) -> None:
        """The image under the cursor on the canvas."""
        if self._pile is not None and self.wall.current_row >= 0:
            self.open_wanted.emit(int(self._pile.image_ids[self.wall.current_row]))

    def zoom_by(self, steps: int) -> None:
        """Larger or smaller crops."""
        self.wall.set_zoom(self.wall.zoom + steps)

    def remember(self) -> None:
        """Let the answers so far be kept."""
        self._timer.stop()
        if self._audit is not None and not self._signing:
            self.remember_wanted.emit(self._audit, self.checked)

    def _answer(self, mark: int) -> None:
        rows = self.wall.chosen_rows()
        if rows:
            self.marks.set(rows, mark)
            self._answered()

    def _answered(self) -> None:
        last = self.wall.place_of(max(self.wall.chosen_rows(), default=-1))
        self.marks.select(())
        self._timer.start()
        self._go_on(last)

    def _clicked(self, row: int) -> None:
        """A click goes round: wrong, right, not checked."""
        mark = self.marks.get(row)
        if mark is None:
            self.marks.set([row], WRONG)
        elif mark == RIGHT:
            self.marks.unmark([row])
        else:
            self.marks.set([row], RIGHT)
        self._timer.start()

    def _go_on(self, place: int) -> None:
        """The cursor to the next one without an answer, round the end."""
        rows = self.wall.rows
        order = [*range(place + 1, len(rows)), *range(place + 1)]
        following = next((at for at in order if self.marks.get(int(rows[at])) is None), None)
        if following is not None:
            self.wall.go_to(following)

    def _sign(self) -> None:
        if self._audit is not None and not self._signing:
            self._signing = True
            self._tell()
            self.sign_wanted.emit(self._audit, self.checked)

    def failed(self) -> None:
        """Signing did not work: it can be tried again."""
        self._signing = False
        self._tell()

    # --- words ---------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        audit = self._audit
        if audit is None:
            return
        standing = audit.standing(self.checked)
        title = self.tr("Check a random sample of {0} for at most {1:.1%} wrong")
        self.header.title.show_text(title.format(TASK_WORDS[audit.task], audit.max_error))
        parts = [
            self.tr("{0} of {1} checked").format(f"{standing.checked:,}", f"{standing.of:,}"),
            self.tr("{0} wrong").format(f"{standing.errors:,}"),
        ]
        if standing.reachable:
            words = self.tr("if the rest is right, {0} of {1} can be accepted unseen")
            parts.append(words.format(f"{standing.would_accept:,}", f"{audit.pile:,}"))
        else:
            parts.append(self.tr("too many are wrong to certify this error"))
        self.header.figures.show_text(" · ".join(parts))
        self.bound.setText(self.tr("at most {0:.1%} wrong so far").format(standing.bound) if standing.checked else "")
        set_role(self.bound, "title" if standing.reachable else "warn")
        self.bar.setRange(0, max(1, standing.of))
        self.bar.setValue(standing.checked)
        self.footer.hint.show_text(self._hint(audit.task))
        left = standing.of - standing.checked
        self.rest.setVisible(left > 0)
        self.rest.setText(self.tr("The other {0} are right   Shift+Enter").format(f"{left:,}"))
        self.sign.setEnabled(standing.complete and not self._signing)
        text = self.tr("Sign the certificate   Enter") if standing.reachable else self.tr("Finish the audit   Enter")
        self.sign.setText(text)

    def _hint(self, task: Task) -> str:
        """What the keys mean for what is checked."""
        right = {
            Task.TAGS: self.tr("Enter: right"),
            Task.BOXES: self.tr("Enter: label right, box fits"),
            Task.MASKS: self.tr("Enter: label right, outline fits"),
        }
        return right[task] + self.tr(" · Backspace, click: wrong · 1–9: another label · drag: select · O: canvas")

    def _label(self, label_id: int) -> Label | None:
        return self._session.labels.get(label_id)

    def _caption(self, place: int) -> str:
        known = None if self._pile is None else self._label(int(self._pile.label_ids[place]))
        return known.name if known is not None else ""

    def _percent(self, place: int) -> str:
        return self._caption(place)[:6]

    def _tip(self, place: int) -> str:
        mark = self.marks.get(place)
        said: Any = None if mark is None or mark < 0 else self._label(mark)
        words = {None: self.tr("not checked"), RIGHT: self.tr("right"), WRONG: self.tr("wrong")}
        return f"{self._caption(place)}: {said.name if said is not None else words.get(mark, '')}"
