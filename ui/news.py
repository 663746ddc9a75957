"""What the window tells: the outcome of jobs, failures, and offers, as toasts and in the jobs bar."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QPushButton

from ui.engine_bridge import JobView

if TYPE_CHECKING:
    from ui.main_window import MainWindow

log = logging.getLogger(__name__)


class News(QObject):
    """Listens to everything that has something to say."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._found: Any = None
        w = window
        w.jobs.finished.connect(self._finished)
        w.jobs.failed.connect(self._failed)
        w.jobs.engine_restarted.connect(self._restarted)
        w.session.failed.connect(w.toasts.error)
        w.session.closed.connect(w.toasts.withdraw)
        w.session.undone.connect(self._undone)
        w.projects.datasets_found.connect(self._datasets)
        w.binding.picture_failed.connect(self._picture_failed)
        w.loop.round_finished.connect(w.bar.show_round)
        w.loop.rolled_back.connect(self._rolled_back)
        w.image_edits.finished_all.connect(self._end_of_queue)
        w.toasts.undo_requested.connect(w.session.undo)
        w.smart.failed.connect(w.toasts.error)
        for source in (w.verdicts, w.editing, w.label_edits, w.smart, w.smart.turning, w.smart.click_boxes):
            source.told.connect(self._told)
        for signal in (w.verdicts.bulk_done, w.editing.deleted, w.image_edits.bulk_done, w.label_edits.bulk_done):
            signal.connect(self.tell_undoable)

    def _told(self, text: str) -> None:
        self._window.toasts.info(text)

    def tell_undoable(self, text: str) -> None:
        """Say what was done, with a button that takes it back."""
        self._window.toasts.good(text, undo=True)

    def tell_certificate(self, conclusion: Any) -> None:
        """What an audit has come to."""
        if conclusion.passed:
            text = self.tr("Signed: {0} accepted unseen, at most {1:.1%} of them wrong")
            self.tell_undoable(text.format(f"{len(conclusion.accept):,}", conclusion.bound))
        else:
            self._window.toasts.error(self.tr("The sample does not certify this error."), conclusion.missing)

    def _rolled_back(self, message: str) -> None:
        """A round that made held-out answers worse changed nothing; the bar keeps saying so until the next one."""
        self._window.bar.show_rollback(message)
        text = self.tr("{0}. Go on labelling; it is tried again at the next training.")
        self._window.toasts.info(text.format(message))

    def _undone(self, verb: str, title: str) -> None:
        self._window.toasts.brief(f"{verb}: {title}")

    def _finished(self, view: JobView) -> None:
        w, result = self._window, view.result
        if view.name == "export":
            w.exchange.open_report(result)
        elif view.name == "import":
            if result.labels:
                w.leave_question()
            w.exchange.open_report(result)
        elif view.name in ("scan", "add_folder"):
            self._scanned(view)
        elif view.name == "suggest" and result.warnings:
            w.toasts.info(result.warnings[0])
        elif view.name == "train" and not view.quiet:
            w.toasts.good(result.reason or self.tr("Learned from {0} verdicts").format(""))

    def _scanned(self, view: JobView) -> None:
        w, result = self._window, view.result
        w.leave_unreadable()
        if result.problems or result.unreadable or result.missing:
            if not self._is_news(result):
                return
            number = max(len(result.problems), result.unreadable + result.missing)
            first = f"{result.problems[0].uri} {result.problems[0].reason}." if result.problems else ""
            others = result.images - number
            text = self.tr("{0} images cannot be used; the other {1} are fine.").format(f"{number:,}", f"{others:,}")
            cure = self.tr("Listed under Problems in the File menu.")
            button = w.toasts.error(first if number == 1 and first else text, cure, self.tr("Show"))
            if button is not None:
                button.clicked.connect(w.dialogs.open_problems)
        elif not view.quiet:
            w.toasts.good(self.tr("{0} images, {1} of them new").format(f"{result.images:,}", f"{result.added:,}"))

    def _is_news(self, result: Any) -> bool:
        """Whether other images cannot be used than at the last time; what was told once stays in the list of problems."""
        settings, project = self._window.settings, self._window.session.project
        if project is None:
            return True
        lines = "\n".join(sorted(f"{problem.uri} {problem.reason}" for problem in result.problems))
        digest = blake2b(lines.encode("utf-8", "replace"), digest_size=8).hexdigest()
        fingerprint = f"{result.unreadable} {result.missing} {digest}"
        place = str(project.path)
        if settings.state.told.get(place) == fingerprint:
            return False
        settings.update(told={**settings.state.told, place: fingerprint})
        return True

    def _failed(self, view: JobView) -> None:
        self._window.toasts.error(view.what, view.cure)

    def _restarted(self, reason: str) -> None:
        text = self.tr("The engine stopped ({0}) and was started again; it goes on from the last saved image.")
        self._window.toasts.info(text.format(reason))

    def _picture_failed(self, what: str, cure: str) -> None:
        """Said where the picture would be: no toast needs closing for it."""
        self._window.annotate.show_trouble(f"{what} {cure}".strip())

    def _end_of_queue(self) -> None:
        self._window.toasts.good(self.tr("That was the last image of the queue."))

    def _datasets(self, found: Any) -> None:
        """Annotations lie in the folder: offer to take them."""
        self._found = found[0]
        text = self.tr("This folder holds annotations: {0}").format(self._found.reason or self._found.format)
        button: QPushButton | None = self._window.toasts.offer(text, self.tr("Import"))
        if button is not None:
            button.clicked.connect(self._import_found)

    def _import_found(self) -> None:
        if self._found is not None:
            self._window.exchange.open_import(str(self._found.path), self._found.format)
