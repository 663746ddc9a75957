"""The head of CVAT's XML: labels with colours, attributes and skeletons, and what the file says of its task."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from annotator.domain.records import Skeleton
from annotator.formats.cvat.attributes import read_schema, typed, written_attributes
from annotator.formats.dataset import DatasetLabel
from annotator.formats.report import own
from annotator.formats.xml_text import element, tree_of

TASKS = "tasks"
"""In a dataset's foreign header: the headers of several files by the sequence that each is, "" for that of pictures."""
_HOMES = ("task", "project", "job")
_COUNTED = frozenset({"labels", "original_size", "size", "mode"})
_SVG_ELEMENT = re.compile(r"<(line|circle)\b([^>]*)>")
_SVG_VALUE = re.compile(r"""([\w-]+)\s*=\s*["']([^"']*)["']""")
_MOST_FRAMES = 1_000_000


@dataclass
class Meta:
    """``types`` are the input types of attributes by (label, attribute); ``header`` keeps the task's own fields."""

    labels: dict[str, DatasetLabel] = field(default_factory=dict)
    types: dict[tuple[str, str], str] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    sequence: str = ""
    frames: range = range(0)

    def skeleton(self, label: str) -> Skeleton | None:
        """The label's skeleton if it has one."""
        found = self.labels.get(label)
        return found.skeleton if found else None

    def value(self, label: str, name: str, text: str) -> Any:
        """An attribute's text as what its input type says: yes or no, a number, or text."""
        return typed(text, self.types.get((label, name), "text"))


def read_meta(found: Element) -> Meta:
    """Labels in order; points of skeletons belong to their parent and are no labels."""
    meta = Meta()
    inner: dict[str, list[str]] = {}
    elements: dict[str, Element] = {}
    for one in found.iter("label"):
        name, parent = _text(one, "name"), _text(one, "parent")
        if not name:
            continue
        if parent:
            inner.setdefault(parent, []).append(name)
        else:
            elements.setdefault(name, one)
    for name, one in elements.items():
        meta.labels[name] = _label(name, one, inner.get(name, []), meta)
    home = next((child for child in found if child.tag in _HOMES), None)
    if home is not None:
        kept = [[child.tag, tree_of(child)] for child in home if child.tag not in _COUNTED]
        meta.header = {"home": home.tag, "fields": kept}
        meta.sequence = _text(found, "source") or _text(home, "source") or _text(home, "name")
        meta.frames = _frames(home)
        size = home.find("original_size")
        meta.size = (_whole(size, "width"), _whole(size, "height"))
    meta.header["meta"] = [[child.tag, tree_of(child)] for child in found if child.tag not in (*_HOMES, "labels")]
    return meta


def _label(name: str, one: Element, points: list[str], meta: Meta) -> DatasetLabel:
    kept: dict[str, Any] = {}
    attributes = [[[field.tag, field.text or ""] for field in each] for each in one.iter("attribute")]
    for fields in attributes:
        told = dict(fields)
        if told.get("name"):
            meta.types[name, told["name"]] = told.get("input_type", "text")
    if attributes:
        kept["attributes"] = attributes
    kind = _text(one, "type")
    if kind and kind not in ("any", "skeleton"):
        kept["type"] = kind
    skeleton = None
    if points:
        drawn = _svg_text(one.find("svg"))
        skeleton = Skeleton(tuple(points), _edges(drawn, points))
        if drawn:
            kept["svg"] = drawn
    color = _text(one, "color")
    extra = {"cvat": kept} if kept else {}
    return DatasetLabel(name, color=color, skeleton=skeleton, extra=extra, schema=read_schema(attributes))


def _svg_text(one: Element | None) -> str:
    """The drawing as text, also where its elements stand in the XML unescaped."""
    if one is None:
        return ""
    drawn = "".join(
        f"<{c.tag} {' '.join(f'{k}={quoteattr(v)}' for k, v in c.attrib.items())}>" for c in one.iter() if c is not one
    )
    return drawn or (one.text or "").strip()


def _edges(svg: str, points: list[str]) -> tuple[tuple[int, int], ...]:
    """Pairs of places in ``points`` that the drawing joins."""
    nodes: dict[str, str] = {}
    lines: list[tuple[str, str]] = []
    for tag, inside in _SVG_ELEMENT.findall(svg):
        values = dict(_SVG_VALUE.findall(inside))
        if tag == "circle" and "data-node-id" in values:
            nodes[values["data-node-id"]] = _unquoted(values.get("data-label-name", ""))
        elif tag == "line" and "data-node-from" in values:
            lines.append((values["data-node-from"], values.get("data-node-to", "")))
    places = {name: at for at, name in enumerate(points)}
    found = [(places.get(nodes.get(a, "")), places.get(nodes.get(b, ""))) for a, b in lines]
    return tuple((a, b) for a, b in found if a is not None and b is not None)


