"""Changes as JSON for the log. What does not differ from ``before`` is not written again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson

from annotator.domain.geometry import from_json
from annotator.domain.kinds import Decision, FindingState, ImageState, Source, Split, Task
from annotator.domain.records import Annotation, FindingDecision, Image, Label, Skeleton, Suggestion, Verdict
from annotator.edits.apply import image_difference
from annotator.edits.changes import (
    AnnotationChange,
    BatchChange,
    Change,
    Edit,
    FindingChange,
    ImageChange,
    LabelChange,
    VerdictChange,
)

Json = dict[str, Any]

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def dump_changes(changes: Iterable[Change]) -> str:
    """The JSON text of changes."""
    return orjson.dumps([_dump(change) for change in changes], option=_OPTIONS).decode()


def load_changes(text: str) -> tuple[Change, ...]:
    """The changes that ``dump_changes`` wrote."""
    return tuple(_load(data) for data in orjson.loads(text))


def load_edit(title: str, image_id: int | None, payload: str, annotator: str, created_at: str) -> Edit:
    """An edit of the log."""
    return Edit(title, image_id, load_changes(payload), annotator, created_at)


def _dump(change: Change) -> Json:
    match change:
        case AnnotationChange():
            return {"annotation": _pair(change.before, change.after)}
        case VerdictChange():
            suggestion = None if change.suggestion is None else _plain(change.suggestion)
            return {"verdict": _pair(change.before, change.after), "suggestion": suggestion}
        case LabelChange():
            return {"label": _pair(change.before, change.after), "merged_into": change.merged_into}
        case ImageChange():
            return _dump_image(change)
        case FindingChange():
            return {"finding": _pair(change.before, change.after)}
        case BatchChange():
            data = {"batch": str(change.batch_id), "applied": change.applied}
            return {**data, "label_id": change.label_id, "into_id": change.into_id}


def _load(data: Json) -> Change:
    if "annotation" in data:
        return AnnotationChange(*(_annotation(each) for each in _unpair(data["annotation"])))
    if "verdict" in data:
        given, changed = (_verdict(each) for each in _unpair(data["verdict"]))
        return VerdictChange(given, changed, _suggestion(data["suggestion"]))
    if "label" in data:
        before, after = (_label(each) for each in _unpair(data["label"]))
        return LabelChange(before, after, data["merged_into"])
    if "image" in data:
        return _load_image(data)
    if "finding" in data:
        return FindingChange(*(_finding(each) for each in _unpair(data["finding"])))
    return BatchChange(UUID(data["batch"]), data["applied"], (), data["label_id"], data["into_id"])


def _plain(record: Any) -> Json:
    """A record as JSON values; geometry in its own form, mappings and tuples as they are."""
    return {f.name: _value(getattr(record, f.name)) for f in fields(record)}


def _value(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Skeleton):
        return {"points": value.points, "edges": value.edges}
    if isinstance(value, Mapping):
        return dict(value)
    return value


def _pair(before: Any, after: Any) -> Json:
    """``before`` in full and of ``after`` the fields that differ; whichever is missing is left out."""
    if before is None:
        return {"after": _plain(after)}
    if after is None:
        return {"before": _plain(before)}
    changed = [f.name for f in fields(after) if getattr(before, f.name) != getattr(after, f.name)]
    return {"before": _plain(before), "change": {name: _value(getattr(after, name)) for name in changed}}


def _unpair(data: Json) -> tuple[Json | None, Json | None]:
    if "change" in data:
        return data["before"], {**data["before"], **data["change"]}
    return data.get("before"), data.get("after")


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _annotation(data: Json | None) -> Annotation | None:
    if data is None:
        return None
    known = {**data, "id": UUID(data["id"]), "geometry": from_json(data["geometry"]), "source": Source(data["source"])}
    return Annotation(**{**known, "suggestion_id": _uuid(data["suggestion_id"])})


def _suggestion(data: Json | None) -> Suggestion | None:
    if data is None:
        return None
    distribution = tuple((label, probability) for label, probability in data["distribution"])
    known = {**data, "id": UUID(data["id"]), "geometry": from_json(data["geometry"]), "distribution": distribution}
    return Suggestion(**{**known, "task": Task(data["task"])})


def _verdict(data: Json | None) -> Verdict | None:
    if data is None:
        return None
    known = {**data, "suggestion_id": UUID(data["suggestion_id"]), "decision": Decision(data["decision"])}
    return Verdict(**{**known, "annotation_id": _uuid(data["annotation_id"])})


def _finding(data: Json | None) -> FindingDecision | None:
    return None if data is None else FindingDecision(**{**data, "state": FindingState(data["state"])})


def _label(data: Json | None) -> Label | None:
    if data is None:
        return None
    skeleton = data["skeleton"]
    if skeleton is not None:
        skeleton = Skeleton(tuple(skeleton["points"]), tuple((a, b) for a, b in skeleton["edges"]))
    return Label(**{**data, "synonyms": tuple(data["synonyms"]), "skeleton": skeleton})


def _dump_image(change: ImageChange) -> Json:
    names = image_difference(change.before, change.after)
    return {
        "image": change.image_id,
        "before": {name: getattr(change.before, name) for name in names},
        "after": {name: getattr(change.after, name) for name in names},
        "done": [sorted(change.done_before), sorted(change.done_after)],
    }


def _load_image(data: Json) -> ImageChange:
    """The two images hold their id and the fields that differ: all that a change of an image is about."""
    before, after = (frozenset(map(Task, tasks)) for tasks in data["done"])
    return ImageChange(_image(data["image"], data["before"]), _image(data["image"], data["after"]), before, after)


def _image(image_id: int, values: Json) -> Image:
    known = dict(values)
    if "state" in known:
        known["state"] = ImageState(known["state"])
    if known.get("split") is not None:
        known["split"] = Split(known["split"])
    return Image(image_id, "", **known)
