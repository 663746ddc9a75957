"""Column types of the store, and the compact forms in which geometry, mappings and file names are kept."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from sqlalchemy import LargeBinary, String, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from annotator.domain.geometry import Geometry, Mask, Tag, from_json
from annotator.errors import StoreError


class UuidBytes(TypeDecorator[UUID]):
    """A UUID: sixteen bytes in SQLite, the native type in PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or isinstance(value, UUID) else UUID(bytes=bytes(value))


# A file name that is not UTF-8 reaches Python with lone surrogates, which no database takes. The bytes 80..FF are
# kept as the private-use characters U+EF80..U+EFFF and come back as the same surrogates.
_TO_PRIVATE = {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)}
_FROM_PRIVATE = {private: surrogate for surrogate, private in _TO_PRIVATE.items()}


def storable_name(name: str) -> str:
    """A file name as the database can hold it."""
    return name if name.isascii() else name.translate(_TO_PRIVATE)


class FileName(TypeDecorator[str]):
    """A path or URI that may hold bytes which are not UTF-8."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None else storable_name(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or value.isascii() else value.translate(_FROM_PRIVATE)


def dump_json(value: Any) -> str:
    """JSON text of ``value``; raises ``StoreError`` for what JSON cannot hold, e.g. numbers beyond 64 bit of foreign files."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise StoreError(f"A value cannot be stored: {error}.", "Take it out of the file, or mend it.") from error


def dump_mapping(value: Mapping[str, Any]) -> str:
    """JSON text of a mapping, the empty string when it is empty."""
    return dump_json(dict(value)) if value else ""


def load_mapping(text: str) -> dict[str, Any]:
    """The mapping that ``dump_mapping`` wrote."""
    return dict(orjson.loads(text)) if text else {}


_TAG = Tag()
_TAG_TEXT = dump_json(_TAG.to_json())


def dump_geometry(geometry: Geometry) -> tuple[str, bytes | None]:
    """JSON text of a geometry and, for a mask, its runs: zlib over little-endian uint32 (a tenth of the JSON's size)."""
    if isinstance(geometry, Tag):
        return _TAG_TEXT, None
    if isinstance(geometry, Mask):
        head = {"kind": "mask", "origin": [geometry.x, geometry.y], "size": [geometry.height, geometry.width]}
        return dump_json(head), zlib.compress(np.asarray(geometry.counts, dtype="<u4").tobytes(), 1)
    return dump_json(geometry.to_json()), None


def load_geometry(text: str, runs: bytes | None) -> Geometry:
    """The geometry that ``dump_geometry`` wrote."""
    if text == _TAG_TEXT:
        return _TAG
    data = orjson.loads(text)
    if runs is not None:
        data["counts"] = np.frombuffer(zlib.decompress(runs), dtype="<u4").tolist()
    return from_json(data)
