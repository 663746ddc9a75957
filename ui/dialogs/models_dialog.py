"""Which models there are, what they need, and which one serves tags, boxes, masks and the smart tool of this project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QProgressBar, QWidget

from annotator.usecases.model_view import Machine, ModelFacts, problem_with
from annotator.usecases.serving import BUILT_IN, Role, Served
from ui.dialogs.dialog import Dialog
from ui.dialogs.tables import table
from ui.engine_bridge import JobState, JobView
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button, row, set_role
from ui.widgets.choices import ComboBox

OWN_HEAD = ""


def size_text(size: int) -> str:
    """A number of bytes for people."""
    if size <= 0:
        return "–"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


class ModelsDialog(Dialog):
    """Choices hold at once. ``served`` says who serves now; the window carries out what the signals ask."""

    chosen = Signal(object, object)  # Role, Served
    pull_wanted = Signal(str)
    cancel_wanted = Signal()
    hash_wanted = Signal(str)

    def __init__(self, parent: QWidget, models: Sequence[ModelFacts], served: Mapping[Role, Served]) -> None:
        explanation = parent.tr(
            "What ships with Annotator works as it is. Larger models need their weights: fetch them, or use a file."
        )
        super().__init__(parent, parent.tr("Models"), width=820, explanation=explanation)
        self.models = list(models)
        self.served = dict(served)
        self.machine = label(self.tr("Looking at the machine…"), "caption")
        self.combos = {role: self._combo(role) for role in Role}
        names = {
            Role.TAGS: self.tr("Tags"),
            Role.BOXES: self.tr("Boxes"),
            Role.MASKS: self.tr("Masks in boxes"),
            Role.SMART: self.tr("Smart tool"),
        }
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_2)
        for place, (role, combo) in enumerate(self.combos.items()):
            combo.setAccessibleName(self.tr("Model for: {0}").format(names[role]))
            grid.addWidget(label(names[role], "muted"), place, 0)
            grid.addWidget(combo, place, 1)
        grid.setColumnStretch(1, 1)
        self.table = table(
            [self.tr("Model"), self.tr("For"), self.tr("State"), self.tr("Size"), self.tr("Licence")],
            [self._cells(m) for m in self.models],
            name=self.tr("Models"),
        )
        self.title = label("", "section", wrap=True)
        self.facts = label("", "caption", wrap=True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message = label("", "bad", wrap=True)
        self.message.hide()
        self.fetch = push_button("", role="compact")
        self.file = push_button(self.tr("Use a file…"), role="compact")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(160)
        self.progress_text = label("", "caption")
        self.stop = push_button(self.tr("Stop"), role="compact")
        self.body.addWidget(self.machine)
        self.body.addLayout(grid)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.title)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.message)
        self.body.addLayout(row(self.fetch, self.file, self.progress, self.progress_text, self.stop, None))
        self.add_close()
        self.fetch.clicked.connect(self._fetch)
        self.file.clicked.connect(self._browse)
        self.stop.clicked.connect(self.cancel_wanted)
        self.table.currentCellChanged.connect(self._show)
        self._show_progress(None)
        self.table.setCurrentCell(0, 0)
        self.resize(860, 620)

    # --- what the window tells -----------------------------------------------------------------------------------------

    def show_machine(self, machine: Machine) -> None:
        """What models run on here."""
        threads = self.tr("{0} threads") if machine.threads > 1 else self.tr("1 thread")
        parts = [self.tr("CPU, {0}").format(threads.format(machine.threads))]
        if machine.memory:
            parts.append(self.tr("{0} of memory").format(f"{machine.memory / 2**30:.0f} GiB"))
        parts += [f"{name}, {memory / 2**30:.0f} GiB" for name, memory in machine.gpus]
        self.machine.setText(self.tr("This machine: {0}").format(" · ".join(parts)))

    def show_models(self, models: Sequence[ModelFacts]) -> None:
        """The catalogue as it is now, after something was fetched."""
        self.models = list(models)
        for y, model in enumerate(self.models):
            for x, text in enumerate(self._cells(model)):
                item = self.table.item(y, x)
                if item is not None:
                    item.setText(text)
        for role, combo in self.combos.items():
            self._fill(combo, role)
        self._show(self.table.currentRow(), 0, 0, 0)

    def show_hash(self, path: str, digest: str) -> None:
        """The hash of the chosen file has been computed."""
        if any(str(s.weights) == path for s in self.served.values() if s.weights is not None):
            self.facts.setText(
                self.facts.text() + "\n" + self.tr("SHA-256 of {0}: {1}").format(Path(path).name, digest)
            )

    def follow(self, view: JobView) -> None:
        """A model is being fetched, or has been."""
        if view.name != "pull":
            return
        self._show_progress(view if view.state is JobState.RUNNING else None)
        if view.state is JobState.FAILED:
            self.tell(f"{view.what} {view.cure}".strip())
        elif view.state is JobState.CANCELLED:
            self.tell(self.tr("Stopped. What has come is kept: fetching again goes on from there."), bad=False)
        elif view.state is JobState.DONE:
            self.tell(self.tr("{0} is here.").format(view.result.model), bad=False)

    def tell(self, text: str, *, bad: bool = True) -> None:
        """Say what went wrong, or well."""
        self.message.setText(text)
        set_role(self.message, "bad" if bad else "good")
        self.message.setVisible(bool(text))

    # --- choosing ------------------------------------------------------------------------------------------------------

    @property
    def current(self) -> ModelFacts:
        """The model of the row that is chosen."""
        return self.models[max(self.table.currentRow(), 0)]

    def use_file(self, path: str) -> None:
        """Let the chosen model serve with this weights file, for everything that it can."""
        model, file = self.current, Path(path)
        reason, cure = problem_with(model.id, file)
        if reason:
            self.tell(f"{reason} {cure}".strip())
            return
        self.tell("")
        for role in model.roles:
            self._serve(role, Served(model.id, file))
        self.hash_wanted.emit(str(file))

    def _serve(self, role: Role, served: Served) -> None:
        self.served[role] = served
        self._fill(self.combos[role], role)
        self.chosen.emit(role, served)
        self._show(self.table.currentRow(), 0, 0, 0)

    def _combo(self, role: Role) -> ComboBox:
        combo = ComboBox()
        self._fill(combo, role)
        combo.activated.connect(self._picked)
        combo.setProperty("serves", role.value)
        return combo

    def _fill(self, combo: ComboBox, role: Role) -> None:
        now = self.served[role]
        combo.clear()
        if BUILT_IN[role] == OWN_HEAD:
            combo.addItem(self.tr("what this project learns from your boxes"), Served(OWN_HEAD))
        for model in self.models:
            if role in model.roles and (model.ready or model.id == now.model):
                combo.addItem(model.id, Served(model.id))
        if now.weights is not None:
            combo.addItem(f"{now.model} · {now.weights.name}", now)
        places = [combo.itemData(i) for i in range(combo.count())]
        combo.setCurrentIndex(places.index(now) if now in places else 0)

    def _picked(self, index: int) -> None:
        combo = self.sender()
        assert isinstance(combo, ComboBox)
        role, served = Role(combo.property("serves")), combo.itemData(index)
        reason, cure = problem_with(served.model, served.weights) if served.model else ("", "")
        if reason:
            self.tell(f"{reason} {cure}".strip())
            self._fill(combo, role)
            return
        self.tell("")
        self._serve(role, served)

    def _browse(self) -> None:
        dialog = QFileDialog(self, self.tr("Weights for {0}").format(self.current.id))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.use_file)
        dialog.open()

    def _fetch(self) -> None:
        self.tell("")
        self.pull_wanted.emit(self.current.id)

    # --- showing -------------------------------------------------------------------------------------------------------

    def _cells(self, model: ModelFacts) -> list[str]:
        if model.ready:
            state = self.tr("ready")
        elif model.weights is not None and "not here" in model.reason:
            state = self.tr("begun") if model.weights.here else self.tr("to be fetched")
        elif model.takes_file and not model.weights:
            state = self.tr("needs a file")
        else:
            state = self.tr("cannot run here")
        size = model.weights.size if model.weights is not None else 0
        ships = model.weights is None and not model.takes_file
        return [
            model.id,
            ", ".join(model.tasks) or "–",
            state,
            self.tr("ships") if ships else size_text(size),
            model.licence,
        ]

    def _show(self, at: int, column: int, old_row: int, old_column: int) -> None:
        model = self.current
        self.title.setText(model.title)
        self.table.scrollTo(self.table.model().index(max(at, 0), 0))
        lines = []
        if not model.ready:
            lines.append(f"{model.reason} {model.cure}".strip())
        if model.weights is not None:
            lines.append(self.tr("From {0}").format(model.weights.url))
            lines.append(self.tr("SHA-256 {0}").format(model.weights.sha256))
            lines.append(self.tr("File: {0}").format(model.weights.path))
        for shipped in model.ships:
            lines.append(self.tr("{0}, {1}, SHA-256 {2}").format(shipped.name, size_text(shipped.size), shipped.sha256))
        for role, served in self.served.items():
            if served.model == model.id:
                file = f" · {served.weights}" if served.weights is not None else ""
                lines.append(self.tr("Serves: {0}").format(self.combos[role].accessibleName().split(": ")[-1]) + file)
        self.facts.setText("\n".join(lines))
        weights = model.weights
        whole = weights is not None and model.ready
        self.fetch.setVisible(weights is not None and not whole)
        if weights is not None:
            words = self.tr("Go on fetching ({0})") if weights.here and not whole else self.tr("Fetch ({0})")
            self.fetch.setText(words.format(size_text(weights.size - weights.here) if weights.size else "?"))
        self.file.setVisible(model.takes_file and bool(model.roles))

    def _show_progress(self, view: JobView | None) -> None:
        running = view is not None
        for widget in (self.progress, self.progress_text, self.stop):
            widget.setVisible(running)
        self.fetch.setEnabled(not running)
        if view is None:
            return
        if view.total:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * view.done / view.total))
        else:
            self.progress.setRange(0, 0)
        self.progress_text.setText(f"{size_text(view.done)} / {size_text(view.total or 0)}")
