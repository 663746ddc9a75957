"""``annotator split``: images without a split are divided into train, val and test."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, ProjectPath, answer, plural, table, work
from annotator.domain.kinds import Split
from annotator.usecases.results import SplitResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("split")(split)


def split(
    project: ProjectPath,
    train: Annotated[float, typer.Option("--train", help="The part that trains.")] = 0.8,
    val: Annotated[float, typer.Option("--val", help="The part that validates.")] = 0.1,
    test: Annotated[float, typer.Option("--test", help="The part that tests.")] = 0.1,
    seed: Annotated[int, typer.Option("--seed", help="Another seed divides otherwise.")] = 0,
    anew: Annotated[bool, typer.Option("--anew", help="Also those that have a split.")] = False,
    as_json: AsJson = False,
) -> None:
    """Divide pictures into train, val and test: balanced by label, sequences whole. Pictures that have a split keep it."""
    from annotator.project import Project

    parts = {Split.TRAIN: train, Split.VAL: val, Split.TEST: test}
    with Project.open(project) as opened:
        result = work(lambda context: opened.split(parts, seed=seed, anew=anew, context=context), "Splitting")
    answer(result, as_json, lambda console: _show(console, result))


def _show(console: Console, result: SplitResult) -> None:
    parts = ", ".join(f"{count:,} {name}" for name, count in result.splits.items())
    console.print(f"{plural(result.added, 'picture')} got a split: {parts}")
    labels = table("label", *result.splits)
    for each in result.labels:
        labels.add_row(each.name, f"{each.train:,}", f"{each.val:,}", f"{each.test:,}")
    if result.labels:
        console.print(labels)
