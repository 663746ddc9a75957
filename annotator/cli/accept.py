"""``annotator accept``: many suggestions at once, by confidence or under a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, ProjectPath, TaskName, answer, plural, work
from annotator.errors import UsageError
from annotator.usecases.results import AcceptResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("accept")(accept)


def accept(
    project: ProjectPath,
    task: TaskName,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", min=0, max=1, help="Accept what is at least this confident.")
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            "--max-error", min=0, max=1, help="Accept as much as an audit certifies to have at most this error."
        ),
    ] = None,
    audit: Annotated[int, typer.Option("--audit", min=1, help="How many suggestions the audit looks at.")] = 300,
    oracle: Annotated[
        Path | None,
        typer.Option("--oracle", help="A dataset with the right answers, which audits in a person's place."),
    ] = None,
    oracle_format: Annotated[str | None, typer.Option("--oracle-format", help="The oracle's format.")] = None,
    as_json: AsJson = False,
) -> None:
    """Accept open suggestions in one undoable edit."""
    from annotator.project import Project

    if (min_confidence is None) == (max_error is None):
        raise UsageError("Say how much to accept:", "give either --min-confidence or --max-error.")
    with Project.open(project) as opened:
        result = work(
            lambda context: opened.accept(
                task,
                min_confidence=min_confidence,
                max_error=max_error,
                audit=audit,
                oracle=oracle,
                oracle_format=oracle_format,
                context=context,
            ),
            "Accepting",
        )
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: AcceptResult) -> None:
    line = f"Accepted {plural(result.accepted, 'suggestion')}"
    if result.bound is not None:
        line += f"; at most {result.bound:.1%} of them are wrong (95%, from {result.audited} audited)"
    elif result.audited:
        line += f"; the audit of {result.audited} could not certify any: {result.missing}"
    console.print(line, markup=False)
