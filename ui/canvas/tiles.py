"""Canvas, tiles: painting an image that is too large to hold, from the tiles that have come, sharp or coarser.

What is missing is asked for, the middle of the screen first; until it is there, the nearest coarser tiles stand in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QRegion

from ui.canvas.images import Pixels, adjusted
from ui.canvas.transform import ViewTransform

Key: TypeAlias = tuple[int, int, int]
"""Level, row, column."""
Area: TypeAlias = tuple[float, float, float, float]
RING = 1
WHOLE_UP_TO = 16.0


class LevelLike(Protocol):
    """See ``annotator.media.pyramid.Level``."""

    @property
    def number(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def left(self) -> int: ...
    @property
    def top(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...


class TiledPicture(Protocol):
    """An image in tiles: its full size and levels, the tiles in memory, and a way to ask for others."""

    side: int

    @property
    def full_width(self) -> int: ...
    @property
    def full_height(self) -> int: ...
    @property
    def has_alpha(self) -> bool: ...
    @property
    def levels(self) -> Sequence[LevelLike]: ...
    def best_level(self, scale: float) -> int: ...
    def get(self, key: Key) -> QImage | None: ...
    def want(self, keys: Iterable[Key]) -> None: ...


class TilePainter:
    """Draws one tiled picture. Screen rectangles are device pixels."""

    def __init__(self, picture: TiledPicture) -> None:
        self.picture = picture
        self._levels = {level.number: level for level in picture.levels}
        self._asked: tuple[object, ...] | None = None
        self._table: Pixels | None = None
        self._adjusted: dict[Key, tuple[QImage, QImage]] = {}

    def set_table(self, table: Pixels | None) -> None:
        """Brightness and contrast."""
        self._table = table
        self._adjusted.clear()

    def area(self, key: Key) -> Area:
        """The part of the image that a tile shows: x1, y1, x2, y2 in image pixels."""
        level, side = self._levels[key[0]], self.picture.side
        x1, y1 = key[2] * side, key[1] * side
        x2, y2 = min(x1 + side, level.width), min(y1 + side, level.height)
        scale = level.scale
        return level.left + x1 * scale, level.top + y1 * scale, level.left + x2 * scale, level.top + y2 * scale

    def within(self, number: int, area: Area) -> list[Key]:
        """The tiles of a level that touch a rectangle of the image."""
        level = self._levels[number]
        step = level.scale * self.picture.side
        first_column, last_column = int((area[0] - level.left) // step), int((area[2] - level.left) // step)
        first_row, last_row = int((area[1] - level.top) // step), int((area[3] - level.top) // step)
        columns = range(max(first_column, 0), min(last_column + 1, level.columns))
        return [
            (number, row, column)
            for row in range(max(first_row, 0), min(last_row + 1, level.rows))
            for column in columns
        ]

    def ask(self, view: ViewTransform, width: int, height: int, *, again: bool = False) -> None:
        """Asks for what a screen of this size needs, unless that was just done."""
        now = (view, width, height)
        if again or now != self._asked:
            self._asked = now
            self.picture.want(self._needed(view, width, height))

    def _needed(self, view: ViewTransform, width: int, height: int) -> Iterator[Key]:
        """The coarsest tiles, as something to stand in anywhere; what is seen, from the middle row, as strips are read by rows;
        what lies around it."""
        seen = (*view.to_image(0, 0), *view.to_image(width, height))
        best, last = self.picture.best_level(view.scale), max(self._levels)
        middle = (seen[0] + seen[2]) / 2, (seen[1] + seen[3]) / 2
        yield from self.within(last, seen)
        yield from sorted(self.within(best, seen), key=lambda key: self._distances(key, *middle))
        if best < last:
            yield from self.within(best + 1, seen)
        edge = RING * self.picture.side * self._levels[best].scale
        around = (seen[0] - edge, seen[1] - edge, seen[2] + edge, seen[3] + edge)
        yield from sorted(self.within(best, around), key=lambda key: self._distances(key, *middle))

    def _distances(self, key: Key, x: float, y: float) -> tuple[float, float]:
        x1, y1, x2, y2 = self.area(key)
        return abs((y1 + y2) / 2 - y), abs((x1 + x2) / 2 - x)

    def covers(self, view: ViewTransform, rect: QRect) -> bool:
        """Whether every tile that a screen rectangle needs is there and opaque."""
        images = (self.picture.get(key) for key in self._seen(view, rect))
        return all(image is not None and not image.hasAlphaChannel() for image in images)

    def concerns(self, key: Key, view: ViewTransform, screen: QRect) -> QRect:
        """The screen rectangle to draw again now that a tile has come; empty if it changes nothing there."""
        rect = self.screen_rect(self.area(key), view).intersected(screen)
        best = self.picture.best_level(view.scale)
        if key[0] < best or (key[0] > best and self.covers(view, rect)):
            return QRect()
        return rect

    @staticmethod
    def screen_rect(area: Area, view: ViewTransform) -> QRect:
        """A rectangle of the image on screen, a pixel larger all around."""
        (x1, y1), (x2, y2) = view.to_screen(area[0], area[1]), view.to_screen(area[2], area[3])
        limit = 1_000_000.0
        x1, y1, x2, y2 = (min(max(v, -limit), limit) for v in (x1, y1, x2, y2))
        return QRectF(x1 - 1, y1 - 1, x2 - x1 + 2, y2 - y1 + 2).toAlignedRect()

    def _seen(self, view: ViewTransform, rect: QRect) -> list[Key]:
        area = (*view.to_image(rect.left(), rect.top()), *view.to_image(rect.right() + 1, rect.bottom() + 1))
        return self.within(self.picture.best_level(view.scale), area)

    def paint(self, painter: QPainter, rect: QRect, view: ViewTransform) -> None:
        """Draws a screen rectangle: tiles of the best level, and coarser ones where those are missing."""
        left = QRegion(rect) & self._frame(
            view
        )  # a coarse level may reach over the edge by less than one of its pixels
        keys = self._seen(view, rect)
        for number in range(self.picture.best_level(view.scale), max(self._levels) + 1):
            if number > self.picture.best_level(view.scale):
                box = left.boundingRect()
                area = (*view.to_image(box.left(), box.top()), *view.to_image(box.right() + 1, box.bottom() + 1))
                keys = self.within(number, area)
            for key in keys:
                image = self._image(key)
                if image is not None:
                    painter.setClipRegion(left)
                    left -= self._draw(painter, key, image, view, left.boundingRect())
            if left.isEmpty():
                break
        painter.setClipRect(rect)

    def _frame(self, view: ViewTransform) -> QRect:
        (x1, y1), (x2, y2) = view.to_screen(0, 0), view.to_screen(self.picture.full_width, self.picture.full_height)
        return QRect(round(x1), round(y1), round(x2) - round(x1), round(y2) - round(y1))

    def _image(self, key: Key) -> QImage | None:
        image = self.picture.get(key)
        if image is None or self._table is None:
            return image
        known = self._adjusted.get(key)
        if known is None or known[0] is not image:
            if len(self._adjusted) > 256:
                self._adjusted.clear()
            known = self._adjusted[key] = image, adjusted(image, self._table)
        return known[1]

    def _draw(self, painter: QPainter, key: Key, image: QImage, view: ViewTransform, rect: QRect) -> QRect:
        """Draws a tile and says which screen pixels are its own."""
        x1, y1, x2, y2 = self.area(key)
        (left, top), (right, bottom) = view.to_screen(x1, y1), view.to_screen(x2, y2)
        per_pixel = self._levels[key[0]].scale * view.scale
        smooth = not (key[0] == 0 and view.scale >= 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        own = QRect(round(left), round(top), round(right) - round(left), round(bottom) - round(top))
        if per_pixel <= WHOLE_UP_TO:
            # Blended edges lie on whole screen pixels, so that no line shows between two tiles.
            painter.drawImage(QRectF(own) if smooth else QRectF(left, top, right - left, bottom - top), image)
            return own
        first_x, first_y = (max(int((a - b) / per_pixel) - 1, 0) for a, b in ((rect.left(), left), (rect.top(), top)))
        last_x = min(int((rect.right() + 1 - left) / per_pixel) + 2, image.width())
        last_y = min(int((rect.bottom() + 1 - top) / per_pixel) + 2, image.height())
        source = QRectF(first_x, first_y, last_x - first_x, last_y - first_y)
        place = QRectF(
            left + first_x * per_pixel,
            top + first_y * per_pixel,
            source.width() * per_pixel,
            source.height() * per_pixel,
        )
        painter.drawImage(place, image, source)
        return own
