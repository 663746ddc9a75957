"""``annotator suggest``: models look at every picture and propose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, DeviceName, ProjectPath, TaskName, answer, name_pair, plural, work
from annotator.usecases.results import SuggestResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("suggest")(suggest)


def suggest(
    project: ProjectPath,
    task: TaskName,
    model: Annotated[
        str | None, typer.Option("--model", help="A model of `annotator models list`; default: built in.")
    ] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="A weights file for that model.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many pictures, in the queue's order.")
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="NAME=LABEL", help="What a detector's name means here, or NAME=ignore; repeatable."
        ),
    ] = None,
    class_agnostic: Annotated[
        bool, typer.Option("--class-agnostic", help="Set a detector's names aside: label boxes by what is in them.")
    ] = False,
    device: DeviceName = "auto",
    as_json: AsJson = False,
) -> None:
    """Suggest for every picture that has no answer yet, and put the queue in order."""
    from annotator.project import Project

    pairs = dict(name_pair(each) for each in names or [])
    with Project.open(project) as opened:
        result = work(
            lambda context: opened.suggest(
                task,
                model,
                weights=weights,
                limit=limit,
                device=device,
                names=pairs,
                class_agnostic=class_agnostic,
                context=context,
            ),
            "Suggesting",
        )
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: SuggestResult) -> None:
    rate = f", {result.images_per_s:.0f} pictures/s" if result.images_per_s else ""
    found = plural(result.suggestions, "suggestion")
    console.print(
        f"Run {result.run} ({result.model}): {found} for {plural(result.images, 'picture')}{rate}",
        markup=False,
    )
    if result.uncalibrated:
        console.print("Confidence is uncalibrated until 100 randomly drawn verdicts are in.")
    for warning in result.warnings:
        console.print(f"  {warning}", markup=False)
