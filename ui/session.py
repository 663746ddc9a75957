"""The open project as the window sees it: the image on screen, the order of the queue, the selection, and the one way to edit.

The session knows no widget. Every panel reads it, listens to its signals and calls its methods; nothing else holds a project.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from annotator.domain.page import annotation_order
from annotator.domain.records import Annotation, Image, ImageFilter, Label, LabelGroup, Suggestion
from annotator.edits.changes import LabelChange
from annotator.edits.vocabulary import Vocabulary
from annotator.events import ChangeSet, Table
from ui.annotation_index import AnnotationIndex
from ui.engine_bridge import Answer, Errand, Relay
from ui.ordering import Ids, Order, Sorting, is_quick, read_ids
from ui.soon import Soon
from ui.walking import Walk, Walking

if TYPE_CHECKING:
    from annotator.domain.page import Page
    from annotator.edits.changes import Edit
    from annotator.project import Project


class Session(QObject):
    """Owns the project and the current image. All methods are called, and all signals come, on the GUI thread."""

    opened = Signal()
    closing = Signal()
    closed = Signal()
    image_changed = Signal(int)
    page_changed = Signal()
    labels_changed = Signal()
    order_changed = Signal()
    changes = Signal(object)
    selection_changed = Signal()
    active_changed = Signal()
    threshold_changed = Signal()
    current_label_changed = Signal()
    save_state_changed = Signal(str)
    edited = Signal(object)
    undone = Signal(str, str)
    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.page: Page | None = None
        self.labels: dict[int, Label] = {}
        self.selected_annotation_ids: tuple[UUID, ...] = ()
        self.active_suggestion_id: UUID | None = None
        self.current_label_id: int | None = None
        self.threshold = 0.0
        self.order = Order()
        self.walking = Walking()
        self.vocabulary = Vocabulary({}, {})
        self._arrived_at = 0.0
        self._index = AnnotationIndex()
        self._errand = Errand(self)
        self._errand.answered.connect(self._order_read)
        self._reread = Soon(self._read_order, self)
        self._commits = Relay(self._committed, self)
        self._failures = Relay(self._reverted, self)
        self._arrivals = Relay(self._changed, self)
        self._unsubscribe: Any = None
        self._later: Callable[[], None] | None = None
        self._queued: deque[Edit] = deque()

    # --- the project ---------------------------------------------------------------------------------------------------

    def open(self, project: Project) -> None:
        """Show ``project`` from now on; the session closes it."""
        self.close()
        self.project = project
        # The history hears of a change before the session does, which then asks it for the page.
        project.history.on_failure = self._commit_failed
        project.history.on_finished = self._commits.post
        self._unsubscribe = project.subscribe(self._arrivals.post)
        self._reload_labels()
        self.order.follow(project)
        self.opened.emit()
        self.labels_changed.emit()
        self.order_changed.emit()

    def close(self) -> None:
        """Write what is pending and let the project go."""
        if self.project is None:
            return
        self.closing.emit()
        while self._queued:
            self.perform(self._queued.popleft())
        self._later = None
        self.select(())
        self.activate(None)
        self._reread.forget()
        self._errand.wait()
        project, self.project = self.project, None
        if self._unsubscribe is not None:
            self._unsubscribe()
        self.page, self.labels, self.current_label_id = None, {}, None
        self.order = Order()
        self.closed.emit()
        project.close()

    @property
    def annotator(self) -> str:
        """Who is working."""
        return self.project.annotator if self.project is not None else ""

    def work_as(self, annotator: str) -> None:
        """Another name for what is done from now on; each name has its own undo."""
        if self.project is not None and annotator != self.project.annotator:
            self.project.work_as(annotator)

    @property
    def image(self) -> Image | None:
        """The image on screen."""
        return self.page.image if self.page is not None else None

    def ordered_labels(self) -> list[Label]:
        """The labels as the panel shows them; the first nine have the digits."""
        return sorted(self.labels.values(), key=_label_place)

    def visible_suggestions(self) -> list[Suggestion]:
        """Open suggestions of the image that the slider lets through, in the order in which the keys walk them."""
        if self.page is None:
            return []
        return self.walking.visible(self.page.suggestions, self.threshold)

    def open_suggestions(self) -> list[Suggestion]:
        """All open suggestions of the image, those that repeat another one left out, the most confident first."""
        return self.walking.leading(self.page.suggestions) if self.page is not None else []

    def walk_by(self, walk: Walk) -> None:
        """Let the keys walk the suggestions in another order."""
        if walk is not self.walking.by:
            self.walking.by = walk
            self.threshold_changed.emit()

    def selected_annotations(self) -> list[Annotation]:
        """The chosen annotations of the image."""
        if self.page is None or not self.selected_annotation_ids:
            return []
        return sorted(self._index.find(self.page.annotations, self.selected_annotation_ids), key=annotation_order)

    def seconds_here(self) -> float:
        """How long this image has been on screen."""
        return round(time.monotonic() - self._arrived_at, 2)

    # --- walking -------------------------------------------------------------------------------------------------------

    def go_to(self, image_id: int) -> None:
        """Show an image."""
        if self.project is None:
            return
        self.select(())
        self.activate(None)
        self.page = self.read_page(image_id)
        self.order.stand_at(image_id)
        self._arrived_at = time.monotonic()
        self.project.queue.visited(image_id)
        self.image_changed.emit(image_id)
        self.page_changed.emit()
        self._choose_active()

    def step(self, by: int) -> bool:
        """Go ``by`` images along the queue; False at its end."""
        image_id = self.order.at_offset(by)
        if image_id is None:
            return False
        self.go_to(image_id)
        return True

    def step_on(self) -> None:
        """The next image."""
        self.step(1)

    def step_back(self) -> None:
        """The previous image."""
        self.step(-1)

    def show_images(self, wanted: ImageFilter, sorting: Sorting) -> None:
        """Let the queue show what ``wanted`` lets through; soon, when that takes longer than a person notices."""
        if self.project is not None:
            self.order.wanted, self.order.sorting = wanted, sorting
            if is_quick(self.project, wanted):
                self.order.follow(self.project)
                self.order_changed.emit()
            else:
                self._read_order()

    def _read_order(self) -> None:
        """Read the order in the background; ``order_changed`` follows."""
        self._errand.ask("order", _ids_of, self.project, self.order.wanted, self.order.sorting)

    def _order_read(self, answer: Answer) -> None:
        if answer.error is not None:
            raise answer.error
        project, wanted, sorting, ids = answer.value
        if project is self.project and (wanted, sorting) == (self.order.wanted, self.order.sorting):
            self.order.take(ids)
            self.order_changed.emit()

    # --- edits ---------------------------------------------------------------------------------------------------------

    def perform(self, edit: Edit | None) -> None:
        """Do an edit: on screen now, on disk as soon as the lane has written it."""
        if self.project is None or edit is None or not edit.changes:
            return
        self.project.history.perform(edit)
        self._tell_saved()
        self._reload_page(edit.image_id)
        self._follow_labels(edit)
        self.edited.emit(edit)

    def perform_later(self, edit: Edit) -> None:
        """Do a bulk edit that was made in the background. While others are being saved it waits, and the window does not."""
        if self.project is not None and self.project.history.saving:
            self._queued.append(edit)
        else:
            self.perform(edit)

    def undo(self) -> None:
        """Take back the last edit and show the image that it changed."""
        if self.project is not None and not self._put_off(self.undo, redo=False):
            self._walk_history(self.project.history.undo(), self.tr("Undid"))

    def redo(self) -> None:
        """Do again what was taken back."""
        if self.project is not None and not self._put_off(self.redo, redo=True):
            self._walk_history(self.project.history.redo(), self.tr("Redid"))

    def _put_off(self, step: Callable[[], None], *, redo: bool) -> bool:
        """Take the step once everything is saved, when it would have to wait for that; the window goes on meanwhile."""
        assert self.project is not None
        self._later = step if self.project.history.must_wait(redo=redo) else None
        return self._later is not None

    # --- choices -------------------------------------------------------------------------------------------------------

    def select(self, ids: tuple[UUID, ...]) -> None:
        """Choose annotations."""
        if ids != self.selected_annotation_ids:
            self.selected_annotation_ids = ids
            self.selection_changed.emit()

    def activate(self, suggestion_id: UUID | None) -> None:
        """Put the keys on a suggestion."""
        if suggestion_id != self.active_suggestion_id:
            self.active_suggestion_id = suggestion_id
            self.walking.stand_on(self.page.suggestions if self.page is not None else (), suggestion_id)
            self.active_changed.emit()

    def set_threshold(self, value: float) -> None:
        """Hide suggestions below a confidence."""
        self.threshold = value
        self.threshold_changed.emit()
        self._choose_active()

    def set_current_label(self, label_id: int | None) -> None:
        """What is drawn next gets this label."""
        if label_id != self.current_label_id:
            self.current_label_id = label_id
            self.current_label_changed.emit()

    # --- what arrives --------------------------------------------------------------------------------------------------

    def _changed(self, changes: ChangeSet) -> None:
        if self.project is None:
            return
        if changes.touches(Table.LABEL) and not self.project.history.saving:
            self._reload_labels()
            self.labels_changed.emit()
        if changes.touches(Table.QUEUE, Table.IMAGE):
            if self.order.is_plain:
                self.order.follow(self.project)
                self.order_changed.emit()
            else:
                self._reread.ask()
        suggested = changes.touches(Table.RUN, Table.SETTING)
        if self.page is not None and (suggested or changes.concerns(self.page.image.id)):
            self._reload_page(self.page.image.id, only_if_other=True)
        self.changes.emit(changes)
        self._tell_saved()

    def _committed(self, error: BaseException | None) -> None:
        self._tell_saved(failed=error is not None)
        if self.project is None or self.project.history.saving:
            return
        if self._queued:
            self.perform(self._queued.popleft())
        elif self._later is not None:
            step, self._later = self._later, None
            step()

    def _tell_saved(self, *, failed: bool = False) -> None:
        """Say whether everything is on disk."""
        if self.project is not None:
            saving = self.project.history.saving > 0
            self.save_state_changed.emit("saving" if saving else "failed" if failed else "saved")

    def _commit_failed(self, edit: Edit, error: BaseException) -> None:
        """Called on the lane's thread."""
        self._failures.post((edit, error))

    def _reverted(self, failure: tuple[Edit, BaseException]) -> None:
        edit, error = failure
        self._reload_page(edit.image_id)
        what = self.tr("“{edit}” could not be saved and was taken back: {reason}")
        self.failed.emit(what.format(edit=edit.title, reason=getattr(error, "what", error)), getattr(error, "cure", ""))

    def _reload_page(self, image_id: int | None, *, only_if_other: bool = False) -> None:
        """``only_if_other``: nothing follows when the page is as it was, as after the echo of one's own edit."""
        if self.project is None or self.page is None or (image_id is not None and image_id != self.page.image.id):
            return
        page = self.read_page(self.page.image.id)
        if only_if_other and page == self.page:
            return
        self.page = page
        self.page_changed.emit()
        if self.selected_annotation_ids:
            known = self._index.find(page.annotations, self.selected_annotation_ids)
            self.select(tuple(annotation.id for annotation in known))
        self._choose_active()

    def read_page(self, image_id: int) -> Page:
        """The page with the tag suggestions that have no row yet."""
        assert self.project is not None
        return self.project.review.complete(self.project.history.page(image_id), tuple(self.ordered_labels()))

    def _reload_labels(self) -> None:
        if self.project is not None:
            self._take_labels(self.project.labels.all(), self.project.labels.groups())

    def reload_groups(self) -> None:
        """Know the groups as they are in the store; labels stay as shown, with edits that are still being saved."""
        if self.project is not None:
            self._take_labels(self.labels.values(), self.project.labels.groups())
            self.labels_changed.emit()

    def _follow_labels(self, edit: Edit) -> None:
        """Show what an edit does to labels at once; the store follows."""
        changes = [c for c in edit.changes if isinstance(c, LabelChange)]
        if not changes:
            return
        labels = dict(self.labels)
        for change in changes:
            if change.after is None:
                labels.pop(change.label_id, None)
            else:
                labels[change.label_id] = change.after
        self._take_labels(labels.values(), self.vocabulary.groups.values())
        self._reload_page(None)
        self.labels_changed.emit()

    def _take_labels(self, labels: Iterable[Label], groups: Iterable[LabelGroup]) -> None:
        self.vocabulary = Vocabulary.of(labels, groups)
        self.labels = dict(self.vocabulary.labels)
        if self.current_label_id not in self.labels:
            first = self.ordered_labels()
            self.set_current_label(first[0].id if first else None)

    def _walk_history(self, edit: Edit | None, verb: str) -> None:
        if edit is None:
            return
        if edit.image_id is not None and (self.page is None or self.page.image.id != edit.image_id):
            self.go_to(edit.image_id)
        else:
            self._reload_page(edit.image_id)
        self._follow_labels(edit)
        self.edited.emit(edit)
        self._tell_saved()
        self.undone.emit(verb, edit.title)

    def _choose_active(self) -> None:
        """Keep the active suggestion when it is still there, else take the first that is visible."""
        visible = self.visible_suggestions()
        if any(s.id == self.active_suggestion_id for s in visible):
            return
        self.activate(self.walking.following(visible))


def _label_place(label: Label) -> tuple[int, int]:
    return label.position, label.id


def _ids_of(project: Project, wanted: ImageFilter, sorting: Sorting) -> tuple[Project, ImageFilter, Sorting, Ids]:
    """Runs in a thread."""
    return project, wanted, sorting, read_ids(project, wanted, sorting)
