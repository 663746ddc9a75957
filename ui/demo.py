"""The demo in the window: its project, made from pictures the program draws itself, and screenshots of the real window on it."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication

from annotator.project import Project
from annotator.settings import AppSettings, ThemeChoice
from ui.theme import theme

SIZES = ((1280, 800), (1920, 1080))
THEMES = (ThemeChoice.DARK, ThemeChoice.LIGHT)
PATIENCE_S = 60.0
SETTLE_MS = 600


def demo_project(annotator: str) -> Project:
    """The demo's project in the user's data folder, opened; made when it is not there yet. Not for the GUI thread."""
    from annotator.jobs.demo import default_place, prepare

    return Project.open(prepare(default_place(), annotator=annotator).folder, annotator=annotator)


class Pause(QObject):
    """Lets the event loop run for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = QEventLoop(self)

    def rest(self, milliseconds: int) -> None:
        """Handle events for so long."""
        QTimer.singleShot(milliseconds, self._loop, self._loop.quit)
        self._loop.exec()


def play(folder: Path, out: Path) -> list[Path]:
    """Open the project ``folder`` in the real window and save a picture of it for each theme and size; returns their paths."""
    from ui.app import application, main_window

    app = application()
    out.mkdir(parents=True, exist_ok=True)
    settings = AppSettings(out / ".settings" / "settings.json")
    settings.update(auto_train=False)
    window = main_window(settings)
    window.setMinimumSize(1, 1)
    pause, made = Pause(), []
    try:
        window.resize(*SIZES[0])
        window.show()
        window.open_path(folder)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and (window.session.page is None or window.jobs.running):
            pause.rest(50)
        for size in SIZES:
            for choice in THEMES:
                theme().choose(choice)
                window.resize(*size)
                window.annotate.share_width()
                pause.rest(SETTLE_MS)
                target = out / f"annotate-{choice.value}-{size[0]}x{size[1]}.png"
                if window.grab().save(str(target)):
                    made.append(target)
    finally:
        window.close()
        settings.close()
        QApplication.sendPostedEvents(app)
    return made
