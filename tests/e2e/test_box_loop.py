"""The loop of boxes in the shell: a dataset comes in, a head learns, suggests, is accepted and exported; the loop is played."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotator.cli.main import run
from annotator.project import Project
from tests.scenes import draw_scene, learn_quickly, write_scenes

Shell = Callable[..., Any]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """``annotator ARGUMENTS --json`` in this process: (status, its JSON or what it said on standard error)."""
    monkeypatch.setenv("ANNOTATOR_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.setenv("ANNOTATOR_CONFIG_DIR", str(tmp_path / "config"))

    def call(*arguments: object) -> tuple[int, Any]:
        capsys.readouterr()
        status = run([*(str(argument) for argument in arguments), "--json"])
        said = capsys.readouterr()
        return status, json.loads(said.out) if status == 0 else said.err

    return call


def test_boxes_from_the_first_import_to_the_export(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_quickly(monkeypatch)
    truth = write_scenes(tmp_path, 10)
    write_scenes(tmp_path, 4, first=10)
    project = tmp_path / "p"
    assert shell("new", project, "--images", tmp_path / "images")[0] == 0
    assert shell("suggest", project, "--task", "boxes")[0] == 1
    status, said = shell("train", project, "--task", "boxes")
    assert status == 1
    assert said.count("\n") == 1
    assert "at least 3 pictures" in said
    assert shell("import", project, truth)[1]["images"] == 10
    status, trained = shell("train", project, "--task", "boxes")
    assert (status, trained["released"], trained["metrics"]["images"]) == (0, True, 10)
    status, found = shell("suggest", project, "--task", "boxes")
    assert status == 0
    assert found["images"] == 4
    assert found["suggestions"] >= 8
    status, accepted = shell("accept", project, "--task", "boxes", "--min-confidence", "0.5")
    assert status == 0
    assert 6 <= accepted["accepted"] <= 24
    status, _ = shell("export", project, tmp_path / "out", "--format", "yolo")
    assert status == 0
    lines = [line for path in (tmp_path / "out").rglob("*.txt") for line in path.read_text().splitlines()]
    drawn = sum(len(draw_scene(number)[1]) for number in range(10))
    assert sum(len(line.split()) == 5 for line in lines) == drawn + accepted["accepted"]


def test_the_loop_is_played_beside_the_project_and_counts_what_a_person_does(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_quickly(monkeypatch, copies=1, steps=16)
    truth = write_scenes(tmp_path, 66)
    project = tmp_path / "p"
    shell("new", project, "--images", tmp_path / "images", "--labels", "disc,square")
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.suffix in (".db", ".safetensors")}
    status, played = shell(
        "simulate", project, "--task", "boxes", "--truth", truth, "--budgets", "6,8", "--seeds", "1",
        "--strategy", "in-order",
    )  # fmt: skip
    assert status == 0, played
    assert (played["task"], played["metric"], played["scored_on"]) == ("boxes", "mAP50", "a fifth by hash")
    assert [point["budget"] for point in played["curve"]] == [6, 8]
    # Four things on each picture: a drag and a key each, and one key for done.
    assert [point["by_hand"] for point in played["curve"]] == [6 * 9, 8 * 9]
    # Five pictures are drawn before there is a head.
    assert played["curve"][0]["actions"] > 5 * 9
    assert played["curve"][0]["actions"] < played["curve"][1]["actions"]
    assert 0 <= played["curve"][0]["mean"] <= 1
    assert played["full_supervision"] > 0
    for point in played["curve"]:
        assert point["keys"] + point["clicks"] + point["drags"] == point["actions"]
        assert 0 <= point["map75"] <= point["mean"]
    assert 0 < played["curve"][0]["cpu_s"] < played["curve"][1]["cpu_s"]
    assert 0 <= played["full_map75"] <= played["full_supervision"]
    assert played["full_cpu_s"] > 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    with Project.open(project) as opened:
        assert opened.stats().annotations == opened.stats().runs == 0


def test_without_rounds_between_the_budgets_everything_is_drawn_before_the_first(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_quickly(monkeypatch, copies=1, steps=4)
    truth = write_scenes(tmp_path, 66)
    shell("new", tmp_path / "p", "--images", tmp_path / "images", "--labels", "disc,square")
    status, played = shell(
        "simulate", tmp_path / "p", "--task", "boxes", "--truth", truth, "--budgets", "6", "--seeds", "1",
        "--rounds", "at-budgets",
    )  # fmt: skip
    assert status == 0, played
    (point,) = played["curve"]
    # Four things on each picture: a drag and a key each, and one key for done.
    assert (point["drags"], point["keys"], point["clicks"]) == (6 * 4, 6 * 5, 0)
    assert point["actions"] == point["by_hand"] == 6 * 9
