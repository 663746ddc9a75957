"""A pyramid: one image at every scale, in tiles, each made when it is asked for.

Media room. Level n shows the image at 1 / 2**n; a pixel of a level is the mean of two by two of the level below. A TIFF whose
tiles or strips can be read alone gives its own pixels, and its smaller pages where it has some; up to two levels above what
can be read are made on demand. The levels above those would read the whole file for each tile: ``build`` makes them once, in
one pass, into a ``LevelStore`` (a folder under the project's cache). Other formats cannot be read in parts, so all their levels
are built there. Tiles are oriented, RGB or RGBA, uint8. Safe for threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from annotator.domain.orientation import orient_pixels, oriented_size, to_file, to_oriented
from annotator.media.level_store import LevelStore, halved
from annotator.media.pictures import MAX_PIXELS, as_rgb, probe, read_file, reading
from annotator.media.tiff import reduced_pages, tiff_page
from annotator.media.tiff_parts import TiffParts
from annotator.media.windowing import apply_window, default_window, value_range

TILE: Final = 512
COARSEST_SIDE: Final = 1024
ON_DEMAND: Final = 2
"""Levels that may lie between a tile and the pixels it is made of: 2048 x 2048 of them."""
SLAB_ROWS: Final = 256
_SAMPLES: Final = 8
_SAMPLE_SIDE: Final = 64


class Parts(Protocol):
    """Pixels of one level that can be read by rectangles: (h, w) or (h, w, channels), in the file's frame and numbers."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]
    tall: int

    def region(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Level:
    """``width`` x ``height`` pixels, oriented, of ``scale`` image pixels each. ``left`` and ``top`` are where the first of them
    begins, in image pixels: 0, or less where a mirrored image does not divide evenly."""

    number: int
    width: int
    height: int
    left: int = 0
    top: int = 0

    @property
    def scale(self) -> int:
        return 1 << self.number

    @property
    def columns(self) -> int:
        return -(-self.width // TILE)

    @property
    def rows(self) -> int:
        return -(-self.height // TILE)


class Pyramid:
    """``open`` one, ``build`` it if ``needs_build``, ask for ``tile``s, ``close`` it."""

    def __init__(
        self, path: Path, width: int, height: int, orientation: int, bit_depth: int, store: LevelStore
    ) -> None:
        """``width`` and ``height`` are those of the file's frame."""
        self.path = path
        self.width, self.height = oriented_size(width, height, orientation)
        self.bit_depth = bit_depth
        self.has_alpha = False  # whether anything of the image may be transparent
        self.value_range = self.default_window = (0.0, 255.0)
        self._file_sides, self._orientation = (width, height), orientation
        self._store = store
        self._parts: dict[int, Parts] = {}
        self._finest = 0
        self._stored_from = 0  # the finest level that must be built; beyond the last one when none must
        self.levels: tuple[Level, ...] = ()

    @classmethod
    def open(cls, path: Path, folder: Path | None) -> Pyramid:
        """Reads what tells the levels, and of a deep image some samples; raises ``ImageError``.

        ``folder`` is where built levels are kept; None keeps them in memory.
        """
        info = probe(path)
        sides = oriented_size(info.width, info.height, info.orientation)
        made = cls(path, *sides, info.orientation, info.bit_depth, LevelStore.of(path, folder))
        try:
            with reading(path):
                if info.format == "tiff":
                    made._take_pages()
                    made._choose_window(made._parts[max(made._parts)])
                else:
                    made._finest = _reduction(info.width * info.height)
                    made.has_alpha = info.format != "jpeg" and info.channels in (2, 4)
        except BaseException:
            made.close()
            raise
        made._lay_out()
        if info.format != "tiff" and made._parts:
            with reading(path):
                made._choose_window(made._parts[made._finest])
        return made

    def _take_pages(self) -> None:
        file, page = tiff_page(self.path)
        try:
            self._parts[0] = whole = TiffParts(page, self.path, MAX_PIXELS)
            self.has_alpha = whole.channels in (2, 4)
            for smaller in reduced_pages(file, page):
                number = round(math.log2(self._file_sides[0] / smaller.imagewidth))
                sides = (-(-side >> number) for side in self._file_sides)
                exact = all(
                    abs(a - b) <= 1 for a, b in zip(sides, (smaller.imagewidth, smaller.imagelength), strict=True)
                )
                if number > 0 and exact and number not in self._parts:
                    parts = TiffParts(smaller, self.path, MAX_PIXELS)
                    if (parts.channels, parts.dtype) == (whole.channels, whole.dtype):
                        self._parts[number] = parts
        except Exception:
            file.close()
            raise

    def _lay_out(self) -> None:
        levels, (width, height) = [], self._file_sides
        number = 0
        while True:
            parts = self._parts.get(number)
            if parts is not None:
                width, height = parts.width, parts.height
            if number >= self._finest:
                levels.append(self._level(number, width, height))
                if max(width, height) <= COARSEST_SIDE:
                    break
            number, width, height = number + 1, -(-width // 2), -(-height // 2)
        self.levels = tuple(levels)
        self._stored_from = max(self._parts) + ON_DEMAND + 1 if self._parts else self._finest
        self._store.expect(self._stored_from, levels[-1].number)
        self._parts |= self._store.finished()

    def _level(self, number: int, width: int, height: int) -> Level:
        corners = np.array(((0, 0), (width, height))) << number
        left, top = to_oriented(corners, self._orientation, *self._file_sides).min(axis=0).tolist()
        return Level(number, *oriented_size(width, height, self._orientation), int(left), int(top))

    @property
    def needs_build(self) -> bool:
        """Whether some levels can be shown only after ``build``."""
        return self._store.wanted and not self._store.whole

    def level(self, number: int) -> Level:
        """The level of a number."""
        return self.levels[number - self._finest]

    def best_level(self, scale: float) -> int:
        """The coarsest level that is as sharp as a screen can show at ``scale`` screen pixels per image pixel."""
        wanted = math.floor(math.log2(1 / scale)) if scale < 1 else 0
        return min(max(wanted, self._finest), self.levels[-1].number)

    def area_of(self, level: int, row: int, column: int) -> tuple[int, int, int, int]:
        """The part of the image that a tile shows: x1, y1, x2, y2 in image pixels; it may reach over the edge."""
        about = self.level(level)
        x1, y1 = column * TILE, row * TILE
        x2, y2 = min(x1 + TILE, about.width), min(y1 + TILE, about.height)
        scale = about.scale
        return about.left + x1 * scale, about.top + y1 * scale, about.left + x2 * scale, about.top + y2 * scale

    def can_make(self, level: int) -> bool:
        """Whether tiles of the level can be made whole now."""
        return any(number <= level <= number + ON_DEMAND for number in self._parts)

    def tile(
        self, level: int, row: int, column: int, window: tuple[float, float] | None = None
    ) -> NDArray[np.uint8] | None:
        """(h, w, 3 | 4) uint8, oriented, at most ``TILE`` on a side. Where the level is not yet built it is transparent, and
        None where nothing of the tile is. Raises ``ImageError``."""
        about = self.level(level)
        x1, y1 = column * TILE, row * TILE
        x2, y2 = min(x1 + TILE, about.width), min(y1 + TILE, about.height)
        if x1 >= x2 or y1 >= y2 or x1 < 0 or y1 < 0:
            raise ValueError(f"level {level} of {self.path} has no tile in row {row}, column {column}")
        file_sides = oriented_size(about.width, about.height, self._orientation)
        corners = to_file(((x1, y1), (x2, y2)), self._orientation, *file_sides).astype(int)
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        with reading(self.path):
            pixels = self._region(level, left, top, right, bottom)
        if pixels is None:
            return None
        shown = apply_window(pixels, window or self.default_window) if self._windowed(pixels, window) else pixels
        picture = as_rgb(shown)
        missing = bottom - top - picture.shape[0]
        if missing:
            picture = _with_nothing_below(picture, missing)
        return np.ascontiguousarray(orient_pixels(picture, self._orientation))

    def _windowed(self, pixels: NDArray[Any], window: tuple[float, float] | None) -> bool:
        return pixels.dtype != np.uint8 or (window or self.default_window) != (0.0, 255.0)

    def _region(self, level: int, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any] | None:
        """Pixels of a level in the file's frame; fewer rows, or None, where it is being built."""
        parts = self._parts.get(level)
        if parts is not None:
            return parts.region(x1, y1, x2, y2)
        known = self._parts  # replaced, never changed, by ``build`` on another thread
        finer = [n for n in known if n < level <= n + ON_DEMAND]
        if not finer:
            return self._store.partly(level, x1, y1, x2, y2)
        source = known[max(finer)]
        steps = level - max(finer)
        pixels = source.region(
            x1 << steps, y1 << steps, min(x2 << steps, source.width), min(y2 << steps, source.height)
        )
        for _ in range(steps):
            pixels = halved(pixels)
        return pixels[: y2 - y1, : x2 - x1]

    def build(self, stopped: Callable[[], bool], on_rows: Callable[[tuple[int, int, int, int]], None]) -> bool:
        """Makes the levels that cannot be made on demand; False when ``stopped`` said so before the end.

        ``on_rows`` hears of each part (x1, y1, x2, y2 in image pixels) that can be shown now, and, with an empty one, when other
        levels can be made that could not before. Raises ``ImageError``.
        """
        with reading(self.path):
            source, number = self._source()

        def told(first: int, last: int) -> None:
            corners = np.array(((0, first), (source.width, last))) << number
            ends = to_oriented(corners, self._orientation, *self._file_sides)
            on_rows((*ends.min(axis=0).astype(int).tolist(), *ends.max(axis=0).astype(int).tolist()))

        if not self._parts:
            self._parts = {number: source}  # decoded: what is on screen need not wait for the rest
            on_rows((0, 0, 0, 0))
        with reading(self.path):
            done = self._store.build(source, number, self._slab(source), stopped, told)
        if done:
            self._parts = self._parts | self._store.finished()
        return done

    def _source(self) -> tuple[Parts, int]:
        """What the missing levels are made of, and its level."""
        readable = [n for n in self._parts if n < self._stored_from]
        if readable:
            return self._parts[max(readable)], max(readable)
        _, raw = read_file(self.path, None, None if not self._finest else max(self._file_sides) >> self._finest)
        parts = ArrayParts(raw)
        self._choose_window(parts)
        return parts, self._finest

    def _slab(self, source: Parts) -> int:
        """Rows to read at once: so many that every level gets whole ones, and no segment is decoded twice if memory allows."""
        unit = 1 << (self.levels[-1].number - self._finest)
        fitting = math.lcm(unit, source.tall)
        size = source.width * source.channels * source.dtype.itemsize
        rows = fitting if fitting * size <= 256 << 20 else unit
        return rows * max(1, SLAB_ROWS // rows)

    def _choose_window(self, parts: Parts) -> None:
        """What is shown of a deep image: from small samples all over it."""
        if parts.dtype == np.uint8:
            return
        values = []
        for row in range(_SAMPLES):
            for column in range(_SAMPLES):
                x, y = parts.width * column // _SAMPLES, parts.height * row // _SAMPLES
                right, bottom = min(x + _SAMPLE_SIDE, parts.width), min(y + _SAMPLE_SIDE, parts.height)
                block = parts.region(x, y, right, bottom)
                values.append(block.reshape(1, -1) if block.ndim == 2 else block.reshape(1, -1, block.shape[2]))
        sample = np.concatenate(values, axis=1)
        self.value_range, self.default_window = value_range(sample), default_window(sample)

    def close(self) -> None:
        """Let the file go."""
        for parts in self._parts.values():
            parts.close()


class ArrayParts:
    """A decoded image as parts."""

    tall = 1

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        self.dtype = pixels.dtype

    def region(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]:
        return self._pixels[y1:y2, x1:x2]

    def close(self) -> None:
        """Nothing is held open."""


def _reduction(pixels: int) -> int:
    """The finest level that a file has which must be decoded at once: JPEG beyond what fits in memory is read smaller."""
    level = 0
    while pixels > MAX_PIXELS << (2 * level):
        level += 1
    return level


def _with_nothing_below(picture: NDArray[np.uint8], rows: int) -> NDArray[np.uint8]:
    """RGBA with transparent rows under what there is."""
    height, width = picture.shape[:2]
    result = np.zeros((height + rows, width, 4), np.uint8)
    result[:height, :, : picture.shape[2]] = picture
    if picture.shape[2] == 3:
        result[:height, :, 3] = 255
    return result
