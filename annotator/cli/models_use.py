"""``annotator models use``: which model serves tags, boxes and the smart tool of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from annotator.cli.shared import AsJson, answer
from annotator.errors import ModelError, UsageError
from annotator.usecases.serving import Role


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("use")(use_model)


def use_model(
    project: Annotated[Path, typer.Argument(help="The project.")],
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of `annotator models list`.")],
    role: Annotated[
        Optional[Role],  # noqa: UP045 - typer reads the annotation
        typer.Option("--for", help="What it serves; without it, everything that it can."),
    ] = None,
    weights: Annotated[Optional[Path], typer.Option(help="A weights file of your own.")] = None,  # noqa: UP045
    as_json: AsJson = False,
) -> None:
    """Let a model serve tags, boxes or the smart tool of a project; the window's Models dialog does the same."""
    from annotator.project import Project
    from annotator.usecases.model_view import model_facts, problem_with
    from annotator.usecases.serving import Served, choose

    facts = model_facts(model)
    roles = facts.roles if role is None else (role,)
    if not roles or (role is not None and role not in facts.roles):
        can = ", ".join(r.value for r in facts.roles) or "nothing that can be chosen"
        raise UsageError(f"{model} cannot serve {role.value if role else 'anything here'}.", f"It can serve: {can}.")
    reason, cure = problem_with(model, weights)
    if reason:
        raise ModelError(reason, cure, path=weights)
    with Project.open(project) as opened:
        for each in roles:
            choose(opened.settings, each, Served(model, weights))
    names = [r.value for r in roles]
    result = {"model": model, "serves": names, "weights": None if weights is None else str(weights.absolute())}
    answer(result, as_json, lambda console: console.print(f"{model} serves: {', '.join(names)}", markup=False))
