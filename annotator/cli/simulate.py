"""``annotator simulate``: the loop with an annotator who knows the truth, to see what it would gain on these pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, ProjectPath, TaskName, answer, plural, table, work
from annotator.errors import UsageError
from annotator.usecases.results import CurvePoint, EffortResult, SimulateResult
from annotator.usecases.tasks import Rounds

STRATEGIES = (
    "How the queue chooses: default or auto (typical pictures first, then uncertain ones), typiclust, margin, random, "
    "in-order, novel (unlike anything labelled), disagreement (of the names and the head)."
)
NEARLY = 0.9
DRAWN = {
    "by_hand": "by hand",
    "keys": "keys",
    "clicks": "clicks",
    "drags": "drags",
    "map75": "mAP75",
    "cpu_s": "training, CPU s",
}
"""Columns of tasks that count what drawing costs."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    project: ProjectPath,
    task: TaskName,
    truth: Annotated[Path, typer.Option("--truth", help="A dataset with the right answers and the splits.")],
    truth_format: Annotated[
        str | None, typer.Option("--truth-format", help="Its format; found out when left away.")
    ] = None,
    budgets: Annotated[
        str, typer.Option("--budgets", help="Numbers of labels to stop at, separated by commas.")
    ] = "10,20,50,100,200",
    strategy: Annotated[str, typer.Option("--strategy", help=STRATEGIES)] = "default",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often to play it.")] = 3,
    effort: Annotated[
        bool, typer.Option("--effort", help="Also count the keys and clicks that label everything to 2% and 5% error.")
    ] = False,
    certify: Annotated[
        float | None,
        typer.Option("--certify", min=0, max=1, help="Also try certificates of this target error at 500 labels."),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many certificates to try.")] = 200,
    rounds: Annotated[
        Rounds, typer.Option("--rounds", help="Boxes: train whenever the labelled pictures double, or at-budgets only.")
    ] = Rounds.DOUBLING,
    as_json: AsJson = False,
) -> None:
    """Play the loop on a copy of the project and print the learning curve."""
    from annotator.project import Project

    try:
        numbers = tuple(sorted({int(word) for word in budgets.split(",") if word.strip()}))
    except ValueError:
        raise UsageError(f"--budgets {budgets!r} is not a list of whole numbers.", "For example: 10,20,50") from None
    if not numbers or numbers[0] < 1:
        raise UsageError("--budgets needs numbers of at least 1.", "For example: 10,20,50")
    with Project.open(project, read_only=True) as opened:
        result = work(
            lambda context: opened.simulate(
                task,
                truth=truth,
                truth_format=truth_format,
                budgets=numbers,
                strategy=strategy,
                seeds=seeds,
                effort=effort,
                certify=certify,
                runs=runs,
                rounds=rounds,
                context=context,
            ),
            "Simulating",
        )
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: SimulateResult) -> None:
    shown = [column for column in DRAWN if any(getattr(point, column) is not None for point in result.curve)]
    curve = table("labels", result.metric, "sd", "of all labels", "actions", *(DRAWN[column] for column in shown))
    full = max(result.full_supervision, 1e-9)
    if result.zero_labels is not None:
        curve.add_row("0", f"{result.zero_labels:.3f}", "", f"{result.zero_labels / full:.0%}", "0")
    for point in result.curve:
        row = f"{point.mean:.3f}", f"{point.sd:.3f}", f"{point.mean / full:.0%}", f"{point.actions:,.0f}"
        curve.add_row(f"{point.budget:,}", *row, *(_cell(point, column) for column in shown))
    alone = {"map75": result.full_map75, "cpu_s": result.full_cpu_s}
    rest = ("" if (figure := alone.get(column)) is None else _figure(column, figure) for column in shown)
    curve.add_row("all", f"{result.full_supervision:.3f}", "", "100%", "", *rest)
    console.print(curve)
    console.print(
        f"Scored on {result.scored_on} ({plural(result.scored_images, 'picture')}), which the loop never saw. "
        f"Strategy {result.strategy}, mean of {plural(result.seeds, 'run')}, {result.seconds:.0f} s."
    )
    if result.actions_for_all is not None and result.actions_drawing_all is not None:
        console.print(
            f"Labelling all others takes {plural(result.actions_for_all, 'action')} with suggestions, "
            f"{result.actions_drawing_all:,} drawing everything."
        )
    _show_review(console, result)
    enough = next((point for point in result.curve if point.mean >= NEARLY * result.full_supervision), None)
    if enough is not None:
        console.print(f"{plural(enough.budget, 'label')} reach {NEARLY:.0%} of what all labels give.")


def _cell(point: CurvePoint, column: str) -> str:
    figure: float | None = getattr(point, column)
    return "" if figure is None else _figure(column, figure)


def _figure(column: str, figure: float) -> str:
    return f"{figure:.3f}" if column == "map75" else f"{figure:,.0f}"


def _certified(effort: EffortResult) -> str:
    """What certificates had to do with it."""
    if not effort.certificates:
        return "no certificate: the wall was always expected to cost less"
    return (
        f"{effort.certificates:,.1f} certificates with {effort.checks:,.0f} images in their samples, which accepted "
        f"{effort.certified:,.0f} unseen"
    )


def _show_review(console: Console, result: SimulateResult) -> None:
    """The other strategies, the effort for the whole pool, and how certificates held."""
    if len(result.strategies) > 1:
        compared = table("strategy", *(f"{point.budget:,}" for point in result.curve))
        for each in result.strategies:
            compared.add_row(each.strategy, *(f"{point.mean:.3f}" for point in each.curve))
        console.print(compared)
    for all_ in result.effort:
        console.print(
            f"To at most {all_.target:.0%} error: {all_.actions:,.0f} actions instead of {all_.by_hand:,} by hand "
            f"({all_.share:.0%}), {all_.error:.1%} wrong at the end; {all_.keys:,.0f} keys, {all_.pages:,.0f} pages of the wall "
            f"with {all_.marks:,.0f} marks; {_certified(all_)}."
        )
    if (held := result.certificates) is not None:
        console.print(
            f"Certificates of {held.target:.0%} at {held.labels:,} labels: {held.violations:,} of {held.runs:,} were wrong, "
            f"{held.certified:,} certified something; {held.accepted:.0%} of the open pictures accepted unseen on average."
        )
