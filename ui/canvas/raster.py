"""Canvas, raster: drawing thousands of shapes at once with OpenCV, into premultiplied BGRA pixels.

Two qualities. ``coarse`` is one pass of thin lines with few vertices, for the first frame after a zoom. ``sharp`` is what stays:
fills, 2 px anti-aliased outlines over a 1 px halo. Instead of stroking each outline twice with wide anti-aliased lines (0.5 s for
5,000 polygons), it draws thin lines once into a coverage plane and a colour-index plane and widens both planes as images.
It is a generator, so that the caller can share the thread with input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Mask
from ui.canvas import masks
from ui.canvas.colors import RGB
from ui.canvas.scene import FloatArray, IntArray, Scene, Style, ranges, rows, starts
from ui.canvas.transform import ViewTransform

Pixels = NDArray[np.uint8]
SHIFT = 3
FILL, FILL_SUGGESTED = 0.12, 0.06
FILL_STEP = 400
LINE_STEP = 300
BAND = 48
DASH, GAP = 6.0, 4.0
DOT, DOT_GAP = 2.0, 4.0
LIMIT = 2.0**24
SPARE = 8
"""A path that keeps fewer vertices than this is drawn with all of them."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Outlines on screen: (n, 2) points relative to the target's corner, the start of each path (k + 1,), and per path the
    rank of its item in paint order, colour index, style and whether it closes."""

    points: NDArray[np.float64]
    start: IntArray
    rank: IntArray
    color: NDArray[np.uint8]
    style: NDArray[np.uint8]
    closed: NDArray[np.bool_]


def project(
    scene: Scene, items: IntArray, view: ViewTransform, origin: tuple[int, int], step: float, every: int = 1
) -> Paths:
    """The items' outlines relative to screen position ``origin``.

    Vertices that fall into one cell of ``step`` pixels with the one before are left out, and before that, of paths that have
    many, all but one in ``every``.
    """
    if len(items) == len(scene.records) and (items[1:] > items[:-1]).all():
        paths, rank = np.arange(len(scene.path_item)), scene.path_item
        vertices, start = scene.vertices, scene.path_start
    else:
        paths = ranges(scene.item_path[items], scene.item_path[items + 1])
        rank = np.repeat(np.arange(len(items)), scene.item_path[items + 1] - scene.item_path[items])
        first, last = scene.path_start[paths], scene.path_start[paths + 1]
        vertices, start = rows(scene.vertices, ranges(first, last)), starts(last - first)
    if every > 1:
        vertices, start = _only(vertices, start, _one_in(every, start))
    points = vertices * view.scale
    points += (view.dx - origin[0], view.dy - origin[1])
    if view.scale > 1:
        np.clip(points, -LIMIT, LIMIT, out=points)
    if len(points):
        cell = (points * (1 / step)).astype(np.int32).view(np.int64).ravel()  # both coordinates as one number
        keep = np.empty(len(points), bool)
        np.not_equal(cell[1:], cell[:-1], out=keep[1:])
        keep[start[:-1]] = True
        points, start = _only(points, start, keep)
    owner = scene.path_item[paths]
    return Paths(points, start, rank, scene.color[owner], scene.style[owner], scene.path_closed[paths])


def _one_in(every: int, start: IntArray) -> NDArray[np.bool_]:
    """Which vertices a coarse frame draws: the first of each path, and all of a path that could not spare them."""
    keep = np.zeros(int(start[-1]), bool)
    keep[::every] = True
    short = np.flatnonzero(np.diff(start) < SPARE * every)
    keep[ranges(start[short], start[short + 1])] = True
    keep[start[:-1]] = True
    return keep


def _only(points: FloatArray, start: IntArray, keep: NDArray[np.bool_]) -> tuple[FloatArray, IntArray]:
    """The points that are kept, the first of each path among them, and where the paths then start."""
    kept = np.flatnonzero(keep)
    if len(kept) == len(points):
        return points, start
    return rows(points, kept), np.searchsorted(kept, start)


@dataclass(frozen=True, slots=True)
class Rings:
    """Outlines of masks: closed paths in screen coordinates, the item of each, and its rank in paint order."""

    paths: list[NDArray[np.float64]]
    owner: IntArray
    rank: IntArray


def mask_rings(
    scene: Scene, items: IntArray, view: ViewTransform, origin: tuple[int, int], size: tuple[int, int]
) -> Rings:
    """The outlines that the masks among the items have in a target of ``size`` at screen position ``origin``."""
    rings: list[NDArray[np.float64]] = []
    ranks: list[int] = []
    clip = (origin[0] - 8, origin[1] - 8, origin[0] + size[0] + 8, origin[1] + size[1] + 8)
    for rank in np.flatnonzero(scene.masked[items]).tolist():
        geometry = scene.records[items[rank]].geometry
        if isinstance(geometry, Mask):
            found = masks.screen_paths(geometry, view, clip)
            rings.extend(found)
            ranks.extend([rank] * len(found))
    at = np.array(ranks, np.int64)
    return Rings(rings, items[at], at)


def with_rings(flat: Paths, scene: Scene, rings: Rings, origin: tuple[int, int]) -> Paths:
    """The paths together with the outlines of masks."""
    if not rings.paths:
        return flat
    ends = np.cumsum([len(r) for r in rings.paths]) + len(flat.points)
    return Paths(
        np.concatenate([flat.points, np.concatenate(rings.paths) - origin]),
        np.concatenate((flat.start, ends)),
        np.concatenate((flat.rank, rings.rank)),
        np.concatenate((flat.color, scene.color[rings.owner])),
        np.concatenate((flat.style, scene.style[rings.owner])),
        np.concatenate((flat.closed, np.ones(len(rings.paths), bool))),
    )


def _fixed(points: NDArray[np.float64], offset: float) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point coordinates, in which whole numbers are pixel centres."""
    return np.round((points - 0.5 + offset) * (1 << SHIFT)).astype(np.int32)


