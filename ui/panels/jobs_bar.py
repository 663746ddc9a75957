"""The line at the bottom: one entry for each running job, the model, the round, and the counts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from annotator.domain.kinds import ImageState
from annotator.events import ChangeSet, Table
from ui.engine_bridge import Jobs, JobState, JobView
from ui.session import Session
from ui.soon import Soon
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import ElidedLabel, icon_button, label, push_button, set_role

HEIGHT = 28


def spoken_time(seconds: float) -> str:
    """A duration in a few letters: "8 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class JobEntry(QWidget):
    """One running job: title, progress, rate, time left, cancel."""

    cancel_wanted = Signal(int)

    def __init__(self, view: JobView) -> None:
        super().__init__()
        self._id = view.id
        self._text = label("", "caption")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(90)
        self._rate = label("", "caption")
        cancel = icon_button("x-circle", self.tr("Cancel “{0}”").format(view.title), token="muted")
        cancel.clicked.connect(self._cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, SPACE_2, 0)
        layout.setSpacing(SPACE_2)
        for widget in (self._text, self._bar, self._rate, cancel):
            layout.addWidget(widget)
        self.follow(view)

    def follow(self, view: JobView) -> None:
        """Show how far the job is."""
        text = view.title
        in_bytes = view.name == "pull"
        if view.total:
            text += (
                f" {view.done / 1e6:,.0f}/{view.total / 1e6:,.0f} MB" if in_bytes else f" {view.done:,}/{view.total:,}"
            )
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * view.done / view.total))
        else:
            text += f" {view.done:,}" if view.done else ""
            self._bar.setRange(0, 0)
        self._text.setText(text)
        parts = []
        if view.rate > 0 and in_bytes:
            parts.append(self.tr("{0} MB/s").format(f"{view.rate / 1e6:.1f}"))
        elif view.rate > 0:
            parts.append(self.tr("{0}/s").format(f"{view.rate:.0f}" if view.rate >= 10 else f"{view.rate:.1f}"))
        if view.left is not None:
            parts.append(self.tr("{0} left").format(spoken_time(view.left)))
        self._rate.setText(" · ".join(parts))
        self.setToolTip(view.message)

    def _cancel(self) -> None:
        self.cancel_wanted.emit(self._id)


class JobsBar(QWidget):
    """What runs, what it runs on, and where the work stands."""

    log_wanted = Signal()
    models_wanted = Signal()

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session = session
        self._jobs = jobs
        self._entries: dict[int, JobEntry] = {}
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._log = icon_button("list-bullets", self.tr("Jobs and their log"), token="muted")
        self._log.clicked.connect(self.log_wanted)
        self.idle = label(self.tr("No job is running"), "caption")
        self._running = QHBoxLayout()
        self._running.setSpacing(SPACE_2)
        self.round = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self.round.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.model = push_button("", role="link")
        self.model.setAccessibleName(self.tr("Models"))
        self.model.clicked.connect(self.models_wanted)
        self.position = label("", "caption")
        self.counts = label("", "caption")
        self.counts.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_2, 0, SPACE_3, 0)
        layout.setSpacing(SPACE_2)
        layout.addWidget(self._log)
        layout.addWidget(self.idle)
        layout.addLayout(self._running)
        layout.addWidget(self.round, 1)
        for widget in (self.position, self.model, self.counts):
            layout.addSpacing(SPACE_2)
            layout.addWidget(widget)
        jobs.started.connect(self._started)
        jobs.progressed.connect(self._progressed)
        for signal in (jobs.finished, jobs.failed, jobs.cancelled):
            signal.connect(self._ended)
        self._recount = Soon(self._count, self)
        session.changes.connect(self._recount.ask)
        session.opened.connect(self._count)
        session.opened.connect(self._name_model)
        session.changes.connect(self._follow_run)
        session.closed.connect(self._count)

    def show_round(self, message: str) -> None:
        """What changed since the last round."""
        set_role(self.round, "caption")
        self.round.show_text(message)

    def show_rollback(self, message: str) -> None:
        """A round has changed nothing, because held-out answers spoke against it."""
        self.round.show_text(message)
        set_role(self.round, "warn-caption")

    def _follow_run(self, changes: ChangeSet) -> None:
        if changes.everything or changes.touches(Table.RUN, Table.SETTING):
            self._name_model()

    def _name_model(self) -> None:
        """Which model's suggestions are shown, and on what device they were made."""
        project = self._session.project
        origin = project.review.in_force() if project is not None else None
        if origin is None:
            self.model.setText(self.tr("no suggestions yet"))
            self.model.setToolTip(self.tr("Choose models"))
            return
        device = {"cpu": self.tr("CPU")}.get(origin.device, origin.device)
        self.model.setText(self.tr("{0}, {1}").format(origin.model, device) if device else origin.model)
        self.model.setToolTip(self.tr("Version {0}, run {1}").format(origin.version, origin.run_id))

    def show_position(self, x: float, y: float) -> None:
        """Where the cursor is, in pixels of the image."""
        self.position.setText(f"{x:.0f}, {y:.0f}" if x >= 0 and y >= 0 else "")

    def _count(self) -> None:
        project = self._session.project
        if project is None:
            self.counts.setText("")
            self.round.show_text("")
            return
        counts = project.images.counts()
        done = counts.get(ImageState.DONE, 0)
        total = sum(counts.values()) - counts.get(ImageState.UNREADABLE, 0) - counts.get(ImageState.MISSING, 0)
        self.counts.setText(self.tr("{0} of {1} done").format(f"{done:,}", f"{total:,}"))
        names = [f"{state.value.replace('_', ' ')}: {counts[state]:,}" for state in ImageState if counts.get(state)]
        self.counts.setToolTip("\n".join(names))

    def _started(self, view: JobView) -> None:
        entry = JobEntry(view)
        entry.cancel_wanted.connect(self._jobs.cancel)
        self._entries[view.id] = entry
        self._running.addWidget(entry)
        self.idle.hide()

    def _progressed(self, view: JobView) -> None:
        if view.id in self._entries:
            self._entries[view.id].follow(view)

    def _ended(self, view: JobView) -> None:
        entry = self._entries.pop(view.id, None)
        if entry is not None:
            self._running.removeWidget(entry)
            entry.hide()
            entry.deleteLater()
        if view.state is JobState.FAILED:
            self.idle.setText(self.tr("{0} failed").format(view.title))
        elif view.state is JobState.CANCELLED:
            self.idle.setText(self.tr("{0}: cancelled").format(view.title))
        else:
            self.idle.setText(self.tr("{0}: finished").format(view.title))
        self.idle.setVisible(not self._entries)
