"""Reads a CSV or TSV of tags; columns in any order, unknown ones kept."""

from __future__ import annotations

import csv
from pathlib import Path

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Decision
from annotator.domain.kinds import Source as Origin
from annotator.errors import FormatError
from annotator.formats.csv_table.spec import COLUMNS
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name, find_file
from annotator.formats.numbers import parsed
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.job_context import QUIET, JobContext

_STATES = {origin.value for origin in Origin} | {"suggested", Decision.REJECTED.value, ""}


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read a table of tags; see ``spec.Reader``. A folder or zip must hold exactly one table."""
    source = Source(path)
    file = source.root
    if file.is_dir():
        tables = sorted(f for f in file.rglob("*") if f.suffix.lower() in (".csv", ".tsv"))
        if len(tables) != 1:
            raise FormatError(f"{path} holds {len(tables)} tables, not one.", "Name the file.", path=path)
        file = tables[0]
    findings = Findings(Tally(), skip_bad=skip_bad)
    rows: dict[str, list[DatasetAnnotation]] = {}
    labels: dict[str, DatasetLabel] = {}
    for number, row in _rows(file):
        try:
            name = clean_name(row["image"])
            if not name:
                raise ValueError("it names no image")
            one = _annotation(row)
        except ValueError as error:
            findings.bad(file, f"line {number}", str(error))
            continue
        group = rows.setdefault(name, [])
        if one is None:
            continue
        labels.setdefault(one.label, DatasetLabel(one.label))
        group.append(one)

    def image(name: str, _: Findings) -> DatasetImage:
        width, height = (image_size(name) if image_size else None) or (0, 0)
        return DatasetImage(name, tuple(rows[name]), width, height, find_file((file.parent,), name))

    images = LazyImages("csv", source.path, list(rows), image, findings, context, keep=source)
    return Imported(Dataset(tuple(labels.values()), images), images.report)


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            table = csv.DictReader(opened, delimiter="\t" if file.suffix.lower() == ".tsv" else ",", strict=True)
            table.fieldnames = [(column or "").strip().lower() for column in table.fieldnames or ()]
            if not {"image", "label"} <= set(table.fieldnames):
                raise FormatError(f"{file}, line 1: the columns image and label are not both there.", path=file)
            return [
                (table.line_num, {k: v or "" for k, v in row.items() if k is not None and not isinstance(v, list)})
                for row in table
            ]
    except UnicodeDecodeError as error:
        raise FormatError(f"{file} is not UTF-8: {error}.", "Save it as UTF-8.", path=file) from error
    except csv.Error as error:
        raise FormatError(f"{file} is no table: {error}.", path=file) from error
    except OSError as error:
        raise FormatError(f"{file} cannot be read: {error.strerror}.", path=file) from error


def _annotation(row: dict[str, str]) -> DatasetAnnotation | None:
    """The tag of a row; None for an image without tags."""
    state = row.get("state", "").strip().lower()
    if state not in _STATES:
        raise ValueError(f"the state {state!r} is not one of {', '.join(sorted(_STATES - {''}))}")
    text = row.get("confidence", "").strip()
    confidence = parsed(text, "the confidence") if text else None
    if not row["label"]:
        return None
    open_or_rejected = state in ("suggested", Decision.REJECTED.value)
    foreign = {key: value for key, value in row.items() if key not in COLUMNS and value}
    return DatasetAnnotation(
        row["label"],
        Tag(),
        annotator=row.get("annotator", ""),
        source=Origin(state) if state and not open_or_rejected else Origin.IMPORTED,
        confidence=confidence,
        suggested=open_or_rejected,
        decision=Decision.REJECTED if state == Decision.REJECTED.value else None,
        extra={"csv": foreign} if foreign else {},
    )
