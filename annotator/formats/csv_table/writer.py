"""Writes tags as CSV, or TSV when the target's name says so."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Decision
from annotator.errors import FormatError
from annotator.formats.csv_table.spec import COLUMNS, SPEC
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labels import report_unused, unknown
from annotator.formats.names import clean_name
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.job_context import QUIET, JobContext


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write a table of tags; see ``spec.Writer``."""
    if ImagesMode(images) is not ImagesMode.NONE:
        raise FormatError(f"{target} is one file and carries no pictures.", "Export without pictures.", path=target)
    tally = Tally()
    unheld = Unheld(SPEC, tally)
    unheld.labels(dataset)
    known = {label.name for label in dataset.labels}
    used: set[str] = set()
    standing = _standing(target) if merge and target.is_file() else []
    names: set[str] = set()
    with (
        Target(target, merge=merge, replace=replace, is_file=True) as place,
        io.TextIOWrapper(place.file.open("xb"), encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, delimiter="\t" if target.suffix.lower() == ".tsv" else ",", lineterminator="\n")
        table.writerow(COLUMNS)
        for done, image in enumerate(dataset.images):
            if done % 256 == 0:
                context.check_cancelled()
                context.progress(done, None, "writing CSV")
            if not unheld.image(image):
                continue
            tally.images += 1
            names.add(image.name)
            tags = [one for one in image.annotations if _is_held(one, image, tally)]
            for one in tags:
                if one.label not in known:
                    raise unknown(one.label, image.name)
                used.add(one.label)
                table.writerow(_row(one, image))
                tally.annotations += 1
                tally.kept(one.label, "tag", image.name)
                unheld.annotation(one, image)
                if own(one.extra, "csv"):
                    tally.dropped(one.label, "foreign columns", "the table has its five columns", image.name)
            if not tags:
                table.writerow((image.name, "", "", "", ""))
        kept = [row for row in standing if clean_name(row[0]) not in names]
        table.writerows(kept)
        if kept:
            tally.note(f"{len(kept):,} rows that stood in the table were kept")
    report_unused(dataset, used, tally)
    return tally.report("csv", target)


def _standing(target: Path) -> list[list[str]]:
    """The rows of the table that is merged into; raises ``FormatError`` when its columns are not ours."""
    delimiter = "\t" if target.suffix.lower() == ".tsv" else ","
    try:
        with target.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file, delimiter=delimiter, strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{target} is no table: {error}.", "Export to another file.", path=target) from error
    if tuple(header) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        columns = ", ".join(COLUMNS)
        raise FormatError(f"{target} has other columns than {columns}.", "Export to another file.", path=target)
    return rows


def _is_held(one: DatasetAnnotation, image: DatasetImage, tally: Tally) -> bool:
    if isinstance(one.geometry, Tag):
        return True
    tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
    return False


def _row(one: DatasetAnnotation, image: DatasetImage) -> tuple[str, ...]:
    state = one.source.value
    if one.suggested:
        state = one.decision.value if one.decision is Decision.REJECTED else "suggested"
    confidence = "" if one.confidence is None else repr(float(one.confidence))
    return image.name, one.label, confidence, state, one.annotator
