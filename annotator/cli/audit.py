"""``annotator audit``: what looks wrong in labels and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, DeviceName, ProjectPath, answer, plural, table, work
from annotator.usecases.results import Agreement, AuditResult

SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    project: ProjectPath,
    labels: Annotated[
        bool, typer.Option("--labels", help="Tags that look wrong, one by one and by whole folders.")
    ] = False,
    duplicates: Annotated[bool, typer.Option("--duplicates", help="Pictures that are there twice.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Tags that are missing, and where they are.")] = False,
    shapes: Annotated[bool, typer.Option("--shapes", help="Boxes and masks that a model sees otherwise.")] = False,
    agreement: Annotated[bool, typer.Option("--agreement", help="What annotators said differently.")] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Another annotator's dataset of these pictures; may be given several times."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The detector that looks at boxes and masks.")] = None,
    device: DeviceName = "auto",
    as_json: AsJson = False,
) -> None:
    """List what looks wrong, the worst of each kind first. Nothing is changed. Without a choice, looks at everything."""
    from annotator.project import Project

    chosen = {
        "labels": labels,
        "duplicates": duplicates,
        "missing": missing,
        "shapes": shapes,
        "agreement": agreement or bool(against),
    }
    parts = tuple(name for name, wanted in chosen.items() if wanted)
    with Project.open(project) as opened:
        result = work(
            lambda context: opened.audit(parts, against=against or (), model=model, device=device, context=context),
            "Auditing",
        )
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: AuditResult) -> None:
    for note in result.notes:
        console.print(note)
    for each in result.agreement:
        console.print(_agreed(each))
    if not result.findings:
        console.print("Nothing looks wrong.")
        return
    rows = table("picture", "kind", "finding", "score")
    for found in result.findings[:SHOWN]:
        rows.add_row(found.uri, found.kind, found.reason, f"{found.score:.2f}")
    console.print(rows)
    more = len(result.findings) - SHOWN
    console.print(plural(len(result.findings), "finding") + (f"; the first {SHOWN} are shown" if more > 0 else ""))


def _agreed(figure: Agreement) -> str:
    """One line about a group: "labels: 120 pictures; kappa of ann, bob 0.81 on 118; alpha 0.80"."""
    shown = [
        f"kappa of {pair} {_number(kappa)} on {figure.shared.get(pair, figure.images):,}"
        for pair, kappa in figure.kappa.items()
    ]
    return f"{figure.group}: {plural(figure.images, 'picture')}; " + "; ".join(
        [*shown, f"alpha {_number(figure.alpha)}"]
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
