"""The door of the media room: a file becomes sizes (``probe``), a picture for a screen or a model (``decode``), or raw numbers.

Pictures are oriented (EXIF applied), RGB or RGBA, uint8. JPEG is decoded at 1/2, 1/4 or 1/8 by the codec itself when less is
wanted. Measured for a 12-megapixel photograph on one core: OpenCV 57 / 24 / 21 / 17 ms at 1, 1/2, 1/4, 1/8, Pillow's draft
mode 106 / 26 / 22 / 18 ms; so OpenCV, and Pillow where only Pillow can (CMYK, GIF, BMP's odder variants).
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.orientation import orient_pixels, oriented_size
from annotator.media.headers import SNIFFED, Header, header_of, read_header, sniff
from annotator.media.problems import Unreadable, cut_off, damaged, from_os_error, image_error, parsing, too_large
from annotator.media.tiff import read_tiff, tiff_header
from annotator.media.windowing import apply_window, default_window, value_range

MAX_PIXELS: Final = 250_000_000
"""Most pixels held decoded at once; more is refused, or read at a coarser scale where the format can."""
_MAX_JPEG_PIXELS: Final = 1 << 30  # OpenCV's own limit for what it reads scaled
_REDUCED: Final = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

_PNG_NEEDED: Final = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})

# What it would print about a damaged file on standard error is raised, with the file's name, as an ImageError.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What is known of an image without decoding it. ``width`` and ``height`` are oriented; ``orientation`` is the file's."""

    width: int
    height: int
    orientation: int
    bit_depth: int
    channels: int
    format: str
    animated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image, oriented. ``pixels`` (h, w, 3 | 4) uint8 RGB(A), C-contiguous and read-only.

    ``full_width`` and ``full_height`` are the oriented image's own sides, ``scale`` ≤ 1 is pixels per image pixel along the
    longer side. ``value_range`` is the least and greatest value in the file, ``window`` what is shown of it ((0, 255) for
    8-bit images).
    """

    pixels: NDArray[np.uint8]
    full_width: int
    full_height: int
    scale: float
    bit_depth: int
    value_range: tuple[float, float]
    window: tuple[float, float] = (0.0, 255.0)

    @property
    def nbytes(self) -> int:
        return self.pixels.nbytes

    def rgb(self, background: int = 255) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB, with transparency over a grey ``background``: what models and thumbnails take."""
        if self.pixels.shape[2] == 3:
            return self.pixels
        alpha = self.pixels[..., 3:].astype(np.uint16)
        colour = self.pixels[..., :3] * alpha + background * (255 - alpha) + 127
        return (colour // 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class RawImage:
    """The numbers in the file, oriented, for the window slider: (h, w) or (h, w, 2 | 3 | 4), any real dtype."""

    pixels: NDArray[Any]
    full_width: int
    full_height: int
    bit_depth: int
    value_range: tuple[float, float]
    default_window: tuple[float, float]

    def render(self, window: tuple[float, float] | None = None, max_side: int | None = None) -> Picture:
        """The picture under another window (default: the image's own), without reading the file again."""
        shown = window or self.default_window
        narrow = self.pixels if shown == (0.0, 255.0) and self.pixels.dtype == np.uint8 else None
        pixels = as_rgb(apply_window(self.pixels, shown) if narrow is None else narrow)
        pixels = _frozen(_shrunk(pixels, max_side))
        scale = max(pixels.shape[:2]) / max(self.full_width, self.full_height)
        return Picture(pixels, self.full_width, self.full_height, scale, self.bit_depth, self.value_range, shown)


def probe(path: Path) -> ImageInfo:
    """Oriented size, depth and format from the file's header and end; raises ``ImageError`` if it could not be decoded."""
    with reading(path):
        header = _read_header(path)
        _check_size(header)
    width, height = oriented_size(header.width, header.height, header.orientation)
    return ImageInfo(
        width, height, header.orientation, header.bit_depth, header.channels, header.format, header.animated
    )


def decode(
    path: Path, *, min_side: int | None = None, max_side: int | None = None, window: tuple[float, float] | None = None
) -> Picture:
    """The image as a picture; raises ``ImageError`` with a reason fit for the user.

    ``max_side``: the longer side of the result is at most this. ``min_side``: the codec may shrink for
    speed as long as the shorter side keeps this many pixels; nothing is resampled beyond that. ``window`` (lo, hi) is what is
    shown of the file's values; default the 0.5 to 99.5 percentiles for more than 8 bits, all of it for 8.
    Animations give their first frame. Without a wish, images above 250 million pixels come coarser where the format can be
    read that way (JPEG, tiled TIFF), and are refused otherwise.
    """
    return _read(path, min_side, max_side).render(window, max_side)


def read_raw(path: Path, *, max_side: int | None = None) -> RawImage:
    """The file's own numbers, oriented, at full resolution or (pyramids, JPEG) no coarser than ``max_side`` needs."""
    return _read(path, None, max_side)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong with a file inside is raised as an ``ImageError`` that names it."""
    try:
        yield
    except Unreadable as problem:
        raise image_error(path, problem) from None
    except OSError as error:
        raise from_os_error(path, error) from error
    except MemoryError as error:
        raise image_error(path, Unreadable("does not fit in memory", "Close other programs.")) from error
    except cv2.error as error:
        raise image_error(path, damaged()) from error


def _read(path: Path, min_side: int | None, max_side: int | None) -> RawImage:
    with reading(path):
        header, pixels = read_file(path, min_side, max_side)
    pixels = orient_pixels(pixels, header.orientation)
    width, height = oriented_size(header.width, header.height, header.orientation)
    if pixels.dtype == np.uint8:
        values = full = (0.0, 255.0)
    else:
        values, full = value_range(pixels), default_window(pixels)
    return RawImage(pixels, width, height, header.bit_depth, values, full)


def read_file(path: Path, min_side: int | None, max_side: int | None) -> tuple[Header, NDArray[Any]]:
    """A file's header, and its pixels in the file's frame, no coarser than the sides ask for: (h, w) or (h, w, 2 | 3 | 4).

    Raises ``Unreadable`` and what ``reading`` turns into an ``ImageError``.
    """
    with path.open("rb") as file:
        start = file.read(SNIFFED)
        data = b"" if start and sniff(start) == "tiff" else start + file.read()
    if start and not data:
        tiff = read_tiff(path, min_side=min_side, max_side=max_side, max_pixels=MAX_PIXELS)
        return tiff.header, tiff.pixels
    header = header_of(data)
    _check_size(header)
    return header, _DECODERS[header.format](data, header, min_side, max_side)


def _read_header(path: Path) -> Header:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        start = file.read(SNIFFED)
        if start and sniff(start) == "tiff":
            return tiff_header(path)
        return read_header(file, size)


def _check_size(header: Header) -> None:
    """Refuse decompression bombs before a byte of pixels is allocated."""
    scaled = header.format == "tiff" or (header.format == "jpeg" and not header.progressive)
    limit = _MAX_JPEG_PIXELS if header.format == "jpeg" and scaled else MAX_PIXELS
    if header.format != "tiff" and header.width * header.height > limit:
        raise too_large(header.width, header.height, limit)


def _reduction(header: Header, min_side: int | None, max_side: int | None) -> int:
    """The largest of 1, 2, 4, 8 that keeps the wanted sides, and more if memory asks for it."""
    longer, shorter = max(header.width, header.height), min(header.width, header.height)
    wanted = 1
    if min_side is not None or max_side is not None:
        for step in (2, 4, 8):
            if (max_side is None or longer // step >= max_side) and (min_side is None or shorter // step >= min_side):
                wanted = step
    while header.width * header.height > MAX_PIXELS * wanted * wanted:
        wanted *= 2
    return wanted


def _decode_jpeg(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    if header.bit_depth != 8:
        raise Unreadable(f"is a {header.bit_depth}-bit JPEG, which no decoder here reads", "Save it as PNG or TIFF.")
    step = _reduction(header, min_side, max_side)
    if header.channels == 4:
        from PIL.JpegImagePlugin import JpegImageFile

        return _with_pillow(JpegImageFile, data, step)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[step] | cv2.IMREAD_IGNORE_ORIENTATION)
    return _checked_rgb(pixels, math.ceil(header.width / step), math.ceil(header.height / step))


def _decode_with_opencv(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return _checked_rgb(pixels, header.width, header.height)


def _decode_png(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    return _decode_with_opencv(_without_remarks(data), header, min_side, max_side)


def _without_remarks(data: bytes) -> bytes:
    """A PNG without the chunks before its pixels that tell of colour profiles, text and time.

    OpenCV uses none of them, and libpng writes straight to standard error when one is odd, whatever the log level.
    """
    kept, at = [data[:8]], 8
    while at + 8 <= len(data):
        name = data[at + 4 : at + 8]
        if name == b"IDAT":
            break
        after = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if name[:1].isupper() or name in _PNG_NEEDED:
            kept.append(data[at:after])
        at = after
    return b"".join((*kept, data[at:]))


def _checked_rgb(pixels: NDArray[Any] | None, width: int, height: int) -> NDArray[Any]:
    """OpenCV's answer with its channels as RGB(A); the file was whole, so no answer means damage within."""
    if pixels is None or pixels.shape[:2] != (height, width):
        raise damaged()
    if pixels.ndim == 3:
        cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB, dst=pixels)
    return pixels


