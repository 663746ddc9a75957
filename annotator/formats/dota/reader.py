"""Reads DOTA's text files: rotated boxes where the corners make a rectangle, polygons of four corners where they do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from annotator.domain.geometry import Polygon, RotatedBox
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.corners import rotated_box
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.dota.spec import DIFFICULT
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import without_suffix
from annotator.formats.numbers import parsed
from annotator.formats.pictures import Pictures
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import kept_apart, split_named
from annotator.job_context import QUIET, JobContext

NO_RECTANGLE = "its corners make no rectangle, read as a polygon of four corners"
_ENDING = ".png"
_HEADER = re.compile(r"^(imagesource|gsd):(.*)$")
_CORNERS = 8


@dataclass(frozen=True)
class _Item:
    file: Path
    name: str
    path: Path | None
    split: Split | None


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read DOTA; see ``spec.Reader``. Classes are collected in a first pass, for they are listed nowhere."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    files = [source.root] if source.root.is_file() else _label_files(source.root)
    if not files:
        raise FormatError(f"{path} holds no text file of DOTA.", path=path)
    items = _items(files, source.folder, image_size, findings)
    labels: dict[str, None] = {}
    for item in items:
        for _, words in _rows(item.file, findings):
            labels.update({_class(words): None} if len(words) > _CORNERS else {})
    first = Findings(Tally(), skip_bad=True)  # what was wrong was said when the labels were collected

    def image(item: _Item, found: Findings) -> DatasetImage:
        return _image(item, found, first, image_size)

    images = LazyImages("dota", source.path, items, image, findings, context, keep=source)
    return Imported(Dataset(tuple(map(DatasetLabel, labels)), images), images.report)


def _label_files(folder: Path) -> list[Path]:
    """All text files, or only those in folders named labelTxt where there are such."""
    files = sorted(folder.rglob("*.txt"))
    return [file for file in files if _label_folder(file, folder) is not None] or files


def _label_folder(file: Path, root: Path) -> int | None:
    parts = file.relative_to(root).parts[:-1]
    return next((i for i, part in enumerate(parts) if part.lower().startswith("labeltxt")), None)


def _items(files: list[Path], root: Path, image_size: ImageSize | None, findings: Findings) -> list[_Item]:
    listed: dict[Path, Pictures] = {}
    found: list[_Item] = []
    for file in files:
        parts = file.relative_to(root).parts
        place = _label_folder(file, root)
        split = split_named(parts[0]) if len(parts) > 1 else None
        if place is None:
            base, stem = root, PurePosixPath(*parts)
        else:
            base, stem = root.joinpath(*parts[:place]), PurePosixPath(*parts[place + 1 :])
        if base not in listed:
            folders = (base / "images", base) if (base / "images").is_dir() else (base,)
            listed[base] = Pictures(folders)
        name, path = listed[base].named(without_suffix(stem.as_posix()), image_size, _ENDING)
        found.append(_Item(file, name, path, split))
    names = kept_apart([(item.name, item.split) for item in found], findings.tally)
    return [_Item(item.file, name, item.path, item.split) for item, name in zip(found, names, strict=True)]


def _rows(file: Path, findings: Findings) -> list[tuple[int, list[str]]]:
    """Numbered lines as words, without the header; none when the file cannot be read (and that was said)."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        findings.bad(file, "", f"cannot be read as text: {error}")
        return []
    return [(at, line.split()) for at, line in enumerate(lines, start=1) if line.strip() and not _HEADER.match(line)]


def _class(words: list[str]) -> str:
    """The class of a line: what stands between the corners and the difficulty, which old files do not have."""
    rest = words[_CORNERS:]
    return " ".join(rest[:-1] if len(rest) > 1 and rest[-1].isdecimal() else rest)


def _image(item: _Item, findings: Findings, first: Findings, image_size: ImageSize | None) -> DatasetImage:
    width, height = (image_size(item.name) if image_size else None) or (0, 0)
    annotations: list[DatasetAnnotation] = []
    for place, words in _rows(item.file, first):
        try:
            one = _annotation(words)
            if wrong := findings.placed(one.geometry, width, height):
                raise ValueError(wrong)
        except ValueError as error:
            findings.bad(item.file, f"line {place}", str(error))
            continue
        if isinstance(one.geometry, Polygon):
            findings.tally.converted(one.label, "rotated_box", NO_RECTANGLE, item.name)
        annotations.append(one)
    header = _header(item.file)
    return DatasetImage(
        item.name,
        tuple(annotations),
        width,
        height,
        item.path,
        item.split,
        done=True,
        extra={"dota": header} if header else {},
    )


def _header(file: Path) -> dict[str, str]:
    try:
        head = file.read_text("utf-8-sig").splitlines()[:2]
    except (UnicodeDecodeError, OSError):
        return {}
    return {found[1]: found[2] for line in head if (found := _HEADER.match(line))}


def _annotation(words: list[str]) -> DatasetAnnotation:
    if len(words) <= _CORNERS:
        raise ValueError(f"{len(words)} words, where four corners and a class are needed")
    values = [parsed(word, "a corner") for word in words[:_CORNERS]]
    ring = tuple(zip(values[::2], values[1::2], strict=True))
    polygon = Polygon.of(ring)
    geometry: RotatedBox | Polygon = rotated_box(polygon) or polygon
    last = words[-1]
    attributes: dict[str, Any] = {}
    if len(words) > _CORNERS + 1 and last.isdecimal() and last != "0":
        attributes[DIFFICULT] = True if last == "1" else int(last)
    extra: dict[str, Any] = {}
    if isinstance(geometry, RotatedBox):
        extra = {"dota": {"corners": {"points": [list(point) for point in ring], "of": hash(geometry)}}}
    return DatasetAnnotation(_class(words), geometry, attributes, extra=extra)
