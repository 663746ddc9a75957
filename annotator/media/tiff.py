"""TIFF: any depth, tiled or in strips, pyramids, palettes, CMYK; the first page of a stack.

Media room. tifffile reads the structure and the plain, deflate and packbits compressions; LZW, JPEG and fax go through the
libtiff inside OpenCV (Pillow for CMYK), with the orientation tag set to 1 in memory so that orientation is applied once, by
us. A page too large for memory is read segment by segment, keeping every k-th pixel.
"""

from __future__ import annotations

import io
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
from annotator.media.problems import Unreadable, cut_off, damaged, parsing, too_large

_MIN_IS_WHITE: Final = 0
_PALETTE: Final = 3
_SEPARATED: Final = 5
_YCBCR: Final = 6
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
            pixels = _read_thinned(level, max_pixels, min_side, max_side)
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
    samples = 3 if page.photometric == _PALETTE else min(int(page.samplesperpixel), 4)
    tag = page.tags.get(_ORIENTATION_TAG)
    return Header("tiff", width, height, samples, max(depth, 8), valid(int(tag.value)) if tag else 1)


def _level(file: Any, page: Any, min_side: int | None, max_side: int | None) -> Any:
    """The smallest level of the pyramid (sub-pages, or reduced pages that follow) with at least the wanted sides."""
    if min_side is None and max_side is None:
        return page
    levels = list(page.pages or ()) if page.subifds else []
    for index in range(1, len(file.pages)):
        following = file.pages[index]
        if not getattr(following, "is_reduced", False):
            break
        levels.append(following)
    same = [p for p in levels if p.photometric == page.photometric and p.dtype == page.dtype]
    for candidate in sorted(same, key=lambda p: int(p.imagewidth)):
        sides = candidate.imagewidth, candidate.imagelength
        if max(sides) >= (max_side or 1) and min(sides) >= (min_side or 1):
            return candidate
    return page


def _read_page(page: Any, path: Path) -> NDArray[Any]:
    if page.photometric in _LAB:
        raise Unreadable("uses CIELAB colours, which are not read", "Save it with RGB colours.")
    try:
        if page.photometric != _YCBCR:
            return _colours(page, page.asarray())
    except ValueError as error:  # what tifffile raises for a compression that it leaves to others
        if "imagecodecs" not in str(error):
            raise
    return _read_with_libtiff(page, path)


def _colours(page: Any, pixels: Any) -> NDArray[Any]:
    """The page's samples as grey, grey and alpha, RGB or RGBA, channels last."""
    axes = page.axes
    if "S" in axes:
        pixels = np.moveaxis(pixels, axes.index("S"), -1)
    while pixels.ndim > (3 if "S" in axes else 2):  # a stack inside one page: its first slice
        pixels = pixels[0]
    if pixels.dtype.kind == "c":
        raise Unreadable("holds complex numbers", "Save its magnitude or phase as a float TIFF.")
    if pixels.dtype == np.bool_ or page.bitspersample == 1:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if page.photometric == _PALETTE and page.colormap is not None:
        table = np.asarray(page.colormap)
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8).T
        return np.ascontiguousarray(table[np.minimum(pixels, len(table) - 1)])
    if page.photometric == _MIN_IS_WHITE and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    if "S" not in axes:
        return np.asarray(pixels)
    if page.photometric == _SEPARATED:
        return _cmyk(pixels)
    extra = list(page.extrasamples or ())
    alpha = bool(extra) and int(extra[0]) in (1, 2)
    colours = 3 if int(page.samplesperpixel) - len(extra) >= 3 else 1
    return np.asarray(pixels[..., 0] if colours + alpha == 1 else pixels[..., : colours + alpha])


def _cmyk(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, w, ≥4) inks of any unsigned depth as RGB uint8, without a colour profile."""
    ink = pixels[..., :4].astype(np.float32) / np.iinfo(pixels.dtype).max
    light = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return (light * 255 + 0.5).astype(np.uint8)


def _read_with_libtiff(page: Any, path: Path) -> NDArray[Any]:
    data = bytearray(path.read_bytes())
    tag = page.tags.get(_ORIENTATION_TAG)
    if tag is not None:
        struct.pack_into(page.parent.byteorder + "H", data, tag.valueoffset, 1)
    if page.index != 0 or page.photometric == _SEPARATED:
        return _read_with_pillow(bytes(data), page)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return _read_with_pillow(bytes(data), page)
    if pixels.ndim == 3:
        cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB, dst=pixels)
    return np.asarray(pixels)


def _read_with_pillow(data: bytes, page: Any) -> NDArray[Any]:
    from PIL.TiffImagePlugin import TiffImageFile

    name = getattr(page.compression, "name", str(page.compression))
    try:
        image = TiffImageFile(io.BytesIO(data))
        index = page.index if isinstance(page.index, int) else 0
        image.seek(index)
        mode = "L" if image.mode in ("1", "L") else "RGBA" if image.mode in ("LA", "RGBA", "PA") else "RGB"
        return np.asarray(image if image.mode.startswith("I;16") or image.mode == "F" else image.convert(mode))
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(
            f"uses a compression that cannot be read or is damaged ({name}: {error})", "Save it without compression."
        ) from None


def _read_thinned(page: Any, max_pixels: int, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    """Every k-th pixel of a huge page, one tile or strip at a time; k fits the wanted size and memory."""
    width, height = int(page.imagewidth), int(page.imagelength)
    step = max(2, math.ceil(math.sqrt(width * height / max_pixels)))
    if max_side is not None:
        step = max(step, max(width, height) // max_side)
    if min_side is not None and max_side is None:
        step = max(math.ceil(math.sqrt(width * height / max_pixels)), min(width, height) // min_side, 1)
    tile = int(page.tilewidth or width) * int(page.tilelength or page.rowsperstrip or height)
    if tile > max_pixels or page.planarconfig != 1:
        raise too_large(width, height, max_pixels)
    result: NDArray[Any] | None = None
    try:
        for segment, index, _shape in page.segments():
            if segment is None:
                continue  # a tile that the writer left out is empty by the specification
            y, x = int(index[2]), int(index[3])
            block = segment[0]
            thin = block[-y % step :: step, -x % step :: step]
            if result is None:
                result = np.zeros((-(-height // step), -(-width // step), block.shape[-1]), block.dtype)
            top, left = -(-y // step), -(-x // step)
            place = result[top : top + thin.shape[0], left : left + thin.shape[1]]
            place[:] = thin[: place.shape[0], : place.shape[1]]
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise too_large(width, height, max_pixels) from None
        raise
    if result is None:
        raise damaged("it has no pixels")
    return _colours_of_block(page, result)


def _colours_of_block(page: Any, pixels: NDArray[Any]) -> NDArray[Any]:
    return _colours(page, pixels if page.axes.endswith("S") else pixels[..., 0])
