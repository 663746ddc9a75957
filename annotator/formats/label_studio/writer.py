"""Writes Label Studio's tasks: tasks.json with label_config.xml and images/, or one JSON file; suggestions as predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from annotator.domain.geometry import Caption, Keypoints, Point, Visibility
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.label_studio import reader
from annotator.formats.label_studio.config import write_config
from annotator.formats.label_studio.ids import RegionIds, foreign_id
from annotator.formats.label_studio.names import local_address, picture_key, picture_name
from annotator.formats.label_studio.reader import SPLIT, annotator_of
from annotator.formats.label_studio.shapes import REGIONS, write_shape
from annotator.formats.label_studio.spec import CONFIG, SPEC, TASKS
from annotator.formats.labels import check_names, report_unused, unknown
from annotator.formats.merging import joined
from annotator.formats.placed import PLACED, standing
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import passing, tell
from annotator.formats.xml_text import mended
from annotator.job_context import QUIET, JobContext

NO_SIZE = "per cent need the image's size, which is not known"
OUTSIDE = "the mask lies outside the image"
_CUT = "the part of the mask outside the image was cut off"
_OURS = frozenset({"id", "from_name", "to_name", "value", "type", "ellipse", "model_version", PLACED})
_MODEL = "annotator"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write Label Studio; see ``spec.Writer``. A target that ends in .json is one file, without the configuration."""
    mode = ImagesMode(images)
    single = target.suffix.lower() == ".json"
    if single and mode is not ImagesMode.NONE:
        raise FormatError(
            f"{target} is one file; pictures need a folder.", "Give a folder, or no pictures.", path=target
        )
    tally = Tally()
    with Target(target, merge=merge, replace=replace, is_file=single) as place:
        standing = target if single else target / TASKS
        if merge and standing.is_file():
            dataset = joined(dataset, reader.read(standing).dataset, tally)
        check_names(dataset)
        unheld = Unheld(SPEC, tally)
        unheld.labels(dataset)
        with place.file.open("xb") if single else place.open(TASKS) as file:
            work = _Work(dataset, place, file, mode, tally, unheld)
            file.write(b"[")
            for image in passing(dataset, unheld, context, "Label Studio"):
                work.add(image)
            file.write(b"\n]\n")
        if single:
            report_unused(dataset, work.used, tally)
        else:
            labels = tuple(label for label in dataset.labels if mended(label.name) == label.name)
            place.write(CONFIG, write_config(labels, work.regions, work.attributes).encode())
    return tally.report("label_studio", target)


