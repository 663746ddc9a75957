"""Reads COCO: one JSON file, or a folder or zip of them. Annotations are parsed when their image is iterated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from annotator.domain.geometry import Caption
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.coco.categories import LabelTable
from annotator.formats.coco.files import APART, IN_FILES, CocoFile, Record, load, whole_number
from annotator.formats.coco.panoptic import read_segments
from annotator.formats.coco.records import read_record
from annotator.formats.coco.spec import looks_like_coco
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.names import clean_name, find_file
from annotator.formats.peek import HEAD_BYTES
from annotator.formats.report import Report, Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_in, split_named
from annotator.job_context import QUIET, JobContext


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read COCO; see ``spec.Reader``. Results lists become suggestions on the images of the files beside them."""
    source = Source(path)
    load_findings = Findings(Tally(), skip_bad=skip_bad)
    files = [load(file, load_findings) for file in _files(source)]
    for file in files:
        file.split = split_in(file.path.relative_to(source.folder).as_posix())
    if not files:
        raise FormatError(f"{path} holds no COCO file.", "Name the JSON file, or another format.", path=path)
    instances = [file for file in files if not file.is_results]
    results = [file for file in files if file.is_results]
    if not instances:
        instances = _siblings(source.root, load_findings)
    labels = LabelTable(instances, load_findings)
    images = _Images(source, instances, results, labels, image_size, context, load_findings)
    images.only_results = len(results) == len(files)
    header: Record = {}
    for file in instances:
        for key, value in file.header.items():
            header.setdefault(key, value)
    extra = {"coco": header} if header else {}
    may_have_tags = any(file.may_have_tags for file in files)
    return Imported(Dataset(labels.labels, images, extra, may_have_tags=may_have_tags), images.report)


def _files(source: Source) -> list[Path]:
    return [source.root] if source.root.is_file() else coco_files(source.root)


def coco_files(folder: Path) -> list[Path]:
    """The JSON files below ``folder`` that look like COCO's."""
    found = []
    for file in sorted(folder.rglob("*.json")):
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
        if looks_like_coco(file.name, head):
            found.append(file)
    return found


def _siblings(file: Path, findings: Findings) -> list[CocoFile]:
    """Files that name the images of a results list: those in its folder."""
    folder = file if file.is_dir() else file.parent
    found = [load(f, findings) for f in _files(Source(folder)) if f != file]
    found = [one for one in found if not one.is_results]
    if not found:
        raise FormatError(
            f"{file} is a results list, which gives images by number only.",
            "Put the annotation file with the images beside it.",
            path=file,
        )
    return found


@dataclass
class _Entry:
    """An image with the records that describe it, one per file that lists it."""

    name: str
    split: Split | None
    records: list[tuple[CocoFile, Record]] = field(default_factory=list)
    results: list[tuple[CocoFile, int | str]] = field(default_factory=list)


