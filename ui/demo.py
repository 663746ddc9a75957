"""The demo in the window: its project, made from pictures the program draws itself, and screenshots of the real window on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from annotator.errors import AnnotatorError
from annotator.project import Project
from annotator.settings import AppSettings

if TYPE_CHECKING:
    from annotator.media.generate import DemoTruth

SIZE = (1280, 800)
OFFSCREEN = "This plugin does not support propagateSizeHints()"


def demo_project(annotator: str) -> Project:
    """The demo's project in the user's data folder, opened; made when it is not there yet. Not for the GUI thread."""
    from annotator.jobs.demo import default_place, prepare

    return Project.open(prepare(default_place(), annotator=annotator).folder, annotator=annotator)


def play(folder: Path, out: Path) -> list[Path]:
    """Work on the project ``folder`` in the real window as a simulated annotator; returns the pictures taken."""
    from ui.app import Collector, application, main_window
    from ui.tour import Tour

    application()
    before = qInstallMessageHandler(_tell)
    out.mkdir(parents=True, exist_ok=True)
    settings = AppSettings(out / ".settings" / "settings.json")
    settings.update(auto_train=False, annotator="simulated annotator")
    window = main_window(settings)
    tour = Tour(window, out, _truth(folder))
    collector = Collector()
    collector.start()
    try:
        window.resize(*SIZE)
        window.show()
        tour.start_page()
        tour.open(folder)
        tour.judge()
        tour.draw()
        tour.point()
        tour.review()
        tour.insights()
        tour.finish()
    finally:
        window.close()
        settings.close()
        collector.stop()
        qInstallMessageHandler(before)
    return tour.made


def _tell(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """What Qt says goes to standard error, but for the line that it has for each window without a screen."""
    if message != OFFSCREEN:
        sys.stderr.write(message + "\n")


def _truth(folder: Path) -> DemoTruth | None:
    """What the pictures of a demo project show; None for any other project, on which nothing is drawn."""
    from annotator.media.generate import DemoTruth

    with Project.open(folder, read_only=True) as project:
        for root in project.images.roots():
            try:
                return DemoTruth.load(Path(root.path))
            except AnnotatorError:
                continue
    return None
