"""Why a file that looks like JSON or XML is in no known format: it is damaged or cut short, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from annotator.errors import FormatError
from annotator.formats.peek import Peek

CURE = "It was cut short or changed: copy, download or write it again from where it came."
_LOOKED_AT = 8
_HEAD = 512
_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*("|$)|\[\s*(["{\[]|$))')
_XML = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml\b|[a-zA-Z])")
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<html\b", re.IGNORECASE)


def check(peek: Peek) -> None:
    """Raise ``FormatError`` for the first file that begins as JSON or XML and does not go on so; a zip is not looked into."""
    if peek.is_zip:
        return
    for name in [each for each in peek.names if _may_be_text(peek, each)][:_LOOKED_AT]:
        file = peek.path if peek.path.is_file() else peek.path / name
        kind = _kind(peek.head(name, _HEAD))
        found = {"JSON": _json_damage, "XML": _xml_damage}[kind](file) if kind else ""
        if found:
            raise FormatError(f"{file} is damaged {kind}: {found}.", CURE, path=file)


def _may_be_text(peek: Peek, name: str) -> bool:
    """A file that was named is looked at whatever its ending; in a folder the ending decides."""
    return peek.path.is_file() or name.lower().endswith((".json", ".xml"))


def _kind(head: bytes) -> str:
    if _JSON.match(head):
        return "JSON"
    return "XML" if _XML.match(head) and not _PAGE.match(head) else ""


def _json_damage(file: Path) -> str:
    try:
        json.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as error:
        return f"line {error.lineno} column {error.colno}: {error.msg}"
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1:,}: {error.reason}"
    except RecursionError:
        return "it is nested too deeply"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


def _xml_damage(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            for _, element in iterparse(opened, forbid_dtd=True):
                element.clear()
    except ParseError as error:
        line, column = error.position
        return f"line {line} column {column}: {getattr(error, 'msg', error)}"
    except DefusedXmlException:
        return ""  # it is whole, and declares what no format here reads
    except (OSError, ValueError, LookupError) as error:
        return f"it cannot be read: {error}"
    return ""
