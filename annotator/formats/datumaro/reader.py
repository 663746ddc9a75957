"""Reads Datumaro JSON: one file per subset, annotations parsed when their image is iterated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from annotator.domain.kinds import Split
from annotator.domain.records import Skeleton
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.datumaro.schema import Item, ItemKey, Shape, Top
from annotator.formats.datumaro.shapes import read_shape
from annotator.formats.datumaro.spec import NO_SPLIT, looks_like_datumaro
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.json_file import decode_file, decode_record
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name, find_file
from annotator.formats.peek import HEAD_BYTES, is_image_name
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import kept_apart, split_named
from annotator.job_context import QUIET, JobContext

_KNOWN = frozenset(Shape.__struct_fields__)
TRACK, SCORE, FRAME, SEQUENCE = "track_id", "score", "frame", "sequence"


@dataclass(frozen=True)
class _File:
    """One subset: names and skeletons of its own label numbers, and where its pictures may be."""

    path: Path
    subset: str
    names: list[str]
    skeletons: dict[int, Skeleton]
    folders: tuple[Path, ...]
    known: dict[str, Path]

    @property
    def split(self) -> Split | None:
        return split_named(self.subset)


@dataclass(frozen=True)
class _Entry:
    file: _File
    index: int
    raw: msgspec.Raw
    name: str
    path: Path | None


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read Datumaro JSON; see ``spec.Reader``."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    labels: dict[str, DatasetLabel] = {}
    entries: list[_Entry] = []
    header: dict[str, Any] = {}
    for file in _files(source):
        top = decode_file(file, Top, findings)
        subset = _subset(file, top, labels, findings)
        entries += _entries(subset, top, image_size, findings)
        header.setdefault("infos", top.infos)
        header.setdefault("label_groups", top.categories.label.label_groups)
        header.setdefault("attributes", top.categories.label.attributes)
    if not header:
        raise FormatError(f"{path} holds no Datumaro JSON.", path=path)
    names = kept_apart([(entry.name, entry.file.split) for entry in entries], findings.tally)
    entries = [_Entry(e.file, e.index, e.raw, name, e.path) for e, name in zip(entries, names, strict=True)]

    def image(entry: _Entry, found: Findings) -> DatasetImage | None:
        return _image(entry, found, image_size)

    images = LazyImages("datumaro", source.path, entries, image, findings, context, keep=source)
    header = {key: value for key, value in header.items() if value}
    return Imported(Dataset(tuple(labels.values()), images, {"datumaro": header} if header else {}), images.report)


def _files(source: Source) -> list[Path]:
    if source.root.is_file():
        return [source.root]
    found = []
    for file in sorted(source.root.rglob("*.json")):
        with file.open("rb") as opened:
            if looks_like_datumaro(opened.read(HEAD_BYTES)):
                found.append(file)
    return found


def _subset(path: Path, top: Top, labels: dict[str, DatasetLabel], findings: Findings) -> _File:
    """Take in the labels of a file; its numbers mean its own list."""
    colors = {
        one.label_id: f"#{one.r & 255:02X}{one.g & 255:02X}{one.b & 255:02X}" for one in top.categories.mask.colormap
    }
    skeletons: dict[int, Skeleton] = {}
    for at, item in enumerate(top.categories.points.items):
        count = len(item.labels)
        pairs = [tuple(joint) for joint in item.joints]
        if any(len(pair) != 2 or not all(1 <= place <= count for place in pair) for pair in pairs):
            place = f"categories.points.items[{at}]"
            findings.bad(path, place, "a joint is no pair of numbers of points, counted from 1")
            continue
        if count:
            skeletons[item.label_id] = Skeleton(tuple(item.labels), tuple((a - 1, b - 1) for a, b in pairs))
    names: list[str] = []
    for number, label in enumerate(top.categories.label.labels):
        name = label.name
        if not name or name in names:
            renamed = f"{name} ({number})"
            findings.tally.converted(renamed, "label", "a label without a name of its own was given one", "")
            name = renamed
        names.append(name)
        extra = {"datumaro": {"attributes": label.attributes}} if label.attributes else {}
        found = DatasetLabel(name, None, colors.get(number, ""), label.parent or "", skeletons.get(number), extra=extra)
        labels.setdefault(name, found)
    base = path.parent.parent if path.parent.name == "annotations" else path.parent
    folders = tuple(f for f in (base / "images" / path.stem, base / "images", base) if f.is_dir())
    return _File(path, path.stem, names, skeletons, folders, {})


def _entries(file: _File, top: Top, image_size: ImageSize | None, findings: Findings) -> list[_Entry]:
    entries = []
    seen: set[str] = set()
    for index, raw in enumerate(top.items):
        place = f"items[{index}]"
        try:
            key = decode_record(raw, ItemKey)
        except ValueError as error:
            findings.bad(file.path, place, str(error))
            continue
        stem = clean_name(str(key.id))
        if not stem or stem in seen:
            findings.bad(file.path, place, "the id was used before" if stem else "it has no id")
            continue
        seen.add(stem)
        name, path = _named(stem, key, file, image_size)
        entries.append(_Entry(file, index, raw, name, path))
    return entries


def _named(stem: str, key: ItemKey, file: _File, image_size: ImageSize | None) -> tuple[str, Path | None]:
    """Name and file of an item: its id with the ending of its picture."""
    written = next((info.path for info in (key.image, key.media) if info is not None and info.path), "") or ""
    picture = clean_name(written)
    path = find_file(file.folders, picture) if picture else None
    ending = PurePosixPath(picture).suffix
    if ending and is_image_name(picture):
        return (stem if stem.endswith(ending) and picture.endswith(stem) else stem + ending), path
    for suffix in (".jpg", ".png", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"):
        path = find_file(file.folders, stem + suffix)
        if path is not None or (image_size is not None and image_size(stem + suffix)):
            return stem + suffix, path
    return f"{stem}.jpg", None


def _image(entry: _Entry, findings: Findings, image_size: ImageSize | None) -> DatasetImage | None:
    place = f"items[{entry.index}]"
    try:
        item = decode_record(entry.raw, Item)
    except ValueError as error:
        findings.bad(entry.file.path, place, str(error))
        return None
    height, width = (item.image.size if item.image and item.image.size else None) or (0, 0)
    known = image_size(entry.name) if image_size else None
    if known and (width, height) not in ((0, 0), known):
        findings.other_size(entry.name, (width, height), known)
    elif known:
        width, height = known
    annotations = []
    for at, raw in enumerate(item.annotations):
        try:
            found = _annotation(raw, entry, (width, height), findings)
            if found is None:
                continue
            if wrong := findings.placed(found.geometry, width, height):
                raise ValueError(wrong)
        except (ValueError, OverflowError) as error:
            findings.bad(entry.file.path, f"{place}.annotations[{at}]", str(error))
            continue
        annotations.append(found)
    attributes = dict(item.attr or {})
    sequence, frame = "", 0
    if item.video_frame is not None:
        sequence, frame = item.video_frame.video_path or "", item.video_frame.frame_index
    elif isinstance(attributes.get(SEQUENCE), str) and type(attributes.get(FRAME)) is int:
        sequence, frame = attributes.pop(SEQUENCE), attributes.pop(FRAME)
    foreign: dict[str, Any] = {"attr": attributes} if attributes else {}
    if entry.file.split is None and entry.file.subset != NO_SPLIT:
        foreign["subset"] = entry.file.subset
    return DatasetImage(
        entry.name,
        tuple(annotations),
        width,
        height,
        entry.path,
        entry.file.split,
        done=True,
        extra={"datumaro": foreign} if foreign else {},
        sequence=sequence,
        frame=frame,
    )


def _annotation(raw: msgspec.Raw, entry: _Entry, size: tuple[int, int], findings: Findings) -> DatasetAnnotation | None:
    shape = decode_record(raw, Shape)
    names, number = entry.file.names, shape.label_id
    if number is not None and not 0 <= number < len(names):
        raise ValueError(f"label_id {number} is not among the {len(names)} labels")
    if number is None and shape.type != "caption":
        raise ValueError("it has no label_id")
    label = "" if number is None else names[number]
    found = read_shape(shape, entry.file.skeletons.get(-1 if number is None else number), size)
    if found is None:
        findings.tally.dropped(label, shape.type, "there is no such shape here", entry.name)
        return None
    geometry, how, foreign = found
    if how:
        findings.tally.converted(label, shape.type, how, entry.name)
    attributes = dict(shape.attributes or {})
    track = attributes.pop(TRACK) if type(attributes.get(TRACK)) is int else None
    score = attributes.pop(SCORE) if type(attributes.get(SCORE)) in (int, float) else None
    for key, value in (("id", shape.id), ("group", shape.group), ("object_id", shape.object_id)):
        if value:
            foreign[key] = value
    every = decode_record(raw, dict[str, Any])
    foreign |= {key: value for key, value in every.items() if key not in _KNOWN}
    return DatasetAnnotation(
        label,
        geometry,
        attributes,
        track,
        shape.z_order or 0,
        confidence=None if score is None else float(score),
        extra={"datumaro": foreign} if foreign else {},
    )