class _Images:
    """Re-iterable; each iteration starts a fresh tally on top of what loading found."""

    def __init__(
        self,
        source: Source,
        instances: list[CocoFile],
        results: list[CocoFile],
        labels: LabelTable,
        image_size: ImageSize | None,
        context: JobContext,
        loaded: Findings,
    ) -> None:
        self._source, self._labels, self._size, self._context = source, labels, image_size, context
        self._loaded = loaded
        self._tally = loaded.tally
        self._folders: dict[Path, tuple[Path, ...]] = {}
        self.only_results = False
        self._entries = self._collect(instances)
        self._attach(results)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[DatasetImage]:
        self._tally = self._loaded.tally.copy()
        findings = Findings(self._tally, skip_bad=self._loaded.skip_bad)
        self._tally.note(ORIENTED)
        for done, entry in enumerate(self._entries):
            if done % 256 == 0:
                self._context.check_cancelled()
                self._context.progress(done, len(self._entries), "reading COCO")
            if self.only_results and not entry.results:
                continue
            image = self._image(entry, findings)
            self._tally.images += 1
            self._tally.annotations += len(image.annotations)
            yield image

    def report(self) -> Report:
        return self._tally.report("coco", self._source.path)

    def _collect(self, files: list[CocoFile]) -> list[_Entry]:
        entries: dict[tuple[str, Split | None], _Entry] = {}
        for file in files:
            ids: set[Any] = set()
            for index, record in enumerate(file.images):
                identity, written = record.get("id"), record.get("file_name")
                if not isinstance(identity, int | str) or not isinstance(written, str) or not clean_name(written):
                    self._loaded.bad(file.path, f"images[{index}]", "an image needs an id and a file_name")
                    continue
                if identity in ids:
                    self._loaded.bad(file.path, f"images[{index}]", f"the id {identity!r} was used before")
                    continue
                ids.add(identity)
                split = split_named(str(record.get("split", ""))) or file.split
                key = (clean_name(written), split)
                entries.setdefault(key, _Entry(*key)).records.append((file, record))
        splits: dict[str, int] = {}
        for name, _ in entries:
            splits[name] = splits.get(name, 0) + 1
        for (name, split), entry in entries.items():
            if splits[name] > 1 and split is not None:
                entry.name = f"{split.value}/{name}"
                self._loaded.tally.warn(f"{name} is in several splits: named {entry.name}")
        return list(entries.values())

    def _attach(self, results: list[CocoFile]) -> None:
        """Give each results list to the images that its ids mean, first those of its own split."""
        for file in results:
            own_split: dict[Any, list[_Entry]] = {}
            any_split: dict[Any, list[_Entry]] = {}
            for entry in self._entries:
                for identity in {record["id"] for _, record in entry.records}:
                    any_split.setdefault(identity, []).append(entry)
                    if entry.split == file.split:
                        own_split.setdefault(identity, []).append(entry)
            for identity in file.by_image:
                meant = own_split.get(identity) or ([] if file.split else any_split.get(identity, []))
                if len(meant) != 1:
                    why = "names no image" if not meant else "names images of several splits"
                    place = f"annotations[{file.by_image[identity][0]}]"
                    self._loaded.bad(file.path, place, f"image_id {identity!r} {why}")
                else:
                    meant[0].results.append((file, identity))

    def _image(self, entry: _Entry, findings: Findings) -> DatasetImage:
        first = entry.records[0][1]
        width, height = self._declared(entry, findings)
        annotations: list[DatasetAnnotation] = []
        if not self.only_results:
            for file, index, record in self._merged(entry, findings):
                annotations += self._read(file, index, record, entry, width, height, findings)
        for file, identity in entry.results:
            for index in file.by_image[identity]:
                annotations += self._read(
                    file, index, self._parsed(file, index, findings), entry, width, height, findings
                )
        foreign = {k: v for k, v in first.items() if k not in ("width", "height", "file_name", "split")}
        if first["file_name"] != entry.name:
            foreign["file_name"] = first["file_name"]
        path = find_file(self._lookup(entry.records[0][0], entry.split), clean_name(first["file_name"]))
        return DatasetImage(
            entry.name,
            tuple(annotations),
            width,
            height,
            path,
            entry.split,
            done=not self.only_results,
            extra={"coco": foreign},
        )

    def _declared(self, entry: _Entry, findings: Findings) -> tuple[int, int]:
        file, record = entry.records[0]
        width, height = whole_number(record.get("width")) or 0, whole_number(record.get("height")) or 0
        if width < 0 or height < 0:
            findings.bad(file.path, f"image {entry.name}", f"its size is {width} x {height}")
            width = height = 0
        known = self._size(entry.name) if self._size else None
        if known is None:
            return width, height
        if (width, height) not in ((0, 0), known):
            findings.other_size(entry.name, (width, height), known)
            return width, height
        return known

    def _merged(self, entry: _Entry, findings: Findings) -> Iterator[tuple[CocoFile, int, Record]]:
        """Records of all files; the same annotation in two files (instances and keypoints) comes once, with both's fields."""
        if len(entry.records) == 1:
            file, image = entry.records[0]
            for index in file.by_image.get(image["id"], ()):
                record = self._parsed(file, index, findings)
                yield file, index, _placed(record, {file.kind: None}) if file.kind in APART else record
            return
        merged: list[tuple[CocoFile, int, Record]] = []
        kinds: list[dict[str, None]] = []
        for file, image in entry.records:
            for index in file.by_image.get(image["id"], ()):
                record = self._parsed(file, index, findings)
                for place, (_, _, other) in enumerate(merged):
                    if _same(other, record):
                        merged[place] = (*merged[place][:2], {**record, **{k: v for k, v in other.items() if v}})
                        kinds[place][file.kind] = None
                        break
                else:
                    merged.append((file, index, record))
                    kinds.append({file.kind: None})
        for (file, index, record), found in zip(merged, kinds, strict=True):
            yield file, index, _placed(record, found) if found.keys() & APART else record

    def _parsed(self, file: CocoFile, index: int, findings: Findings) -> Record:
        try:
            record = file.record(index)
        except orjson.JSONDecodeError as error:
            findings.bad(file.path, f"annotations[{index}]", f"not JSON: {error}")
            return {}
        return record if isinstance(record, dict) else {}

    def _read(
        self, file: CocoFile, index: int, record: Record, entry: _Entry, width: int, height: int, findings: Findings
    ) -> list[DatasetAnnotation]:
        if not record:
            return []
        label = ""
        try:
            if "segments_info" in record:
                found = self._segments(file, record, entry, (width, height), findings)
            else:
                label = self._labels.name_of(file, record)
                found = read_record(record, label, width, height, suggested=file.is_results)
            spills = False
            for one in found:
                wrong, spills_too = findings.judged(one.geometry, width, height)
                if wrong:
                    raise ValueError(wrong)
                spills |= spills_too
        except (ValueError, TypeError, OverflowError) as error:
            findings.bad(file.path, f"annotations[{index}] (id {record.get('id', 'none')})", str(error))
            return []
        for one in found:
            findings.tally.kept(one.label, one.geometry.kind.value, entry.name)
            if spills and findings.spills(one.geometry, width, height):
                how = "kept, though it leaves the image"
                findings.tally.converted(one.label, one.geometry.kind.value, how, entry.name)
            if not one.label and not isinstance(one.geometry, Caption):
                findings.bad(file.path, f"annotations[{index}]", "it has no category_id")
                return []
        return found

    def _segments(
        self, file: CocoFile, record: Record, entry: _Entry, size: tuple[int, int], findings: Findings
    ) -> list[DatasetAnnotation]:
        """The masks of a panoptic picture; things of an image whose instances are listed elsewhere come from there."""
        segments = record["segments_info"]
        if not isinstance(segments, list):
            raise ValueError("segments_info is no list of objects")
        instances = any(other is not file and other.by_image.get(image["id"]) for other, image in entry.records)
        things = {each.get("id") for each in file.categories if each.get("isthing", 1)} if instances else set()
        kept = []
        for segment in segments:
            if isinstance(segment, dict) and segment.get("category_id") in things:
                label = self._labels.name_of(file, segment)
                findings.tally.dropped(label, "panoptic segment", "its image's instances were read instead", entry.name)
            else:
                kept.append(segment)
        return read_segments({**record, "segments_info": kept}, file.path, size, partial(self._labels.name_of, file))

    def _lookup(self, file: CocoFile, split: Split | None) -> tuple[Path, ...]:
        cached = self._folders.get(file.path)
        if cached is None:
            root, beside = self._source.folder, file.path.parent
            stem = file.path.stem.split("_")[-1]
            bases = dict.fromkeys((beside, beside.parent, root)) if beside != root else {root: None, root.parent: None}
            ends = dict.fromkeys((f"images/{stem}", stem, f"images/{split.value if split else ''}", "images", ""))
            cached = tuple(f for base in bases for end in ends if (f := base / end if end else base).is_dir())
            self._folders[file.path] = cached
        return cached


def _placed(record: Record, kinds: dict[str, None]) -> Record:
    """The record with the kinds of files that have it, unless it is bad and skipped."""
    return {**record, IN_FILES: list(kinds)} if record else record


def _same(one: Record, other: Record) -> bool:
    keys = ("id", "category_id", "bbox")
    return all(one.get(key) is not None and one.get(key) == other.get(key) for key in keys)
