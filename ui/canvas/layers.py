"""Canvas, layers: what is under the live overlay, each kept as an image of the widget's size and drawn again only where needed.

A pan scrolls the image and draws the uncovered strips; an edit draws the rectangle it touched; a zoom draws everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from annotator.domain.geometry import Keypoints
from ui.canvas import pens, raster
from ui.canvas.colors import CanvasColors
from ui.canvas.images import Pixels, pixels_of
from ui.canvas.scene import IntArray, Scene, Style, ranges, rows
from ui.canvas.transform import ViewTransform

FINE_VERTICES = 2500
SHARP_AT_ONCE = 12_000
COARSE_VERTICES = 100_000
MOST_SPARED = 4


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
        if count <= SHARP_AT_ONCE:
            paths = self._project(items, rect, 0.5)
            drawn = np.zeros(target.shape, np.uint8)
            for _ in self._sharp(drawn, paths):
                pass
            target[:] = drawn
        else:
            every = min(max(round(count / COARSE_VERTICES), 1), MOST_SPARED)
            raster.coarse(target, self._project(items, rect, 1.5, every), self.scene.palette)
            self.needs_sharpening = True

    def _project(self, items: IntArray, rect: QRect, step: float, every: int = 1) -> raster.Paths:
        origin, size = (rect.left(), rect.top()), (rect.width(), rect.height())
        flat = raster.project(self.scene, items, self.view, origin, step, every)
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
        chosen = items.tolist()
        for item, rings in zip(chosen, self._rings_on_screen(items), strict=True):
            self._paint_item(painter, item, rings, clip)
        painter.end()

    def _rings_on_screen(self, items: IntArray) -> Iterator[list[pens.Ring]]:
        """The paths of each item in screen coordinates, all transformed at once; none for a mask."""
        scene = self.scene
        points = self.view.array_to_screen(
            rows(scene.vertices, ranges(scene.item_vertex[items], scene.item_vertex[items + 1]))
        ).tolist()
        at = 0
        for first, last in zip(scene.item_path[items].tolist(), scene.item_path[items + 1].tolist(), strict=True):
            rings: list[pens.Ring] = []
            lengths = np.diff(scene.path_start[first : last + 1]).tolist()
            for length, closed in zip(lengths, scene.path_closed[first:last].tolist(), strict=True):
                rings.append((points[at : at + length], closed))
                at += length
            yield rings

    def _paint_item(
        self, painter: QPainter, item: int, rings: list[pens.Ring], clip: tuple[int, int, int, int]
    ) -> None:
        scene = self.scene
        geometry = scene.records[item].geometry
        path, dots = pens.ring_paths(rings) if rings else pens.shape_paths(geometry, self.view, clip)
        style = Style(int(scene.style[item]))
        fill = pens.FILL if style is Style.SOLID else pens.FILL_SUGGESTED
        stroke = pens.Stroke(scene.color_of(item), style, fill)
        pens.draw_shape(painter, path, dots, stroke, self.colors, self.unit, filled=not rings or rings[0][1])
        if isinstance(geometry, Keypoints):
            pens.draw_keypoint_marks(painter, geometry, self.view, stroke, self.colors, self.unit)
