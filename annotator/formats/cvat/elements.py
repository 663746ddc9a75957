"""Annotations as lines of CVAT's XML, with the input types of the attributes that were written on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from annotator.domain.records import Skeleton
from annotator.formats.cvat.shapes import Written, write_shape
from annotator.formats.dataset import DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.labels import unknown
from annotator.formats.report import Tally, own
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import tell
from annotator.formats.xml_text import attributes_of, holds, text_of

_INPUT = {bool: "checkbox", int: "number", float: "number", str: "text"}
_MANAGED = frozenset({"shape", "elements", "keyframe"})


class Elements:
    """Makes elements; ``types`` has what the head must declare: input types by label and attribute."""

    def __init__(self, labels: tuple[DatasetLabel, ...], tally: Tally, unheld: Unheld) -> None:
        self._skeletons: dict[str, Skeleton | None] = {label.name: label.skeleton for label in labels}
        self._declared = {(label.name, name) for label in labels for name in label.schema}
        self._tally, self._unheld = tally, unheld
        self.types: dict[str, dict[str, str]] = {}

    def shape(self, one: DatasetAnnotation, image: DatasetImage) -> Written | None:
        """The element of an annotation, counted in the report; None when it was dropped (and reported)."""
        if one.label not in self._skeletons and one.label:
            raise unknown(one.label, image.name)
        foreign = own(one.extra, "cvat")
        found = write_shape(one.geometry, foreign, self._skeletons.get(one.label))
        if found is None:
            self._tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
            return None
        tell(self._tally, one, image, found.how)
        self._unheld.annotation(one, image)
        return found

    def text(
        self, found: Written, one: DatasetAnnotation, image: DatasetImage, first: Mapping[str, str], indent: str
    ) -> str:
        """The lines of an element; ``first`` are XML attributes that come before the others."""
        foreign = own(one.extra, "cvat")
        values = {key: value for key, value in foreign.items() if key not in _MANAGED and isinstance(value, str)}
        source = values.pop("source", "auto" if one.suggested else "manual")
        values = {**first, "source": source, **values} if "frame" not in first else {**first, **values}
        attributes = dict(one.attributes)
        if found.tag != "tag":
            occluded = attributes.get("occluded") is True
            if occluded:
                attributes.pop("occluded")
            if found.tag != "skeleton" or occluded:
                values["occluded"] = str(int(occluded))
            values["z_order"] = str(one.z_order)
        elif one.z_order:
            self._tally.dropped(one.label, "z-order of a tag", "a tag of CVAT has none", image.name)
        values |= found.place
        lines = [f"{indent}<{found.tag}{attributes_of(values)}>\n"]
        for inner, told in found.elements:
            lines.append(f"{indent}  <points{attributes_of(dict(inner))}>\n")
            lines += [self._line(str(name), str(text), indent + "    ") for name, text in told.items()]
            lines.append(f"{indent}  </points>\n")
        lines += self._attributes(one.label, attributes, image, indent + "  ")
        return "".join([*lines, f"{indent}</{found.tag}>\n"])

    def _attributes(self, label: str, attributes: dict[str, Any], image: DatasetImage, indent: str) -> list[str]:
        lines = []
        for name, value in attributes.items():
            text, kind = _written(value)
            if not name or not (holds(name) and holds(text)):
                self._tally.dropped(label, f"attribute {name!a}", "XML cannot hold its characters", image.name)
                continue
            known = self.types.setdefault(label, {}).setdefault(name, kind)
            if kind == "json":
                self._tally.converted(label, f"attribute {name}", "written as JSON text", image.name)
                self.types[label][name] = "text"
            elif known != kind and (label, name) not in self._declared:
                self.types[label][name] = "text"
                why = "its values are of several types in this label, and CVAT has one: written as text"
                self._tally.converted(label, f"attribute {name}", why, image.name)
            lines.append(self._line(name, text, indent))
        return lines

    @staticmethod
    def _line(name: str, text: str, indent: str) -> str:
        return f"{indent}<attribute{attributes_of({'name': name})}>{text_of(text)}</attribute>\n"


def outside(kept: Mapping[str, Any], indent: str) -> str:
    """The element of a frame in which a track is out of sight, as it was read."""
    values = {str(key): str(value) for key, value in dict(kept.get("values") or {}).items()}
    lines = [f"{indent}<{kept['tag']}{attributes_of(values)}>\n"]
    for name, text in dict(kept.get("attributes") or {}).items():
        lines.append(f"{indent}  <attribute{attributes_of({'name': str(name)})}>{text_of(str(text))}</attribute>\n")
    return "".join([*lines, f"{indent}</{kept['tag']}>\n"])


def _written(value: Any) -> tuple[str, str]:
    """An attribute's value as text, and its input type."""
    kind = _INPUT.get(type(value))
    if kind is None:
        return orjson.dumps(value, default=str).decode(), "json"
    if isinstance(value, bool):
        return str(value).lower(), kind
    return (repr(value) if isinstance(value, float) else str(value)), kind
