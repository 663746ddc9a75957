"""What an image file says of itself, read from its first bytes and its last ones, never decoding a pixel.

Media room. ``read_header`` works on an open file, so that probing a photograph on a network drive costs a few kilobytes. It
notices files that end too early, which some decoders would show half grey. TIFF has its own module (``tiff``).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from annotator.domain.orientation import UPRIGHT, valid
from annotator.media.problems import Unreadable, cut_off, damaged, size_text

SNIFFED: Final = 32
"""Bytes that tell the format."""
_TAIL: Final = 65536
_PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_JPEG_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_JPEG_OTHER_FRAMES: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})
_FOREIGN: Final[tuple[tuple[int, bytes, str], ...]] = (
    (4, b"ftypavif", "is an AVIF picture"),
    (4, b"ftyphei", "is an HEIC picture"),
    (4, b"ftypmif1", "is an HEIC picture"),
    (4, b"ftyp", "is a video"),
    (0, b"\0\0\0\x0cjP  ", "is a JPEG 2000 picture"),
    (0, b"\xff\x0a", "is a JPEG XL picture"),
    (0, b"8BPS", "is a Photoshop document"),
    (0, b"%PDF", "is a PDF document"),
    (0, b"PK\x03\x04", "is a zip archive"),
    (0, b"\x1f\x8b", "is a gzip archive"),
    (0, b"<", "is a text file"),
    (0, b"version https://git-lfs", "is a Git LFS pointer, not the picture itself"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """The file's own frame: sides before orientation, bits per channel, channels as stored (palette counts as 3)."""

    format: str
    width: int
    height: int
    channels: int = 3
    bit_depth: int = 8
    orientation: int = UPRIGHT
    animated: bool = False
    progressive: bool = False


