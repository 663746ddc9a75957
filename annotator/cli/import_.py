"""``annotator import``: annotations or another model's suggestions come into a project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.report import show_report
from annotator.cli.shared import FORMATS, AsJson, ProjectPath, SkipBad, answer, name_pair, plural, work
from annotator.usecases.results import ImportResult


class ImportAs(StrEnum):
    """What imported geometries become."""

    ANNOTATIONS = "annotations"
    SUGGESTIONS = "suggestions"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_dataset)


def import_dataset(
    project: ProjectPath,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The dataset: a file or a folder.")],
    format: Annotated[
        str | None,
        typer.Option("--format", help=f"{FORMATS}; found out when left away."),
    ] = None,
    as_: Annotated[ImportAs, typer.Option("--as", help="What they become.")] = ImportAs.ANNOTATIONS,
    skip_bad: SkipBad = False,
    names: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=LABEL", help="What a label is called here, or NAME=ignore; repeatable."),
    ] = None,
    leave_annotated: Annotated[
        bool, typer.Option("--leave-annotated", help="Pictures that have annotations stay as they are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import a dataset: labels match by name, pictures by path, and splits are taken over."""
    from annotator.project import Project

    pairs = dict(name_pair(each) for each in names or [])
    labels = {name: "" if label == "ignore" else label for name, label in pairs.items()}
    with Project.open(project) as opened:
        result = work(
            lambda context: opened.import_dataset(
                path,
                format,
                as_=as_.value,
                skip_bad=skip_bad,
                labels=labels,
                leave_annotated=leave_annotated,
                context=context,
            ),
            "Importing",
        )
    answer(result, as_json, lambda console: _show(console, result, as_))


def _show(console: Console, result: ImportResult, as_: ImportAs) -> None:
    console.print(f"{result.format}: {result.annotations:,} {as_} on {plural(result.images, 'picture')}", markup=False)
    if result.labels:
        console.print(f"New labels: {', '.join(result.labels)}", markup=False)
    show_report(console, result.rows, result.notes, result.warnings)
