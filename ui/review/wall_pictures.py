"""The crops of a wall scaled to their cells, with the outline of what is suggested on them; each is made once for a size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from annotator.domain.kinds import Task
from annotator.domain.records import Label
from ui.canvas.colors import CanvasColors
from ui.review.crops import Bounds, Crop, CropLoader, Rings, side_for
from ui.theme import theme

if TYPE_CHECKING:
    from annotator.usecases.wall import WallPile

KEPT_BYTES = 96 << 20
LINE_PX, HALO_PX = 2.0, 4.0
DASHES = (3.0, 2.0)
LabelOf = Callable[[int], Label | None]


class WallPictures:
    """Pictures by what is on them and how large they are; ``clear`` when the theme's colours change."""

    def __init__(self, crops: CropLoader) -> None:
        self._crops = crops
        self._made: OrderedDict[tuple[Crop, int, int, float, str], QPixmap] = OrderedDict()
        self._bytes = 0

    def clear(self) -> None:
        """Make all of them anew."""
        self._made.clear()
        self._bytes = 0

    def crop_of(self, pile: WallPile, row: int, pixels: float) -> Crop:
        """The crop of a row for a height of device pixels. What has an outline brings it along."""
        bounds: Bounds | None = None
        shape = None
        if not np.isnan(pile.boxes[row, 0]):
            left, top, right, bottom = (float(v) for v in pile.boxes[row])
            bounds = (left, top, right, bottom)
            shape = pile.ids[row] if pile.ids is not None and pile.task is not Task.TAGS else None
        return Crop(int(pile.image_ids[row]), bounds, side_for(pixels), shape)

    def get(self, crop: Crop, size: QSize, ratio: float, color: str) -> QPixmap | None:
        """The picture of a crop in a cell of ``size``; None while the crop is on its way or when it cannot be read."""
        key = (crop, size.width(), size.height(), ratio, color)
        known = self._made.get(key)
        if known is not None:
            self._made.move_to_end(key)
            return known
        image = self._crops.get(crop)
        if image is None:
            return None
        made = self._made[key] = fitted(image, self._crops.rings(crop), size, ratio, color)
        self._bytes += _bytes_of(made)
        while self._bytes > KEPT_BYTES and len(self._made) > 1:
            self._bytes -= _bytes_of(self._made.popitem(last=False)[1])
        return made

    def is_lost(self, crop: Crop) -> bool:
        """Whether the crop was tried and cannot be shown."""
        return self._crops.is_lost(crop)


def _bytes_of(pixmap: QPixmap) -> int:
    return 4 * pixmap.width() * pixmap.height()


def fitted(image: QImage, rings: Rings, size: QSize, ratio: float, color: str) -> QPixmap:
    """A crop scaled to fill a cell, its middle shown, with the outline dashed on it: the machine's voice."""
    wanted = size * ratio
    shown = image.scaled(
        wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    left, top = (shown.width() - wanted.width()) // 2, (shown.height() - wanted.height()) // 2
    pixmap = QPixmap.fromImage(shown.copy(left, top, wanted.width(), wanted.height()))
    if rings:
        scale, corner = np.asarray([shown.width(), shown.height()]), np.asarray([left, top])
        _draw(pixmap, [ring * scale - corner for ring in rings], ratio, color)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _draw(pixmap: QPixmap, rings: list[np.ndarray], unit: float, color: str) -> None:
    path = QPainterPath()
    for ring in rings:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in ring.tolist()]))
        path.closeSubpath()
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(CanvasColors().halo), HALO_PX * unit))
    painter.drawPath(path)
    pen = QPen(QColor(color or theme().tokens.accent), LINE_PX * unit)
    pen.setDashPattern(list(DASHES))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawPath(path)
    painter.end()