def exif_orientation(block: bytes) -> int:
    """The orientation in an EXIF block (a little TIFF, with or without ``Exif\\0\\0`` before it); 1 when there is none."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    try:
        if order is None:
            return UPRIGHT
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, start + 2 + 12 * index)
            if tag == 0x0112 and kind == 3:
                return valid(value)
    except struct.error:
        return UPRIGHT  # a damaged EXIF block says nothing; the picture is still there
    return UPRIGHT


def sniff(start: bytes) -> str:
    """The format of a file from its first 32 bytes; raises ``Unreadable`` for what is not one of ours."""
    if start.startswith(b"\xff\xd8"):
        return "jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[:2] == b"BM":
        return "bmp"
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    for offset, magic, what in _FOREIGN:
        if start[offset:].startswith(magic):
            raise Unreadable(what, "Save it as JPEG, PNG or TIFF.")
    if not start.strip(b"\0"):
        raise Unreadable("holds only zeros", "Copy it again from where it came from.")
    raise Unreadable("is not an image", "Remove it from the folder, or save it as JPEG, PNG or TIFF.")


def read_header(file: BinaryIO, size: int) -> Header:
    """The header of an open file of ``size`` bytes, any format but TIFF; raises ``Unreadable`` with the reason."""
    if size == 0:
        raise Unreadable("is empty (0 bytes)", "Copy it again from where it came from.")
    file.seek(0)
    name = sniff(file.read(SNIFFED))
    file.seek(0)
    try:
        header = _READERS[name](file, size)
    except (struct.error, IndexError):
        raise cut_off(size) from None
    if header.width <= 0 or header.height <= 0:
        raise damaged(f"it declares {header.width} × {header.height} pixels")
    return header


def _jpeg(file: BinaryIO, size: int) -> Header:
    file.seek(2)
    orientation, header, arithmetic = UPRIGHT, None, False
    while True:
        byte = file.read(1)
        while byte and byte != b"\xff":  # stray bytes between segments
            byte = file.read(1)
        while byte == b"\xff":
            byte = file.read(1)
        if not byte:
            raise cut_off(size)
        marker = byte[0]
        if marker == 0x00 or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        if marker == 0xD9:
            raise damaged("it ends before its pixels begin")
        (length,) = struct.unpack(">H", file.read(2))
        start = file.tell()
        if marker in _JPEG_FRAMES:
            depth, height, width, channels = struct.unpack(">BHHB", file.read(6))
            header = Header("jpeg", width, height, channels, depth, progressive=marker in (0xC2, 0xCA))
            arithmetic = marker >= 0xC9
        elif marker in _JPEG_OTHER_FRAMES:
            raise Unreadable("is a lossless or hierarchical JPEG, which no decoder here reads", "Save it as PNG.")
        elif marker == 0xE1 and orientation == UPRIGHT:
            block = file.read(min(length - 2, 65536))
            if block.startswith(b"Exif\0\0"):
                orientation = exif_orientation(block)
        elif marker == 0xDA:
            break
        file.seek(start + length - 2)
    if header is None:
        raise damaged("it declares no size")
    _require_end(file, file.tell(), size, b"\xff\xd9")
    if (
        not arithmetic and header.width * header.height > 1024 * size
    ):  # half a bit for each block of 8 × 8 is too little
        raise damaged(f"{header.width} × {header.height} pixels cannot be in {size_text(size)}")
    return Header(**{f: getattr(header, f) for f in Header.__slots__} | {"orientation": orientation})


def _require_end(file: BinaryIO, after: int, size: int, marker: bytes) -> None:
    """Raise unless ``marker`` stands behind offset ``after``. Phones append videos, so the last bytes are tried first."""
    file.seek(max(after, size - _TAIL))
    if marker in file.read():
        return
    file.seek(after)
    data = file.read()
    if marker not in data:
        raise cut_off(after + len(data.rstrip(b"\0")))


def _png(file: BinaryIO, size: int) -> Header:
    file.seek(8)
    length, kind = struct.unpack(">I4s", file.read(8))
    if kind != b"IHDR" or length != 13:
        raise damaged("it does not begin with its size")
    width, height, depth, color = struct.unpack(">IIBB", file.read(10))
    file.seek(33)
    channels, orientation, animated = _PNG_CHANNELS.get(color, 3), UPRIGHT, False
    while True:
        length, kind = struct.unpack(">I4s", file.read(8))
        start = file.tell()
        if kind == b"IEND":
            break
        if kind == b"eXIf":
            orientation = exif_orientation(file.read(length))
        elif kind == b"acTL":
            animated = struct.unpack(">I", file.read(4))[0] > 1
        elif kind == b"tRNS":
            channels = 4 if channels == 3 else channels
        if start + length + 4 > size:
            raise cut_off(size)
        file.seek(start + length + 4)
    # Deflate shrinks by at most 1032: a larger promise cannot be in the file.
    if height * (width * depth * _PNG_CHANNELS.get(color, 3) // (24 if color == 3 else 8)) > 1032 * size + 65536:
        raise damaged(f"{width} × {height} pixels cannot be in {size_text(size)}")
    return Header("png", width, height, channels, max(depth, 8), orientation, animated)


def _gif(file: BinaryIO, size: int) -> Header:
    width, height = struct.unpack("<HH", file.read(10)[6:10])
    return Header("gif", width, height, 3)


def _bmp(file: BinaryIO, size: int) -> Header:
    start = file.read(54)
    offset, head = struct.unpack_from("<II", start, 10)
    if head == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", start, 18)
        compression = 0
    elif 40 <= head <= 124:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", start, 18)
    else:
        raise damaged("it has no known BMP header")
    width, height = abs(width), abs(height)
    if compression in (0, 3, 6) and offset + height * ((width * bits + 31) // 32 * 4) > size:
        raise cut_off(size)
    return Header("bmp", width, height, 4 if compression == 6 else 3)


def _webp(file: BinaryIO, size: int) -> Header:
    file.seek(4)
    (declared,) = struct.unpack("<I", file.read(4))
    if declared + 8 > size:
        raise cut_off(size)
    file.seek(12)
    width = height = 0
    channels, orientation, animated = 3, UPRIGHT, False
    while file.tell() + 8 <= min(size, declared + 8):
        kind, length = struct.unpack("<4sI", file.read(8))
        start = file.tell()
        if kind == b"VP8X":
            data = file.read(10)
            animated, channels = bool(data[0] & 2), 4 if data[0] & 16 else 3
            width, height = (1 + int.from_bytes(data[i : i + 3], "little") for i in (4, 7))
        elif kind == b"VP8 " and not width:
            width, height = (v & 0x3FFF for v in struct.unpack("<HH", file.read(10)[6:]))
        elif kind == b"VP8L" and not width:
            (bits,) = struct.unpack("<I", file.read(5)[1:])
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            channels = 4 if bits >> 28 & 1 else 3
        elif kind == b"EXIF":
            orientation = exif_orientation(file.read(length))
        file.seek(start + length + (length & 1))
    return Header("webp", width, height, channels, 8, orientation, animated)


_READERS: Final[dict[str, Callable[[BinaryIO, int], Header]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "bmp": _bmp,
    "webp": _webp,
}


def header_of(data: bytes) -> Header:
    """The header of a file that is already in memory."""
    return read_header(io.BytesIO(data), len(data))
