"""Reads MOT sequences: gt/gt.txt as annotations with track ids, det/det.txt as suggestions with their scores."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.mot.spec import CLASSES, IGNORED, LISTS, VISIBILITY
from annotator.formats.numbers import parsed
from annotator.formats.pictures import Pictures
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import kept_apart, split_named
from annotator.job_context import QUIET, JobContext

ONE_BASED = "pixels were read as counted from 1: x1 = left - 1, y1 = top - 1"
_LEAST = 6
_MOST_FRAMES = 10_000_000
_HEADER = "Sequence"


@dataclass
class _Sequence:
    """One folder: lines of both lists by frame number, each as (file, line number, text)."""

    name: str
    split: Split | None
    pictures: Pictures
    folder: str
    ending: str
    size: tuple[int, int]
    lines: dict[int, list[tuple[Path, int, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Item:
    sequence: _Sequence
    frame: int
    name: str
    path: Path | None


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read MOT; see ``spec.Reader``. Frames are those that a list names, and those of which there is a picture."""
    source = Source(path, unwrap=False)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    findings.tally.note(ONE_BASED)
    root = source.root
    if root.is_file():
        root = root.parent.parent if root.parent.name in ("gt", "det") else root.parent
    folders = sorted({file.parent.parent for pattern in LISTS for file in root.rglob(pattern)})
    if not folders:
        raise FormatError(f"{path} holds no gt/gt.txt and no det/det.txt of MOT.", path=path)
    names = _names(folders, findings)
    headers: dict[str, Mapping[str, str]] = {}
    items: list[_Item] = []
    for folder in folders:
        sequence, header = _sequence(folder, root, findings)
        headers[sequence.name] = header
        items += _items(sequence, image_size)
    apart = kept_apart([(item.name, item.sequence.split) for item in items], findings.tally)
    items = [_Item(item.sequence, item.frame, name, item.path) for item, name in zip(items, apart, strict=True)]
    found = _used(items, names)
    labels = tuple(DatasetLabel(name, number) for number, name in sorted(found.items()))

    def image(item: _Item, each: Findings) -> DatasetImage:
        return _image(item, each, found, image_size)

    images = LazyImages("mot", source.path, items, image, findings, context, keep=source)
    headers = {name: header for name, header in headers.items() if header}
    extra = {"mot": {"sequences": headers}} if headers else {}
    return Imported(Dataset(labels, images, extra), images.report)


