"""Reads YOLO text files: boxes, outlines, rotated boxes, keypoints, and predictions with a confidence as suggestions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annotator.domain.geometry import GeometryKind, Polygon, RotatedBox
from annotator.domain.records import Skeleton
from annotator.errors import FormatError
from annotator.formats.corners import rotated_box
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import find_file
from annotator.formats.numbers import parsed
from annotator.formats.peek import IMAGE_SUFFIXES, is_image_name
from annotator.formats.placed import kept
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.yolo.layout import Item, Layout, explore
from annotator.formats.yolo.tasks import box, outline, pose, relative
from annotator.job_context import QUIET, JobContext

PERHAPS_ROTATED = "outlines of four corners are read as polygons; rotated boxes need the line task: obb in data.yaml"
MIXED = (
    "lines of boxes and of outlines are mixed; each was read as what it is, where Ultralytics would take the boxes only"
)
_FOUR_CORNERS = 8


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
    skeleton = Skeleton(layout.points) if layout.points else None
    labels = tuple(DatasetLabel(name, number, skeleton=skeleton) for number, name in layout.names.items())
    reader = _Reader(layout, image_size)
    images = LazyImages("yolo", source.path, layout.items, reader.image, findings, context, keep=source)
    return Imported(Dataset(labels, images, {"yolo": layout.header} if layout.header else {}), images.report)


class _Reader:
    def __init__(self, layout: Layout, image_size: ImageSize | None) -> None:
        self._layout, self._names, self._size = layout, layout.names, image_size

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
        annotations: list[DatasetAnnotation] = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                found = self._annotations(line, number, (width, height), name, findings)
                for one in found:
                    if wrong := findings.placed(one.geometry, width, height):
                        raise ValueError(wrong)
            except ValueError as error:
                findings.bad(item.labels, f"line {number}", str(error))
                continue
            annotations += found
        kinds = {one.geometry.kind for one in annotations}
        if {GeometryKind.BOX, GeometryKind.POLYGON} <= kinds:
            findings.tally.warn(f"{item.labels}: {MIXED}")
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

    def _annotations(
        self, line: str, place: int, size: tuple[int, int], image: str, findings: Findings
    ) -> list[DatasetAnnotation]:
        """The annotation of a line; two when a box stands beside keypoints, which then remember that they are one."""
        first, *rest = line.split()
        number = parsed(first, "the class")
        if not number.is_integer() or int(number) not in self._names:
            raise ValueError(f"the class {first} is not among the {len(self._names)} names")
        label = self._names[int(number)]
        values = [parsed(text, "a coordinate") for text in rest]
        confidence = values.pop() if self._has_confidence(len(values)) else None
        if self._layout.keypoints:
            geometries = pose(values, self._layout.keypoints, *size)
        elif len(values) == 4:
            geometries = [box(values, *size)]
        elif len(values) >= 6:
            geometries = [self._outline(values, size, label, image, findings)]
        else:
            raise ValueError(f"{len(values)} numbers after the class are neither a box nor an outline")
        if len(geometries) > 1:
            told: dict[str, Any] = {"line": place}
        else:
            told = kept(values, relative(geometries[0], *size), geometries[0], *size)
        extra = {"yolo": told} if told else {}
        return [
            DatasetAnnotation(label, one, confidence=confidence, suggested=confidence is not None, extra=extra)
            for one in geometries
        ]

    def _has_confidence(self, count: int) -> bool:
        shape = self._layout.keypoints
        if shape:
            return count == 5 + shape.count * shape.numbers
        return count == 5 or (count > 6 and count % 2 == 1)

    def _outline(
        self, values: list[float], size: tuple[int, int], label: str, image: str, findings: Findings
    ) -> Polygon | RotatedBox:
        polygon = outline(values, *size)
        if not self._layout.rotated:
            if len(values) == _FOUR_CORNERS:
                findings.tally.note(PERHAPS_ROTATED)
            return polygon
        turned = rotated_box(polygon)
        if turned is None:
            findings.tally.converted(label, "rotated_box", "its corners make no rectangle, read as a polygon", image)
        return turned or polygon
