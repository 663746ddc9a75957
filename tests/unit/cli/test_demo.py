"""The demo plays the whole loop without a screen, and without Qt it says what is missing and still ends well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.cli import demo, display
from annotator.project import Project
from tests.unit.cli.conftest import Command


def test_the_loop_is_played_and_its_figures_are_printed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "libEGL.so.1: cannot open shared object file"
    monkeypatch.setattr(display, "find_platform", lambda: display.Platform("", False, reason))
    out = tmp_path / "out"
    played = command("demo", "--out", out, "--json")
    assert played.status == 0
    result = played.json
    assert result["images"] == result["suggestions"] == 120
    assert sum(result["verdicts"].values()) >= 30
    assert result["accuracy_after"] > result["accuracy_before"] > 0.5
    assert reason in result["note"]
    assert result["screenshots"] == []
    assert any(path.endswith("coco.json") for path in result["exports"])
    document = json.loads((out / "exports" / "coco.json").read_text(encoding="utf-8"))
    with Project.open(result["project"]) as project:
        stats = project.stats()
    assert len(document["images"]) == stats.states["done"]
    assert stats.annotations == sum(result["verdicts"].values())


def test_where_qt_starts_offscreen_the_real_window_is_photographed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = tmp_path / "out" / "screenshots" / "annotate.png"

    class Window:
        @staticmethod
        def play(project: Path, out: Path) -> list[Path]:
            assert Project.is_project(project)
            assert out == shot.parent
            return [shot]

    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(demo.importlib, "import_module", lambda name: Window)
    result = demo.DemoResult(1, 1, {}, 0.0, 0.0, ())
    project = tmp_path / "p"
    Project.create(project).close()
    done = demo._with_screenshots(result, project, tmp_path / "out", display.Platform("offscreen", True))
    assert done.screenshots == (str(shot),)
    assert done.note == ""
