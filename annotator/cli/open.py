"""``annotator [open] [FOLDER|PROJECT]``: the window. The one place, with ``demo``, where the shell imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli.display import find_platform
from annotator.errors import AnnotatorError, UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("open")(open_window)


def open_window(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|PROJECT]", help="A folder of pictures or a project; without one, the start page."
        ),
    ] = None,
) -> int:
    """Open the window. A folder of pictures becomes a project beside it."""
    if path is not None and not path.exists():
        raise UsageError(
            f"There is no folder and no command called {str(path)!r}.", "`annotator --help` lists the commands."
        )
    if path is not None and not path.is_dir():
        raise UsageError(f"{path} is not a folder.", "Give the folder of pictures or the project's folder.")
    platform = find_platform()
    if not platform.starts or platform.name == "offscreen":
        raise AnnotatorError(
            f"The window cannot open here: {platform.reason}.",
            "Run it where there is a screen; `annotator doctor` says what is missing.",
        )
    from ui.app import run

    return run(path)
