"""``annotator new``: a folder of pictures becomes a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, answer, plural, work
from annotator.errors import UsageError
from annotator.usecases.results import ScanResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="The folder to make; it must not exist or be empty.")
    ],
    images: Annotated[
        Path | None, typer.Option("--images", help="The folder of pictures; they stay where they are.")
    ] = None,
    labels: Annotated[str, typer.Option("--labels", help="Names of labels, separated by commas.")] = "",
    multi: Annotated[
        bool, typer.Option("--multi", help="An image may have several of the labels as tags, not one at most.")
    ] = False,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", help="Bring back the project of this archive; --images is where its pictures are."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project from a folder of pictures, or from an archive."""
    from annotator.project import Project

    if archive is not None:
        if labels or multi:
            raise UsageError("An archive brings its own labels.", "Leave --labels and --multi away.")
        with Project.restore(project, archive, images) as made:
            result = work(made.scan, "Looking for pictures")
        answer(result, as_json, lambda console: _show(console, project, result))
        return
    if images is None:
        raise UsageError("A project needs pictures.", "Give their folder with --images, or --archive.")
    names = [name.strip() for name in labels.split(",") if name.strip()]
    with Project.create(project, images, names, exclusive=not multi, scan=False) as made:
        result = work(made.scan, "Looking for pictures")
    answer(result, as_json, lambda console: _show(console, project, result))


def _show(console: Console, project: Path, result: ScanResult) -> None:
    console.print(f"{project}: {plural(result.images, 'picture')} in {result.seconds:.1f} s", markup=False)
    if result.unreadable:
        console.print(f"{plural(result.unreadable, 'file')} cannot be read; `annotator stats` lists them")