def _unquoted(text: str) -> str:
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text


def _text(one: Element | None, key: str) -> str:
    child = one.find(key) if one is not None else None
    return (child.text or "").strip() if child is not None else ""


def _whole(one: Element | None, key: str) -> int:
    text = _text(one, key)
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _frames(home: Element) -> range:
    """The frames of the task, empty where it does not say or says more than can be."""
    step = re.fullmatch(r"step=(\d{1,6})", _text(home, "frame_filter"))
    first, last = _text(home, "start_frame"), _text(home, "stop_frame")
    if not (first.isdecimal() and last.isdecimal()) or len(last) > 9:
        return range(0)
    every = max(1, int(step[1])) if step else 1
    found = range(int(first), int(last) + 1, every)
    return found if len(found) <= _MOST_FRAMES else range(0)


def write_meta(
    header: Mapping[str, Any],
    labels: Iterable[DatasetLabel],
    types: Mapping[str, Mapping[str, str]],
    *,
    images: int,
    video: str = "",
    size: tuple[int, int] = (0, 0),
    subsets: Mapping[str, int] | None = None,
) -> str:
    """The head; ``types`` are the input types of the attributes that were written, by label and attribute.

    ``subsets`` counts the images of each: with some, the head is that of a project with a task for each, as CVAT has them.
    """
    home = str(header.get("home") or ("project" if subsets else "task"))
    fields = [pair for pair in header.get("fields") or [] if isinstance(pair, list) and len(pair) == 2]
    if subsets and not header.get("home"):
        tasks = [
            ["task", [["name", name], ["size", str(count)], ["mode", "annotation"], ["subset", name]]]
            for name, count in subsets.items()
        ]
        fields = [["tasks", tasks], ["subsets", "\n".join(subsets)]]
    name = next((tree for tag, tree in fields if tag == "name"), video or "Annotator")
    lines = ["  <meta>\n", f"    <{home}>\n", element("name", name, "      ")]
    lines.append(element("size", str(images), "      "))
    lines.append(element("mode", "interpolation" if video else "annotation", "      "))
    lines += [element(str(tag), tree, "      ") for tag, tree in fields if tag != "name"]
    lines.append("      <labels>\n")
    for label in labels:
        lines.append(_write_label(label, types.get(label.name, {})))
    lines.append("      </labels>\n")
    if video:
        both = [["width", str(size[0])], ["height", str(size[1])]]
        lines.append(element("original_size", both, "      "))
    lines.append(f"    </{home}>\n")
    rest = [pair for pair in header.get("meta") or [] if isinstance(pair, list) and len(pair) == 2]
    if video and "source" not in {tag for tag, _ in rest}:
        rest = [*rest, ["source", video]]
    lines += [element(str(tag), tree, "    ") for tag, tree in rest]
    return "".join([*lines, "  </meta>\n"])


def _write_label(label: DatasetLabel, types: Mapping[str, str]) -> str:
    kept = own(label.extra, "cvat")
    attributes = written_attributes(label.schema, kept.get("attributes") or [], types)
    tree: list[Any] = [["name", label.name]]
    if label.color:
        tree.append(["color", label.color])
    tree.append(["type", kept.get("type") or ("skeleton" if label.skeleton else "any")])
    tree.append(["attributes", [["attribute", fields] for fields in attributes]])
    if label.skeleton:
        tree.append(["svg", _svg(label.skeleton, str(kept.get("svg") or ""))])
    text = element("label", tree, "        ")
    for name in label.skeleton.points if label.skeleton else ():
        inner = [["name", name], ["type", "points"], ["attributes", []], ["parent", label.name]]
        text += element("label", inner, "        ")
    return text


def _svg(skeleton: Skeleton, kept: str) -> str:
    """The drawing that was read while it still fits, else points on a circle."""
    if kept and _edges(kept, list(skeleton.points)) == skeleton.edges:
        return kept
    count = len(skeleton.points)
    turns = [2 * math.pi * at / count for at in range(count)]
    places = [(50 + 40 * math.sin(turn), 50 - 40 * math.cos(turn)) for turn in turns]
    lines = [
        f'<line x1="{places[a][0]:.2f}" y1="{places[a][1]:.2f}" x2="{places[b][0]:.2f}" y2="{places[b][1]:.2f}" '
        f'data-type="edge" data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        for a, b in skeleton.edges
    ]
    circles = [
        f'<circle r="1.5" cx="{x:.2f}" cy="{y:.2f}" data-type="element node" data-element-id="{at}" '
        f'data-node-id="{at}" data-label-name={_quoted(name)}></circle>'
        for at, ((x, y), name) in enumerate(zip(places, skeleton.points, strict=True), start=1)
    ]
    return "".join((*lines, *circles))


def _quoted(name: str) -> str:
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        name = name.replace(letter, entity)
    return f'"{name}"'
