"""When the machine learns: after twenty verdicts, or ten seconds of rest after five; and at once when a person asks.

Each task learns for itself (tags, boxes, …): what a person edits says which of them has something new. Jobs of one kind run one
after another, never two at a time.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain.kinds import Task
from annotator.edits.changes import AnnotationChange, Edit, VerdictChange
from annotator.settings import AppSettings
from annotator.usecases.tasks import TASKS, Ready, task_of
from ui.engine_bridge import Answer, Errand, Jobs, JobState, JobView
from ui.session import Session

ENOUGH = 20
FEW = 5
REST_MS = 10_000
LOOKED_AT = 2_000
SCANS = ("scan", "add_folder")
NOTHING_KNOWN = Ready((Task.TAGS,), (Task.TAGS,))
"""What can run before the project has been asked."""


class TrainingLoop(QObject):
    """Counts verdicts and submits the engine's jobs; never two of one kind at a time."""

    round_finished = Signal(str)
    rolled_back = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, settings: AppSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._settings = settings
        self._fresh: Counter[Task] = Counter()
        self._ready = NOTHING_KNOWN
        self._waiting: list[tuple[str, Task]] = []
        self._errand = Errand(self)
        self._errand.answered.connect(self._learned_what_is_ready)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rested)
        session.opened.connect(self._opened)
        session.closed.connect(self._closed)
        session.edited.connect(self.count_edit)
        jobs.finished.connect(self._ended)
        jobs.failed.connect(self._ended)
        jobs.cancelled.connect(self._ended)

    @property
    def verdicts(self) -> int:
        """How many have come in since the last training of their task."""
        return self._fresh.total()

    def count_edit(self, edit: Edit) -> None:
        """A person did something: what of it is news for a task counts."""
        for task, number in verdicts_in(edit).items():
            self.count_verdicts(number, task)

    def count_verdict(self) -> None:
        """A person decided about one tag."""
        self.count_verdicts(1)

    def count_verdicts(self, number: int, task: Task = Task.TAGS) -> None:
        """A person decided several things at once."""
        self._fresh[task] += number
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
        """Learn from all verdicts, then suggest anew: every task that has news, or, asked by a person, all that can learn."""
        wanted = [task for task in TASKS if self._fresh[task] and (not quiet or task in self._ready.train)]
        if quiet and any(self._fresh[task] for task in TASKS if task not in self._ready.train):
            self._ask_what_is_ready("train")
        for task in wanted or ([] if quiet else self._ready.train):
            self._start("train", task, quiet=quiet)

    def suggest_now(self, quiet: bool = False) -> None:
        """Look at what is new and suggest for everything that is open."""
        for task in self._ready.suggest:
            self._start("suggest", task, quiet=quiet)

    def labels_changed(self) -> None:
        """There are new labels to suggest, or others exclude each other."""
        if self.can_run():
            self.suggest_now(quiet=True)

    def _suggest_for_new(self) -> None:
        """A scan has found pictures: they get suggestions like all others, unless these are to come anyway."""
        if self.can_run():
            coming = {task for _, task in self._waiting}
            self._waiting += [("suggest", task) for task in self._ready.suggest if task not in coming]

    def _start(self, name: str, task: Task, *, quiet: bool) -> None:
        if not self.can_run():
            return
        if any(self._jobs.is_running(each) for each in ("train", "suggest", *SCANS)):
            if (name, task) not in self._waiting and ("train", task) not in self._waiting:
                self._waiting = [each for each in self._waiting if each != ("suggest", task)] + [(name, task)]
            return
        self._rest.stop()
        if name == "train":
            self._fresh[task] = 0
        self._jobs.submit(name, quiet=quiet, task=task.value)

    def _rested(self) -> None:
        if self.verdicts >= FEW and self._settings.state.auto_train:
            self.train_now(quiet=True)

    def _opened(self) -> None:
        self._fresh.clear()
        self._ready = NOTHING_KNOWN
        self._waiting = [("suggest", task) for task in self._ready.suggest] if self._session.labels else []
        self._ask_what_is_ready("opened")

    def _closed(self) -> None:
        self._rest.stop()
        self._waiting.clear()

    def _ask_what_is_ready(self, why: str) -> None:
        """Counting what the project holds may take a moment, so it happens beside the window."""
        if self._session.project is not None:
            self._errand.ask(why, self._session.project.review.ready)

    def _learned_what_is_ready(self, answer: Answer) -> None:
        if not isinstance(answer.value, Ready) or self._session.project is None:
            return
        before, self._ready = self._ready, answer.value
        if answer.tag == "train":
            for task in self._ready.train:
                if self._fresh[task] >= FEW and task not in before.train:
                    self._start("train", task, quiet=True)
        elif answer.tag == "opened":
            self._waiting = [each for each in self._waiting if each[1] in self._ready.suggest]
            for task in self._ready.suggest:
                if task not in before.suggest:
                    self._start("suggest", task, quiet=True)

    def _ended(self, view: JobView) -> None:
        if view.name == "train" and view.state is JobState.DONE:
            self.round_finished.emit(round_message(view.result, self.tr("round {0}: {1}")))
            change = view.result.round
            if change is not None and change.rolled_back:
                self.rolled_back.emit(change.message)
        elif view.name == "suggest" and view.state is JobState.DONE:
            words = self.tr("{0} suggestions on {1} images")
            self.round_finished.emit(words.format(f"{view.result.suggestions:,}", f"{view.result.images:,}"))
        if view.name in ("import", "train") and view.state is JobState.DONE:
            self._ask_what_is_ready(view.name)
        if view.name not in ("train", "suggest", *SCANS):
            return
        if view.name in SCANS and view.state is JobState.DONE and view.result.added:
            self._suggest_for_new()
        if view.state is JobState.CANCELLED:
            self._waiting.clear()
        elif self._waiting:
            name, task = self._waiting.pop(0)
            self._start(name, task, quiet=True)


def verdicts_in(edit: Edit) -> Counter[Task]:
    """How much a task can learn from an edit: the images tagged, the shapes drawn, changed, judged or deleted.

    Of a bulk edit the first rows tell enough: they are many times what starts a round.
    """
    found: set[tuple[Task, Any]] = set()
    for row in islice(edit.rows(), LOOKED_AT):
        if isinstance(row, AnnotationChange):
            for annotation in (row.after or row.before,):
                task = task_of(annotation.kind) if annotation is not None else None
                if annotation is not None and task is not None:
                    found.add((task, annotation.image_id if task is Task.TAGS else annotation.id))
        elif isinstance(row, VerdictChange) and row.suggestion is not None and row.suggestion.task in TASKS:
            verdict, task = row.after or row.before, row.suggestion.task
            which = None if verdict is None else verdict.annotation_id
            found.add((task, row.image_id if task is Task.TAGS else which or row.suggestion_id))
    return Counter(task for task, _ in found)


def round_message(result: Any, words: str) -> str:
    """What a training result says in the jobs bar."""
    change = result.round
    if change is None:
        return str(result.reason)
    if change.accuracy_gain is not None:
        return words.format(change.round, f"{100 * change.accuracy_gain:+.1f} pts")
    return str(change.message or words.format(change.round, result.reason))
