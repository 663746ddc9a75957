"""Regions that look alike, group by group: a label for a group is suggested for all of its regions at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from annotator.domain.geometry import Mask
from annotator.usecases.region_groups import RegionGroupView
from ui.dialogs.dialog import Dialog
from ui.engine_bridge import JobState, JobView
from ui.review.crops import MARGIN, Crop, CropLoader
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_3
from ui.widgets.basics import label, push_button, row, set_role
from ui.widgets.choices import ComboBox

SWATCH_PX, SWATCHES = 72, 6
USUAL, MOST = 8, 100
DIM = 0.28
"""How much of the light stays around a region."""
MAKING = "group_regions"

Sizes = Mapping[int, tuple[int, int]]


def dimmed(image: QImage, mask: Mask, size: tuple[int, int]) -> QImage:
    """The crop of a mask's bounds, as ``CropLoader`` cuts it out of a picture of ``size`` (w, h), dark where the mask is not."""
    picture = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    pixels = rows[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3).copy()
    wide, high = mask.width * MARGIN, mask.height * MARGIN
    left, top = max(0, math.floor(mask.x - wide)), max(0, math.floor(mask.y - high))
    right = min(size[0], math.ceil(mask.x + mask.width + wide))
    bottom = min(size[1], math.ceil(mask.y + mask.height + high))
    xs = np.floor(left + (np.arange(pixels.shape[1]) + 0.5) * (right - left) / pixels.shape[1] - mask.x).astype(int)
    ys = np.floor(top + (np.arange(pixels.shape[0]) + 0.5) * (bottom - top) / pixels.shape[0] - mask.y).astype(int)
    inside = ((ys >= 0) & (ys < mask.height))[:, None] & ((xs >= 0) & (xs < mask.width))
    covered = mask.to_array()[ys.clip(0, mask.height - 1)][:, xs.clip(0, mask.width - 1)] & inside
    pixels[~covered] = (pixels[~covered] * DIM).astype(np.uint8)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class Swatches(QWidget):
    """The clearest regions of a group, side by side; each comes when it has been cut out."""

    def __init__(self, view: RegionGroupView, crops: CropLoader, sizes: Sizes) -> None:
        super().__init__()
        self._regions = view.examples[:SWATCHES]
        self._wanted = [Crop(image_id, mask.bounds()) for image_id, mask in self._regions]
        self._crops, self._sizes = crops, sizes
        self._ready: dict[Crop, QImage] = {}
        self.setFixedSize(SWATCHES * (SWATCH_PX + SPACE_1) - SPACE_1, SWATCH_PX)
        self.setAccessibleName(self.tr("The clearest regions of group {0}").format(view.group.name))
        crops.ready.connect(self._arrived)

    @property
    def shown(self) -> int:
        """How many have come."""
        return len(self._ready)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, crop in enumerate(self._wanted):
            image = self._ready.get(crop) or self._take(crop, self._crops.get(crop))
            if image is not None:
                fitted = image.scaled(QSize(SWATCH_PX, SWATCH_PX), *FITTED)
                left = place * (SWATCH_PX + SPACE_1) + (SWATCH_PX - fitted.width()) // 2
                painter.drawImage(QPoint(left, (SWATCH_PX - fitted.height()) // 2), fitted)
        painter.end()

    def _arrived(self, crop: Crop) -> None:
        if crop in self._wanted:
            self.update()

    def _take(self, crop: Crop, image: QImage | None) -> QImage | None:
        if image is None:
            return None
        _, mask = self._regions[self._wanted.index(crop)]
        return self._ready.setdefault(crop, dimmed(image, mask, self._sizes[crop.image_id]))


FITTED = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation


class RegionGroupsDialog(Dialog):
    """A name holds at once and can be taken back (Ctrl+Z); the window carries out what the signals ask."""

    made_wanted = Signal(int)
    named = Signal(str, str)
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget, crops: CropLoader, labels: Sequence[str]) -> None:
        explanation = parent.tr(
            "Cuts every open picture into regions and puts together what looks alike. Name a group, and all of its regions "
            "become suggested masks of that label, to be judged like any other suggestion."
        )
        super().__init__(parent, parent.tr("What looks alike"), width=820, explanation=explanation)
        self._crops, self._labels = crops, list(labels)
        self.choices: dict[str, ComboBox] = {}
        self.swatches: dict[str, Swatches] = {}
        self._names: dict[str, str] = {}
        self._past: list[tuple[str, str]] = []
        self.number = QSpinBox()
        self.number.setRange(1, MOST)
        self.number.setValue(USUAL)
        self.number.setFixedWidth(80)
        self.number.lineEdit().setTextMargins(SPACE_2, 0, SPACE_2, 0)
        self.number.setAccessibleName(self.tr("How many groups to make"))
        self.make = push_button("")
        self.make.clicked.connect(self._make)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(160)
        self.stop = push_button(self.tr("Stop"), role="compact")
        self.stop.clicked.connect(self.cancel_wanted)
        self.message = label("", "muted", wrap=True)
        self.undo = push_button(self.tr("Take it back"), role="link")
        self.undo.clicked.connect(self.take_back)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, SPACE_2, 0)
        self._rows.setSpacing(SPACE_3)
        inner = QWidget()
        inner.setLayout(self._rows)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(inner)
        self.body.addLayout(
            row(label(self.tr("Groups"), "muted"), self.number, self.make, self.progress, self.stop, None)
        )
        self.body.addWidget(self.area, 1)
        self.body.addLayout(row(self.message, self.undo, None))
        self.add_close()
        QShortcut(QKeySequence("Ctrl+Z"), self, self.take_back)
        self._follow_work(None)
        self.show_groups((), {})
        self._say("")
        self.resize(860, 640)

    # --- what the window tells -----------------------------------------------------------------------------------------

    def show_groups(self, views: Sequence[RegionGroupView], sizes: Sizes) -> None:
        """The groups as they are; ``sizes``: (w, h) of the pictures of their examples."""
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.choices, self.swatches = {}, {}
        self._names = {view.group.name: view.group.label for view in views}
        for view in views:
            self._rows.addWidget(self._group(view, sizes))
        self._rows.addStretch(1)
        if views:
            self.number.setValue(len(views))
        self.make.setText(self.tr("Group anew") if views else self.tr("Group what looks alike"))
        self.area.setVisible(bool(views))

    def follow(self, view: JobView) -> None:
        """Groups are being made or named, or have been."""
        running = view.state is JobState.RUNNING
        self._follow_work(view if running else None)
        if running:
            return
        if view.name == MAKING or view.state is not JobState.DONE:
            self._past.clear()
        if view.state is JobState.FAILED:
            self._say(f"{view.what} {view.cure}".strip(), bad=True)
        elif view.state is JobState.CANCELLED:
            self._say(self.tr("Stopped."))
        elif view.name == MAKING:
            made = self.tr("{0} regions of {1} pictures.")
            self._say(made.format(f"{view.result.regions:,}", f"{view.result.images:,}"))

    def hold(self, names: Mapping[str, str]) -> None:
        """These groups have these names now, and their regions are suggested."""
        self._names.update(names)
        name, wanted = list(names.items())[-1]
        if wanted:
            self._say(self.tr("The regions of group {0} are suggested as {1}.").format(name, wanted))
        else:
            self._say(self.tr("The name of group {0} is taken back, and so is what it suggested.").format(name))

    def let_go(self) -> None:
        """A name could not be given: show those that hold."""
        for name in self.choices:
            self._show(name, self._names[name])

    # --- naming --------------------------------------------------------------------------------------------------------

    def take_back(self) -> None:
        """Undo the last naming."""
        if self._past:
            name, before = self._past.pop()
            self._show(name, before)
            self.named.emit(name, before)

    def _group(self, view: RegionGroupView, sizes: Sizes) -> QWidget:
        group = view.group
        swatches = self.swatches[group.name] = Swatches(view, self._crops, sizes)
        combo = self.choices[group.name] = ComboBox()
        combo.addItem(self.tr("not named"), "")
        for name in self._labels:
            combo.addItem(name, name)
        combo.setMinimumWidth(150)
        combo.setAccessibleName(self.tr("Label of group {0}").format(group.name))
        combo.setProperty("group", group.name)
        combo.activated.connect(self._picked)
        self._show(group.name, group.label)
        regions = self.tr("1 region") if group.regions == 1 else self.tr("{0} regions").format(f"{group.regions:,}")
        images = (
            self.tr("on 1 picture") if group.images == 1 else self.tr("on {0} pictures").format(f"{group.images:,}")
        )
        words = QVBoxLayout()
        words.setSpacing(SPACE_1)
        words.addStretch(1)
        words.addWidget(label(self.tr("Group {0}").format(group.name), "section"))
        words.addWidget(combo)
        words.addWidget(label(f"{regions} {images}", "caption"))
        words.addStretch(1)
        widget = QWidget()
        layout = QHBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_3)
        layout.addWidget(swatches)
        layout.addLayout(words, 1)
        return widget

    def _show(self, name: str, wanted: str) -> None:
        """A group's label in its list; "shown" is what was there last."""
        combo = self.choices[name]
        combo.setCurrentIndex(max(0, combo.findData(wanted)))
        combo.setProperty("shown", wanted)

    def _make(self) -> None:
        self._say("")
        self.made_wanted.emit(self.number.value())

    def _picked(self, index: int) -> None:
        combo = self.sender()
        assert isinstance(combo, ComboBox)
        name, wanted = str(combo.property("group")), str(combo.itemData(index))
        before = str(combo.property("shown"))
        if wanted != before:
            combo.setProperty("shown", wanted)
            self._past.append((name, before))
            self.named.emit(name, wanted)

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_role(self.message, "bad" if bad else "muted")
        self.undo.setVisible(bool(self._past) and not bad)

    def _follow_work(self, view: JobView | None) -> None:
        self.make.setEnabled(view is None)
        self.progress.setVisible(view is not None)
        self.stop.setVisible(view is not None and view.name == MAKING)
        if view is not None:
            self.progress.setRange(0, view.total or 0)
            self.progress.setValue(view.done)
