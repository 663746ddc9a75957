"""``annotator train``: a head learns from every verdict so far."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, DeviceName, ProjectPath, TaskName, answer, work
from annotator.usecases.results import TrainResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    project: ProjectPath,
    task: TaskName,
    options: Annotated[
        list[str] | None,
        typer.Option("--try", help="look-ahead or trim: used when held-out answers prefer it; none forgets it again."),
    ] = None,
    device: DeviceName = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a head, release it if it is not worse, and suggest anew for what is open."""
    from annotator.project import Project

    with Project.open(project) as opened:
        if options:
            opened.try_in_training([name for name in options if name != "none"])
        result = work(lambda context: opened.train(task, device=device, context=context), "Learning from verdicts")
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: TrainResult) -> None:
    state = "released" if result.released else "not released"
    console.print(f"Head {result.head} is {state} after {result.seconds:.1f} s: {result.reason}", markup=False)
    for name, value in result.metrics.items():
        shown = f"{value:.3f}" if isinstance(value, float) else value
        console.print(f"  {name}: {shown}", markup=False)
    if result.round is not None and result.round.message:
        console.print(result.round.message, markup=False)
