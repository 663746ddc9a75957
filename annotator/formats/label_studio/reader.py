"""Reads Label Studio's tasks: annotations of all annotators, predictions as suggestions, results of one id as one annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from annotator.domain.geometry import Caption, Tag
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.json_file import decode_file, decode_record
from annotator.formats.label_studio.config import read_config, read_controls
from annotator.formats.label_studio.minimal import is_minimal, tasks_of
from annotator.formats.label_studio.names import picture_key, picture_name, upload_name
from annotator.formats.label_studio.schema import Annotated, Result, Task
from annotator.formats.label_studio.shapes import REGIONS, place_keys, read_shape, region_of, unmoved
from annotator.formats.label_studio.spec import CONFIG, looks_like_label_studio
from annotator.formats.lazy import LazyImages
from annotator.formats.names import find_file
from annotator.formats.peek import HEAD_BYTES
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_named
from annotator.job_context import QUIET, JobContext

SPLIT = "split"
_RESULT = frozenset(Result.__struct_fields__)
_ANSWERS = ("choices", "taxonomy", "textarea", "number", "rating", "labels")


@dataclass(frozen=True)
class _Item:
    file: Path
    index: int
    raw: msgspec.Raw
    name: str
    key: str


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read Label Studio; see ``spec.Reader``. Labels come from label_config.xml beside the tasks, then from the results."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    labels: dict[str, DatasetLabel] = {}
    items: list[_Item] = []
    files = _files(source)
    for file in files:
        config = file.parent / CONFIG
        if config.is_file():
            labels.update({label.name: label for label in read_config(config)})
        records = decode_file(file, list[msgspec.Raw], findings)
        tasks = list(enumerate(records))
        if is_minimal(records):
            tasks = tasks_of(records, read_controls(config) if config.is_file() else {}, file, findings)
        for index, raw in tasks:
            if item := _item(file, index, raw, findings):
                items.append(item)
    if not files:
        raise FormatError(f"{path} holds no tasks of Label Studio.", path=path)
    items = _apart(items)
    several = 0
    for item in items:
        several += _collect(item, labels)
    if several:
        findings.tally.note(
            f"{several:,} tasks have annotations of several people: all were read, each with its annotator"
        )
    folders = tuple(f for f in (source.folder / "images", source.folder) if f.is_dir())

    def image(item: _Item, found: Findings) -> DatasetImage | None:
        try:
            return _Reading(item, found, image_size).image(folders)
        except ValueError as error:  # what only shows when all of the task is parsed: odd bytes, numbers beyond float64
            found.bad(item.file, f"[{item.index}]", str(error))
            return None

    images = LazyImages("label_studio", source.path, items, image, findings, context, keep=source)
    return Imported(Dataset(tuple(labels.values()), images), images.report)


def _files(source: Source) -> list[Path]:
    if source.root.is_file():
        return [source.root]
    found = []
    for file in sorted(source.root.rglob("*.json")):
        with file.open("rb") as opened:
            if looks_like_label_studio(opened.read(HEAD_BYTES)):
                found.append(file)
    return found


def _item(file: Path, index: int, raw: msgspec.Raw, findings: Findings) -> _Item | None:
    try:
        task = decode_record(raw, Task)
        key = picture_key(task.data)
        name = picture_name(task.data[key]) if key else ""
        if not name:
            raise ValueError("its data names no picture")
    except ValueError as error:
        findings.bad(file, f"[{index}]", str(error))
        return None
    return _Item(file, index, raw, name, key)


def _apart(items: list[_Item]) -> list[_Item]:
    """Two uploads of one name keep the letters by which Label Studio tells them apart; other twins get their number."""
    seen = Counter(item.name for item in items)
    taken: set[str] = set()
    found = []
    for item in items:
        name = item.name
        if seen[name] > 1:
            longer = upload_name(decode_record(item.raw, Task).data[item.key])
            folder = name.rpartition("/")[0]
            name = f"{folder}/{longer}" if folder else longer
        if name in taken:
            name = f"{item.index}/{name}"
        taken.add(name)
        found.append(_Item(item.file, item.index, item.raw, name, item.key))
    return found


def _collect(item: _Item, labels: dict[str, DatasetLabel]) -> int:
    """Note the labels of a task; 1 when several people annotated it. What is wrong is said when the image is read."""
    task = decode_record(item.raw, Task)
    people = 0
    for group in (task.annotations or task.completions or [], task.predictions or []):
        for raw in group:
            try:
                annotated = decode_record(raw, Annotated)
                results = [decode_record(one, Result) for one in annotated.result]
            except ValueError:
                continue
            people += group is not (task.predictions or []) and not annotated.was_cancelled and bool(results)
            for each in _groups(results):
                for name in each.labels:
                    labels.setdefault(name, DatasetLabel(name))
    return int(people > 1)


@dataclass
class _Group:
    """Results of one id: the region or whole-image answer, and what else was said of it. ``again``: another region had the id."""

    place: int
    first: Result
    rest: list[Result] = field(default_factory=list)
    again: bool = False

    @property
    def region(self) -> str:
        return region_of(self.first.type)

    @property
    def labels(self) -> list[str]:
        """The labels: of the region's own key, of a ``labels`` result beside it, or the choices."""
        if self.region:
            for one in (self.first, *self.rest):
                for key in (REGIONS[self.region], "labels"):
                    if isinstance(names := one.value.get(key), list) and names:
                        return [str(name) for name in names]
            return []
        if self.first.type == "choices":
            names = self.first.value.get("choices")
            return [str(name) for name in names] if isinstance(names, list) else []
        if self.first.type == "taxonomy":
            paths = self.first.value.get("taxonomy") or []
            listed = paths if isinstance(paths, list) else []
            return [" / ".join(map(str, path)) for path in listed if isinstance(path, list) and path]
        return []


