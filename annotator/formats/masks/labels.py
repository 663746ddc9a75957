"""The lists that say which label a number or a colour is: ours, CamVid's class_dict.csv, a VOC label map, or one name a line."""

from __future__ import annotations

import csv
from pathlib import Path

from annotator.errors import FormatError
from annotator.formats.dataset import DatasetLabel
from annotator.formats.id_pictures import Color
from annotator.formats.mask_pictures import BACKGROUND
from annotator.formats.masks.spec import COLORS_FILE, COLUMNS, LABELS_FILE, LAST, NAME_LISTS

_NOTHING = ("background", "void", "unlabelled", "unlabeled", "_background_", "__ignore__", "ignore")


def find_labels(folder: Path) -> tuple[tuple[DatasetLabel, ...], dict[Color, int]]:
    """The labels by number, and the numbers of colours where the pictures are coloured; none where no list is there."""
    if (file := folder / LABELS_FILE).is_file():
        return listed_labels(file), {}
    if (file := folder / COLORS_FILE).is_file():
        return colored_labels(file)
    for name in NAME_LISTS:
        if (file := folder / name).is_file():
            return named_labels(file), {}
    return (), {}


def listed_labels(file: Path) -> tuple[DatasetLabel, ...]:
    """Our list: id, name, colour."""
    labels: dict[int, DatasetLabel] = {}
    for line, row in _rows(file, COLUMNS):
        number, name = _number(row["id"], file, line), row["name"]
        if number == BACKGROUND or number > LAST:
            raise FormatError(f"{file}, line {line}: a label's id is 1 to {LAST}, not {number}.", path=file)
        if not name or number in labels or name in {one.name for one in labels.values()}:
            raise FormatError(
                f"{file}, line {line}: the id or name {row['id']}, {name!r} is there twice or empty.", path=file
            )
        labels[number] = DatasetLabel(name, number, row["color"])
    return tuple(labels.values())


def colored_labels(file: Path) -> tuple[tuple[DatasetLabel, ...], dict[Color, int]]:
    """CamVid's list: name, r, g, b; numbers count from 1, colours of nothing get 0."""
    labels: list[DatasetLabel] = []
    colors: dict[Color, int] = {}
    for line, row in _rows(file, ("name", "r", "g", "b")):
        red, green, blue = (_channel(row[key], file, line) for key in ("r", "g", "b"))
        if row["name"].lower() in _NOTHING:
            colors[red, green, blue] = BACKGROUND
            continue
        labels.append(DatasetLabel(row["name"], len(labels) + 1, f"#{red:02X}{green:02X}{blue:02X}"))
        colors[red, green, blue] = len(labels)
    return tuple(labels), colors


def named_labels(file: Path) -> tuple[DatasetLabel, ...]:
    """One name a line, the first for number 0; a name of nothing there is the background."""
    try:
        names = [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file} cannot be read: {error}.", path=file) from error
    first = 0 if names and names[0].lower() in _NOTHING else 1
    return tuple(
        DatasetLabel(name, number)
        for number, name in enumerate(names, first)
        if name and number != BACKGROUND and name.lower() not in _NOTHING
    )


def _rows(file: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            table = csv.DictReader(opened, strict=True)
            table.fieldnames = [(column or "").strip().lower() for column in table.fieldnames or ()]
            if not set(columns) <= set(table.fieldnames):
                raise FormatError(f"{file}, line 1: the columns {', '.join(columns)} are not all there.", path=file)
            return [(table.line_num, {key: (row.get(key) or "").strip() for key in columns}) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{file} cannot be read: {error}.", path=file) from error


def _number(text: str, file: Path, line: int) -> int:
    if not text.isascii() or not text.isdigit():
        raise FormatError(f"{file}, line {line}: {text!r} is no whole number.", path=file)
    return int(text[:9])


def _channel(text: str, file: Path, line: int) -> int:
    value = _number(text, file, line)
    if value > 255:
        raise FormatError(f"{file}, line {line}: {value} is no part of a colour, which is 0 to 255.", path=file)
    return value