def coarse(target: Pixels, paths: Paths, palette: list[RGB]) -> None:
    """Thin aliased outlines in (h, w, 4) pixels."""
    points = _fixed(paths.points, 0.0)
    for index, (red, green, blue) in enumerate(palette, start=1):
        for closed in (True, False):
            lines = _lines(points, paths, np.flatnonzero((paths.color == index) & (paths.closed == closed)))
            if lines:
                cv2.polylines(target, lines, closed, (blue, green, red, 255), 1, cv2.LINE_8, SHIFT)


def _lines(points: NDArray[np.int32], paths: Paths, chosen: IntArray) -> list[NDArray[np.int32]]:
    starts, ends = paths.start[chosen].tolist(), paths.start[chosen + 1].tolist()
    return [points[a:b] for a, b in zip(starts, ends, strict=True)]


def sharp(
    target: Pixels, paths: Paths, palette: list[RGB], halo: tuple[int, int, int, int], unit: float
) -> Iterator[None]:
    """Draws into cleared (h, w, 4) pixels, yielding about every 5 ms. ``halo`` is RGBA; ``unit`` scales widths."""
    height, width = target.shape[:2]
    line = max(round(2 * unit), 1)
    fill, index, cover = (np.zeros((height, width), np.uint8) for _ in range(3))
    yield from _fill(fill, paths)
    yield from _outline(index, cover, paths, line, unit)
    tall, wide = np.ones((line, 1), np.uint8), np.ones((1, line), np.uint8)
    cover = np.maximum(cv2.filter2D(cover, -1, tall), cv2.filter2D(cover, -1, wide))
    rim = max(round(unit), 1)
    shade = cv2.dilate(cover, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    index = cv2.dilate(index, np.ones((line + 3, line + 3), np.uint8))
    yield
    fills, lines = _tables(palette)
    for top in range(0, height, BAND):
        rows = slice(top, top + BAND)
        pixels = fills[fill[rows]].ravel()
        _stroke(pixels, shade[rows].ravel(), cover[rows].ravel(), lines[index[rows]].ravel(), halo)
        target[rows] = pixels.view(np.uint8).reshape(-1, width, 4)
        yield


def _fill(plane: Pixels, paths: Paths) -> Iterator[None]:
    """Colour indices of insides; each item on its own, as several polygons in one call would cancel where they overlap."""
    points = _fixed(paths.points, 0.0)
    yield
    closed = np.flatnonzero(paths.closed)
    closed = closed[np.argsort(paths.rank[closed], kind="stable")]
    edges = np.concatenate(([0], np.flatnonzero(np.diff(paths.rank[closed])) + 1, [len(closed)])).tolist()
    values = (paths.color[closed] + np.where(paths.style[closed] > 0, 128, 0)).tolist()
    rings = _lines(points, paths, closed)
    for number, (begin, end) in enumerate(pairwise(edges), start=1):
        if end > begin:
            cv2.fillPoly(plane, rings[begin:end], values[begin], cv2.LINE_8, SHIFT)
        if number % FILL_STEP == 0:
            yield


def _outline(index: Pixels, cover: Pixels, paths: Paths, line: int, unit: float) -> Iterator[None]:
    offset = 0.5 if line % 2 == 0 else 0.0  # an even widening kernel leans by half a pixel
    points = _fixed(paths.points, offset)
    yield
    dots = np.diff(paths.start) == 1
    for color in np.flatnonzero(np.bincount(paths.color)).tolist():
        of_color = (paths.color == color) & ~dots
        for closed in (True, False):
            lines = _lines(
                points, paths, np.flatnonzero(of_color & (paths.closed == closed) & (paths.style == Style.SOLID))
            )
            for begin in range(0, len(lines), LINE_STEP):
                some = lines[begin : begin + LINE_STEP]
                cv2.polylines(index, some, closed, color, 1, cv2.LINE_8, SHIFT)
                cv2.polylines(cover, some, closed, 255, 1, cv2.LINE_AA, SHIFT)
                yield
        for style, on, off in ((Style.DASHED, DASH, GAP), (Style.DOTTED, DOT, DOT_GAP)):
            pieces = dashes(paths, np.flatnonzero(of_color & (paths.style == style)), on * unit, off * unit)
            if len(pieces):
                fixed = list(_fixed(pieces, offset))
                cv2.polylines(index, fixed, False, color, 1, cv2.LINE_8, SHIFT)
                cv2.polylines(cover, fixed, False, 255, 1, cv2.LINE_AA, SHIFT)
                yield
    radius = round(2.5 * unit * (1 << SHIFT))
    for path in np.flatnonzero(dots).tolist():
        x, y = points[paths.start[path]].tolist()
        cv2.circle(index, (x, y), radius, int(paths.color[path]), -1, cv2.LINE_8, SHIFT)
        cv2.circle(cover, (x, y), radius, 255, -1, cv2.LINE_AA, SHIFT)


def dashes(paths: Paths, chosen: IntArray, on: float, off: float) -> NDArray[np.float64]:
    """(n, 2, 2) straight pieces of length ``on`` along the chosen paths with ``off`` between; each begins with one."""
    if chosen.size == 0:
        return np.empty((0, 2, 2))
    vertices = ranges(paths.start[chosen], paths.start[chosen + 1])
    owner = np.repeat(np.arange(len(chosen)), paths.start[chosen + 1] - paths.start[chosen])
    points = paths.points[vertices]
    # Closed paths return to their first vertex; after each path a jump of no length leads to the next.
    heads = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    tails = np.concatenate((heads[1:], [len(points)]))
    back = np.where(paths.closed[chosen], heads, tails - 1)
    points = np.insert(points, tails, points[back], axis=0)
    owner = np.insert(owner, tails, np.arange(len(chosen)))
    step = np.hypot(*np.diff(points, axis=0).T)
    step[owner[1:] != owner[:-1]] = 0.0
    along = np.concatenate(([0.0], np.cumsum(step)))
    begin = np.searchsorted(owner, np.arange(len(chosen)))
    end = np.searchsorted(owner, np.arange(len(chosen)), side="right") - 1
    lengths = along[end] - along[begin]
    counts = np.ceil(np.maximum(lengths, 1e-9) / (on + off)).astype(np.int64)
    which = np.repeat(np.arange(len(chosen)), counts)
    number = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Between two paths positions coincide; a hair inside keeps the interpolation on the right one.
    hair = 1e-6
    low = along[begin][which] + number * (on + off) + hair
    high = np.minimum(low + on, along[end][which] - hair)
    rising = along + np.arange(len(along)) * 1e-12
    ends = np.stack((low, np.maximum(high, low)), axis=1)
    return np.stack((np.interp(ends, rising, points[:, 0]), np.interp(ends, rising, points[:, 1])), axis=2)


def _tables(palette: list[RGB]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Packed premultiplied BGRA by colour index: of fills (suggestions 128 higher), and opaque for lines."""
    fills, lines = np.zeros(256, np.uint32), np.zeros(256, np.uint32)
    for index, color in enumerate(palette, start=1):
        fills[index], fills[index + 128] = packed(color, FILL), packed(color, FILL_SUGGESTED)
        lines[index] = packed(color, 1.0)
    return fills, lines


def packed(color: RGB, alpha: float) -> int:
    """A premultiplied pixel as Qt and OpenCV store it (0xAARRGGBB)."""
    red, green, blue = (round(c * alpha) for c in color)
    return round(alpha * 255) << 24 | red << 16 | green << 8 | blue


def _stroke(
    pixels: NDArray[np.uint32],
    shade: Pixels,
    cover: Pixels,
    color: NDArray[np.uint32],
    halo: tuple[int, int, int, int],
) -> None:
    """Lays the halo and then the line over a row of packed pixels; blends only at edges."""
    whole = np.flatnonzero(cover == 255)
    pixels[whole] = color[whole]
    edge = np.flatnonzero((shade > 0) & (cover < 255))
    if edge.size == 0:
        return
    below = pixels[edge].view(np.uint8).reshape(-1, 4).astype(np.uint16)
    red, green, blue, alpha = halo
    rim = np.array([blue * alpha // 255, green * alpha // 255, red * alpha // 255, alpha], np.uint16)
    amount = _weight(shade[edge])
    below = (below * (256 - (amount * alpha >> 8)) >> 8) + (rim * amount >> 8)
    amount = _weight(cover[edge])
    top = color[edge].view(np.uint8).reshape(-1, 4).astype(np.uint16)
    below = (below * (256 - amount) >> 8) + (top * amount >> 8)
    pixels[edge] = np.minimum(below, 255).astype(np.uint8).view(np.uint32).ravel()


def _weight(plane: Pixels) -> NDArray[np.uint16]:
    """0 to 255 as 0 to 256, one column."""
    wide = plane.astype(np.uint16)
    return (wide + (wide >> 7))[:, None]
