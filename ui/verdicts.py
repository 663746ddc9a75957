"""What the keys say about suggestions, and the digits, which give labels everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.geometry import Geometry, GeometryKind
from annotator.domain.records import Label, Suggestion
from annotator.edits import shapes, tags, verdicts
from annotator.edits.changes import Edit
from annotator.edits.duplicates import with_twins
from annotator.settings import AppSettings
from ui.canvas_binding import CanvasBinding
from ui.qt_models.labels_model import digit_of
from ui.session import Session
from ui.tools import TOOLS
from ui.walking import Walk

ADVANCE_MS = 60


class Verdicts(QObject):
    """Every method is one key, one click or one menu entry."""

    verdict_given = Signal()
    advanced = Signal()
    told = Signal(str)
    bulk_done = Signal(str)

    def __init__(self, session: Session, binding: CanvasBinding, settings: AppSettings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._binding = binding
        self._settings = settings
        self._walked: UUID | None = None
        session.walking.by = Walk.POSITION if settings.state.walk == Walk.POSITION else Walk.CONFIDENCE
        binding.tool_changed.connect(self._forget_walk)
        session.image_changed.connect(self._forget_walk)
        session.current_label_changed.connect(self._forget_walk)
        self._advance = QTimer(self)
        self._advance.setSingleShot(True)
        self._advance.setInterval(ADVANCE_MS)
        self._advance.timeout.connect(self._go_on)

    @property
    def active(self) -> Suggestion | None:
        """The suggestion that the keys are about."""
        visible = self._session.visible_suggestions() if self._binding.suggestions_shown else []
        return next((s for s in visible if s.id == self._session.active_suggestion_id), None)

    def has_active(self) -> bool:
        """Whether there is one."""
        return self.active is not None

    def accept(self) -> None:
        """The active suggestion is right."""
        if self.active is not None:
            self.accept_one(self.active.id)

    def accept_one(self, suggestion_id: UUID) -> None:
        """This suggestion is right."""
        suggestion = self._find(suggestion_id)
        if suggestion is not None:
            self._judge(verdicts.accept, suggestion)
            self._advance_after(suggestion)

    def reject(self) -> None:
        """The active suggestion is wrong."""
        if self.active is not None:
            self.reject_one(self.active.id)

    def reject_one(self, suggestion_id: UUID) -> None:
        """This suggestion is wrong."""
        suggestion = self._find(suggestion_id)
        if suggestion is not None:
            self._judge(verdicts.reject, suggestion)
            self.verdict_given.emit()

    def accept_as(self, suggestion_id: UUID, label_id: int) -> None:
        """This suggestion is right but for its label."""
        suggestion = self._find(suggestion_id)
        if suggestion is not None:
            self._judge(verdicts.accept, suggestion, label_id=label_id)
            self._advance_after(suggestion)

    def correct(self, suggestion_id: UUID, geometry: Geometry) -> None:
        """This suggestion is right once it is moved there."""
        suggestion = self._find(suggestion_id)
        if suggestion is not None:
            self._judge(verdicts.correct, suggestion, geometry=geometry)
            self.verdict_given.emit()

    def accept_all(self) -> None:
        """All visible suggestions of the image are right."""
        visible = self._session.visible_suggestions()
        page = self._session.page
        if visible and page is not None:
            who = self._session.annotator
            twins = self._session.walking.twins(page.suggestions)
            words = self._session.vocabulary
            self._session.perform(verdicts.accept_many([page], visible, words, annotator=who, twins=twins))
            said = self.tr("Accepted 1 suggestion") if len(visible) == 1 else self.tr("Accepted {0} suggestions")
            self.bulk_done.emit(said.format(len(visible)))
            self._advance_after(visible[0])

    def walk(self, by: int) -> None:
        """Put the keys on the next or previous suggestion."""
        visible = self._session.visible_suggestions()
        if not visible:
            return
        ids = [s.id for s in visible]
        place = ids.index(self._session.active_suggestion_id) if self._session.active_suggestion_id in ids else -1
        self._session.select(())
        self._walked = ids[(place + by) % len(ids)]
        self._session.activate(self._walked)
        self._binding.reveal(self._walked)

    def walk_by_position(self) -> None:
        """Walk from top to bottom instead of by confidence, or the other way round."""
        by = Walk.CONFIDENCE if self._session.walking.by is Walk.POSITION else Walk.POSITION
        self._settings.update(walk=by.value)
        self._session.walk_by(by)

    def walks_by_position(self) -> bool:
        """Whether Tab goes from top to bottom."""
        return self._session.walking.by is Walk.POSITION

    # --- labels by key -------------------------------------------------------------------------------------------------

    def label_of_digit(self, number: int) -> Label | None:
        """The label that shows this digit."""
        ordered = self._session.ordered_labels()
        return next((v for n, v in enumerate(ordered) if digit_of(v, n) == str(number)), None)

    def digit(self, number: int) -> None:
        """Give the label that shows this digit."""
        label = self.label_of_digit(number)
        if label is not None:
            self.give(label.id)
        else:
            self.told.emit(self.tr("No label has the key {0} yet.").format(number))

    def give(self, label_id: int) -> None:
        """Give a label: to the selection, else to the active suggestion, else to the image, else to what is drawn next."""
        session = self._session
        label = session.labels.get(label_id)
        if session.page is None or label is None:
            return
        tool = TOOLS[self._binding.tool]
        if session.selected_annotation_ids:
            self._session.set_current_label(label_id)
            self._relabel(label)
        elif tool.draws and not self._on_walked():
            session.set_current_label(label_id)
        elif self._binding.tool == "tag":
            session.set_current_label(label_id)
            self.tag(label_id)
        elif self.active is not None:
            self.accept_as(self.active.id, label_id)
        else:
            session.set_current_label(label_id)

    def tag(self, label_id: int) -> None:
        """Say that the image has this label; said again, take it back."""
        session = self._session
        if session.page is None:
            return
        who, words = session.annotator, session.vocabulary
        if any(a.kind is GeometryKind.TAG and a.label_id == label_id for a in session.page.annotations):
            session.perform(tags.clear_tag(session.page, label_id, words, annotator=who))
        else:
            session.perform(tags.set_tag(session.page, label_id, words, annotator=who, seconds=session.seconds_here()))
            self.verdict_given.emit()
            self._maybe_advance()

    def _relabel(self, label: Label) -> None:
        session = self._session
        changed = [a.id for a in session.selected_annotations() if a.label_id != label.id]
        if changed and session.page is not None:
            session.perform(shapes.change_label(session.page, changed, label.id, annotator=session.annotator))

    def _on_walked(self) -> bool:
        """Whether Tab has put the keys on a suggestion, and nothing has been drawn or shown since."""
        return self._walked is not None and self.active is not None and self.active.id == self._walked

    def _forget_walk(self, *_: object) -> None:
        self._walked = None

    # --- shared --------------------------------------------------------------------------------------------------------

    def _find(self, suggestion_id: UUID) -> Suggestion | None:
        page = self._session.page
        return next((s for s in page.suggestions if s.id == suggestion_id), None) if page is not None else None

    def _judge(self, builder: Callable[..., Edit], suggestion: Suggestion, **values: Any) -> None:
        session = self._session
        if session.page is not None:
            values |= {"annotator": session.annotator, "seconds": session.seconds_here()}
            edit = builder(session.page, suggestion, session.vocabulary, **values)
            twins = session.walking.twins(session.page.suggestions).get(suggestion.id, ())
            session.perform(with_twins(session.page, edit, twins, session.annotator))

    def _advance_after(self, suggestion: Suggestion) -> None:
        self.verdict_given.emit()
        if suggestion.geometry.kind is GeometryKind.TAG:
            self._maybe_advance()

    def _maybe_advance(self) -> None:
        """Go on once nothing is left to answer about tags; a moment later, so that the eye sees what was chosen."""
        page = self._session.page
        waiting = page is not None and any(
            s.geometry.kind is GeometryKind.TAG for s in self._session.visible_suggestions()
        )
        if self._settings.state.auto_advance and not waiting:
            self._advance.start()

    def _go_on(self) -> None:
        if self._session.step(1):
            self.advanced.emit()
