"""TIFF: any depth, tiled or in strips, pyramids, palettes, CMYK; the first page of a stack.

Media room. tifffile reads the structure and the plain, deflate and packbits compressions; LZW, JPEG and fax go through the
libtiff inside OpenCV (Pillow for CMYK), with the orientation tag set to 1 in memory so that orientation is applied once, by
us. A page too large for memory is read in parts (``tiff_parts``), keeping every k-th pixel.
"""

from __future__ import annotations

import logging
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.orientation import valid
from annotator.media.headers import Header
from annotator.media.problems import Unreadable, cut_off, damaged, parsing
from annotator.media.tiff_colours import PALETTE, SEPARATED, YCBCR, colours, read_with_pillow
from annotator.media.tiff_parts import TiffParts

_LAB: Final = frozenset({8, 9, 10})
_ORIENTATION_TAG: Final = 274


@dataclass(frozen=True, slots=True)
class TiffPixels:
    """Pixels in the file's frame, (h, w) or (h, w, 2 | 3 | 4) of the file's dtype, and the full sides they stand for."""

    pixels: NDArray[Any]
    header: Header


def tiff_header(path: Path) -> Header:
    """What the first page says of itself; raises ``Unreadable`` for a file that ends before its pixels."""
    with _opened(path) as file, parsing():
        return _header(file.pages[0], path.stat().st_size)


def read_tiff(path: Path, *, min_side: int | None, max_side: int | None, max_pixels: int) -> TiffPixels:
    """The first page, from the smallest pyramid level that still has the wanted size; never more than ``max_pixels``."""
    with _opened(path) as file, parsing():
        page = file.pages[0]
        header = _header(page, path.stat().st_size)
        level = _level(file, page, min_side, max_side)
        if level.imagewidth * level.imagelength > max_pixels:
            pixels = _read_thinned(level, path, max_pixels, min_side, max_side)
        else:
            pixels = _read_page(level, path)
            if pixels.ndim not in (2, 3) or pixels.shape[:2] != (level.imagelength, level.imagewidth):
                raise damaged(f"its pixels have the shape {pixels.shape}")
        return TiffPixels(pixels, header)


def _opened(path: Path) -> Any:
    import tifffile  # 0.1 s that a folder of photographs never pays

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs we raise
    _require_directory(path)
    with parsing():
        file = tifffile.TiffFile(path)
    if not len(file.pages):
        file.close()
        raise damaged("it has no page")
    return file


def _require_directory(path: Path) -> None:
    """The list of pages may stand at the end of the file: the first thing that a cut-off copy lacks."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    try:
        big = struct.unpack_from(order + "H", start, 2)[0] == 43
        (offset,) = struct.unpack_from(order + ("Q" if big else "I"), start, 8 if big else 4)
    except struct.error:
        raise cut_off(size) from None
    if offset + 2 > size:
        raise cut_off(size)


def _header(page: Any, size: int) -> Header:
    width, height, bits = int(page.imagewidth), int(page.imagelength), page.bitspersample
    depth = int(max(bits) if isinstance(bits, tuple) else bits)
    if not width or not height:
        raise damaged(f"it declares {width} × {height} pixels")
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False) if n]
    if not ends:
        raise damaged("it has no pixels")
    if max(ends) > size:
        raise cut_off(size)
    samples = 3 if page.photometric == PALETTE else min(int(page.samplesperpixel), 4)
    tag = page.tags.get(_ORIENTATION_TAG)
    return Header("tiff", width, height, samples, max(depth, 8), valid(int(tag.value)) if tag else 1)


def tiff_page(path: Path) -> tuple[Any, Any]:
    """The open file and its first page; whoever asks closes the file. Raises ``Unreadable``."""
    file = _opened(path)
    try:
        with parsing():
            _header(file.pages[0], path.stat().st_size)
    except BaseException:
        file.close()
        raise
    return file, file.pages[0]


def reduced_pages(file: Any, page: Any) -> list[Any]:
    """The page at smaller sizes: sub-pages, or reduced pages that follow."""
    levels = list(page.pages or ()) if page.subifds else []
    for index in range(1, len(file.pages)):
        following = file.pages[index]
        if not getattr(following, "is_reduced", False):
            break
        levels.append(following)
    return [p for p in levels if p.photometric == page.photometric and p.dtype == page.dtype]


def _level(file: Any, page: Any, min_side: int | None, max_side: int | None) -> Any:
    """The smallest level of the pyramid with at least the wanted sides."""
    if min_side is None and max_side is None:
        return page
    for candidate in sorted(reduced_pages(file, page), key=lambda p: int(p.imagewidth)):
        sides = candidate.imagewidth, candidate.imagelength
        if max(sides) >= (max_side or 1) and min(sides) >= (min_side or 1):
            return candidate
    return page


def _read_page(page: Any, path: Path) -> NDArray[Any]:
    if page.photometric in _LAB:
        raise Unreadable("uses CIELAB colours, which are not read", "Save it with RGB colours.")
    try:
        if page.photometric != YCBCR:
            return _colours(page, page.asarray())
    except ValueError as error:  # what tifffile raises for a compression that it leaves to others
        if "imagecodecs" not in str(error):
            raise
    return _read_with_libtiff(page, path)


def _colours(page: Any, pixels: Any) -> NDArray[Any]:
    """A whole page's samples, as tifffile gives them, as grey, grey and alpha, RGB or RGBA."""
    axes = page.axes
    if "S" in axes:
        pixels = np.moveaxis(pixels, axes.index("S"), -1)
    while pixels.ndim > (3 if "S" in axes else 2):  # a stack inside one page: its first slice
        pixels = pixels[0]
    return colours(page, pixels)


def _read_with_libtiff(page: Any, path: Path) -> NDArray[Any]:
    data = bytearray(path.read_bytes())
    tag = page.tags.get(_ORIENTATION_TAG)
    if tag is not None:
        struct.pack_into(page.parent.byteorder + "H", data, tag.valueoffset, 1)
    if page.index != 0 or page.photometric == SEPARATED:
        return read_with_pillow(bytes(data), page, page.index)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return read_with_pillow(bytes(data), page, page.index)
    if pixels.ndim == 3:
        cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB, dst=pixels)
    return np.asarray(pixels)


def _read_thinned(page: Any, path: Path, max_pixels: int, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    """Every k-th pixel of a huge page, a few tiles or strips at a time; k fits the wanted size and memory."""
    parts = TiffParts(page, path, max_pixels)
    width, height = parts.width, parts.height
    step = max(2, math.ceil(math.sqrt(width * height / max_pixels)))
    if max_side is not None:
        step = max(step, max(width, height) // max_side)
    if min_side is not None and max_side is None:
        step = max(math.ceil(math.sqrt(width * height / max_pixels)), min(width, height) // min_side, 1)
    shape = (-(-height // step), -(-width // step))
    result = np.empty(shape if parts.channels == 1 else (*shape, parts.channels), parts.dtype)
    for top in range(0, height, parts.tall):
        bottom = min(top + parts.tall, height)
        first = -(-top // step)
        if first * step >= bottom:
            continue  # no row of it is wanted
        for left in range(0, width, parts.wide):
            block = parts.region(left, top, min(left + parts.wide, width), bottom)
            thin = block[first * step - top :: step, -left % step :: step]
            place = result[first : first + thin.shape[0], -(-left // step) :]
            place[:, : thin.shape[1]] = thin
    return result
