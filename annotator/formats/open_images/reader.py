"""Reads Open Images: boxes, verified labels of whole images (0 is a rejection), a machine's labels as suggestions, masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.domain.geometry import Box, Geometry, Mask, Tag
from annotator.domain.kinds import Decision, Split
from annotator.errors import FormatError
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name
from annotator.formats.numbers import parsed
from annotator.formats.open_images.spec import BOXES, COLUMNS, FLAGS, MACHINE, MASKS
from annotator.formats.open_images.tables import Line, Row, Tables, load
from annotator.formats.pictures import Pictures
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import split_named
from annotator.job_context import QUIET, JobContext

MANY = 1000
_ROTATION = "Rotation"
_ENDING = ".jpg"


@dataclass(frozen=True)
class _Item:
    identity: str
    name: str
    path: Path | None
    split: Split | None
    row: Row
    lines: list[Line]


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read Open Images; see ``spec.Reader``. Sizes must come from pictures: the files hold relative numbers only."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    tables = load(source.root, findings)
    if not tables.images:
        raise FormatError(f"{path} holds no list of Open Images.", path=path)
    base = tables.folder.parent if tables.folder.name == "annotations" else tables.folder
    pictures = _pictures(base)
    items = []
    for identity, (split, row) in tables.images.items():
        stem = clean_name(identity)
        if not stem:
            findings.bad(tables.folder, f"image {identity}", "the ImageID is no name")
            continue
        name, file = pictures.named(stem, image_size, _ENDING)
        items.append(_Item(identity, name, file, split, row, tables.lines.get(identity, [])))
    labels = _labels(tables, findings)
    reader = _Reader(base, {label: one.name for label, one in labels.items()}, image_size)
    images = LazyImages("open_images", source.path, items, reader.image, findings, context, keep=source)
    return Imported(Dataset(tuple(labels.values()), images), images.report)


def _pictures(base: Path) -> Pictures:
    folder = base / "images" if (base / "images").is_dir() else base
    return Pictures((*_subsets(folder), folder))


def _subsets(folder: Path) -> list[Path]:
    """Folders inside that are named as splits, in whatever way."""
    return sorted(f for f in folder.iterdir() if f.is_dir() and split_named(f.name)) if folder.is_dir() else []


def _labels(tables: Tables, findings: Findings) -> dict[str, DatasetLabel]:
    """Labels by LabelName: all that the class list names, or those that occur where it names very many."""
    used = dict.fromkeys(line.row.get("LabelName", "") for lines in tables.lines.values() for line in lines)
    used.pop("", None)
    wanted = tables.classes if len(tables.classes) <= MANY else {k: v for k, v in tables.classes.items() if k in used}
    if len(wanted) < len(tables.classes):
        findings.tally.note(f"{len(tables.classes):,} classes are listed; only those that occur were read")
    taken: set[str] = set()
    labels: dict[str, DatasetLabel] = {}
    for label in (*wanted, *(label for label in used if label not in wanted)):
        name = tables.classes.get(label, label)
        if name in taken:
            findings.tally.converted(f"{name} ({label})", "label", "a second class of this name", "")
            name = f"{name} ({label})"
        taken.add(name)
        labels[label] = DatasetLabel(name, extra={"open_images": {"LabelName": label}} if name != label else {})
    return labels


class _Reader:
    def __init__(self, base: Path, names: dict[str, str], image_size: ImageSize | None) -> None:
        self._names, self._size = names, image_size
        self._masks = (*_subsets(base / "masks"), base / "masks")

    def image(self, item: _Item, findings: Findings) -> DatasetImage:
        """The image with its annotations."""
        width, height = self._sides(item)
        annotations = []
        for line in item.lines:
            try:
                found = self._annotation(line, width, height, item, findings)
                if wrong := findings.placed(found.geometry, width, height):
                    raise ValueError(wrong)
            except ValueError as error:
                findings.bad(line.file, f"line {line.number}", str(error))
                continue
            annotations.append(found)
        kept = {key: value for key, value in item.row.items() if value and key not in ("ImageID", "Subset")}
        return DatasetImage(
            item.name,
            tuple(annotations),
            width,
            height,
            item.path,
            item.split,
            done=any(line.kind != MACHINE for line in item.lines),
            extra={"open_images": kept} if kept else {},
        )

    def _sides(self, item: _Item) -> tuple[int, int]:
        return (self._size(item.name) if self._size else None) or (0, 0)

    def _annotation(self, line: Line, width: int, height: int, item: _Item, findings: Findings) -> DatasetAnnotation:
        row = line.row
        label = self._names.get(row.get("LabelName", ""))
        if label is None:
            raise ValueError("it has no LabelName")
        foreign: dict[str, Any] = {"Source": row["Source"]} if row.get("Source") else {}
        if strange := [key for key in row if key not in COLUMNS[line.kind] and row[key]]:
            findings.tally.dropped(label, f"columns {', '.join(strange)}", "they are not read", item.name)
        geometry: Geometry = Tag()
        attributes: dict[str, Any] = {}
        confidence = parsed(row.get("Confidence") or "1", "Confidence")
        if line.kind in (BOXES, MASKS) and not (width and height):
            raise ValueError(f"the size of {item.name} is not known, so relative numbers mean nothing")
        if line.kind == BOXES:
            x1, x2, y1, y2 = (parsed(row.get(key, ""), key) for key in ("XMin", "XMax", "YMin", "YMax"))
            if x2 < x1 or y2 < y1:
                raise ValueError(f"the box is reversed: ({x1:g}, {y1:g}, {x2:g}, {y2:g})")
            geometry = Box(x1 * width, y1 * height, x2 * width, y2 * height)
            attributes = {name: True for column, name in FLAGS.items() if row.get(column) == "1"}
            if unknown := [column for column in FLAGS if row.get(column) == "-1"]:
                foreign["unknown"] = unknown
            if confidence != 1:
                foreign["Confidence"] = row["Confidence"]
        elif line.kind == MASKS:
            geometry = self._mask(row, width, height, item)
            foreign |= {key: value for key in COLUMNS[MASKS] if (value := row.get(key)) and key not in _MASK_OURS}
        extra = {"open_images": foreign} if foreign else {}
        if line.kind == MACHINE:
            return DatasetAnnotation(label, geometry, confidence=confidence, suggested=True, extra=extra)
        if isinstance(geometry, Tag) and confidence == 0:
            rejected = Decision.REJECTED
            return DatasetAnnotation(label, geometry, suggested=True, extra=extra, decision=rejected)
        return DatasetAnnotation(label, geometry, attributes, extra=extra)

    def _mask(self, row: Row, width: int, height: int, item: _Item) -> Mask:
        """The picture's set pixels; one of another size is scaled to the image's, as the data set asks for."""
        from PIL import Image

        written = clean_name(row.get("MaskPath", ""))
        file = next((f for folder in self._masks if written and (f := folder / written).is_file()), None)
        if file is None:
            raise ValueError(f"its mask {row.get('MaskPath', '')!r} is missing")
        try:
            with Image.open(file, formats=["PNG"]) as picture:
                if picture.width * picture.height > 1 << 28:
                    raise ValueError(f"its mask {written} has {picture.width} x {picture.height} pixels")
                bits = picture.convert("L")
                if bits.size != (width, height):
                    bits = bits.resize((width, height), Image.Resampling.NEAREST)
                pixels = np.asarray(bits) > 0
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"its mask {written} cannot be read: {error}") from error
        mask = Mask.from_array(pixels)
        if mask is None:
            raise ValueError("a mask without set pixels")
        return mask


_MASK_OURS = frozenset({"MaskPath", "ImageID", "LabelName", "BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax"})
