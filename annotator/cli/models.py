"""``annotator models``: which models there are, what they need, and fetching their weights."""

from __future__ import annotations

import typer

from annotator.cli import models_info, models_list, models_pull, models_use


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="List models, fetch their weights, and say where they come from.", no_args_is_help=True)
    for module in (models_list, models_pull, models_info, models_use):
        module.register(group)
    app.add_typer(group, name="models")
