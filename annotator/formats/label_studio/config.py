"""Label Studio's labelling configuration: the labels with their colours, and the controls that a project needs for its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from annotator.errors import FormatError
from annotator.formats.dataset import DatasetLabel
from annotator.formats.xml_text import attributes_of

_CONTROLS = {
    "rectangle": "RectangleLabels",
    "polygon": "PolygonLabels",
    "keypoint": "KeyPointLabels",
    "brush": "BrushLabels",
    "ellipse": "EllipseLabels",
    "vector": "VectorLabels",
}
_ATTRIBUTES = {"textarea": "TextArea", "number": "Number", "choices": "Choices"}


@dataclass(frozen=True)
class Control:
    """What asks: its element, and whether it asks of each region."""

    tag: str
    per_region: bool = False


def read_config(path: Path) -> list[DatasetLabel]:
    """The labels in order, each once; raises ``FormatError`` for a file that is no configuration."""
    labels: dict[str, DatasetLabel] = {}
    for control in _root(path).iter():
        per_region = control.get("perRegion") == "true"
        for one in control if not per_region else ():
            if one.tag in ("Label", "Choice") and (name := one.get("value")):
                labels.setdefault(name, DatasetLabel(name, color=one.get("background") or ""))
    return list(labels.values())


def read_controls(path: Path) -> dict[str, Control]:
    """What asks, by its name; raises as ``read_config``."""
    found = [one for one in _root(path).iter() if one.get("name") and one.get("toName")]
    return {one.get("name", ""): Control(one.tag, one.get("perRegion") == "true") for one in found}


def _root(path: Path) -> Element:
    try:
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise FormatError(f"{path} declares entities or a document type, which are not read.", path=path) from error
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise FormatError(f"{path} is no labelling configuration: {error}.", path=path) from error
    return root


def write_config(labels: tuple[DatasetLabel, ...], regions: set[str], attributes: Mapping[str, str]) -> str:
    """The configuration for what was written: a control for each kind of region, tags, and attributes of regions."""
    lines = ["<View>\n", '  <Image name="image" value="$image"/>\n']
    for region, control in _CONTROLS.items():
        if region in regions:
            lines += _labels(control, region, "Label", labels)
    lines += _labels("Choices", "tag", "Choice", labels, {"choice": "multiple"})
    if "textarea" in regions:
        lines.append('  <TextArea name="caption" toName="image"/>\n')
    for name, kind in attributes.items():
        values = {"name": name, "toName": "image", "perRegion": "true"}
        inner = '    <Choice value="true"/>\n    <Choice value="false"/>\n' if kind == "choices" else ""
        lines.append(f"  <{_ATTRIBUTES[kind]}{attributes_of(values)}>\n{inner}  </{_ATTRIBUTES[kind]}>\n")
    return "".join([*lines, "</View>\n"])


def _labels(
    control: str, name: str, one: str, labels: tuple[DatasetLabel, ...], more: Mapping[str, str] | None = None
) -> list[str]:
    lines = [f"  <{control}{attributes_of({'name': name, 'toName': 'image', **(more or {})})}>\n"]
    for label in labels:
        values = {"value": label.name} | ({"background": label.color} if label.color else {})
        lines.append(f"    <{one}{attributes_of(values)}/>\n")
    return [*lines, f"  </{control}>\n"]
