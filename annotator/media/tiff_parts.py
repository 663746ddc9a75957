"""Parts of a TIFF page: any rectangle of it, read from the tiles or strips that hold it and from no others.

Media room. tifffile decodes a segment where it can. What it leaves to others (LZW, JPEG, fax) is put into a TIFF of its own, one
strip long, and read by the libtiff inside OpenCV, as whole files are. A page that is one plain array in the file is read by
rows. Pixels come in the file's frame and numbers, channels last, colours as ``tiff_colours`` makes them. Safe for threads.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.media.problems import cut_off, damaged, parsing, too_large
from annotator.media.tiff_colours import SEPARATED, YCBCR, colours, read_with_pillow

KEPT_BYTES: Final = 128 << 20
_SEPARATE_PLANES: Final = 2
_JPEG: Final = (6, 7)
_COPIED_TAGS: Final = (258, 259, 262, 266, 277, 284, 292, 293, 317, 320, 338, 339, 347, 530, 532)
_WIDTH, _LENGTH, _OFFSETS, _ROWS_PER_STRIP, _BYTE_COUNTS = 256, 257, 273, 278, 279


class TiffParts:
    """One page of an open TIFF.

    ``wide`` x ``tall`` are the sides of a tile or strip: who reads whole ones decodes nothing twice.
    """

    def __init__(self, page: Any, path: Path, max_pixels: int) -> None:
        """Raises ``Unreadable`` for a page that declares more than its segments hold, or segments beyond ``max_pixels``."""
        self.width, self.height = int(page.imagewidth), int(page.imagelength)
        self._page, self._path = page, path
        self._limit = max_pixels
        self._changed = threading.Condition()
        self._decoding: set[int] = set()
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._plain = bool(page.is_memmappable) and int(page.planarconfig) != _SEPARATE_PLANES and page.ndim <= 3
        wide = int(page.tilewidth) if page.is_tiled else self.width
        tall = int(page.tilelength) if page.is_tiled else min(int(page.rowsperstrip or self.height), self.height)
        self._segment = wide, tall
        self.wide, self.tall = (self.width, 1) if self._plain else (wide, tall)
        self._across, self._down = -(-self.width // wide), -(-self.height // tall)
        self._planes = int(page.samplesperpixel) if int(page.planarconfig) == _SEPARATE_PLANES else 1
        if not self._plain:
            self._check(wide * tall)
        first = self.region(0, 0, 1, 1)
        self.channels = 1 if first.ndim == 2 else first.shape[2]
        self.dtype = first.dtype

    def _check(self, pixels: int) -> None:
        declared = self._across * self._down * self._planes
        offsets, counts = self._page.dataoffsets, self._page.databytecounts
        if min(len(offsets), len(counts)) < declared:
            raise damaged(
                f"{self.width} × {self.height} pixels would need {declared:,} parts, and it has {len(offsets):,}"
            )
        if pixels > self._limit:
            raise too_large(self.width, self.height, self._limit)

    def region(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]:
        """The pixels of a rectangle inside the page, (h, w) or (h, w, 2 | 3 | 4); raises ``Unreadable``."""
        with parsing():
            if self._plain:
                return self._colours(self._rows(x1, y1, x2, y2))
            return self._from_segments(x1, y1, x2, y2)

    def close(self) -> None:
        """Let the file go."""
        with self._changed:
            self._page.parent.close()
            self._kept.clear()

    def _rows(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]:
        page = self._page
        dtype = np.dtype(page.parent.byteorder + page.dtype.char)
        shape = (self.height, self.width, int(page.samplesperpixel))
        if page.dataoffsets[0] + dtype.itemsize * self.height * self.width * shape[2] > self._path.stat().st_size:
            raise cut_off(self._path.stat().st_size)
        whole = np.memmap(self._path, dtype, "r", int(page.dataoffsets[0]), shape)
        return np.array(whole[y1:y2, x1:x2], dtype.newbyteorder("="))

    def _from_segments(self, x1: int, y1: int, x2: int, y2: int) -> NDArray[Any]:
        wide, tall = self._segment
        places = {
            row * self._across + column: (column * wide, row * tall)
            for row in range(y1 // tall, -(-y2 // tall))
            for column in range(x1 // wide, -(-x2 // wide))
        }
        result: NDArray[Any] | None = None
        # All of the width is read by who passes over the page once and will not come again.
        for number, block in self._blocks(list(places), keep=x2 - x1 < self.width):
            left, top = places[number]
            a, b = max(x1, left), max(y1, top)
            part = block[b - top : y2 - top, a - left : x2 - left]
            if result is None:
                result = np.zeros((y2 - y1, x2 - x1, *block.shape[2:]), block.dtype)
            result[b - y1 : b - y1 + part.shape[0], a - x1 : a - x1 + part.shape[1]] = part
        assert result is not None
        return result

    def _blocks(self, numbers: list[int], keep: bool) -> Iterator[tuple[int, NDArray[Any]]]:
        """Decoded segments in any order; none is decoded by two threads at once."""
        missing = numbers
        while missing:
            with self._changed:
                found = [(number, self._kept[number]) for number in missing if number in self._kept]
                for number, _ in found:
                    self._kept.move_to_end(number)
                missing = [number for number in missing if number not in self._kept]
                free = next((number for number in missing if number not in self._decoding), None)
                if free is not None:
                    self._decoding.add(free)
                elif not found:
                    self._changed.wait()
            yield from found
            if free is not None:
                missing.remove(free)
                yield free, self._decoded_alone(free, keep)

    def _decoded_alone(self, number: int, keep: bool) -> NDArray[Any]:
        try:
            with self._changed:
                raw = [self._bytes_of(number + plane * self._across * self._down) for plane in range(self._planes)]
            block = self._decoded(raw, number)
            if keep:
                self._keep(number, block)
            return block
        finally:
            with self._changed:
                self._decoding.discard(number)
                self._changed.notify_all()

    def _keep(self, number: int, block: NDArray[Any]) -> None:
        with self._changed:
            self._kept[number] = block
            self._bytes += block.nbytes
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def _bytes_of(self, number: int) -> bytes | None:
        """A segment as it lies in the file; None for one that the writer left out, which is empty by the specification."""
        offset, count = int(self._page.dataoffsets[number]), int(self._page.databytecounts[number])
        if not count:
            return None
        handle = self._page.parent.filehandle
        handle.seek(offset)
        data: bytes = handle.read(count)
        if len(data) < count:
            raise cut_off(offset + len(data))
        return data

    def _decoded(self, raw: list[bytes | None], number: int) -> NDArray[Any]:
        planes = [self._plane(data, number + at * self._across * self._down) for at, data in enumerate(raw)]
        foreign = [plane for plane in planes if plane.ndim < 4]
        if foreign:  # in colours already; the others of the page are empty
            return foreign[0]
        return self._colours(np.concatenate([plane[0] for plane in planes], axis=2))

    def _plane(self, data: bytes | None, number: int) -> NDArray[Any]:
        """(1, h, w, samples) as stored, or (h, w[, c]) when libtiff has made colours of it."""
        page = self._page
        if data is None:
            _, _, shape = page.decode(None, number)
            return np.zeros(shape, page.dtype)
        foreign = page.photometric == YCBCR or int(page.compression) in _JPEG
        if not foreign:
            try:
                block, _, _ = page.decode(data, number)
                return np.asarray(block)
            except ValueError as error:  # what tifffile raises for a compression that it leaves to others
                if "imagecodecs" not in str(error):
                    raise
        if self._planes > 1:
            raise too_large(self.width, self.height, self._limit)
        row = number % (self._across * self._down) // self._across
        tall = self._segment[1] if page.is_tiled else min(self._segment[1], self.height - row * self._segment[1])
        return self._with_libtiff(data, tall)

    def _with_libtiff(self, data: bytes, tall: int) -> NDArray[Any]:
        file = self._file_of(data, tall)
        pixels = None
        if self._page.photometric != SEPARATED:
            pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            return read_with_pillow(file, self._page, 0)
        if pixels.ndim == 3:
            cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB, dst=pixels)
        return np.asarray(pixels)

    def _file_of(self, data: bytes, tall: int) -> bytes:
        """A segment as a TIFF of one strip."""
        order = self._page.parent.byteorder
        entries: dict[int, bytes] = {}
        values = b""
        tags = [code for code in _COPIED_TAGS if code in self._page.tags]
        start = 8 + 2 + 12 * (len(tags) + 5) + 4
        for code in tags:
            tag = self._page.tags[code]
            size = struct.calcsize(_FORMATS[int(tag.dtype)]) * tag.count
            stored = self._stored(int(tag.valueoffset), size)
            if size <= 4:
                entries[code] = struct.pack(order + "HHI", code, int(tag.dtype), tag.count) + stored.ljust(4, b"\0")
            else:
                entries[code] = struct.pack(order + "HHII", code, int(tag.dtype), tag.count, start + len(values))
                values += stored + b"\0" * (size % 2)
        place = start + len(values)
        own = {
            _WIDTH: self._segment[0],
            _LENGTH: tall,
            _OFFSETS: place,
            _ROWS_PER_STRIP: tall,
            _BYTE_COUNTS: len(data),
        }
        for code, value in own.items():
            entries[code] = struct.pack(order + "HHII", code, 4, 1, value)
        head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
        directory = struct.pack(order + "H", len(entries)) + b"".join(entries[code] for code in sorted(entries))
        return head + directory + struct.pack(order + "I", 0) + values + data

    def _stored(self, offset: int, size: int) -> bytes:
        with self._changed:
            handle = self._page.parent.filehandle
            handle.seek(offset)
            data: bytes = handle.read(size)
        return data

    def _colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        return colours(self._page, samples if self._planes > 1 or self._page.axes.endswith("S") else samples[..., 0])


_FORMATS: Final = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
