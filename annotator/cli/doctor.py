"""``annotator doctor``: what this machine has, what is missing, and the command that installs it."""

from __future__ import annotations

import typer
from rich.console import Console

from annotator.cli.checks import Check, Level, run_checks
from annotator.cli.shared import AsJson, answer
from annotator.errors import AnnotatorError

MARKS = {Level.GOOD: ("ok", "green"), Level.NOTE: ("note", "yellow"), Level.MISSING: ("missing", "red")}
"""Word and colour of each level."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check Python, the window, the models, the device and the disk; exits with 1 when something needed is missing."""
    checks = run_checks()
    missing = [check for check in checks if check.level is Level.MISSING]
    result = {"ok": not missing, "checks": [_entry(check) for check in checks]}
    answer(result, as_json, lambda console: _show(console, checks))
    if missing:
        cures = " ".join(check.cure for check in missing if check.cure)
        raise AnnotatorError(f"Missing: {', '.join(check.name for check in missing)}.", cures)


def _entry(check: Check) -> dict[str, str]:
    return {"name": check.name, "level": check.level.value, "detail": check.detail, "cure": check.cure}


def _show(console: Console, checks: list[Check]) -> None:
    for check in checks:
        word, color = MARKS[check.level]
        console.print(word, style=color, end="")
        console.print(f"  {check.name}: {check.detail}")
        if check.cure and check.level is not Level.GOOD:
            console.print(f"      {check.cure}")
