"""Reads piles in a thread: which there are, and the one that is looked at; again, a moment after something changed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from annotator.events import ChangeSet, Table
from ui.engine_bridge import Answer, Errand
from ui.review.choices import Counts
from ui.session import Session

if TYPE_CHECKING:
    from annotator.project import Project
    from annotator.usecases.wall import WallPile

DELAY_MS = 300
CONCERNED = (
    Table.ANNOTATION,
    Table.SUGGESTION,
    Table.VERDICT,
    Table.RUN,
    Table.SETTING,
    Table.LABEL,
    Table.IMAGE,
    Table.FINDING,
)


class Sorting(StrEnum):
    """In which order the wall stands."""

    SURE = "sure"
    UNSURE = "unsure"
    LOOK = "look"


class Piles(QObject):
    """``counted`` brings how many suggestions each pile has; ``read`` the pile that was asked for last."""

    counted = Signal(object)
    read = Signal(object, object)
    ordered = Signal(object, object)
    failed = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._choice: Any = None
        self._active = False
        self._stale = True
        self._errand = Errand(self)
        self._errand.answered.connect(self._answered)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.reload)
        session.changes.connect(self._changed)
        session.closed.connect(self._forget)

    def set_active(self, active: bool) -> None:
        """Whether anybody looks: while nobody does, nothing is read."""
        self._active = active
        if active and self._stale:
            self.reload()

    def choose(self, choice: Any) -> None:
        """Read this pile, and keep it true."""
        self._choice = choice
        self._ask_pile()

    def reload(self) -> None:
        """Read the counts and the pile again."""
        project = self._session.project
        if project is None or not self._active:
            self._stale = True
            return
        self._stale = False
        self._errand.ask("counts", _counts, project)
        self._ask_pile()

    def ask_order(self, pile: WallPile) -> None:
        """Put things that look alike together; ``ordered`` brings the pile and the rows in that order."""
        if self._session.project is not None:
            self._errand.ask("order", _order, self._session.project, pile)

    def close(self) -> None:
        """Read no more."""
        self._timer.stop()
        self._errand.close()

    def _ask_pile(self) -> None:
        if self._session.project is not None and self._choice is not None and self._active:
            self._errand.ask("pile", _read, self._session.project, self._choice)

    def _changed(self, changes: ChangeSet) -> None:
        if changes.everything or changes.touches(*CONCERNED):
            self._stale = True
            if self._active:
                self._timer.start()

    def _forget(self) -> None:
        self._timer.stop()
        self._choice, self._stale = None, True

    def _answered(self, answer: Answer) -> None:
        if answer.error is not None:
            self.failed.emit(str(answer.error))
            return
        project, *rest = answer.value
        if project is not self._session.project:
            return
        if answer.tag == "counts":
            self.counted.emit(rest[0])
        elif answer.tag == "order":
            self.ordered.emit(*rest)
        elif rest[0] == self._choice:
            self.read.emit(*rest)


def _counts(project: Project) -> tuple[Project, Counts]:
    """Runs in a thread."""
    return project, Counts.read(project)


def _read(project: Project, choice: Any) -> tuple[Project, Any, Any]:
    """Runs in a thread."""
    return project, choice, choice.read(project)


def _order(project: Project, pile: WallPile) -> tuple[Project, WallPile, np.ndarray | None]:
    """Runs in a thread."""
    order: Any = project.review.walls.by_look(pile)
    return project, pile, order
