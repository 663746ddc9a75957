"""Reads the archive; each line of images is parsed when it is iterated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from annotator.domain.geometry import GeometryKind
from annotator.errors import FormatError
from annotator.formats.archive.records import (
    ImageLine,
    Manifest,
    annotation_of,
    image_decoder,
    label_decoder,
    label_of,
    manifest_decoder,
    split_of,
)
from annotator.formats.archive.spec import IMAGES, LABELS, MANIFEST, MARK, PICTURES, VERSION
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, ImageSize
from annotator.formats.findings import Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name, find_file
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.job_context import QUIET, JobContext

T = TypeVar("T")


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read an archive; see ``spec.Reader``."""
    source = Source(path)
    folder = source.root
    if not folder.is_dir():
        raise FormatError(f"{path} is no archive of Annotator.", path=path)
    manifest = read_manifest(folder, path)
    lines_of_labels = _decoded(folder / LABELS, label_decoder, path)
    labels = tuple(map(label_of, lines_of_labels))
    findings = Findings(Tally(), skip_bad=skip_bad)
    lines = _Lines(folder / IMAGES, path)
    known = {"", *(label.name for label in labels)}
    pictures = (folder / PICTURES,)

    def image(number: int, found: Findings) -> DatasetImage | None:
        place = f"{IMAGES}, line {number + 1}"
        try:
            line = lines.at(number)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            found.bad(path, place, str(error))
            return None
        return _image(line, found, path, place, known, pictures)

    images = LazyImages("archive", source.path, range(len(lines)), image, findings, context, keep=source)
    return Imported(Dataset(labels, images, manifest.extra), images.report)


def read_manifest(folder: Path, path: Path) -> Manifest:
    """What the unpacked archive says of itself; raises ``FormatError`` when it is none, or newer than this program."""
    if not (folder / MANIFEST).is_file():
        raise FormatError(f"{path} is no archive of Annotator: it has no {MANIFEST}.", path=path)
    manifest = _decoded(folder / MANIFEST, manifest_decoder, path)
    if manifest.format != MARK:
        raise FormatError(f"{path} is no archive of Annotator.", path=path)
    if manifest.version > VERSION:
        raise FormatError(f"{path} was made by a newer version of Annotator.", "Update Annotator.", path=path)
    return manifest


def _decoded(file: Path, decoder: msgspec.json.Decoder[T], path: Path) -> T:
    try:
        return decoder.decode(file.read_bytes())
    except (OSError, msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}, {file.name}: {error}.", path=path) from error


class _Lines:
    """The lines of a file by number; only where each begins is kept."""

    def __init__(self, file: Path, path: Path) -> None:
        self._file = file
        self._starts = [0]
        try:
            with file.open("rb") as opened:
                self._starts += [opened.tell() for _ in iter(opened.readline, b"")]
        except OSError as error:
            raise FormatError(f"{path} has no {IMAGES}: {error.strerror}.", path=path) from error

    def __len__(self) -> int:
        return len(self._starts) - 1

    def at(self, number: int) -> ImageLine:
        with self._file.open("rb") as opened:
            opened.seek(self._starts[number])
            return image_decoder.decode(opened.read(self._starts[number + 1] - self._starts[number]))


def _image(
    line: ImageLine, findings: Findings, path: Path, place: str, known: set[str], pictures: tuple[Path, ...]
) -> DatasetImage | None:
    name = clean_name(line.name)
    try:
        split = split_of(line)
        if not name:
            raise ValueError("it names no image")
        if line.width < 0 or line.height < 0:
            raise ValueError(f"the size is {line.width} x {line.height}")
    except ValueError as error:
        findings.bad(path, place, str(error))
        return None
    annotations: list[DatasetAnnotation] = []
    for index, each in enumerate(line.annotations):
        try:
            one = annotation_of(each)
            if one.label not in known or (not one.label and one.geometry.kind is not GeometryKind.CAPTION):
                raise ValueError(f"the label {one.label!r} is not among the archive's")
        except ValueError as error:
            findings.bad(path, f"{place}, annotation {index + 1}", str(error))
            continue
        annotations.append(one)
    extra: dict[str, Any] = line.extra
    return DatasetImage(
        name,
        tuple(annotations),
        line.width,
        line.height,
        find_file(pictures, name),
        split,
        line.done,
        line.flagged,
        line.note,
        extra,
        line.sequence,
        line.frame,
        line.orientation,
    )