class _Work:
    """``regions``, ``attributes`` and ``used`` say what the configuration needs, and which labels occur."""

    def __init__(
        self, dataset: Dataset, place: Target, file: BinaryIO, mode: ImagesMode, tally: Tally, unheld: Unheld
    ) -> None:
        self._place, self._file, self._mode, self._tally, self._unheld = place, file, mode, tally, unheld
        self._known = {label.name for label in dataset.labels}
        self._first = True
        self.regions: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.used: set[str] = set()

    def add(self, image: DatasetImage) -> None:
        """Write one task."""
        foreign = own(image.extra, "label_studio")
        people: dict[str, list[dict[str, Any]]] = {}
        models: dict[str, list[dict[str, Any]]] = {}
        ids = RegionIds(image)
        for number, one in enumerate(image.annotations):
            model = str(own(one.extra, "label_studio").get("model_version") or _MODEL)
            results = self._results(one, image, partial(ids.new, one, model, number))
            if results:
                group = models.setdefault(model, []) if one.suggested else people.setdefault(one.annotator, [])
                group += results
        if image.done and not people:
            people[_first_person(foreign)] = []
        data = self._data(image, foreign)
        task: dict[str, Any] = {k: v for k, v in foreign.items() if k not in ("data", "annotations", "predictions")}
        task["data"] = data
        heads = _heads(foreign, "annotations")
        task["annotations"] = [_annotated(heads, who, results) for who, results in people.items()]
        heads = _heads(foreign, "predictions")
        task["predictions"] = [_predicted(heads, model, results) for model, results in models.items()]
        self._file.write(b"\n" if self._first else b",\n")
        self._file.write(orjson.dumps(task, option=orjson.OPT_SERIALIZE_NUMPY))
        self._first = False
        self._tally.images += 1
        self._place.add_image(image.path, f"images/{image.name}", self._mode, self._tally, image.name)

    @staticmethod
    def _data(image: DatasetImage, foreign: Mapping[str, Any]) -> dict[str, Any]:
        """The task's data: what was read while it still names this picture."""
        kept = foreign.get("data")
        data = dict(kept) if isinstance(kept, Mapping) else {}
        key = picture_key(data)
        if not key or picture_name(str(data[key])) != image.name:
            data["image"] = local_address(image.name)
        if image.split:
            data[SPLIT] = image.split.value
        return data

    def _results(
        self, one: DatasetAnnotation, image: DatasetImage, new_id: Callable[[int], str]
    ) -> list[dict[str, Any]]:
        """The results of an annotation; none when it was dropped (and reported)."""
        if one.label not in self._known and not isinstance(one.geometry, Caption):
            raise unknown(one.label, image.name)
        geometries = (one.geometry,)
        how = ""
        if isinstance(one.geometry, Keypoints):
            geometries = tuple(Point(x, y) for x, y, seen in one.geometry.points if seen != Visibility.ABSENT)  # type: ignore[assignment]
            how = SPEC.converts[one.geometry.kind]
        foreign = own(one.extra, "label_studio")
        results: list[dict[str, Any]] = []
        for place, geometry in enumerate(geometries):
            found = write_shape(geometry, foreign, image.width or 1, image.height or 1)
            why = self._unwritable(one, image, found)
            if found is None or why:
                self._tally.dropped(one.label, one.geometry.kind.value, why, image.name)
                return []
            region, value, changed = found
            before = standing(foreign, geometry, image.width, image.height)
            if isinstance(before, Mapping) and before.keys() <= value.keys():
                value = {**value, **before}
            how = how or changed or self._cut(one, image)
            name = new_id(place)
            if not place and (was := foreign_id(one)) and name != was:
                self._tally.converted(one.label, "region id", "another region had the same", image.name)
            results.append(self._result(one, image, region, value, name))
            results += self._answers(one, image, name)
        if not results:
            self._tally.dropped(one.label, one.geometry.kind.value, "none of its points is there", image.name)
            return []
        tell(self._tally, _unsuggested(one), image, how)
        for _ in geometries if isinstance(one.geometry, Keypoints) else ():
            self._tally.converted(one.label, "point", "one of the keypoints of an annotation", image.name)
        self._unheld.annotation(one, image)
        self.used.add(one.label)
        return results

    @staticmethod
    def _unwritable(one: DatasetAnnotation, image: DatasetImage, found: Any) -> str:
        if found is None:
            return WHY
        if found[0] in REGIONS and not (image.width and image.height):
            return NO_SIZE
        return OUTSIDE if found[0] == "brush" and not _inside(one, image) else ""

    @staticmethod
    def _cut(one: DatasetAnnotation, image: DatasetImage) -> str:
        area = getattr(one.geometry, "area", 0)
        return _CUT if one.geometry.kind == "mask" and _inside(one, image) != area else ""

    def _result(
        self, one: DatasetAnnotation, image: DatasetImage, region: str, place: dict[str, Any], name: str
    ) -> dict[str, Any]:
        foreign = own(one.extra, "label_studio")
        self.regions.add(region)
        key = REGIONS.get(region, region)
        value = {**dict(foreign.get("value") or {}), **place}
        if region != "textarea":
            value[key] = [one.label]
        control = {"choices": "tag", "textarea": "caption"}.get(region, region)
        kept = {k: v for k, v in foreign.items() if k not in _OURS}
        result = {
            "id": name,
            "type": key,
            "from_name": foreign.get("from_name") or control,
            "to_name": foreign.get("to_name") or "image",
            "value": value,
            **kept,
        }
        if region in REGIONS:
            result |= {"original_width": image.width, "original_height": image.height, "image_rotation": 0}
        if one.confidence is not None:
            result["score"] = one.confidence
        return result

    def _answers(self, one: DatasetAnnotation, image: DatasetImage, name: str) -> list[dict[str, Any]]:
        """Attributes as results of the same id, each under its own name as a control."""
        results = []
        to_name = own(one.extra, "label_studio").get("to_name") or "image"
        for key, value in one.attributes.items():
            kind, told = _answer(value)
            if kind == "json":
                kind = "textarea"
                self._tally.converted(one.label, f"attribute {key}", "written as JSON text", image.name)
            if mended(key) == key:
                self.attributes.setdefault(key, kind)
            results.append({"id": name, "type": kind, "from_name": key, "to_name": to_name, "value": told})
        return results


def _answer(value: Any) -> tuple[str, dict[str, Any]]:
    """The type and value of the result that says an attribute."""
    match value:
        case bool():
            return "choices", {"choices": ["true" if value else "false"]}
        case int() | float():
            return "number", {"number": value}
        case str():
            return "textarea", {"text": [value]}
        case [str(), *rest] if all(isinstance(each, str) for each in rest) and rest:
            return "textarea", {"text": value}
    return "json", {"text": [orjson.dumps(value, default=str).decode()]}


def _inside(one: DatasetAnnotation, image: DatasetImage) -> int:
    """Pixels of a mask that lie in the image."""
    geometry = one.geometry
    full = getattr(geometry, "to_full_array", None)
    return int(full(image.height, image.width).sum()) if full is not None else 1


def _unsuggested(one: DatasetAnnotation) -> DatasetAnnotation:
    """Predictions are what suggestions are called here, so nothing of that is converted."""
    return dataclasses.replace(one, suggested=False) if one.suggested else one


def _heads(foreign: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    kept = foreign.get(key)
    return [dict(head) for head in kept if isinstance(head, Mapping)] if isinstance(kept, list) else []


def _first_person(foreign: Mapping[str, Any]) -> str:
    """Who said that there is nothing: the annotator of the head that was read, or nobody."""
    return next((annotator_of(head.get("completed_by")) for head in _heads(foreign, "annotations")), "")


def _annotated(heads: list[dict[str, Any]], who: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """One person's annotation, under the head that it was read with."""
    head = next((head for head in heads if annotator_of(head.get("completed_by")) == who), {})
    if not head and who:
        head = {"completed_by": int(who) if who.isdecimal() and len(who) < 18 else {"email": who}}
    return {**head, "result": results}


def _predicted(heads: list[dict[str, Any]], model: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    head = next((head for head in heads if head.get("model_version") == model), {"model_version": model})
    return {**head, "result": results}
