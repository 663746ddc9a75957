"""File names as text that any database, JSON file or terminal can hold, and the way back to the same file.

Domain room: strings only. A uri is the path with ``/`` between its parts, unchanged, in whatever Unicode form the disk has
it (so an NFC and an NFD name stay two). Only a name that is not text, because its bytes are not UTF-8, cannot be stored as
it is: Python hands it over with lone surrogates. Such a path becomes ``bytes:`` and the path with each undecodable byte as
``%XX`` (other lone surrogates, which Windows allows, as ``%uXXXX``) and ``%`` itself as ``%25``. A path that really
begins with ``bytes:`` is written that way too, so two paths never share a uri.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Final

MARK: Final = "bytes:"
_LONE: Final = re.compile("[\ud800-\udfff%]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPE: Final = re.compile("%u([0-9A-F]{4})|%([0-9A-F]{2})")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: byte 0x80 … 0xFF
        return f"%{code - 0xDC00:02X}"
    return "%25" if match[0] == "%" else f"%u{code:04X}"


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    byte = int(match[2], 16)
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)


def encode(name: str) -> str:
    """A POSIX-style path, perhaps with lone surrogates, as a storable uri."""
    if name.startswith(MARK) or _SURROGATE.search(name):
        return MARK + _LONE.sub(_escape, name)
    return name


def decode(uri: str) -> str:
    """The path that ``encode`` was given."""
    return _ESCAPE.sub(_unescape, uri[len(MARK) :]) if uri.startswith(MARK) else uri


def readable(uri: str) -> str:
    """A name that every disk and every format can hold: without the mark before it, each undecodable byte as ``%XX``.

    A uri whose path is text stays as it is. Two uris may come out as one name.
    """
    return uri[len(MARK) :] if _SURROGATE.search(decode(uri)) else uri


def to_uri(path: PurePath, root: PurePath | None = None) -> str:
    """The uri of ``path``: relative to ``root`` when it lies below it, else the path as given."""
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return encode(path.as_posix())


def to_path(uri: str, root: Path) -> Path:
    """The file of a uri: below ``root`` unless the uri is absolute."""
    return root / decode(uri)


def printable(text: str) -> str:
    """Text for messages and logs: undecodable bytes and control characters (a newline in a name) escaped, the rest as it is."""
    return "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else c.encode("unicode_escape").decode() for c in text
    )
