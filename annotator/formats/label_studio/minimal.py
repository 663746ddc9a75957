"""Label Studio's short form, JSON_MIN: one flat object for each annotation, its answers under the names of the controls.

Each becomes the task that it was made of, as far as it says. What an answer is shows in its keys; a bare text may be a choice, a
text or data of the task, which only the labelling configuration beside the file can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from annotator.formats.findings import Findings
from annotator.formats.label_studio.config import Control
from annotator.formats.label_studio.names import picture_key
from annotator.formats.label_studio.shapes import REGIONS

_HEAD = ("created_at", "updated_at", "lead_time")
_KEPT = frozenset({"id", "annotator", "annotation_id", "agreement", *_HEAD})
_TEXTS = {"Choices": "choices", "TextArea": "text", "Number": "number", "Rating": "rating"}
_TYPES = {"choices": "choices", "text": "textarea", "number": "number", "rating": "rating", "taxonomy": "taxonomy"}
_SIGNS = (
    ("vertices", "vector"),
    ("rle", "brush"),
    ("points", "polygon"),
    ("radiusX", "ellipse"),
    ("width", "rectangle"),
)
SHORT = (
    "Label Studio's short form (JSON_MIN) has no predictions and no ids of regions; it is written back as its full JSON"
)
UNSAID = "JSON_MIN does not say which region it is of"


def is_minimal(records: Sequence[msgspec.Raw]) -> bool:
    """Whether the file is in the short form: its first object says which annotation it is, and has no data."""
    try:
        first = msgspec.json.decode(records[0]) if records else None
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False
    return isinstance(first, dict) and "annotation_id" in first and "annotator" in first and "data" not in first


def tasks_of(
    records: Sequence[msgspec.Raw], controls: Mapping[str, Control], file: Path, findings: Findings
) -> list[tuple[int, msgspec.Raw]]:
    """The tasks in order, each with the place of its first record; annotations of one task come together."""
    findings.tally.note(SHORT)
    tasks: dict[Any, dict[str, Any]] = {}
    places: list[int] = []
    for index, raw in enumerate(records):
        try:
            record = msgspec.json.decode(raw, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            findings.bad(file, f"[{index}]", str(error))
            continue
        task = _task(record, controls, findings)
        identity = record.get("id")
        key = identity if isinstance(identity, int | str) else ("alone", index)
        known = tasks.setdefault(key, task)
        if known is task:
            places.append(index)
        else:
            known["annotations"] += task["annotations"]
    return [(at, msgspec.Raw(msgspec.json.encode(task))) for at, task in zip(places, tasks.values(), strict=True)]


def _task(record: Mapping[str, Any], controls: Mapping[str, Control], findings: Findings) -> dict[str, Any]:
    picture = picture_key({key: value for key, value in record.items() if key not in _KEPT})
    data: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    for name, value in record.items():
        if name in _KEPT:
            continue
        control = controls.get(name)
        if name == picture or (control is None and not _is_answer(value)):
            data[name] = value
            if isinstance(value, str) and name != picture:
                findings.tally.note(
                    f"{name} is kept as data of its task: no label_config.xml says that it is an answer"
                )
        elif control is not None and control.per_region:
            findings.tally.dropped("", f"attribute {name}", UNSAID, str(record.get(picture, "")))
        else:
            results += _results(name, value, control)
    head = {"id": record.get("annotation_id"), "completed_by": record.get("annotator")}
    head |= {key: record[key] for key in _HEAD if key in record}
    told = {key: record[key] for key in ("id", "agreement") if key in record}
    annotation = {**{key: value for key, value in head.items() if value is not None}, "result": results}
    return {**told, "data": data, "annotations": [annotation]}


def _is_answer(value: Any) -> bool:
    """Whether a value can only be an answer: regions, or an object that names its kind."""
    several = value if isinstance(value, list) else [value]
    return bool(several) and any(isinstance(each, dict) and _type(each) for each in several)


def _type(value: Mapping[str, Any]) -> str:
    """The type of the result that has this value, empty when nothing says it."""
    for region, key in REGIONS.items():
        if key in value:
            return REGIONS[region]
    for sign, region in _SIGNS:
        if sign in value:
            return region
    if "x" in value and "y" in value:
        return "keypoint"
    return next((kind for key, kind in _TYPES.items() if key in value), "")


def _results(name: str, value: Any, control: Control | None) -> list[dict[str, Any]]:
    key = _TEXTS.get(control.tag, "text") if control else "text"
    found = []
    for each in value if isinstance(value, list) else [value]:
        told = each if isinstance(each, dict) else {key: each if key in ("number", "rating") else [each]}
        sizes = {side: told[side] for side in ("original_width", "original_height") if side in told}
        bare = {k: v for k, v in told.items() if k not in sizes}
        found.append({"type": _type(bare), "from_name": name, "value": bare, **sizes})
    return found
