"""``annotator demo``: the whole loop on pictures the project makes itself, in the window or played and printed."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotator.cli import display
from annotator.cli.demo_loop import ANNOTATOR, DemoResult, play
from annotator.cli.shared import AsJson, answer, table, work
from annotator.jobs.demo import default_place, prepare, prepare_played

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Play the loop without a window and print its figures.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where pictures, project, exports and screenshots go.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show the whole loop on a small project; without a screen, play it and print the figures."""
    place = out or default_place()
    platform = display.find_platform()
    if platform.starts and platform.name != "offscreen" and not headless and not as_json:
        from ui.app import run

        return run(work(lambda context: prepare(place, context=context), "Preparing the demo").folder)
    made = work(lambda context: prepare_played(place, annotator=ANNOTATOR, context=context), "Preparing the demo")
    result = work(lambda context: play(made.folder, made.truth, place, context), "Playing the demo")
    result = _with_screenshots(result, made.folder, place, platform)
    answer(result, as_json, lambda console: _show(console, result))
    return 0


def _with_screenshots(result: DemoResult, folder: Path, place: Path, platform: display.Platform) -> DemoResult:
    """Pictures of the real window on the demo's project, where Qt starts at all; never a reason to fail."""
    if not platform.starts:
        return replace(result, note=f"No screenshots: {platform.reason}. `annotator doctor` says what to install.")
    if importlib.util.find_spec("ui.demo") is None:
        return replace(result, note="No screenshots: this installation has no window.")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt starts: nothing is to pop up, and there may be no screen
    screenshots = importlib.import_module("ui.demo").play(folder, place / "screenshots")
    return replace(result, screenshots=tuple(str(path) for path in screenshots))


def _show(console: Console, result: DemoResult) -> None:
    figures = table("demo", "")
    figures.add_row("pictures", f"{result.images:,}")
    figures.add_row("suggestions", f"{result.suggestions:,}")
    for decision, count in result.verdicts.items():
        figures.add_row(decision, f"{count:,}")
    figures.add_row("right before the first verdict", f"{result.accuracy_before:.0%}")
    figures.add_row("right after the last round", f"{result.accuracy_after:.0%}")
    console.print(figures)
    for line in (*result.rounds, *result.exports, *result.screenshots):
        console.print(line, markup=False)
    if result.note:
        console.print(result.note, markup=False)
    console.print(f"Open it with: annotator {result.project}", markup=False)
