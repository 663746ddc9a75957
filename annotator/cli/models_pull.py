"""``annotator models pull``: fetch a model's weights."""

from __future__ import annotations

from typing import Annotated

import typer

from annotator.cli.shared import AsJson, answer, work


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("pull")(pull_weights)


def pull_weights(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of `annotator models list`.")],
    as_json: AsJson = False,
) -> None:
    """Download a model's weights; goes on where it stopped, and checks what came."""
    from annotator.models.pull import pull

    path = work(lambda context: pull(model, context=context), f"Fetching {model}")
    size = path.stat().st_size
    result = {"id": model, "path": str(path), "size": size}
    answer(result, as_json, lambda console: console.print(f"{path} ({size / 1e6:.1f} MB)", markup=False))
