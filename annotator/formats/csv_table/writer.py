"""Writes tags as CSV, or TSV when the target's name says so."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from annotator.domain.geometry import Tag
from annotator.errors import FormatError
from annotator.formats.csv_table.spec import COLUMNS, SPEC
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labels import report_unused, unknown
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
    report_unused(dataset, used, tally)
    return tally.report("csv", target)


def _is_held(one: DatasetAnnotation, image: DatasetImage, tally: Tally) -> bool:
    if isinstance(one.geometry, Tag):
        return True
    tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
    return False


def _row(one: DatasetAnnotation, image: DatasetImage) -> tuple[str, ...]:
    state = "suggested" if one.suggested else one.source.value
    confidence = "" if one.confidence is None else repr(float(one.confidence))
    return image.name, one.label, confidence, state, one.annotator
