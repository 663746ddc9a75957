"""A label's attribute schema: which attributes its annotations have, and the one-line-each text in which a person writes it.

Stored form: ``{name: {"type": "text" | "number" | "choice" | "checkbox", "choices": [...]}}``; an unknown type is shown as text,
so that a schema from elsewhere stays editable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AttributeType(StrEnum):
    """What can be entered."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    CHECKBOX = "checkbox"


@dataclass(frozen=True)
class Attribute:
    """One attribute of a label."""

    name: str
    type: AttributeType
    choices: tuple[str, ...] = ()


def read_schema(schema: Mapping[str, Any]) -> list[Attribute]:
    """The attributes of a stored schema, in its order."""
    result = []
    for name, raw in schema.items():
        entry = raw if isinstance(raw, Mapping) else {"type": str(raw)}
        kind = str(entry.get("type", "text"))
        choices = tuple(str(c) for c in entry.get("choices", ()))
        known = AttributeType(kind) if kind in set(AttributeType) else AttributeType.TEXT
        result.append(Attribute(name, AttributeType.CHOICE if choices else known, choices))
    return result


def schema_text(schema: Mapping[str, Any]) -> str:
    """The schema as lines to edit: "colour: red, green", "age: number"."""
    lines = []
    for attribute in read_schema(schema):
        what = ", ".join(attribute.choices) if attribute.type is AttributeType.CHOICE else attribute.type.value
        lines.append(f"{attribute.name}: {what}")
    return "\n".join(lines)


def parse_schema(text: str, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema of lines like "name: text", "age: number", "occluded: checkbox", "colour: red, green, blue".

    Attributes whose line says what it said ``before`` keep all that they had there, such as a default.
    """
    result: dict[str, Any] = {}
    told = before or {}
    lines = {name: schema_text({name: entry}) for name, entry in told.items()}
    for raw in text.splitlines():
        name, _, what = raw.partition(":")
        name, what = name.strip(), what.strip()
        if not name:
            continue
        if lines.get(name, "").strip() == raw.strip():
            result[name] = told[name]
            continue
        choices = [c.strip() for c in what.split(",") if c.strip()]
        if len(choices) > 1:
            result[name] = {"type": AttributeType.CHOICE.value, "choices": choices}
        else:
            kind = choices[0].lower() if choices else "text"
            result[name] = {"type": kind if kind in set(AttributeType) else AttributeType.TEXT.value}
    return result
