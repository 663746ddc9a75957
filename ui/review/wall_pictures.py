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
from ui.review.crops import Bounds, Crop, CropLoader, Rings, side_for
from ui.theme import theme

if TYPE_CHECKING:
    from annotator.usecases.wall import WallPile

SCALED_KEPT = 2000
LINE_PX, HALO_PX = 2.0, 4.0
DASHES = (3.0, 2.0)
LabelOf = Callable[[int], Label | None]


class WallPictures:
    """Pictures by the row of the pile that is shown; ``clear`` when the pile, the size or the colours change."""

    def __init__(self, crops: CropLoader) -> None:
        self._crops = crops
        self._scaled: OrderedDict[int, QPixmap] = OrderedDict()

    def clear(self) -> None:
        """Make all of them anew."""
        self._scaled.clear()

    def crop_of(self, pile: WallPile, row: int, pixels: float) -> Crop:
        """The crop of a row for a height of device pixels. What has an outline brings it along."""
        bounds: Bounds | None = None
        shape = None
        if not np.isnan(pile.boxes[row, 0]):
            left, top, right, bottom = (float(v) for v in pile.boxes[row])
            bounds = (left, top, right, bottom)
            shape = pile.ids[row] if pile.ids is not None and pile.task is not Task.TAGS else None
        return Crop(int(pile.image_ids[row]), bounds, side_for(pixels), shape)

    def get(self, row: int, crop: Crop, size: QSize, ratio: float, color: str) -> QPixmap | None:
        """The picture of a row in a cell of ``size``; None while its crop is on its way or when it cannot be read."""
        known = self._scaled.get(row)
        if known is not None:
            return known
        image = self._crops.get(crop)
        if image is None:
            return None
        made = fitted(image, self._crops.rings(crop), size, ratio, color)
        self._scaled[row] = made
        while len(self._scaled) > SCALED_KEPT:
            self._scaled.popitem(last=False)
        return made

    def is_lost(self, crop: Crop) -> bool:
        """Whether the crop was tried and cannot be shown."""
        return self._crops.is_lost(crop)


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
    tokens = theme().tokens
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(tokens.surround), HALO_PX * unit))
    painter.drawPath(path)
    pen = QPen(QColor(color or tokens.accent), LINE_PX * unit)
    pen.setDashPattern(list(DASHES))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawPath(path)
    painter.end()
