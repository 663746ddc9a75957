"""Canvas, layers: what is under the live overlay, each kept as an image of the widget's size and drawn again only where needed.

A pan scrolls the image and draws the uncovered strips; an edit draws the rectangle it touched; a zoom draws everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLine, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QRegion

from annotator.domain.geometry import Keypoints
from ui.canvas import pens, raster
from ui.canvas.colors import CanvasColors
from ui.canvas.paths import Outline
from ui.canvas.scene import IntArray, Scene, Style
from ui.canvas.transform import ViewTransform

Pixels = NDArray[np.uint8]
CHECKER = 8
GRID_FROM = 8.0
GRID_TURN = 3
FINE_VERTICES = 2500
SHARP_AT_ONCE = 12_000


class PictureLike(Protocol):
    """What the picture layer needs of a decoded picture: (h, w, 3 | 4) uint8 RGB(A) and the full size it stands for."""

    @property
    def pixels(self) -> Pixels: ...
    @property
    def full_width(self) -> int: ...
    @property
    def full_height(self) -> int: ...


def pixels_of(image: QImage) -> Pixels:
    """The (h, w, 4) BGRA memory of a 32-bit image, shared with it."""
    rows = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4)


def adjustment(brightness: float, contrast: float) -> Pixels:
    """The 256-entry table of a brightness and a contrast from -1 to 1; zero changes nothing."""
    values = np.arange(256, dtype=np.float64)
    gain = (1 + contrast) if contrast <= 0 else 1 / max(1 - contrast, 0.02)
    return np.clip((values - 127.5) * gain + 127.5 + brightness * 255, 0, 255).round().astype(np.uint8)


class Layer:
    """An image of the widget that follows the view; subclasses draw a rectangle of it."""

    def __init__(self) -> None:
        self.image = QImage()
        self.view = ViewTransform()
        self.damage = QRegion()

    def invalidate(self, rect: QRect | None = None) -> None:
        """Marks a screen rectangle, or everything, for drawing."""
        self.damage += rect if rect is not None else self.image.rect()

    def follow(self, view: ViewTransform, width: int, height: int) -> bool:
        """Brings size and position up to date; True when everything must be drawn because size or scale changed."""
        if self.image.width() != width or self.image.height() != height:
            self.image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
            self.view, self.damage = view, QRegion(self.image.rect())
            return True
        if view == self.view:
            return False
        dx, dy = view.dx - self.view.dx, view.dy - self.view.dy
        whole = view.scale == self.view.scale and dx == round(dx) and dy == round(dy)
        self.view = view
        if not whole or abs(dx) >= width or abs(dy) >= height:
            self.damage = QRegion(self.image.rect())
            return True
        self._scroll(round(dx), round(dy))
        return False

    def _scroll(self, dx: int, dy: int) -> None:
        pixels = pixels_of(self.image)
        height, width = pixels.shape[:2]
        to_y, from_y = slice(max(dy, 0), height + min(dy, 0)), slice(max(-dy, 0), height - max(dy, 0))
        to_x, from_x = slice(max(dx, 0), width + min(dx, 0)), slice(max(-dx, 0), width - max(dx, 0))
        pixels[to_y, to_x] = pixels[from_y, from_x].copy()
        kept = self.image.rect().translated(dx, dy)
        self.damage = self.damage.translated(dx, dy) + (QRegion(self.image.rect()) - QRegion(kept))
        self.damage &= self.image.rect()

    def rects(self) -> list[QRect]:
        """The rectangles to draw now; none are marked afterwards. Many, or some that lie close together, are drawn as one."""
        region, self.damage = self.damage & self.image.rect(), QRegion()
        found = [QRect(r) for r in cast(Iterable[QRect], region)]
        hull = region.boundingRect()
        close = _area(hull) <= 2 * sum(map(_area, found))
        return [hull] if found and (close or len(found) > 4) else found


def _area(rect: QRect) -> int:
    return rect.width() * rect.height()


class PictureLayer(Layer):
    """Surround, checkerboard, picture and pixel grid. Keeps halved copies, so that a picture made small stays smooth."""

    def __init__(self) -> None:
        super().__init__()
        self.full_width = self.full_height = 0
        self._raw: list[Pixels] = []
        self._levels: dict[int, QImage] = {}
        self._table: Pixels | None = None

    def set_picture(self, picture: PictureLike | None, full_width: int, full_height: int) -> None:
        """Takes a picture of any resolution for an image of the full size; None shows the empty surround."""
        self.full_width, self.full_height = full_width, full_height
        self._raw = [np.ascontiguousarray(picture.pixels)] if picture is not None else []
        while self._raw and min(self._raw[-1].shape[:2]) >= 512:
            height, width = self._raw[-1].shape[:2]
            self._raw.append(cv2.resize(self._raw[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        self._levels.clear()
        self.invalidate()

    def set_adjust(self, brightness: float, contrast: float) -> None:
        """Brightness and contrast of what is shown, from -1 to 1."""
        self._table = adjustment(brightness, contrast) if brightness or contrast else None
        self._levels.clear()
        self.invalidate()

    def prepare(self, view: ViewTransform) -> None:
        """Makes the copy that this scale needs, so that painting only draws."""
        if self._raw:
            self._level(self._best(view))

    def _best(self, view: ViewTransform) -> int:
        shown = self.full_width * view.scale
        for number in range(len(self._raw) - 1, 0, -1):
            if self._raw[number].shape[1] >= shown:
                return number
        return 0

    def _level(self, number: int) -> QImage:
        if number not in self._levels:
            pixels = self._raw[number]
            height, width, channels = pixels.shape
            if self._table is not None:
                pixels = pixels.copy()
                pixels[..., :3] = cv2.LUT(np.ascontiguousarray(pixels[..., :3]), self._table)
            code = cv2.COLOR_RGBA2BGRA if channels == 4 else cv2.COLOR_RGB2BGRA
            image = QImage(width, height, QImage.Format.Format_ARGB32 if channels == 4 else QImage.Format.Format_RGB32)
            cv2.cvtColor(pixels, code, dst=pixels_of(image))
            if channels == 4:
                image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            self._levels[number] = image
        return self._levels[number]

    def paint(self, view: ViewTransform, width: int, height: int, colors: CanvasColors, unit: float) -> None:
        """Brings the layer's image up to date."""
        self.follow(view, width, height)
        rects = self.rects()
        if not rects:
            return
        painter = QPainter(self.image)
        for rect in rects:
            painter.setClipRect(rect)
            painter.fillRect(rect, QColor(colors.surround))
            self._paint_picture(painter, rect, view, colors, unit)
        painter.end()

    def _paint_picture(
        self, painter: QPainter, rect: QRect, view: ViewTransform, colors: CanvasColors, unit: float
    ) -> None:
        if not self._raw:
            return
        frame = QRectF(view.dx, view.dy, self.full_width * view.scale, self.full_height * view.scale)
        shown = QRectF(rect.adjusted(-2, -2, 2, 2)).intersected(frame)
        if shown.isEmpty():
            return
        number = self._best(view)
        image = self._level(number)
        if image.hasAlphaChannel():
            self._paint_checker(painter, shown, view, colors, unit)
        per_x, per_y = image.width() / self.full_width / view.scale, image.height() / self.full_height / view.scale
        # Whole source pixels around what is shown keep their places on screen wherever the rectangle begins.
        left, top = int((shown.left() - view.dx) * per_x), int((shown.top() - view.dy) * per_y)
        right = min(int((shown.right() - view.dx) * per_x) + 2, image.width())
        bottom = min(int((shown.bottom() - view.dy) * per_y) + 2, image.height())
        left, top = max(left - 1, 0), max(top - 1, 0)
        source = QRectF(left, top, right - left, bottom - top)
        target = QRectF(view.dx + left / per_x, view.dy + top / per_y, source.width() / per_x, source.height() / per_y)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, per_x > 1 or image.width() < self.full_width)
        painter.drawImage(target, image, source)
        if view.scale >= GRID_FROM * unit:
            _paint_grid(painter, shown, view, colors)

    def _paint_checker(
        self, painter: QPainter, shown: QRectF, view: ViewTransform, colors: CanvasColors, unit: float
    ) -> None:
        side = round(CHECKER * unit)
        tile = QImage(2 * side, 2 * side, QImage.Format.Format_RGB32)
        tile.fill(QColor(colors.checker_even))
        inner = QPainter(tile)
        inner.fillRect(0, 0, side, side, QColor(colors.checker_odd))
        inner.fillRect(side, side, side, side, QColor(colors.checker_odd))
        inner.end()
        brush_origin = QPoint(round(view.dx), round(view.dy))
        painter.setBrushOrigin(brush_origin)
        painter.fillRect(shown, tile)
        painter.setBrushOrigin(0, 0)


