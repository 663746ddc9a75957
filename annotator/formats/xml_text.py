"""XML as text: what it can hold, escaping that keeps line breaks, and streaming that refuses entities and document types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from annotator.errors import FormatError

_UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST = 20


class BrokenXmlError(Exception):
    """The file is cut short or no XML; ``place`` and ``what`` say where and why."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place, self.what = place, what


def holds(text: str) -> bool:
    """Whether XML has a way to write every character."""
    return _UNHOLDABLE.search(text) is None


def mended(text: str) -> str:
    """The text with a question mark for each character that XML cannot hold."""
    return _UNHOLDABLE.sub("?", text)


def text_of(value: str) -> str:
    """Escaped for the inside of an element."""
    return escape(value, {"\r": "&#13;"})


def attributes_of(values: dict[str, str]) -> str:
    """Escaped and quoted, each with a blank in front."""
    return "".join(f" {key}={quoteattr(value)}" for key, value in values.items())


def element(tag: str, tree: Any, indent: str = "") -> str:
    """An element of plain data: text, or a list of [tag, tree] pairs."""
    if isinstance(tree, list):
        inner = "".join(element(str(child), below, indent + "  ") for child, below in tree)
        return f"{indent}<{tag}>\n{inner}{indent}</{tag}>\n"
    return f"{indent}<{tag}>{text_of(mended(str(tree)))}</{tag}>\n"


def tree_of(one: Element, depth: int = 0) -> Any:
    """Foreign XML as plain data: text, or a list of [tag, tree] pairs."""
    if len(one) and depth < _DEEPEST:
        return [[child.tag, tree_of(child, depth + 1)] for child in one]
    return (one.text or "").strip()


def records(path: Path, root_tag: str) -> Iterator[Element]:
    """The elements right below the root, one after another, each gone when the next comes.

    Raises ``FormatError`` for entities, document types, another root and files that cannot be read, ``BrokenXmlError`` where the
    text is damaged.
    """
    try:
        with path.open("rb") as file:
            depth, root = 0, None
            for event, one in iterparse(file, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    depth += 1
                    if root is None:
                        root = one
                        if root.tag != root_tag:
                            raise FormatError(f"{path}: its root is {root.tag}, not {root_tag}.", path=path)
                    continue
                depth -= 1
                if depth == 1 and root is not None:
                    yield one
                    root.clear()
    except DefusedXmlException as error:
        raise FormatError(f"{path} declares entities or a document type, which are not read.", path=path) from error
    except ParseError as error:
        line, column = error.position
        raise BrokenXmlError(f"line {line} column {column}", f"not XML: {getattr(error, 'msg', error)}") from error
    except (OSError, ValueError, LookupError) as error:
        raise FormatError(f"{path} cannot be read: {error}.", path=path) from error