def _names(folders: list[Path], findings: Findings) -> dict[int, str] | None:
    """Class numbers and names of gt/labels.txt, which must agree among the sequences; None for MOT's own classes."""
    known: dict[int, str] | None = None
    for folder in folders:
        for place in ("gt", "det"):
            file = folder / place / "labels.txt"
            if not file.is_file():
                continue
            try:
                lines = [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
            except UnicodeDecodeError as error:
                raise FormatError(f"{file} is not UTF-8.", path=file) from error
            names = {number: line for number, line in enumerate(lines, start=1) if line}
            if len(set(names.values())) != len(names):
                raise FormatError(f"{file}: two classes have the same name.", "Rename one of them.", path=file)
            if known is not None and names != known:
                raise FormatError(f"{file} names other classes than the other sequences.", path=file)
            known = names
    return known


def _sequence(folder: Path, root: Path, findings: Findings) -> tuple[_Sequence, Mapping[str, str]]:
    header = _header(folder / "seqinfo.ini", findings)
    parts = folder.relative_to(root).parts
    split = split_named(parts[0]) if len(parts) > 1 else None
    name = "/".join(parts[1:] if split else parts)
    images = header.get("imDir") or "img1"
    place = folder / images
    inside = place.is_dir() and ".." not in Path(images).parts and not Path(images).is_absolute()
    size = tuple(int(header[key]) if header.get(key, "").isdecimal() else 0 for key in ("imWidth", "imHeight"))
    ending = header.get("imExt") or ".jpg"
    pictures = Pictures((place,) if inside else ())
    shown = images if inside or not place.exists() else "img1"
    sequence = _Sequence(name, split, pictures, shown, ending, (size[0], size[1]))
    for pattern in LISTS:
        if (folder / pattern).is_file():
            _lines(folder / pattern, sequence, findings)
    kept = {k: v for k, v in header.items() if k not in ("seqLength", "imWidth", "imHeight", "imExt", "imDir", "name")}
    return sequence, kept


def _header(file: Path, findings: Findings) -> Mapping[str, str]:
    if not file.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(file.read_text("utf-8-sig"))
    except (configparser.Error, UnicodeDecodeError) as error:
        findings.bad(file, "", f"is no seqinfo.ini: {' '.join(str(error).split())}")
        return {}
    return dict(parser[_HEADER]) if parser.has_section(_HEADER) else {}


def _lines(file: Path, sequence: _Sequence, findings: Findings) -> None:
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        findings.bad(file, "", f"cannot be read as text: {error}")
        return
    for at, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = _fields(line)
        if len(fields) < _LEAST:
            findings.bad(file, f"line {at}", f"{len(fields)} fields, where frame, id and a box are needed")
        elif not fields[0].isdecimal() or not 0 < int(fields[0][:9]) <= _MOST_FRAMES:
            findings.bad(file, f"line {at}", f"the frame is {fields[0]!r}, not a number from 1")
        else:
            sequence.lines.setdefault(int(fields[0]), []).append((file, at, line))


def _items(sequence: _Sequence, image_size: ImageSize | None) -> list[_Item]:
    numbered = {int(stem): stem for stem in sequence.pictures.stems if stem.isdecimal()}
    items = []
    for frame in sorted({*numbered, *sequence.lines}):
        stem = numbered.get(frame, f"{frame:06d}")
        path = sequence.pictures.find(stem)
        ending = path.suffix if path else sequence.ending
        base = f"{sequence.name}/" if sequence.name else ""
        items.append(_Item(sequence, frame, f"{base}{sequence.folder}/{stem}{ending}", path))
    return items


def _used(items: list[_Item], names: dict[int, str] | None) -> dict[int, str]:
    """All classes of labels.txt, or those of MOT's own that occur; boxes without a class are pedestrians."""
    if names is not None:
        return names
    numbers = {
        _class(_fields(line))
        for item in items
        for file, _, line in item.sequence.lines.get(item.frame, ())
        if not _det(file)
    }
    if any(_det(file) for item in items for file, _, _ in item.sequence.lines.get(item.frame, ())):
        numbers.add(1)
    return {number: CLASSES[number - 1] for number in numbers if 0 < number <= len(CLASSES)}


def _fields(line: str) -> list[str]:
    return [word.strip() for word in line.split(",")]


def _det(file: Path) -> bool:
    return file.name == "det.txt"


def _class(fields: list[str]) -> int:
    """The class number of a line, 1 where it has none, 0 where it is no number."""
    if len(fields) < 8 or fields[7] in ("", "-1"):
        return 1
    return int(fields[7]) if fields[7].isdecimal() and len(fields[7]) < 9 else 0


def _image(item: _Item, findings: Findings, names: dict[int, str], image_size: ImageSize | None) -> DatasetImage:
    sequence = item.sequence
    known = image_size(item.name) if image_size else None
    if known and sequence.size != (0, 0) and known != sequence.size:
        findings.other_size(item.name, sequence.size, known)
    width, height = known or sequence.size
    annotations = []
    for file, at, line in sequence.lines.get(item.frame, ()):
        try:
            one = _annotation(_fields(line), names, suggested=_det(file))
            if wrong := findings.placed(one.geometry, width, height):
                raise ValueError(wrong)
        except ValueError as error:
            findings.bad(file, f"line {at}", str(error))
            continue
        annotations.append(one)
    done = any(not _det(file) for lines in sequence.lines.values() for file, _, _ in lines[:1])
    return DatasetImage(
        item.name,
        tuple(annotations),
        width,
        height,
        item.path,
        sequence.split,
        done=done,
        sequence=sequence.name or "sequence",
        frame=item.frame,
    )


def _annotation(fields: list[str], names: dict[int, str], *, suggested: bool) -> DatasetAnnotation:
    left, top, width, height = (parsed(text, "the box") for text in fields[2:6])
    if width < 0 or height < 0:
        raise ValueError(f"the box has a negative size: {width:g} x {height:g}")
    track = parsed(fields[1], "the track")
    if not track.is_integer():
        raise ValueError(f"the track is {fields[1]}, not a whole number")
    box = Box(left - 1, top - 1, left - 1 + width, top - 1 + height)
    track_id = int(track) if track >= 0 else None
    flag = parsed(fields[6], "the seventh field") if len(fields) > 6 and fields[6] else 1.0
    if suggested:
        if not names:
            raise ValueError("a detection needs a class, and none is listed")
        label = next(iter(names.values()))
        return DatasetAnnotation(label, box, track_id=track_id, confidence=flag, suggested=True)
    number = _class(fields)
    if number not in names:
        raise ValueError(f"the class {fields[7]} is not among the {len(names)} names")
    attributes: dict[str, Any] = {IGNORED: True} if flag == 0 else {}
    visible = parsed(fields[8], "the visibility") if len(fields) > 8 and fields[8] else 1.0
    if visible != 1 and (len(fields) == 9 or visible >= 0):
        attributes[VISIBILITY] = visible
    return DatasetAnnotation(names[number], box, attributes, track_id)