def _paint_grid(painter: QPainter, shown: QRectF, view: ViewTransform, colors: CanvasColors) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    x1, y1 = view.to_image(shown.left(), shown.top())
    x2, y2 = view.to_image(shown.right(), shown.bottom())
    top, bottom, left, right = int(shown.top()), int(shown.bottom()), int(shown.left()), int(shown.right())
    columns = [round(x * view.scale + view.dx) for x in range(int(np.ceil(x1)), int(x2) + 1)]
    rows = [round(y * view.scale + view.dy) for y in range(int(np.ceil(y1)), int(y2) + 1)]
    lines = [QLine(x, top, x, bottom) for x in columns] + [QLine(left, y, right, y) for y in rows]
    # Dark and light by turns, so that the grid shows on any picture; the turns stay in place when the picture is panned.
    for color, turn in ((colors.grid_dark, 0), (colors.grid_light, GRID_TURN)):
        pen = QPen(QColor(color), 1)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([GRID_TURN, GRID_TURN])
        for line in lines:
            along = line.y1() - view.dy if line.x1() == line.x2() else line.x1() - view.dx
            pen.setDashOffset((along + turn) % (2 * GRID_TURN))
            painter.setPen(pen)
            painter.drawLine(line)


class AnnotationLayer(Layer):
    """All shapes at rest. Few are drawn finely at once; many coarsely first, and ``sharpen`` makes them fine in steps."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.lifted: frozenset[int] = frozenset()
        self.needs_sharpening = False
        self.colors = CanvasColors()
        self.unit = 1.0
        self._rings: tuple[object, raster.Rings] | None = None  # of the coarse frame, for the sharp one

    def set_scene(self, scene: Scene, changed: list[tuple[float, float, float, float]] | None) -> None:
        """Shows another scene; ``changed`` are the image rectangles in which it differs, None for all."""
        self.scene = scene
        self._rings = None
        if changed is None or len(changed) > 64:
            self.invalidate()
        else:
            for bounds in changed:
                self.invalidate(self.screen_rect(bounds))

    def screen_rect(self, bounds: tuple[float, float, float, float]) -> QRect:
        """The screen rectangle that a shape with these bounds may have touched."""
        x1, y1 = self.view.to_screen(bounds[0], bounds[1])
        x2, y2 = self.view.to_screen(bounds[2], bounds[3])
        limit = 1_000_000.0
        x1, y1, x2, y2 = (min(max(v, -limit), limit) for v in (x1, y1, x2, y2))
        edge = 8 * self.unit
        return QRectF(x1 - edge, y1 - edge, x2 - x1 + 2 * edge, y2 - y1 + 2 * edge).toAlignedRect()

    def lift(self, items: frozenset[int]) -> None:
        """Leaves items out, because they are drawn live."""
        for item in self.lifted ^ items:
            if self.scene.present[item]:
                self.invalidate(self.screen_rect(tuple(self.scene.bounds[item])))
        self.lifted = items

    def paint(self, view: ViewTransform, width: int, height: int) -> None:
        """Brings the layer's image up to date, coarsely where fine drawing would not fit into a frame."""
        self.follow(view, width, height)
        for rect in self.rects():
            self._paint_rect(rect)

    def visible(self, rect: QRect) -> IntArray:
        """Items that may touch a screen rectangle, in paint order, without the lifted ones."""
        items = self.scene.in_paint_order(self._touching(rect))
        if self.lifted:
            items = items[~np.isin(items, list(self.lifted))]
        return items

    def _touching(self, rect: QRect) -> IntArray:
        edge = 6 * self.unit
        x1, y1 = self.view.to_image(rect.left() - edge, rect.top() - edge)
        x2, y2 = self.view.to_image(rect.right() + 1 + edge, rect.bottom() + 1 + edge)
        return self.scene.touching(x1, y1, x2, y2)

    def _paint_rect(self, rect: QRect) -> None:
        items = self.visible(rect)
        everything = rect == self.image.rect()
        count = self.scene.vertex_count(items)
        dense = self.scene.vertex_count(self._touching(self.image.rect())) > FINE_VERTICES
        if not dense:
            self._paint_fine(rect, items)
            self.needs_sharpening &= not everything
            return
        self.needs_sharpening &= not everything
        target = pixels_of(self.image)[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1]
        target[:] = 0
        paths = self._project(items, rect, 0.5 if count <= SHARP_AT_ONCE else 1.5)
        if count <= SHARP_AT_ONCE:
            drawn = np.zeros(target.shape, np.uint8)
            for _ in self._sharp(drawn, paths):
                pass
            target[:] = drawn
        else:
            raster.coarse(target, paths, self.scene.palette)
            self.needs_sharpening = True

    def _project(self, items: IntArray, rect: QRect, step: float) -> raster.Paths:
        origin, size = (rect.left(), rect.top()), (rect.width(), rect.height())
        flat = raster.project(self.scene, items, self.view, origin, size, step)
        key = (self.view, origin, size, self.lifted)
        if self._rings is None or self._rings[0] != key:
            self._rings = key, raster.mask_rings(self.scene, items, self.view, origin, size)
        return raster.with_rings(flat, self.scene, self._rings[1], origin)

    def _sharp(self, target: Pixels, paths: raster.Paths) -> Iterator[None]:
        halo = QColor(self.colors.halo)
        tint = (halo.red(), halo.green(), halo.blue(), halo.alpha())
        return raster.sharp(target, paths, self.scene.palette, tint, self.unit)

    def sharpen(self) -> Iterator[None]:
        """Draws everything finely beside what is shown, a few milliseconds at a step, and puts it in place at the end.

        Whoever drives it drops it when the view or the scene changes.
        """
        rect = self.image.rect()
        paths = self._project(self.visible(rect), rect, 0.5)
        yield
        drawn = QImage(rect.size(), QImage.Format.Format_ARGB32_Premultiplied)
        drawn.fill(Qt.GlobalColor.transparent)
        yield from self._sharp(pixels_of(drawn), paths)
        self.image = drawn
        self.needs_sharpening = False

    def _paint_fine(self, rect: QRect, items: IntArray) -> None:
        painter = QPainter(self.image)
        painter.setClipRect(rect)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.fillRect(rect, Qt.GlobalColor.transparent)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        clip = (rect.left() - 8, rect.top() - 8, rect.right() + 9, rect.bottom() + 9)
        for item in items.tolist():
            self._paint_item(painter, item, clip)
        painter.end()

    def _paint_item(self, painter: QPainter, item: int, clip: tuple[int, int, int, int]) -> None:
        scene = self.scene
        geometry = scene.records[item].geometry
        first, last = scene.item_path[item], scene.item_path[item + 1]
        if first == last:
            path, dots = pens.shape_paths(geometry, self.view, clip)
        else:
            path, dots = pens.outline_paths(_outline_of(scene, item), self.view)
        style = Style(int(scene.style[item]))
        fill = pens.FILL if style is Style.SOLID else pens.FILL_SUGGESTED
        stroke = pens.Stroke(scene.color_of(item), style, fill)
        closed = bool(scene.path_closed[first]) if first < last else True
        pens.draw_shape(painter, path, dots, stroke, self.colors, self.unit, filled=closed)
        if isinstance(geometry, Keypoints):
            pens.draw_keypoint_marks(painter, geometry, self.view, stroke, self.colors, self.unit)


def _outline_of(scene: Scene, item: int) -> Outline:
    first, last = scene.item_path[item], scene.item_path[item + 1]
    lengths = np.diff(scene.path_start[first : last + 1]).tolist()
    vertices = scene.vertices[scene.item_vertex[item] : scene.item_vertex[item + 1]]
    return Outline(vertices, tuple(lengths), tuple(scene.path_closed[first:last].tolist()))
