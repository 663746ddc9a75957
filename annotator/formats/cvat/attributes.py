"""CVAT's attributes of a label as the label's schema, and back: input types, values, default, mutable."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

_NUMBER = re.compile(r"-?\d+")
_BETWEEN = re.compile(r"[;\n]")
_INPUTS = {"checkbox": "checkbox", "number": "number", "text": "text", "select": "choice", "radio": "choice"}

Fields = list[list[str]]
"""The elements of one attribute as CVAT has them: pairs of tag and text."""


def typed(text: str, input_type: str) -> Any:
    """An attribute's text as what its input type says: yes or no, a number, or text."""
    match input_type:
        case "checkbox" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "number":
            try:
                number = int(text) if _NUMBER.fullmatch(text) and len(text) < 19 else float(text)
            except ValueError:
                return text
            return number if math.isfinite(number) else text
    return text


def read_schema(attributes: Iterable[Fields]) -> dict[str, dict[str, Any]]:
    """The schema of a label; an attribute without a name has no place in it."""
    return {told["name"]: _entry(told) for told in map(_told, attributes) if told.get("name")}


def _told(fields: Fields) -> dict[str, str]:
    return {str(tag): str(text) for tag, text in fields}


def _entry(told: Mapping[str, str]) -> dict[str, Any]:
    given = told.get("input_type", "text")
    kind = _INPUTS.get(given, "text")
    entry: dict[str, Any] = {"type": kind}
    values = told.get("values", "")
    if kind == "choice":
        entry["choices"] = [line.strip() for line in values.splitlines() if line.strip()]
    elif kind == "number":
        limits = [typed(part.strip(), "number") for part in _BETWEEN.split(values) if part.strip()]
        if len(limits) == 3 and not any(isinstance(each, str) for each in limits):
            entry["range"] = limits
    if given not in ("checkbox", "number", "text", "select"):
        entry["input"] = given
    default = told.get("default_value", "")
    if default and typed(default, kind) != _implied(kind, entry):
        entry["default"] = typed(default, kind)
    if told.get("mutable", "").lower() == "true":
        entry["mutable"] = True
    return entry


def written_attributes(schema: Mapping[str, Any], read: Iterable[Any], used: Mapping[str, str]) -> list[Fields]:
    """The attributes of a label: as they were read where the schema still says that, else composed from it.

    ``used`` are the input types of attributes that annotations have, by name; the schema may not know them.
    """
    before = {_told(fields).get("name", ""): fields for fields in read if isinstance(fields, list)}
    found = []
    for name, entry in schema.items():
        fields = before.get(name)
        same = fields is not None and _entry(_told(fields)) == entry
        found.append(fields if fields is not None and same else _composed(name, entry))
    return [*found, *(_composed(name, {"type": kind}) for name, kind in used.items() if name not in schema)]


def _composed(name: str, entry: Any) -> Fields:
    told = entry if isinstance(entry, Mapping) else {"type": str(entry)}
    choices = [str(each) for each in told.get("choices") or ()]
    kind = "choice" if choices else str(told.get("type", "text"))
    given = str(told.get("input") or {"choice": "select"}.get(kind, kind))
    default = _text(told.get("default", _implied(kind, told)))
    values = "\n".join(choices or map(_text, told.get("range") or ())) or default
    mutable = "True" if told.get("mutable") is True else "False"
    return [
        ["name", name],
        ["mutable", mutable],
        ["input_type", given if given in _INPUTS else "text"],
        ["default_value", default],
        ["values", values],
    ]


def _implied(kind: str, entry: Mapping[str, Any]) -> Any:
    """The default of an attribute that names none, where CVAT must have one: no, the least number, the first choice."""
    match kind:
        case "checkbox":
            return False
        case "number":
            return next(iter(entry.get("range") or ()), 0)
        case "choice":
            return next(iter(entry.get("choices") or ()), "")
    return ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
