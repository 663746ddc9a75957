"""A few pictures of a dataset with its geometry drawn on them, made in a thread, and the widget that shows them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from annotator.domain.geometry import Geometry, GeometryKind, Mask
from annotator.domain.palette import label_color
from annotator.errors import AnnotatorError
from ui.canvas.colors import CanvasColors, rgb, text_on, with_alpha
from ui.canvas.paths import outline
from ui.theme import theme
from ui.theme.tokens import RADIUS, SPACE_1, SPACE_2
from ui.thumbnails import image_from_pixels

if TYPE_CHECKING:
    from annotator.job_context import JobContext
    from annotator.usecases.import_preview import PicturePreview

log = logging.getLogger(__name__)

SIDE = 320
DOT = 3.0
TAGS = 3
COLUMNS = 3


@dataclass(frozen=True)
class DrawnPicture:
    """A picture with what was drawn on it; ``image`` is None when its file cannot be read."""

    name: str
    image: QImage | None


def draw_pictures(
    pictures: Iterable[PicturePreview], colors: Mapping[str, str], context: JobContext
) -> tuple[DrawnPicture, ...]:
    """The pictures at ``SIDE`` pixels with their annotations; ``colors`` by label. Runs in a thread."""
    made = []
    for each in pictures:
        context.check_cancelled()
        made.append(DrawnPicture(each.name, _draw(each, colors)))
    return tuple(made)


def colors_of(labels: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """A colour for each label of a dataset: the project's, else the next ones of the palette."""
    return {name: known.get(name) or label_color(len(known) + at) for at, name in enumerate(labels)}


def _draw(picture: PicturePreview, colors: Mapping[str, str]) -> QImage | None:
    from annotator.media.pictures import decode

    if picture.path is None:
        return None
    try:
        decoded = decode(picture.path, max_side=SIDE)
    except (AnnotatorError, OSError) as error:
        log.info("no preview of %s: %s", picture.name, error)
        return None
    image = image_from_pixels(decoded.pixels)
    painter = QPainter(image)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_all(painter, picture, colors, decoded.scale)
    finally:
        painter.end()
    return image


def _draw_all(painter: QPainter, picture: PicturePreview, colors: Mapping[str, str], scale: float) -> None:
    tags = []
    for each in picture.annotations:
        color = colors.get(each.label, CanvasColors().unlabelled)
        if each.geometry.kind in (GeometryKind.TAG, GeometryKind.CAPTION):
            tags.append((each.label, color))
        else:
            _draw_shape(painter, each.geometry, color, scale, dashed=each.suggested)
    for at, (name, color) in enumerate(tags[:TAGS]):
        _draw_tag(painter, name, color, at)


def _draw_shape(painter: QPainter, geometry: Geometry, color: str, scale: float, *, dashed: bool) -> None:
    shown: Geometry | None = geometry
    if isinstance(geometry, Mask):
        from annotator.domain.tracing import polygon_around

        shown = polygon_around(geometry.to_array(), 1 / scale, geometry.x, geometry.y)
    if shown is None:
        return
    path, dots = QPainterPath(), QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    closed_any = False
    for vertices, closed in outline(shown).paths():
        points = [QPointF(x * scale, y * scale) for x, y in vertices.tolist()]
        if len(points) == 1:
            dots.addEllipse(points[0], DOT, DOT)
            continue
        path.addPolygon(QPolygonF(points))
        if closed:
            path.closeSubpath()
            closed_any = True
    if closed_any:
        painter.fillPath(path, with_alpha(color, 0.12))
    for each in (path, dots):
        painter.strokePath(each, QPen(QColor(CanvasColors().halo), 3.0))
    painter.fillPath(dots, QColor(color))
    painter.strokePath(path, QPen(QColor(color), 1.5, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))


def _draw_tag(painter: QPainter, name: str, color: str, at: int) -> None:
    metrics = QFontMetrics(painter.font())
    words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, SIDE // 2)
    height = metrics.height() + SPACE_1
    chip = QRectF(SPACE_2, SPACE_2 + at * (height + SPACE_1), metrics.horizontalAdvance(words) + 2 * SPACE_2, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(chip, RADIUS / 2, RADIUS / 2)
    colors = CanvasColors()
    painter.setPen(QColor(text_on(rgb(color), colors.chip_dark, colors.chip_light)))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)


class PictureGrid(QWidget):
    """Pictures side by side, ``COLUMNS`` in a row, each as large as its cell allows, with its name below."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._pictures: Sequence[DrawnPicture] = ()
        self._name = name
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(300, 160)
        theme().changed.connect(self.update)

    def show_pictures(self, pictures: Sequence[DrawnPicture]) -> None:
        """Show these instead."""
        self._pictures = pictures
        self.setAccessibleDescription(", ".join(each.name for each in pictures))
        self.update()

    @property
    def pictures(self) -> Sequence[DrawnPicture]:
        """What is shown."""
        return self._pictures

    def sizeHint(self) -> QSize:
        return QSize(380, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme().tokens
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        columns = min(COLUMNS, max(1, len(self._pictures)))
        lines = max(1, -(-len(self._pictures) // columns))
        wide = (self.width() - (columns - 1) * SPACE_2) // columns
        high = (self.height() - (lines - 1) * SPACE_2) // lines
        words = painter.fontMetrics().height() + SPACE_1
        for at, each in enumerate(self._pictures):
            cell = QRect((at % columns) * (wide + SPACE_2), (at // columns) * (high + SPACE_2), wide, high - words)
            painter.fillRect(cell, QColor(tokens.surround))
            if each.image is not None:
                size = each.image.size().scaled(cell.size(), Qt.AspectRatioMode.KeepAspectRatio)
                place = QRect(cell.topLeft(), size)
                place.moveCenter(cell.center())
                painter.drawImage(place, each.image)
            painter.setPen(QColor(tokens.muted))
            name = each.name.rsplit("/", 1)[-1]
            text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, wide)
            painter.drawText(QRect(cell.left(), cell.bottom() + 1, wide, words), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
