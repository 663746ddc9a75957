"""Reads YOLO text files: boxes, outlines, and predictions with a confidence as suggestions."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.geometry import Box, Geometry, Polygon, PolygonPart
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import find_file
from annotator.formats.numbers import parsed
from annotator.formats.peek import IMAGE_SUFFIXES, is_image_name
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.yolo.layout import Item, explore
from annotator.job_context import QUIET, JobContext

ORIENTED = "coordinates are taken as those of the oriented picture (EXIF applied)"


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read YOLO; see ``spec.Reader``. Sizes must come from ``image_size``: the files hold relative numbers only."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    layout = explore(source.folder, source.root if source.root.is_file() else None, findings)
    if not layout.items:
        raise FormatError(f"{path} holds no pictures and no label files of YOLO.", path=path)
    labels = tuple(DatasetLabel(name, number) for number, name in layout.names.items())
    reader = _Reader(layout.names, image_size)
    images = LazyImages("yolo", source.path, layout.items, reader.image, findings, context, keep=source)
    return Imported(Dataset(labels, images, {"yolo": layout.header} if layout.header else {}), images.report)


class _Reader:
    def __init__(self, names: dict[int, str], image_size: ImageSize | None) -> None:
        self._names, self._size = names, image_size

    def image(self, item: Item, findings: Findings) -> DatasetImage | None:
        name, size = self._named(item)
        if not is_image_name(name):
            findings.tally.warn(f"{item.labels}: there is no picture for it; skipped")
            findings.tally.dropped("", "label file", "there is no picture for it", name)
            return None
        path = find_file((item.image.parent,), item.image.name)
        if item.labels is None:
            return DatasetImage(name, (), *(size or (0, 0)), path, item.split)
        try:
            lines = item.labels.read_text("utf-8-sig").splitlines()
        except (UnicodeDecodeError, OSError) as error:
            findings.bad(item.labels, "", f"cannot be read as text: {error}")
            return None
        if size is None and any(line.strip() for line in lines):
            findings.bad(item.labels, "", f"the size of {name} is not known, so relative numbers mean nothing")
            return None
        width, height = size or (0, 0)
        annotations = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                one = self._annotation(line, width, height)
                if wrong := findings.placed(one.geometry, width, height):
                    raise ValueError(wrong)
            except ValueError as error:
                findings.bad(item.labels, f"line {number}", str(error))
                continue
            annotations.append(one)
        return DatasetImage(name, tuple(annotations), width, height, path, item.split, done=True)

    def _named(self, item: Item) -> tuple[str, tuple[int, int] | None]:
        """Name and size; a label file without a picture gets the ending under which its size is known."""
        if is_image_name(item.name):
            return item.name, self._size(item.name) if self._size else None
        stem = item.name.removesuffix(".txt")
        for suffix in sorted(IMAGE_SUFFIXES, key=lambda s: (s != ".jpg", s)):
            if self._size and (size := self._size(stem + suffix)):
                return stem + suffix, size
        return item.name, None

    def _annotation(self, line: str, width: int, height: int) -> DatasetAnnotation:
        first, *rest = line.split()
        number = parsed(first, "the class")
        if not number.is_integer() or int(number) not in self._names:
            raise ValueError(f"the class {first} is not among the {len(self._names)} names")
        values = [parsed(text, "a coordinate") for text in rest]
        confidence = None
        if len(values) == 5 or (len(values) > 6 and len(values) % 2):
            confidence = values.pop()
        geometry: Geometry
        if len(values) == 4:
            cx, cy, w, h = values
            if w < 0 or h < 0:
                raise ValueError(f"the box has a negative size: {w:g} x {h:g}")
            geometry = Box((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
        elif len(values) >= 6:
            points = zip((x * width for x in values[::2]), (y * height for y in values[1::2]), strict=True)
            geometry = Polygon((PolygonPart(tuple(points)),))
        else:
            raise ValueError(f"{len(values)} numbers after the class are neither a box nor an outline")
        return DatasetAnnotation(
            self._names[int(number)], geometry, confidence=confidence, suggested=confidence is not None
        )
