"""``annotator models list``: every model of the catalogue and whether it can run here."""

from __future__ import annotations

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, answer, plain, table


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("list")(list_models)


def list_models(as_json: AsJson = False) -> None:
    """List the models, what they do and whether they can run here."""
    from annotator.usecases.model_view import all_models

    rows: list[dict[str, object]] = [plain(model) for model in all_models()]
    answer({"models": rows}, as_json, lambda console: _show(console, rows))


def _show(console: Console, rows: list[dict[str, object]]) -> None:
    models = table("id", "tasks", "ready", "licence")
    for column in models.columns:
        column.justify = "left"
    for row in rows:
        tasks = row["tasks"]
        assert isinstance(tasks, list)
        models.add_row(str(row["id"]), ", ".join(tasks), "yes" if row["ready"] else "no", str(row["licence"]))
    console.print(models)
    # Below the table: a cure is a sentence, and a column of sentences breaks the table at 80 characters.
    for row in rows:
        if not row["ready"]:
            console.print(f"{row['id']}: {row['cure']}", markup=False, highlight=False, soft_wrap=True)
