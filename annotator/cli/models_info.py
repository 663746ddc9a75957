"""``annotator models info``: one model in full."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, answer


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("info")(info)


def info(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of `annotator models list`.")],
    as_json: AsJson = False,
) -> None:
    """Say what a model does, where its weights come from and under which licence."""
    from annotator.cli.shared import plain
    from annotator.usecases.model_view import model_facts

    facts: dict[str, object] = plain(model_facts(model))
    answer(facts, as_json, lambda console: _show(console, facts))


def _show(console: Console, facts: dict[str, object]) -> None:
    for name, value in facts.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                console.print(f"{name} {key}: {inner}", markup=False)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                console.print(f"{name}: {', '.join(str(part) for part in each.values())}", markup=False)
        elif value not in ("", None, []):
            shown = ", ".join(value) if isinstance(value, list) else value
            console.print(f"{name}: {shown}", markup=False)
