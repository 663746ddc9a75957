"""``annotator export``: the corrected dataset leaves in a common format, with a report of what the format could not keep."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.certificates import said
from annotator.cli.report import show_report
from annotator.cli.shared import FORMATS, AsJson, ImageMode, ProjectPath, SplitNames, answer, plural, work
from annotator.errors import AnnotatorError, UsageError
from annotator.usecases.results import ExportResult


class Include(StrEnum):
    """What an export holds besides annotations."""

    SUGGESTIONS = "suggestions"


class Scope(StrEnum):
    """Which pictures an export holds."""

    DONE_OR_ANNOTATED = "done_or_annotated"
    DONE = "done"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    project: ProjectPath,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder or file to write.")],
    format: Annotated[str, typer.Option("--format", help=FORMATS)],
    include: Annotated[Include | None, typer.Option("--include", help="Also write open suggestions.")] = None,
    split: SplitNames = None,
    scope: Annotated[
        Scope, typer.Option("--scope", help="Pictures that are done or annotated, only done ones, or all.")
    ] = Scope.DONE_OR_ANNOTATED,
    images: Annotated[ImageMode, typer.Option("--images", help="Whether the pictures come along.")] = ImageMode.NONE,
    merge: Annotated[bool, typer.Option("--merge", help="Write into a target that exists.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a target that exists.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the export back and compare it with what was sent.")
    ] = False,
    version: Annotated[
        str, typer.Option("--version", help="A named version instead of the dataset as it is now.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Export the dataset; suggestions nobody looked at stay out unless included."""
    from annotator.project import Project

    if merge and replace:
        raise UsageError("--merge and --replace exclude each other.", "Give one of them.")
    with Project.open(project, read_only=True) as opened:
        result = work(
            lambda context: opened.export(
                path,
                format,
                include_suggestions=include is not None,
                splits=tuple(split or ()),
                scope=scope.value,
                images=images.value,
                merge=merge,
                replace=replace,
                verify=verify,
                version=version,
                context=context,
            ),
            "Exporting",
        )
    answer(result, as_json, lambda console: _show(console, result))
    if result.verified and result.verified.unexplained:
        raise AnnotatorError(
            f"{path} does not hold what was sent: {result.verified.differences[0]}.",
            "Keep the project, and report this with the file.",
        )


def _show(console: Console, result: ExportResult) -> None:
    console.print(
        f"{result.path}: {plural(result.annotations, 'annotation')} on {plural(result.images, 'picture')}", markup=False
    )
    for each in result.certificates:
        console.print(said(each), markup=False)
    if result.verified and not result.verified.unexplained:
        console.print(
            f"Read back: {plural(result.verified.same, 'annotation')} as sent, {result.verified.announced:,} as told."
        )
    if not result.lossy:
        console.print(
            "Every annotation was kept; what else was not is noted." if result.unkept else "Nothing was lost."
        )
    show_report(console, result.rows, result.notes, result.warnings)
