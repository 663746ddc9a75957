"""When the machine learns: after twenty verdicts, or ten seconds of rest after five; and at once when a person asks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.kinds import Task
from annotator.settings import AppSettings
from ui.engine_bridge import Jobs, JobState, JobView
from ui.session import Session

ENOUGH = 20
FEW = 5
REST_MS = 10_000


class TrainingLoop(QObject):
    """Counts verdicts and submits the engine's jobs; never two of one kind at a time."""

    round_finished = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, settings: AppSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._settings = settings
        self.verdicts = 0
        self._again = ""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rested)
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        jobs.finished.connect(self._ended)
        jobs.failed.connect(self._ended)
        jobs.cancelled.connect(self._ended)

    def count_verdict(self) -> None:
        """A person decided something."""
        self.count_verdicts(1)

    def count_verdicts(self, number: int) -> None:
        """A person decided several things at once."""
        self.verdicts += number
        if not self._settings.state.auto_train:
            return
        if self.verdicts >= ENOUGH:
            self.train_now(quiet=True)
        elif self.verdicts >= FEW:
            self._rest.start()

    def can_run(self) -> bool:
        """Whether there is something to suggest and learn."""
        return self._session.project is not None and bool(self._session.labels)

    def train_now(self, quiet: bool = False) -> None:
        """Learn from all verdicts, then suggest anew."""
        self._start("train", quiet=quiet)

    def suggest_now(self, quiet: bool = False) -> None:
        """Look at what is new and suggest for everything that is open."""
        self._start("suggest", quiet=quiet)

    def labels_changed(self) -> None:
        """There are new labels to suggest, or others exclude each other."""
        if self.can_run():
            self.suggest_now(quiet=True)

    def _start(self, name: str, *, quiet: bool) -> None:
        if not self.can_run():
            return
        if self._jobs.is_running("train") or self._jobs.is_running("suggest") or self._jobs.is_running("scan"):
            self._again = "train" if "train" in (name, self._again) else name
            return
        self._rest.stop()
        if name == "train":
            self.verdicts = 0
        self._again = ""
        self._jobs.submit(name, quiet=quiet, task=Task.TAGS.value)

    def _rested(self) -> None:
        if self.verdicts >= FEW and self._settings.state.auto_train:
            self.train_now(quiet=True)

    def _opened(self) -> None:
        self.verdicts = 0
        self._again = "suggest" if self._session.labels else ""

    def _closed(self) -> None:
        self._rest.stop()
        self._again = ""

    def _ended(self, view: JobView) -> None:
        if view.name == "train" and view.state is JobState.DONE:
            self.round_finished.emit(round_message(view.result, self.tr("round {0}: {1}")))
        elif view.name == "suggest" and view.state is JobState.DONE:
            words = self.tr("{0} suggestions on {1} images")
            self.round_finished.emit(words.format(f"{view.result.suggestions:,}", f"{view.result.images:,}"))
        again, waited = self._again, view.name in ("train", "suggest", "scan")
        if again and waited and view.state is not JobState.CANCELLED:
            self._start(again, quiet=True)
        elif waited:
            self._again = ""


def round_message(result: Any, words: str) -> str:
    """What a training result says in the jobs bar."""
    change = result.round
    if change is None:
        return str(result.reason)
    if change.accuracy_gain is not None:
        return words.format(change.round, f"{100 * change.accuracy_gain:+.1f} pts")
    return str(change.message or words.format(change.round, result.reason))
