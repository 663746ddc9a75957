"""JSON files with a type: the whole file is checked for its shape at once, long lists record by record when they are needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import msgspec
import orjson

from annotator.errors import FormatError
from annotator.formats.findings import Findings

T = TypeVar("T")
NOT_JSON = "it has NaN or Infinity, which JSON has not; they were read as text"


def decode_file(path: Path, wanted: type[T], findings: Findings) -> T:
    """The file as ``wanted``. Raises ``FormatError`` that names line and column, or the place of a wrong type."""
    try:
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.", path=path) from error
    try:
        return msgspec.json.decode(data, type=wanted)
    except msgspec.ValidationError as error:
        raise FormatError(f"{path}: {error}.", "This is another format, or it is damaged.", path=path) from error
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        return _lenient(path, data, wanted, findings, error)


def decode_record(raw: msgspec.Raw, wanted: type[T]) -> T:
    """One record of a list; raises ``ValueError`` that says what is wrong and where in the record."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _lenient(path: Path, data: bytes, wanted: type[T], findings: Findings, error: Exception) -> T:
    """Files with NaN or Infinity, which Python writes though JSON has none: the records that hold them are judged later."""
    try:
        content = json.loads(data, parse_constant=str)
        found = msgspec.json.decode(orjson.dumps(content), type=wanted)
    except json.JSONDecodeError as failure:
        raise FormatError(
            f"{path}, line {failure.lineno} column {failure.colno}: not JSON: {failure.msg}.",
            "The file is damaged or cut short; get it again.",
            path=path,
        ) from failure
    except msgspec.ValidationError as failure:
        raise FormatError(f"{path}: {failure}.", "This is another format, or it is damaged.", path=path) from failure
    except (UnicodeDecodeError, RecursionError, TypeError, ValueError) as failure:
        raise FormatError(f"{path}: not JSON: {failure}.", path=path) from error
    findings.tally.warn(f"{path}: {NOT_JSON}")
    return found
