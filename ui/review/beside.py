"""Beside the wall: the picture that a crop comes from, with its place in it, and what is known of the suggestion."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ui.review.crops import PICTURE_SIDE, Bounds, Crop, CropLoader
from ui.theme import theme
from ui.theme.tokens import SPACE_2, SPACE_3
from ui.widgets.basics import ElidedLabel, icon_button, label, push_button, row


class PictureView(QWidget):
    """One picture, fitted, with a dashed box on it: the machine's voice."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._shown: QPixmap | None = None
        self._bounds: Bounds | None = None
        self._full: tuple[int, int] = (0, 0)
        self._color = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        theme().changed.connect(self.update)

    def show_picture(self, image: QImage | None, full: tuple[int, int], bounds: Bounds | None, color: str) -> None:
        """Show a picture whose image is ``full`` (width, height) pixels large, and ``bounds`` in these."""
        if image is not self._image:
            self._image, self._shown = image, None
        self._full, self._bounds, self._color = full, bounds, color
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.surround))
        if self._image is None:
            painter.end()
            return
        ratio = self.devicePixelRatioF()
        room = self.size() * ratio
        fitted = self._image.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        if self._shown is None or self._shown.size() != fitted:
            scaled = self._image.scaled(
                fitted, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            self._shown = QPixmap.fromImage(scaled)
            self._shown.setDevicePixelRatio(ratio)
        width, height = round(fitted.width() / ratio), round(fitted.height() / ratio)
        at = QRect((self.width() - width) // 2, (self.height() - height) // 2, width, height)
        painter.drawPixmap(at.topLeft(), self._shown)
        if self._bounds is not None and all(self._full):
            x, y = width / self._full[0], height / self._full[1]
            left, top, right, bottom = self._bounds
            box = QRectF(at.left() + left * x, at.top() + top * y, (right - left) * x, (bottom - top) * y)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(tokens.surround), 4))
            painter.drawRect(box)
            pen = QPen(QColor(self._color or tokens.accent), 2)
            pen.setDashPattern([3, 2])
            painter.setPen(pen)
            painter.drawRect(box)
        painter.end()


class Beside(QWidget):
    """``open_wanted`` asks for the image on the canvas of the Annotate screen."""

    open_wanted = Signal(int)
    closed = Signal()

    def __init__(self, pictures: CropLoader) -> None:
        super().__init__()
        self._pictures = pictures
        self._crop: Crop | None = None
        self._image_id = -1
        self._full: tuple[int, int] = (0, 0)
        self._bounds: Bounds | None = None
        self._color = ""
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.name = ElidedLabel()
        close = icon_button("x", self.tr("Close the picture  Space"), token="muted")
        close.clicked.connect(self.closed)
        self.picture = PictureView()
        self.words = label("", "muted", wrap=True)
        self.open_button = push_button(self.tr("Open on the canvas   O"), role="compact")
        self.open_button.clicked.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_2, SPACE_3, SPACE_3)
        layout.setSpacing(SPACE_2)
        layout.addLayout(row(self.name, close))
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.words)
        layout.addLayout(row(self.open_button, None))
        pictures.ready.connect(self._arrived)

    @property
    def image_id(self) -> int:
        """The image that is shown, -1 for none."""
        return self._image_id

    def show_suggestion(
        self, image_id: int, name: str, full: tuple[int, int], bounds: Bounds | None, color: str, words: str
    ) -> None:
        """Show the picture of a suggestion and ``words`` about it."""
        self._image_id, self._full, self._bounds, self._color = image_id, full, bounds, color
        self._crop = Crop(image_id, None, PICTURE_SIDE)
        self.name.show_text(name)
        self.words.setText(words)
        self._fill()

    def _arrived(self, crop: Crop) -> None:
        if crop == self._crop:
            self._fill()

    def _fill(self) -> None:
        if self._crop is not None:
            self.picture.show_picture(self._pictures.get(self._crop), self._full, self._bounds, self._color)

    def _open(self) -> None:
        self.open_wanted.emit(self._image_id)
