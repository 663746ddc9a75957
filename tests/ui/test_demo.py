"""The button "Try the demo": the demo that the command prepares, its pictures listed, and suggestions under way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, qInstallMessageHandler, qWarning
from PySide6.QtTest import QTest

from annotator.domain.kinds import Task
from annotator.jobs import demo
from annotator.project import Project
from tests.ui.conftest import FakeEngine
from ui import demo as demo_tour
from ui.main_window import ANNOTATE, MainWindow


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the demo lies."""
    place = tmp_path / "data" / "demo"
    monkeypatch.setattr(demo, "default_place", lambda: place)
    return place


def test_the_button_prepares_what_the_command_prepares_and_the_window_suggests(
    empty_window: MainWindow, place: Path, qtbot: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    window = empty_window
    capfd.readouterr()
    QTest.mouseClick(window.start.demo_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.page is not None)
    assert window.pages.currentIndex() == ANNOTATE
    assert [label.name for label in window.session.ordered_labels()] == sorted(demo.LABELS, key=_place)
    assert len(window.session.order.ids) == 10 * len(demo.LABELS)
    qtbot.waitUntil(lambda: bool(FakeEngine.made) and bool(FakeEngine.made[-1].handles))
    asked = FakeEngine.made[-1].handles[-1]
    assert (asked.name, asked.parameters["task"]) == ("suggest", Task.TAGS.value)
    assert "libpng" not in capfd.readouterr().err
    folder = window.session.project.path
    window.projects.leave()
    prepared = demo.prepare(place)
    assert prepared.folder == folder == place / "demo.annotator"
    truth = json.loads((place / "pictures" / "demo_truth.json").read_text("utf-8"))
    assert set(truth["images"].values()) == set(demo.LABELS) == set(prepared.truth.labels)


def test_the_demo_stays_as_it_was_left_and_playing_it_is_another_project(tmp_path: Path) -> None:
    first = demo.prepare(tmp_path, annotator="Ada")
    with Project.open(first.folder) as project:
        image_id = int(project.images.ids()[0])
        project.images.set_aside([image_id], "looked at")
    assert demo.prepare(tmp_path, annotator="Ben").folder == first.folder
    played = demo.prepare_played(tmp_path).folder
    assert played != first.folder
    with Project.open(first.folder) as project:
        assert project.images.get(image_id).reason == "looked at"
    (played / "mark").touch()
    assert not (demo.prepare_played(tmp_path).folder / "mark").exists()


def _place(label: str) -> tuple[int, str]:
    from annotator.media.generate import DEMO_LABELS

    return (DEMO_LABELS.index(label) if label in DEMO_LABELS else len(DEMO_LABELS), label)


def test_playing_without_a_screen_is_quiet_about_it_and_about_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    before = qInstallMessageHandler(demo_tour._tell)
    try:
        qWarning(demo_tour.OFFSCREEN)
        qWarning("something else")
    finally:
        qInstallMessageHandler(before)
    assert capsys.readouterr().err == "something else\n"
