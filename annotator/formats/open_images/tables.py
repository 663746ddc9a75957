"""Open Images' CSV files as rows: by image, with the file and line that each came from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.findings import Findings
from annotator.formats.open_images.spec import BOXES, CLASSES, IMAGES, LABELS, MACHINE, MASKS
from annotator.formats.splits import split_named

_LISTS = (BOXES, LABELS, MACHINE, MASKS)
_CLASS_FILES = (CLASSES, "class-descriptions-boxable.csv")
_IMAGE_FILES = (IMAGES, "-images-with-rotation.csv", "-images-with-labels-with-rotation.csv")
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: which list it stands in, and where. The columns are one tuple for the whole list."""

    kind: str
    file: Path
    number: int
    columns: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def row(self) -> Row:
        """The values by column; missing ones are empty."""
        return dict(zip_longest(self.columns, self.values[: len(self.columns)], fillvalue=""))


@dataclass
class Tables:
    """``images`` maps an id to its split and described row, ``lines`` an id to its rows; ``classes`` maps a LabelName."""

    folder: Path
    classes: dict[str, str] = field(default_factory=dict)
    images: dict[str, tuple[Split | None, Row]] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)


def load(root: Path, findings: Findings) -> Tables:
    """All lists below a folder, or one file. Raises ``FormatError`` when there is none."""
    files = [root] if root.is_file() else sorted(root.rglob("*.csv"))
    folder = root if root.is_dir() else root.parent
    tables = Tables(folder)
    beside = sorted(root.parent.glob("*.csv")) if root.is_file() else files
    for file in beside:
        if file.name.lower().endswith(_CLASS_FILES):
            _classes(file, tables)
    for file in files:
        name = file.name.lower()
        kind = next((each for each in _LISTS if name.endswith(each)), "")
        if kind:
            _lines(file, kind, tables, findings)
        elif name.endswith(_IMAGE_FILES):
            _images(file, tables, findings)
    return tables


def _rows(file: Path, columns: tuple[str, ...] = ()) -> Iterator[tuple[int, Row]]:
    """Numbered rows by column; without ``columns`` the first row names them."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, fieldnames=columns or None, restval="", restkey=None)
            for row in reader:
                row.pop(None, None)
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise FormatError(f"{file} is not UTF-8.", path=file) from error
    except csv.Error as error:
        raise FormatError(f"{file} is no table: {error}.", path=file) from error


def _classes(file: Path, tables: Tables) -> None:
    """LabelName and DisplayName; before version 6 the file has no header."""
    for _, row in _rows(file, ("LabelName", "DisplayName")):
        if row["LabelName"] and row["LabelName"] != "LabelName":
            tables.classes.setdefault(row["LabelName"], row["DisplayName"] or row["LabelName"])


def _images(file: Path, tables: Tables, findings: Findings) -> None:
    for number, row in _rows(file):
        identity = row.get("ImageID", "")
        if not identity or (identity in tables.images and tables.images[identity][1]):
            why = "the ImageID was used before" if identity else "it names no image"
            findings.bad(file, f"line {number}", why)
            continue
        tables.images[identity] = (split_named(row.get("Subset", "")), row)


def _lines(file: Path, kind: str, tables: Tables, findings: Findings) -> None:
    words = file.name.lower().removeprefix("oidv6-").split("-")
    split = split_named(words[0])
    columns: tuple[str, ...] = ()
    for number, row in _rows(file):
        identity = row.get("ImageID", "")
        if not identity:
            findings.bad(file, f"line {number}", "it names no image")
            continue
        columns = columns or tuple(row)
        tables.images.setdefault(identity, (split, {}))
        line = Line(kind, file, number, columns, tuple(row.values()))
        tables.lines.setdefault(identity, []).append(line)