def _decode_gif(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    from PIL.GifImagePlugin import GifImageFile

    # Pillow grows the picture for a frame that leaves the screen that the file declares; nobody is to see what is out there.
    return _with_pillow(GifImageFile, data)[: header.height, : header.width]


def _decode_bmp(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    from PIL.BmpImagePlugin import BmpImageFile

    return _with_pillow(BmpImageFile, data)


def _decode_webp(data: bytes, header: Header, min_side: int | None, max_side: int | None) -> NDArray[Any]:
    if not header.animated:
        return _decode_with_opencv(data, header, min_side, max_side)
    from PIL.WebPImagePlugin import WebPImageFile

    return _with_pillow(WebPImageFile, data)


def _with_pillow(plugin: Callable[[io.BytesIO], Any], data: bytes, step: int = 1) -> NDArray[Any]:
    """The first frame through Pillow. The plugin is opened directly: sizes were checked, and by our own limit."""
    try:
        with parsing():
            image = plugin(io.BytesIO(data))
            if step > 1:
                image.draft(None, (image.width // step, image.height // step))
            clear = image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info
            return np.asarray(image.convert("RGBA" if clear else "L" if image.mode in ("1", "L") else "RGB"))
    except EOFError:
        raise cut_off(len(data)) from None
    except Unreadable as problem:  # Pillow turns the end of the file within a header into a SyntaxError
        cause = problem.__cause__ and problem.__cause__.__cause__
        raise cut_off(len(data)) if isinstance(cause, EOFError) else problem from None
    except OSError as error:  # from memory, not from a disk: Pillow's word for damage
        if "truncated" in str(error):
            raise cut_off(len(data)) from None
        raise damaged(str(error).rstrip(".")) from None


_DECODERS: Final[dict[str, Callable[[bytes, Header, int | None, int | None], NDArray[Any]]]] = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "gif": _decode_gif,
    "bmp": _decode_bmp,
    "webp": _decode_webp,
}


def as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey (h, w) and grey with alpha (h, w, 2) as RGB and RGBA; the rest as it is."""
    if pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2RGB))
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    return pixels[..., (0, 0, 0, 1)] if pixels.shape[2] == 2 else pixels


def _shrunk(pixels: NDArray[np.uint8], max_side: int | None) -> NDArray[np.uint8]:
    longer = max(pixels.shape[:2])
    if max_side is None or longer <= max_side:
        return pixels
    height, width = (max(1, round(side * max_side / longer)) for side in pixels.shape[:2])
    # By a little, two by two pixels are all that an area would average: 3 instead of 17 ms from 2000 to 1600 pixels.
    method = cv2.INTER_LINEAR if longer < 1.5 * max_side else cv2.INTER_AREA
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=method))


def _frozen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    result = np.ascontiguousarray(pixels)
    result.flags.writeable = False
    return result
