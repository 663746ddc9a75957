"""``annotator stats``: a project in numbers."""

from __future__ import annotations

import typer
from rich.console import Console

from annotator.cli.certificates import said
from annotator.cli.shared import AsJson, ProjectPath, answer, plural, table
from annotator.usecases.results import StatsResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stats")(stats)


def stats(project: ProjectPath, as_json: AsJson = False) -> None:
    """Print counts of pictures, labels, annotations and verdicts, and list what could not be read."""
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        result = opened.stats()
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: StatsResult) -> None:
    states = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result.states.items() if count)
    console.print(f"{result.path}: {plural(result.images, 'picture')} ({states})", markup=False)
    if result.splits:
        console.print(
            "Splits: " + ", ".join(f"{count:,} {name}" for name, count in result.splits.items()), markup=False
        )
    labels = table("label", "annotations", "suggestions")
    for label in result.labels:
        labels.add_row(label.name, f"{label.annotations:,}", f"{label.suggestions:,}")
    console.print(labels)
    verdicts = ", ".join(f"{count:,} {name}" for name, count in result.verdicts.items() if count)
    if verdicts:
        console.print(f"Verdicts: {verdicts}", markup=False)
    for each in result.certificates:
        console.print(said(each), markup=False)
    for problem in result.problems:
        console.print(f"  {problem.uri}: {problem.reason}", markup=False)
