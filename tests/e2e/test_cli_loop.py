"""A person's own folder through the shell: awkward files, the loop, the exported dataset, read back."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from annotator.domain.kinds import ImageState
from annotator.edits import accept
from annotator.project import Project
from tests.unit.project.conftest import COLORS, draw

BROKEN = "broken.jpg"
DEEP = "deep/sixteen bits.tif"
PHONE = "phone/IMG 0001 größer.jpg"
TWINS = ("a/same.png", "b/same.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty coloured pictures and one of each thing that goes wrong in real folders."""
    place = tmp_path / "Meine Bilder ü"
    for number in range(30):
        draw(place / f"img{number}.png", list(COLORS.values())[number % 3], number)
    for name, color in zip(TWINS, ("red", "blue"), strict=True):
        draw(place / name, COLORS[color], 100)
    (place / BROKEN).write_bytes((draw(place / "whole.jpg", COLORS["red"], 5)).read_bytes()[:400])
    (place / "whole.jpg").unlink()
    deep = place / DEEP
    deep.parent.mkdir()
    tifffile.imwrite(deep, (np.arange(64 * 96, dtype=np.uint32).reshape(64, 96) * 10).astype(np.uint16))
    phone = place / PHONE
    phone.parent.mkdir()
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    pixels = np.full((60, 90, 3), COLORS["green"], np.uint8)
    cv2.rectangle(pixels, (5, 5), (20, 20), (255, 255, 255), -1)
    PillowImage.fromarray(pixels).save(phone, exif=exif)
    return place


def before_and_after(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


Shell = Callable[..., Any]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """``python -m annotator … --json`` in a process of its own; returns its object."""
    env = {**os.environ, "ANNOTATOR_LOG_DIR": str(tmp_path / "log"), "XDG_DATA_HOME": str(tmp_path / "data")}

    def call(*arguments: object) -> Any:
        line = [sys.executable, "-m", "annotator", *map(str, arguments), "--json"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=180, check=False, env=env)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)

    return call


def judge(project: Project) -> dict[str, str]:
    """Answer what the queue offers by what the pictures are; returns the answers given."""
    vocabulary = project.history.vocabulary()
    ids = {label.name: label_id for label_id, label in vocabulary.labels.items()}
    given: dict[str, str] = {}
    for image_id in project.queue.order().tolist()[:24]:
        page = project.history.page(image_id)
        uri = page.image.uri
        name = (
            list(COLORS)[int(uri[3:-4]) % 3]
            if uri.startswith("img")
            else {TWINS[1]: "blue", PHONE: "green"}.get(uri, "red")
        )
        edit = accept(page, page.suggestions[0], vocabulary, annotator="ann", label_id=ids[name])
        project.history.perform(edit)
        given[uri] = name
    project.history.flush()
    return given


def test_a_folder_becomes_a_corrected_dataset(folder: Path, shell: Shell, tmp_path: Path) -> None:
    kept = before_and_after(folder)
    place = tmp_path / "my project"

    made = shell("new", place, "--images", folder, "--labels", ",".join(COLORS))
    assert (made["images"], made["unreadable"]) == (35, 1)
    assert made["problems"][0]["uri"] == BROKEN

    suggested = shell("suggest", place, "--task", "tags")
    assert suggested["images"] == suggested["suggestions"] == 34

    with Project.open(place, annotator="ann") as project:
        by_uri = {image.uri: image for image in project.images.many(project.images.ids().tolist())}
        given = judge(project)
    assert (by_uri[PHONE].width, by_uri[PHONE].height, by_uri[PHONE].orientation) == (60, 90, 6)
    assert by_uri[DEEP].bit_depth == 16
    assert by_uri[BROKEN].state is ImageState.UNREADABLE
    assert set(TWINS) < set(by_uri)

    trained = shell("train", place, "--task", "tags")
    assert trained["released"] is True
    assert trained["metrics"]["labels"] == 24
    stats = shell("stats", place)
    assert stats["annotations"] == sum(stats["verdicts"].values()) == 24

    table = tmp_path / "tags.csv"
    exported = shell("export", place, table, "--format", "csv", "--include", "suggestions")
    assert exported["images"] == exported["annotations"] == 34
    rows = {row["image"]: row for row in csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig")))}
    judged = {name: row["label"] for name, row in rows.items() if row["state"] in ("accepted", "corrected")}
    assert judged == given
    assert {row["annotator"] for name, row in rows.items() if name in given} == {"ann"}
    assert {row["state"] for name, row in rows.items() if name not in given} == {"suggested"}

    coco = tmp_path / "coco.json"
    assert shell("export", place, coco, "--format", "coco")["images"] == 24

    again = tmp_path / "again"
    shell("new", again, "--images", folder)
    imported = shell("import", again, coco)
    assert (imported["images"], imported["annotations"]) == (24, 24)
    assert imported["warnings"] == []
    with Project.open(again) as project:
        names = {label.id: label.name for label in project.labels.all()}
        found = {}
        for image in project.images.many(project.images.ids().tolist()):
            for annotation in project.history.page(image.id).annotations:
                found[image.uri] = names[annotation.label_id]
    assert found == given
    assert before_and_after(folder) == kept


def test_the_truth_of_another_tool_simulates_and_certifies(folder: Path, shell: Shell, tmp_path: Path) -> None:
    place, truth = tmp_path / "p", tmp_path / "truth.csv"
    lines = [f"img{number}.png,{list(COLORS)[number % 3]}" for number in range(30)]
    truth.write_text(
        "image,label\n" + "\n".join([*lines, f"{TWINS[0]},red", f"{TWINS[1]},blue"]) + "\n", encoding="utf-8"
    )
    for name in (BROKEN, DEEP, PHONE):
        (folder / name).unlink()
    shell("new", place, "--images", folder, "--labels", ",".join(COLORS))
    shell("suggest", place, "--task", "tags")
    kept = shell("stats", place)
    curve = shell("simulate", place, "--task", "tags", "--truth", truth, "--budgets", "3,12", "--seeds", "1")
    assert [point["budget"] for point in curve["curve"]] == [3, 12]
    assert curve["scored_on"]
    assert shell("stats", place) == kept
    done = shell("accept", place, "--task", "tags", "--max-error", "0.3", "--oracle", truth)
    assert done["audited"] > 0
    stats = shell("stats", place)
    assert stats["annotations"] == sum(stats["verdicts"].values()) >= done["audited"]
    if done["bound"] is not None:
        assert done["bound"] <= 0.3