def _groups(results: list[Result]) -> Iterator[_Group]:
    """Results by their id, in order; a region stands before what is said of it."""
    groups: dict[Any, _Group] = {}
    for at, one in enumerate(results):
        if one.type == "relation":
            continue
        key = one.id if one.id is not None else ("alone", at)
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(at, one)
        elif region_of(one.type) and not group.region:
            group.rest.insert(0, group.first)
            group.first = one
        elif _is_another(group, one):
            groups["again", at] = _Group(at, one, again=True)
        else:
            group.rest.append(one)
    yield from groups.values()


def _is_another(group: _Group, one: Result) -> bool:
    """Whether the result is a region in another place than the group's, and so only its id is the same."""
    region = region_of(one.type)
    return bool(region) and any(group.first.value.get(k) != one.value.get(k) for k in place_keys(region))


class _Reading:
    """Reads one task."""

    def __init__(self, item: _Item, findings: Findings, image_size: ImageSize | None) -> None:
        self._item, self._findings = item, findings
        self._known = image_size(item.name) if image_size else None
        self._size = self._known or (0, 0)

    def image(self, folders: tuple[Path, ...]) -> DatasetImage:
        item = self._item
        task = decode_record(item.raw, Task)
        annotations: list[DatasetAnnotation] = []
        heads: dict[str, list[dict[str, Any]]] = {"annotations": [], "predictions": []}
        done = False
        key = "annotations" if task.annotations is not None or task.completions is None else "completions"
        for at, raw in enumerate(task.annotations or task.completions or []):
            done |= self._annotated(raw, key, at, annotations, heads["annotations"], suggested=False)
        for at, raw in enumerate(task.predictions or []):
            self._annotated(raw, "predictions", at, annotations, heads["predictions"], suggested=True)
        data = dict(task.data)
        split = data.get(SPLIT)
        known: Split | None = split_named(split) if isinstance(split, str) else None
        if known is not None:
            data.pop(SPLIT)
        every = decode_record(item.raw, dict[str, Any])
        foreign = {k: v for k, v in every.items() if k not in ("data", "annotations", "predictions", "completions")}
        foreign |= {"data": data, **{k: v for k, v in heads.items() if v}}
        path = find_file(folders, item.name)
        width, height = self._size
        extra = {"label_studio": foreign}
        return DatasetImage(item.name, tuple(annotations), width, height, path, known, done=done, extra=extra)

    def _annotated(
        self,
        raw: msgspec.Raw,
        key: str,
        at: int,
        annotations: list[DatasetAnnotation],
        heads: list[dict[str, Any]],
        *,
        suggested: bool,
    ) -> bool:
        place = f"[{self._item.index}].{key}[{at}]"
        try:
            found = decode_record(raw, Annotated)
            every = decode_record(raw, dict[str, Any])
        except ValueError as error:
            self._findings.bad(self._item.file, place, str(error))
            return False
        if found.was_cancelled:
            self._findings.tally.dropped(
                "", "annotation", "it was cancelled (skipped) in Label Studio", self._item.name
            )
            return False
        heads.append({k: v for k, v in every.items() if k != "result"})
        results: list[Result] = []
        for number, one in enumerate(found.result):
            try:
                results.append(decode_record(one, Result))
            except ValueError as error:
                self._findings.bad(self._item.file, f"{place}.result[{number}]", str(error))
                results.append(Result("relation"))
        who = "" if suggested else annotator_of(found.completed_by)
        for group in _groups(results):
            try:
                annotations += self._annotations(group, found, found.result[group.place], who, suggested=suggested)
            except (ValueError, TypeError, OverflowError) as error:
                self._findings.bad(self._item.file, f"{place}.result[{group.place}]", str(error))
        return True

    def _annotations(
        self, group: _Group, found: Annotated, raw: msgspec.Raw, who: str, *, suggested: bool
    ) -> list[DatasetAnnotation]:
        first, name = group.first, self._item.name
        foreign = {k: v for k, v in decode_record(raw, dict[str, Any]).items() if k not in _RESULT}
        foreign |= {
            k: v for k, v in (("id", first.id), ("from_name", first.from_name), ("to_name", first.to_name)) if v
        }
        if group.again:
            raise ValueError(f"the id {first.id!r} was used before, for another region")
        how, labels = "", group.labels
        if group.region:
            width, height = self._sides(first)
            shape = read_shape(group.region, first.value, width, height)
            if wrong := self._findings.placed(shape.geometry, width, height):
                raise ValueError(wrong)
            geometry, how = shape.geometry, shape.how
            keys = place_keys(group.region)
            foreign |= shape.foreign | unmoved(group.region, first.value, geometry, width, height)
            own = {*keys, REGIONS[group.region]}
            if kept := {k: v for k, v in first.value.items() if k not in own}:
                foreign["value"] = kept
            if not first.type.endswith("labels"):
                foreign["type"] = first.type
        elif first.type in ("choices", "taxonomy"):
            geometry = Tag()
            how = "" if first.type == "choices" else "the path of a taxonomy, read as one tag"
        elif first.type == "textarea":
            geometry, labels = Caption("\n".join(_texts(first.value))), [""]
        else:
            self._findings.tally.dropped("", first.type, "there is no such shape here", name)
            return []
        if not labels:
            raise ValueError("it has no label")
        attributes = dict(_attributes(group.rest, self._findings, name))
        score = first.score if first.score is not None else found.score
        if found.model_version and suggested:
            foreign["model_version"] = found.model_version
        if len(labels) > 1:
            how = "; ".join(filter(None, (how, "a result with several labels, read as one annotation for each")))
        result = []
        for place, label in enumerate(labels):
            if how:
                self._findings.tally.converted(label, geometry.kind.value, how, name)
            extra = {"label_studio": foreign if not place else {k: v for k, v in foreign.items() if k != "id"}}
            result.append(
                DatasetAnnotation(
                    label,
                    geometry,
                    attributes,
                    annotator=who,
                    confidence=score,
                    suggested=suggested,
                    extra=extra if foreign else {},
                )
            )
        return result

    def _sides(self, first: Result) -> tuple[int, int]:
        if first.image_rotation:
            raise ValueError(
                f"image_rotation is {first.image_rotation:g}: pictures turned in Label Studio are not read"
            )
        width, height = int(first.original_width or 0), int(first.original_height or 0)
        if width < 0 or height < 0:
            raise ValueError(f"the original size is {width} x {height}")
        if not (width and height):
            width, height = self._size
        if not (width and height):
            raise ValueError("the size of the picture is not known, so per cent mean nothing")
        if self._known and (width, height) != self._known:
            self._findings.other_size(self._item.name, (width, height), self._known)
            self._known = None
        self._size = (width, height)
        return width, height


def annotator_of(completed_by: Any) -> str:
    """A person's address, or number, as text."""
    if isinstance(completed_by, dict):
        return str(completed_by.get("email") or completed_by.get("id") or "")
    return "" if completed_by is None else str(completed_by)


def _texts(value: dict[str, Any]) -> list[str]:
    text = value.get("text")
    if isinstance(text, str):
        return [text]
    if not isinstance(text, list) or not all(isinstance(line, str) for line in text):
        raise ValueError("text is no list of texts")
    return text


def _attributes(rest: list[Result], findings: Findings, image: str) -> Iterator[tuple[str, Any]]:
    """What was said of a region beside its place: choices, texts and numbers under the name of their control."""
    for one in rest:
        if one.type == "labels" or region_of(one.type):
            continue
        if one.type == "choices":
            chosen = [str(each) for each in one.value.get("choices") or []]
            value: Any = chosen[0] if len(chosen) == 1 else chosen
            yield one.from_name, {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        elif one.type == "textarea":
            texts = _texts(one.value)
            yield one.from_name, texts[0] if len(texts) == 1 else texts
        elif one.type in _ANSWERS:
            yield one.from_name, one.value.get(one.type)
        else:
            findings.tally.dropped("", one.type, "there is no such attribute here", image)
