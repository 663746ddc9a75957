"""``annotator audit``: tags that look wrong, and pictures that are there twice."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, DeviceName, ProjectPath, answer, plural, table, work
from annotator.usecases.results import AuditResult

SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    project: ProjectPath,
    labels: Annotated[bool, typer.Option("--labels", help="Only tags that look wrong.")] = False,
    duplicates: Annotated[bool, typer.Option("--duplicates", help="Only pictures that are there twice.")] = False,
    device: DeviceName = "auto",
    as_json: AsJson = False,
) -> None:
    """List what looks wrong, the worst first: tags, and duplicate pictures. Nothing is changed."""
    from annotator.project import Project

    both = labels == duplicates
    with Project.open(project) as opened:
        result = work(
            lambda context: opened.audit(
                labels=labels or both, duplicates=duplicates or both, device=device, context=context
            ),
            "Auditing",
        )
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: AuditResult) -> None:
    if not result.findings:
        console.print("Nothing looks wrong.")
        return
    rows = table("picture", "finding", "score")
    for each in result.findings[:SHOWN]:
        rows.add_row(each.uri, each.reason, f"{each.score:.2f}")
    console.print(rows)
    more = len(result.findings) - SHOWN
    console.print(plural(len(result.findings), "finding") + (f"; the first {SHOWN} are shown" if more > 0 else ""))
