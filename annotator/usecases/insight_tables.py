"""Figures of the Insights screen as tables: the header and the rows of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from annotator.pseudolabel.calibrate import Reliability
from annotator.usecases.insights import (
    CalibrationView,
    Confusion,
    LabelBalance,
    ModelAcceptance,
    Progress,
    RoundPoint,
    TimePerImage,
)

Row = tuple[object, ...]
Table = tuple[tuple[str, ...], list[Row]]


def progress(figure: Progress) -> Table:
    """When how many images had an answer."""
    return ("moment", "images"), list(zip(figure.moments, figure.counts, strict=True))


def rounds(points: Sequence[RoundPoint]) -> Table:
    """The learning curve."""
    header = (
        "round",
        "labels",
        "accuracy",
        "standard_error",
        "previous",
        "basis",
        "recipe",
        "released",
        "version",
        "created_at",
    )
    return header, [tuple(getattr(point, name) for name in header) for point in points]


def calibration(views: Sequence[CalibrationView]) -> Table:
    """Both reliability diagrams, bin by bin."""
    rows: list[Row] = []
    for view in views:
        for name, diagram in (("raw", view.raw), ("calibrated", view.calibrated)):
            rows += [(view.group, name, *each) for each in _bins(diagram)]
    return ("group", "numbers", "bin", "confidence", "correct", "verdicts"), rows


def balance(figures: Sequence[LabelBalance]) -> Table:
    """How often each label occurs."""
    return ("label", "annotations", "suggestions"), [(b.name, b.annotations, b.suggestions) for b in figures]


def confusion(figure: Confusion) -> Table:
    """What people said in rows, what the head said in columns."""
    rows = [(name, *row) for name, row in zip(figure.labels, figure.counts.tolist(), strict=True)]
    return ("answer", *figure.labels), rows


def time_per_image(figure: TimePerImage) -> Table:
    """The histogram of seconds."""
    return ("from_s", "to_s", "verdicts"), list(zip(figure.edges[:-1], figure.edges[1:], figure.counts, strict=True))


def acceptance(figures: Sequence[ModelAcceptance]) -> Table:
    """Verdicts by model version."""
    header = ("model", "version", "task", "accepted", "corrected", "rejected", "share")
    return header, [tuple(getattr(figure, name) for name in header) for figure in figures]


def save(table: Table, path: Path) -> None:
    """Write a table as CSV, UTF-8 with a header, through a temporary name."""
    header, rows = table
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    unfinished.replace(path)


def _bins(diagram: Reliability) -> list[Row]:
    bins = len(diagram.count)
    return [
        (at / bins, float(diagram.confidence[at]), float(diagram.correct[at]), int(diagram.count[at]))
        for at in range(bins)
        if diagram.count[at]
    ]
