"""The real window, with its real engine process, over a folder of its own; nothing is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings

from annotator.settings import AppSettings
from tests.e2e.hands import Hands
from tests.e2e.pictures import make_folder
from ui import app as application
from ui.main_window import MainWindow


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The difficult folder."""
    return make_folder(tmp_path / "photos")


@pytest.fixture
def open_window(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Hands]]:
    """Starts the program's window, as often as it is called; settings stay as they do for a person."""
    monkeypatch.setenv("ANNOTATOR_CONFIG_DIR", str(tmp_path / "config"))
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "qsettings"))
    made: list[tuple[MainWindow, AppSettings]] = []

    def start() -> Hands:
        settings = AppSettings(tmp_path / "config" / "settings.json")
        settings.update(annotator="Ada")
        window = application.main_window(settings)
        made.append((window, settings))
        qtbot.addWidget(window)
        window.resize(1280, 800)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        return Hands(window, qtbot)

    yield start
    for window, settings in made:
        window.close()
        settings.close()
