"""The catalogue of formats: every package in this folder with a ``spec`` module that defines ``SPEC``.

Adding a format means adding its folder; nothing here names one. Readers and writers are imported when they are asked for.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

import annotator.formats as home
from annotator.errors import FormatError, UsageError
from annotator.formats import damage
from annotator.formats.peek import Peek
from annotator.formats.spec import FormatSpec, Reader, Writer


@dataclass(frozen=True, slots=True)
class Detected:
    """A format that a path may be in, and what was seen that says so."""

    format: str
    reason: str


@cache
def _catalogue() -> dict[str, FormatSpec]:
    specs: dict[str, FormatSpec] = {}
    for found in pkgutil.iter_modules(home.__path__, home.__name__ + "."):
        if found.ispkg:
            spec: FormatSpec = import_module(found.name + ".spec").SPEC
            specs[spec.id] = spec
    return specs


def formats() -> tuple[str, ...]:
    """The ids of all formats."""
    return tuple(sorted(_catalogue()))


def spec(format_id: str) -> FormatSpec:
    """What the format can hold; raises ``UsageError`` naming the known formats."""
    try:
        return _catalogue()[format_id]
    except KeyError:
        known = ", ".join(formats())
        raise UsageError(f"There is no format named {format_id!r}.", f"Known formats: {known}.") from None


def reader(format_id: str) -> Reader:
    """The module whose ``read`` reads the format."""
    return cast(Reader, import_module(spec(format_id).package + ".reader"))


def writer(format_id: str) -> Writer:
    """The module whose ``write`` writes the format."""
    return cast(Writer, import_module(spec(format_id).package + ".writer"))


def detect(path: Path) -> list[Detected]:
    """Every format that the file, folder or zip may be in, with the reason; empty when none is recognised.

    Raises ``FormatError`` when the path does not exist or cannot be listed.
    """
    peek = Peek(Path(path))
    found = []
    for format_id in formats():
        reason = _catalogue()[format_id].detect(peek)
        if reason:
            found.append(Detected(format_id, reason))
    return found


def detect_one(path: Path) -> Detected:
    """The one format of the path; raises ``FormatError`` that lists what was seen when there is none, or more than one.

    A file that begins as JSON or XML and is damaged is refused as that, with the place."""
    found = detect(path)
    if len(found) == 1:
        return found[0]
    if not found:
        damage.check(Peek(Path(path)))
        raise FormatError(
            f"{path} is in no format that is known here.", f"Name one of: {', '.join(formats())}.", path=path
        )
    seen = "; ".join(f"{one.format} ({one.reason})" for one in found)
    raise FormatError(f"{path} may be in several formats: {seen}.", "Name the one you mean.", path=path)
