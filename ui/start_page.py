"""The first screen: open a folder, open a project, try the demo, or go on with a recent one. Folders can be dropped anywhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from annotator.errors import AnnotatorError
from annotator.settings import AppSettings, RecentProject
from ui.engine_bridge import Answer, Errand
from ui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6
from ui.thumbnails import image_from_pixels
from ui.widgets.basics import ElidedLabel, icon_button, label, push_button, row
from ui.widgets.fields import TextField

WIDTH = 620
THUMB = QSize(64, 48)


class RecentCard(QFrame):
    """One recent project with a strip of its pictures."""

    chosen = Signal(str)
    forget_wanted = Signal(str)

    def __init__(self, recent: RecentProject) -> None:
        super().__init__()
        self.recent = recent
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Open {0}").format(recent.name))
        self.setToolTip(recent.path)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(recent.name or Path(recent.path).name))
        detail = self.tr("{0} images · {1}").format(f"{recent.images:,}", recent.opened_at[:10])
        words.addWidget(label(detail, "caption"))
        words.addWidget(ElidedLabel(recent.path, "caption"))
        self._pictures = [QLabel() for _ in recent.thumbnails[:3]]
        forget = icon_button("x", self.tr("Take it off this list; the project stays"), token="muted")
        forget.clicked.connect(self._forget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_2, SPACE_2, SPACE_2)
        layout.setSpacing(SPACE_2)
        layout.addLayout(words, 1)
        for picture in self._pictures:
            picture.setFixedSize(THUMB)
            picture.setScaledContents(False)
            layout.addWidget(picture)
        layout.addWidget(forget, 0, Qt.AlignmentFlag.AlignTop)

    def show_picture(self, place: int, image: QImage) -> None:
        """Put a picture on the strip."""
        if place < len(self._pictures):
            mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
            scaled = QPixmap.fromImage(image).scaled(THUMB, mode, Qt.TransformationMode.SmoothTransformation)
            x, y = (scaled.width() - THUMB.width()) // 2, (scaled.height() - THUMB.height()) // 2
            self._pictures[place].setPixmap(scaled.copy(x, y, THUMB.width(), THUMB.height()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self.recent.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.recent.path)
        else:
            super().keyPressEvent(event)

    def _forget(self) -> None:
        self.forget_wanted.emit(self.recent.path)


class StartPage(QWidget):
    """The choices, and after them the one question."""

    folder_wanted = Signal()
    project_wanted = Signal()
    demo_wanted = Signal()
    recent_chosen = Signal(str)
    labels_given = Signal(str)
    question_left = Signal()

    def __init__(self, settings: AppSettings) -> None:
        super().__init__()
        self._settings = settings
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._errand = Errand(self)
        self._errand.answered.connect(self._picture_made)
        self._cards: dict[str, RecentCard] = {}
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._centred(self._choices()))
        self._stack.addWidget(self._centred(self._question()))
        self._stack.addWidget(self._centred(self._waiting()))

    # --- pages ---------------------------------------------------------------------------------------------------------

    def show_choices(self) -> None:
        """The first page, with the recent projects as they are now."""
        self._fill_recent()
        self._stack.setCurrentIndex(0)

    def show_question(self) -> None:
        """Ask what to look for."""
        self.answer.clear()
        self._stack.setCurrentIndex(1)
        self.answer.setFocus()

    def show_waiting(self, text: str) -> None:
        """Say what is being done."""
        self._wait_text.setText(text)
        self._stack.setCurrentIndex(2)

    def show_device(self, text: str) -> None:
        """What the models run on."""
        self._device.setText(text)

    def close_pictures(self) -> None:
        """Load no more pictures."""
        self._errand.close()

    @staticmethod
    def _centred(inner: QWidget) -> QWidget:
        inner.setMaximumWidth(WIDTH)
        host = QWidget()
        host.setProperty("role", "plain")
        layout = QHBoxLayout(host)
        layout.addStretch(1)
        column = QVBoxLayout()
        column.addStretch(2)
        column.addWidget(inner)
        column.addStretch(3)
        layout.addLayout(column, 6)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(host)
        return scroll

    def _choices(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(SPACE_3)
        layout.addWidget(label(self.tr("Annotator"), "title"))
        promise = self.tr(
            "Open a folder of pictures and start labelling. Nothing leaves this computer, and your files are never changed."
        )
        layout.addWidget(label(promise, "muted", wrap=True))
        layout.addSpacing(SPACE_2)
        self.folder_button = push_button(self.tr("Open a folder"), role="primary", icon="folder-open")
        self.project_button = push_button(self.tr("Open a project"), icon="stack")
        self.demo_button = push_button(self.tr("Try the demo"), icon="play")
        self.folder_button.clicked.connect(self.folder_wanted)
        self.project_button.clicked.connect(self.project_wanted)
        self.demo_button.clicked.connect(self.demo_wanted)
        layout.addLayout(row(self.folder_button, self.project_button, self.demo_button, None))
        layout.addWidget(label(self.tr("… or drop a folder anywhere on this window."), "caption"))
        layout.addSpacing(SPACE_4)
        self._recent_title = label(self.tr("Recent"), "section")
        layout.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(SPACE_2)
        layout.addLayout(self._recent)
        return page

    def _question(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(SPACE_3)
        layout.addWidget(label(self.tr("What do you want to find?"), "title"))
        text = self.tr(
            "Write the labels, separated by commas. Models that came with the app then suggest them on every picture."
        )
        layout.addWidget(label(text, "muted", wrap=True))
        self.answer = TextField(self.tr("cat, dog, bird"))
        self.answer.setProperty("role", "hero")
        self.answer.setAccessibleName(self.tr("What do you want to find?"))
        self.answer.returnPressed.connect(self._answered)
        layout.addWidget(self.answer)
        start = push_button(self.tr("Start"), role="primary")
        start.clicked.connect(self._answered)
        skip = push_button(self.tr("Skip: I will add labels as I go"), role="link")
        skip.clicked.connect(self.question_left)
        layout.addLayout(row(start, skip, None))
        layout.addSpacing(SPACE_6)
        self._device = label("", "caption", wrap=True)
        layout.addWidget(self._device)
        return page

    def _waiting(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        self._wait_text = label("", "title")
        self._wait_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(self._wait_text)
        layout.addSpacing(SPACE_1)
        return page

    # --- recent --------------------------------------------------------------------------------------------------------

    def _fill_recent(self) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._cards.clear()
        recents = self._settings.state.recent[:5]
        self._recent_title.setVisible(bool(recents))
        for recent in recents:
            card = RecentCard(recent)
            card.chosen.connect(self.recent_chosen)
            card.forget_wanted.connect(self._forget)
            self._recent.addWidget(card)
            self._cards[recent.path] = card
            for place, name in enumerate(recent.thumbnails[:3]):
                self._errand.ask(f"{place}:{recent.path}", _thumbnail, Path(recent.path), Path(name))

    def _picture_made(self, answer: Answer) -> None:
        place, _, path = answer.tag.partition(":")
        card = self._cards.get(path)
        if card is not None and answer.error is None and answer.value is not None:
            card.show_picture(int(place), answer.value)

    def _forget(self, path: str) -> None:
        self._settings.forget_project(path)
        self._fill_recent()

    def _answered(self) -> None:
        text = self.answer.text().strip()
        if text:
            self.labels_given.emit(text)
        else:
            self.question_left.emit()


def _thumbnail(project: Path, image: Path) -> QImage | None:
    """Runs in a thread; None when the picture is gone."""
    from annotator.media.thumbnails import ThumbnailCache

    try:
        return image_from_pixels(ThumbnailCache(project / "cache" / "thumbnails").make(image))
    except (AnnotatorError, OSError):
        return None
