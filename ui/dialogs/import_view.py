"""What an import would bring: figures, labels and what they become, the first pictures, what cannot come as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QProgressBar, QStackedLayout, QVBoxLayout, QWidget

from annotator.usecases.import_labels import LEFT_OUT
from ui.dialogs.picture_previews import DrawnPicture, PictureGrid
from ui.dialogs.report import ReportTable
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import label, row
from ui.widgets.choices import ComboBox
from ui.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from annotator.project import Project
    from annotator.usecases.import_preview import ImportPreview

NAMED = 4
KEEP_NAME = None


class ImportView(QWidget):
    """Nothing, work under way, an error, or the preview; ``renamed`` tells what the labels are to become."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self.preview: ImportPreview | None = None
        self._becomes: dict[str, str] = {}
        self.said = label("", "muted", wrap=True)
        self.cure = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.figures = label("", wrap=True)
        self.missing = label("", "warn", wrap=True)
        self.labels = RowsTable(
            [self.tr("Label"), self.tr("Annotations"), self.tr("Images"), self.tr("Becomes")],
            name=self.tr("Labels of the dataset"),
            numbers=(2,),
            stretched=1,
        )
        self.become = ComboBox()
        self.become.setAccessibleName(self.tr("The selected labels become"))
        self.pictures = PictureGrid(self.tr("The first pictures with their annotations"))
        self.report = ReportTable()
        self.nothing_lost = label(self.tr("The reader takes all of it as it is."), "good", wrap=True)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        for page in (self._words(), self._found()):
            self._stack.addWidget(page)
        self.labels.selectionModel().selectionChanged.connect(self._selected)
        self.become.activated.connect(self._become)

    def _words(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        for widget in (self.said, self.cure, self.bar):
            layout.addWidget(widget)
        layout.addStretch(2)
        return page

    def _found(self) -> QWidget:
        left = QVBoxLayout()
        left.setSpacing(SPACE_2)
        left.addWidget(self.labels, 1)
        choosing = row(label(self.tr("The selected labels become"), "muted"), self.become)
        choosing.setStretch(1, 1)
        left.addLayout(choosing)
        middle = row(spacing=SPACE_3)
        middle.addLayout(left, 6)
        middle.addWidget(self.pictures, 6)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_2)
        layout.addWidget(self.figures)
        layout.addWidget(self.missing)
        layout.addLayout(middle, 3)
        layout.addWidget(self.nothing_lost)
        layout.addWidget(self.report, 1)
        return page

    # --- what is shown -------------------------------------------------------------------------------------------------

    def show_nothing(self, text: str) -> None:
        """Only words."""
        self._say(text, "", "muted")

    def show_busy(self, text: str) -> None:
        """Work has begun."""
        self._say(text, "", "muted")
        self.bar.setRange(0, 0)
        self.bar.show()

    def show_progress(self, done: int, total: object) -> None:
        """How far it is."""
        if isinstance(total, int) and total > 0:
            self.bar.setRange(0, total)
            self.bar.setValue(done)
        self.cure.setText(self.tr("{0} images read").format(f"{done:,}") if done else "")

    def show_trouble(self, what: str, cure: str) -> None:
        """What cannot be read, where, and what to do."""
        self._say(what, cure, "bad")

    def show_preview(self, preview: ImportPreview, pictures: Sequence[DrawnPicture]) -> None:
        """What would come."""
        self.preview, self._becomes = preview, {}
        self.figures.setText(self._figures(preview))
        self.missing.setText(self._warnings(preview))
        self.missing.setVisible(bool(self.missing.text()))
        self.labels.show_rows(self._label_rows(preview))
        self._fill_choices()
        self._selected()
        self.pictures.show_pictures(pictures)
        self.report.show_report(preview.rows)
        self.report.setVisible(bool(preview.rows))
        self.nothing_lost.setVisible(not preview.rows)
        self._stack.setCurrentIndex(1)

    def _say(self, text: str, cure: str, role: str) -> None:
        from ui.widgets.basics import set_role

        self.preview = None
        set_role(self.said, role)
        self.said.setText(text)
        self.cure.setText(cure)
        self.bar.hide()
        self._stack.setCurrentIndex(0)

    def _figures(self, preview: ImportPreview) -> str:
        kinds: Counter[str] = Counter()
        for each in preview.labels:
            kinds.update(each.kinds)
        parts = [self.tr("{0} of {1} images are in this project").format(f"{preview.matched:,}", f"{preview.images:,}")]
        parts.append(
            ", ".join(counted(kind, number) for kind, number in kinds.most_common()) or self.tr("no annotations")
        )
        if preview.suggestions:
            parts.append(self.tr("{0} of these are suggestions").format(f"{preview.suggestions:,}"))
        if preview.splits:
            parts.append(", ".join(f"{name}: {number:,}" for name, number in sorted(preview.splits.items())))
        return "  ·  ".join(parts)

    def _warnings(self, preview: ImportPreview) -> str:
        lines = []
        absent = preview.images - preview.matched
        if preview.missing:
            names = ", ".join(preview.missing[:NAMED]) + (" …" if absent > NAMED else "")
            lines.append(self.tr("{0} images are not in this project and stay out: {1}").format(f"{absent:,}", names))
        if not preview.matched:
            lines.append(self.tr("None of the pictures is in this project: add their folder first."))
        if preview.annotated:
            lines.append(self.tr("{0} of the images have annotations already.").format(f"{preview.annotated:,}"))
        if preview.twice:
            lines.append(self.tr("{0} annotations are here already and are not doubled.").format(f"{preview.twice:,}"))
        return "\n".join((*lines, *preview.warnings[:NAMED]))

    # --- labels --------------------------------------------------------------------------------------------------------

    def renamed(self) -> dict[str, str]:
        """Labels of the dataset that do not keep their name: what they become, nothing for those to leave out."""
        return {name: became for name, became in self._becomes.items() if became != name}

    def _label_rows(self, preview: ImportPreview) -> list[tuple[str, ...]]:
        known = {each.name for each in self._project.labels.all()}
        return [
            (
                each.name,
                ", ".join(counted(kind, number) for kind, number in sorted(each.kinds.items())) or "–",
                f"{each.images:,}",
                self._fate(each.name, known),
            )
            for each in preview.labels
        ]

    def _fate(self, name: str, known: set[str]) -> str:
        became = self._becomes.get(name, name)
        if became == LEFT_OUT:
            return self.tr("left out")
        if became in known:
            return became
        return self.tr("{0} (new)").format(became)

    def _fill_choices(self) -> None:
        self.become.clear()
        self.become.addItem(self.tr("What they are called"), KEEP_NAME)
        self.become.addItem(self.tr("Leave them out"), LEFT_OUT)
        for each in self._project.labels.all():
            self.become.addItem(each.name, each.name)

    def _selected(self, *what: object) -> None:
        self.become.setEnabled(bool(self.labels.chosen_rows()))

    def _become(self, place: int) -> None:
        if self.preview is None:
            return
        chosen = self.become.itemData(place)
        for at in self.labels.chosen_rows():
            name = self.preview.labels[at].name
            self._becomes[name] = name if chosen is KEEP_NAME else chosen
        self.labels.rows.change(self._label_rows(self.preview))


def counted(kind: str, number: int) -> str:
    """ "1 box", "3,067 boxes"."""
    plural = {"box": "boxes", "rotated_box": "rotated boxes", "keypoints": "keypoints"}.get(kind, f"{kind}s")
    return f"{number:,} {kind.replace('_', ' ') if number == 1 else plural}"
