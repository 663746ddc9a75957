"""The real window over a real project in a temporary folder; only the engine process is replaced, by one that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partialmethod
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.domain.geometry import Box, Geometry
from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from annotator.jobs.events import JobEvent, JobStopped, JobSucceeded
from annotator.project import Project
from annotator.settings import AppSettings
from tests.ui.prompting import FakePrompting
from ui import app as application
from ui.main_window import MainWindow

LABELS = ("cat", "dog", "bird")
SIZE = (160, 120)


@dataclass
class FakeHandle:
    """What ``FakeEngine.submit`` returns."""

    id: int
    name: str
    parameters: dict[str, Any]
    cancel: Callable[[], None] = field(default=lambda: None)


class FakeEngine:
    """Records what it is asked; the test says what comes back."""

    made: ClassVar[list[FakeEngine]] = []

    def __init__(self, project: Path, *, annotator_name: str, on_event: Any, on_changes: Any) -> None:
        self.handles: list[FakeHandle] = []
        self._on_event: Callable[[JobEvent], None] = on_event
        self.on_changes = on_changes
        self.closed = False
        FakeEngine.made.append(self)

    def submit(self, name: str, parameters: dict[str, Any]) -> FakeHandle:
        handle = FakeHandle(len(self.handles) + 1, name, parameters)
        handle.cancel = Cancel(self, handle)
        self.handles.append(handle)
        return handle

    def say(self, event: JobEvent) -> None:
        self._on_event(event)

    def succeed(self, result: Any) -> None:
        handle = self.handles[-1]
        self.say(JobSucceeded(handle.id, handle.name, result))

    def close(self) -> None:
        self.closed = True


class Cancel:
    """Stops a job of the fake engine."""

    def __init__(self, engine: FakeEngine, handle: FakeHandle) -> None:
        self._engine, self._handle = engine, handle

    def __call__(self) -> None:
        self._engine.say(JobStopped(self._handle.id, self._handle.name))


@pytest.fixture(autouse=True)
def _no_real_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import annotator.jobs.engine
    import annotator.jobs.prompting.client

    # A busy machine may take long to import the store for the first time.
    monkeypatch.setattr(QtBot, "waitUntil", partialmethod(QtBot.waitUntil, timeout=60_000))
    FakeEngine.made = []
    monkeypatch.setattr(annotator.jobs.engine, "Engine", FakeEngine)
    FakePrompting.made = []
    monkeypatch.setattr(annotator.jobs.prompting.client, "PromptingEngine", FakePrompting)
    monkeypatch.setenv("ANNOTATOR_CONFIG_DIR", str(tmp_path / "config"))
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "qsettings"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six small pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(6):
        pixels = random.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(folder / f"picture {number}.png")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[AppSettings]:
    kept = AppSettings(tmp_path / "config" / "settings.json")
    kept.update(annotator="Ada")
    yield kept
    kept.close()


@pytest.fixture
def empty_window(qtbot: Any, settings: AppSettings) -> Iterator[MainWindow]:
    """The window on its start page."""
    window = application.main_window(settings)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.show()
    yield window
    window.close()


@pytest.fixture
def project_path(photos: Path) -> Path:
    """A project of the pictures with three labels, closed."""
    path = Project.folder_for(photos)
    Project.create(path, photos, LABELS, annotator="Ada").close()
    return path


@pytest.fixture
def window(qtbot: Any, empty_window: MainWindow, project_path: Path) -> MainWindow:
    """The window on the Annotate screen, first image shown, canvas in focus, no job running."""
    empty_window.open_path(project_path)
    qtbot.waitUntil(lambda: empty_window.session.page is not None)
    qtbot.waitUntil(lambda: not any(view.name == "scan" for view in empty_window.jobs.running))
    empty_window.activateWindow()
    empty_window.canvas.setFocus()
    qtbot.waitUntil(empty_window.canvas.hasFocus)
    return empty_window


@pytest.fixture
def engine(window: MainWindow, qtbot: Any) -> FakeEngine:
    """The engine that the window started for its labels."""
    qtbot.waitUntil(lambda: bool(FakeEngine.made))
    return FakeEngine.made[-1]


def press(
    window: MainWindow, key: Qt.Key | str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """A real key press where the focus is."""
    widget = QApplication.focusWidget() or window.canvas
    if isinstance(key, str):
        QTest.keyClicks(widget, key, modifier)
    else:
        QTest.keyClick(widget, key, modifier)


def suggest(window: MainWindow, *rows: tuple[str, Geometry, float], task: Task = Task.BOXES) -> list[Suggestion]:
    """Put suggestions of a run into the store for the image on screen: (label, geometry, confidence)."""
    session = window.session
    project, page = session.project, session.page
    assert project is not None
    assert page is not None
    ids = {label.name: label.id for label in session.labels.values()}
    with project._parts.db.write("engine") as writer:
        run = writer.runs.start(task, "test", "1")
        made = [
            Suggestion(uuid4(), run, page.image.id, shape, ((ids[name], sure),), sure, sure, task=task)
            for name, shape, sure in rows
        ]
        writer.suggestions.add_many(made)
    return made


BOX = Box(20, 20, 80, 70)
OTHER_BOX = Box(90, 30, 150, 100)
