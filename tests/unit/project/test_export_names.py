"""Names that are not text leave with the dataset and come back; and an export says that nothing was lost only when that is so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotator.cli.main import app
from annotator.domain.geometry import Box
from annotator.domain.records import new_annotation
from annotator.edits import draw as draw_edit
from annotator.edits import set_tag
from annotator.project import Project

FORMATS = ("coco", "cvat", "datumaro", "dota", "imagenet", "label_studio", "labelme", "open_images", "voc", "yolo")
READABLE = "latin1-%E9.png"


@pytest.fixture
def odd(tmp_path: Path, pictures: Path) -> Path:
    """Two pictures, of which one is called by bytes that are no UTF-8."""
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(pictures / "red" / "0.png", folder / "plain.png")
    try:
        shutil.copy(pictures / "red" / "1.png", Path(os.fsdecode(os.fsencode(folder) + b"/latin1-\xe9.png")))
    except OSError:
        pytest.skip("this disk holds only names that are text")
    return folder


def annotated(path: Path, folder: Path) -> Project:
    """A project in which each picture has a tag and a box."""
    with Project.create(path, folder, ["red"], annotator="ann") as project:
        label = project.labels.by_name("red")
        assert label is not None
        for image in project.images.ids().tolist():
            page = project.history.page(image)
            project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
            box = new_annotation(image, label.id, Box(4, 5, 40, 50), "ann")
            project.history.perform(draw_edit(project.history.page(image), box))
    return Project.open(path, annotator="ann")


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_whose_name_is_no_text_leaves_under_a_readable_one_and_comes_back(
    name: str, tmp_path: Path, odd: Path
) -> None:
    target = tmp_path / "out"
    with annotated(tmp_path / "one", odd) as project:
        result = project.export(target, name, images="copy", verify=True)
    stem = READABLE.removesuffix(".png")
    copies = [Path(where) / file for where, _, files in os.walk(target) for file in files if file.startswith("latin1")]
    assert any(file.suffix == ".png" and file.stem == stem for file in copies)
    assert not any("bytes" in file for _, _, files in os.walk(target) for file in files)
    (said,) = [row for row in result.rows if row.kind == "image name"]
    assert (said.count, said.examples) == (1, (READABLE,))
    assert "not UTF-8" in said.detail
    assert result.verified is not None
    assert result.verified.unexplained == 0
    with Project.create(tmp_path / "two", odd, [], annotator="ann") as project:
        assert project.import_dataset(target, name).images == 2
        for image in project.images.ids().tolist():
            assert project.history.page(image).annotations


def test_our_archive_keeps_the_name_and_two_pictures_never_share_one(tmp_path: Path, odd: Path) -> None:
    shutil.copy(odd / "plain.png", odd / READABLE)
    with annotated(tmp_path / "one", odd) as project:
        archive = project.export(tmp_path / "a.zip", "archive", images="copy")
        assert not [row for row in archive.rows if row.kind == "image name"]
        folders = project.export(tmp_path / "out", "imagenet", images="copy")
        assert folders.images == 3
        assert len(list((tmp_path / "out" / "red").iterdir())) == 3


def test_nothing_was_lost_is_said_only_when_it_is_true(tmp_path: Path, pictures: Path) -> None:
    folder, place = pictures / "red", tmp_path / "one"
    with Project.create(place, folder, ["red"], annotator="ann") as project:
        label = project.labels.by_name("red")
        assert label is not None
        page = project.history.page(int(project.images.ids()[0]))
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    runner = CliRunner()
    table = ["--format", "imagenet", "--images", "copy"]
    said = runner.invoke(app, ["export", str(place), str(tmp_path / "out"), *table]).output
    assert "who made each annotation is not kept" in said
    assert "Nothing was lost" not in said
    assert "Every annotation was kept" in said
    whole = runner.invoke(app, ["export", str(place), str(tmp_path / "a.zip"), "--format", "archive"]).output
    assert "Nothing was lost." in whole
    assert "not kept" not in whole
