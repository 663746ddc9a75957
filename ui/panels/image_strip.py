"""Above the canvas: which image this is, and what a person says of it as a whole: flag, note, split, skip, done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from annotator.domain.kinds import ImageState, Split
from ui.session import Session
from ui.theme import set_icon
from ui.theme.tokens import SPACE_1, SPACE_2
from ui.widgets.basics import ElidedLabel, Figure, icon_button, push_button
from ui.widgets.choices import ComboBox

HEIGHT = 36


class ImageStrip(QWidget):
    """One line; every control has its key in the tooltip."""

    flag_wanted = Signal()
    note_wanted = Signal()
    split_wanted = Signal(object)
    skip_wanted = Signal()
    done_wanted = Signal()
    previous_wanted = Signal()
    next_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        previous = icon_button("caret-left", self.tr("Previous image  A"))
        following = icon_button("caret-right", self.tr("Next image  D"))
        self.place = Figure()
        self.name = ElidedLabel()
        self.dimensions = Figure()
        self.reason = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self.note = icon_button("note", self.tr("Note  I"))
        self.flag = icon_button("flag", self.tr("Flag this image  Shift+I"), checkable=True)
        self.split = ComboBox()
        self.split.setAccessibleName(self.tr("Split"))
        self.split.setToolTip(self.tr("Which part of the dataset this image belongs to"))
        self.split.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.split.addItem(self.tr("no split"), None)
        for split in Split:
            self.split.addItem(split.value, split)
        self.skip = icon_button("skip-forward", self.tr("Skip this image  X"))
        self.done = push_button(self.tr("Done"), role="compact")
        self.done.setToolTip(self.tr("This image is complete: next  Ctrl+Enter"))
        self.done.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        layout.setSpacing(SPACE_1)
        for item in (previous, following, self.place):
            layout.addWidget(item)
        layout.addSpacing(SPACE_1)
        layout.addWidget(self.name, 3)
        layout.addWidget(self.reason, 2)
        layout.addSpacing(SPACE_2)
        layout.addWidget(self.dimensions)
        layout.addSpacing(SPACE_2)
        controls: tuple[QWidget, ...] = (self.note, self.flag, self.split, self.skip, self.done)
        for widget in controls:
            layout.addWidget(widget)
        previous.clicked.connect(self.previous_wanted)
        following.clicked.connect(self.next_wanted)
        self.note.clicked.connect(self.note_wanted)
        self.flag.clicked.connect(self.flag_wanted)
        self.split.activated.connect(self._split_chosen)
        self.skip.clicked.connect(self.skip_wanted)
        self.done.clicked.connect(self.done_wanted)
        session.page_changed.connect(self.reload)
        session.order_changed.connect(self.reload)
        session.closed.connect(self.reload)
        self.reload()

    def reload(self) -> None:
        """Show what is known of the image."""
        image = self._session.image
        self.setEnabled(image is not None)
        if image is None:
            self.name.show_text("")
            self.place.setText("")
            self.dimensions.setText("")
            self.reason.show_text("")
            return
        order = self._session.order
        here = f"{order.index + 1:,}" if order.index >= 0 else "–"
        self.place.setText(f"{here} / {len(order.ids):,}")
        self.name.show_text(image.name)
        self.name.setToolTip(image.uri)
        project = self._session.project
        self.reason.show_text(project.queue.reason(image.id) if project is not None else "")
        bits = f" · {image.bit_depth} bit" if image.bit_depth != 8 else ""
        self.dimensions.setText(f"{image.width} × {image.height}{bits}" if image.width else "")
        set_icon(self.note, "note-pencil" if image.note else "note", "accent" if image.note else "text")
        self.note.setToolTip(image.note or self.tr("Note  I"))
        self.flag.setChecked(image.flagged)
        set_icon(self.flag, "flag", "warn" if image.flagged else "text")
        self.split.setCurrentIndex(self.split.findData(image.split) if image.split else 0)
        done = image.state is ImageState.DONE
        self.done.setText(self.tr("Done ✓") if done else self.tr("Done"))

    def _split_chosen(self, place: int) -> None:
        self.split_wanted.emit(self.split.itemData(place))
