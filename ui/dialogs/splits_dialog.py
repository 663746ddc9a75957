"""Train, val and test: how many images of each label each part would get, before anything moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QProgressBar, QSpinBox, QWidget

from annotator.domain.kinds import Split
from ui.asking import Asking
from ui.dialogs.dialog import Dialog
from ui.soon import Soon
from ui.theme.tokens import SPACE_2
from ui.widgets.basics import label, push_button, row, set_role
from ui.widgets.choices import ComboBox
from ui.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.project import Project
    from annotator.usecases.splitting import SplitPlan

TYPING_MS = 350
SHARE_PX = 80
PARTS = {Split.TRAIN: 80, Split.VAL: 10, Split.TEST: 10}


class SplitsDialog(Dialog):
    """``divide_wanted`` brings the plan that is to be carried out."""

    divide_wanted = Signal(object)

    def __init__(self, parent: QWidget, project: Project) -> None:
        explanation = parent.tr(
            "Balanced by label; frames of a sequence and copies of one picture stay together. Images that have a split keep it, "
            "so that adding images moves nothing. One edit, which Ctrl+Z takes back."
        )
        super().__init__(parent, parent.tr("Divide into splits"), width=560, explanation=explanation)
        self.asking = Asking(project, self)
        self.asking.answered.connect(self._answered)
        self.asking.failed.connect(self._failed)
        self._soon = Soon(self._look, self, TYPING_MS)
        self._plan: SplitPlan | None = None
        self._seed = 0
        self.parts: dict[Split, QSpinBox] = {}
        for split, share in PARTS.items():
            box = self.parts[split] = QSpinBox()
            box.setRange(0, 100)
            box.setSuffix(" %")
            box.setFixedWidth(SHARE_PX)
            box.setProperty("role", "bare")
            box.setValue(share)
            box.setAccessibleName(self.tr("Share of {0}").format(split.value))
            box.valueChanged.connect(self._changed)
        self.which = ComboBox()
        self.which.setAccessibleName(self.tr("Which images"))
        self.which.addItem(self.tr("Images that have no split"), False)
        self.which.addItem(self.tr("All images anew"), True)
        self.which.currentIndexChanged.connect(self._changed)
        self.again = push_button(self.tr("Draw otherwise"), role="compact")
        self.again.clicked.connect(self._draw)
        self.said = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.table = RowsTable(
            [self.tr("Label"), *(split.value for split in Split)],
            name=self.tr("Images of each label in each split"),
            numbers=(1, 2, 3),
            stretched=0,
        )
        self._build()
        self.finished.connect(self._leave)
        self._changed()

    def _build(self) -> None:
        form = QFormLayout()
        form.setSpacing(SPACE_2)
        named: list[QWidget | int | None] = []
        for split, box in self.parts.items():
            named += [label(split.value, "muted"), box, SPACE_2]
        form.addRow(label(self.tr("Shares"), "muted"), row(*named, None))
        form.addRow(label(self.tr("Which images"), "muted"), row(self.which, self.again, None))
        self.body.addLayout(form)
        self.body.addWidget(self.said)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.table, 1)
        self.add_close(self.tr("Cancel"))
        self.start = self.add_button(self.tr("Divide"), primary=True)
        self.start.clicked.connect(self._divide)
        self.resize(620, 520)

    def _changed(self, what: object = None) -> None:
        self._plan = None
        self.asking.call_off()
        self.start.setEnabled(False)
        if sum(box.value() for box in self.parts.values()):
            self._say(self.tr("Looking for a balance"), "muted")
            self.bar.show()
            self._soon.ask()
        else:
            self._soon.forget()
            self.bar.hide()
            self._say(self.tr("Give one of the parts more than 0 %."), "bad")

    def _draw(self) -> None:
        self._seed += 1
        self._changed()

    def _look(self) -> None:
        shares = {split: box.value() / 100 for split, box in self.parts.items()}
        self.asking.ask("plan", look, shares, self._seed, self.which.currentData())

    def _failed(self, tag: str, what: str, cure: str) -> None:
        self.bar.hide()
        self._say(f"{what} {cure}".strip(), "bad")

    def _answered(self, tag: str, planned: SplitPlan) -> None:
        self._plan = planned
        result = planned.result
        self.bar.hide()
        figures = ", ".join(f"{name}: {number:,}" for name, number in result.splits.items())
        if result.added:
            text = self.tr("The split of {0} images changes. Then: {1}.").format(f"{result.added:,}", figures)
            self._say(text, "good")
        else:
            self._say(self.tr("Every image has its split already: {0}.").format(figures), "muted")
        total = (self.tr("All images"), *(f"{result.splits[split.value]:,}" for split in Split))
        each = [(x.name, f"{x.train:,}", f"{x.val:,}", f"{x.test:,}") for x in result.labels]
        self.table.show_rows([total, *each])
        self.start.setEnabled(bool(result.added))

    def _say(self, text: str, role: str) -> None:
        set_role(self.said, role)
        self.said.setText(text)

    def _divide(self) -> None:
        planned = self._plan
        if planned is not None:
            self.accept()
            self.divide_wanted.emit(planned)

    def _leave(self, result: int) -> None:
        self._soon.forget()
        self.asking.close()


def look(project: Project, context: JobContext, shares: dict[Split, float], seed: int, anew: bool) -> SplitPlan:
    """How the images would be divided. Runs in a thread."""
    return project.plan_split(shares, seed=seed, anew=anew, context=context)
