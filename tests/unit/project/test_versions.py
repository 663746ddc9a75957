"""A version stays what it was: exports give the same bytes after edits, and a diff names them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from annotator.domain.geometry import Box, Mask, RotatedBox
from annotator.domain.kinds import Split
from annotator.domain.records import new_annotation
from annotator.edits import delete, draw
from annotator.errors import UsageError
from annotator.formats import registry
from annotator.project import Project
from annotator.usecases.results import LabelDiff


def add_box(project: Project, image: int, box: Box) -> None:
    label = project.labels.all()[0]
    edit = draw(project.history.page(image), new_annotation(image, label.id, box, "ann"))
    project.history.perform(edit).future.result()


@pytest.fixture
def labelled(project: Project, pictures: Path) -> Project:
    project.import_dataset(pictures, "imagenet")
    for image in project.images.ids()[:4].tolist():
        add_box(project, image, Box(1, 2, 30, 40))
    project.split({"train": 0.5, "val": 0.5})  # type: ignore[dict-item]
    return project


def content(folder: Path) -> dict[str, bytes]:
    files = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder.parent).as_posix().partition("/")[2]: file.read_bytes() for file in files}


@pytest.mark.parametrize("format_id", registry.formats())
def test_a_version_exports_the_same_bytes_whatever_happens_later(
    format_id: str, labelled: Project, tmp_path: Path
) -> None:
    spec = registry.spec(format_id)
    ending = spec.suffixes[0] if spec.file_only else ""
    first, second = labelled.images.ids()[:2].tolist()
    for shape in (RotatedBox(30, 30, 20, 10, 30), Mask(50, 5, 3, 2, (0, 6))):
        for image in (first, second) if shape.kind in spec.kinds else ():
            drawn = new_annotation(image, labelled.labels.all()[0].id, shape, "ann")
            labelled.history.perform(draw(labelled.history.page(image), drawn)).future.result()
    images: Literal["copy", "none"] = "copy" if spec.needs_images else "none"
    if not spec.lossless:  # of the project itself an archive holds more: its suggestions, verdicts and edits
        labelled.export(tmp_path / f"then{ending}", format_id, images=images)
    labelled.create_version("v1")
    page = labelled.history.page(first)
    labelled.history.perform(delete(page, [one.id for one in page.annotations], annotator="ann")).future.result()
    add_box(labelled, int(labelled.images.ids()[10]), Box(5, 5, 9, 9))
    labelled.export(tmp_path / f"now{ending}", format_id, images=images)
    for name in ("one", "two"):
        result = labelled.export(tmp_path / f"{name}{ending}", format_id, version="v1", verify=True, images=images)
        assert result.verified is not None
        assert result.verified.differences == ()
    then = content(tmp_path / f"{'one' if spec.lossless else 'then'}{ending}")
    assert content(tmp_path / f"one{ending}") == then
    assert content(tmp_path / f"two{ending}") == then
    assert content(tmp_path / f"now{ending}") != then


def test_scopes_and_splits_choose_from_a_version_as_from_the_project(labelled: Project, tmp_path: Path) -> None:
    labelled.create_version("v1")
    for number, options in enumerate(({"scope": "all"}, {"scope": "done"}, {"splits": (Split.VAL,)})):
        for format_id in ("coco", "yolo"):
            live = labelled.export(tmp_path / f"live {number} {format_id}", format_id, **options)  # type: ignore[arg-type]
            kept = labelled.export(tmp_path / f"kept {number} {format_id}", format_id, version="v1", **options)  # type: ignore[arg-type]
            assert (kept.images, kept.annotations) == (live.images, live.annotations)


def test_pictures_of_a_version_come_along(labelled: Project, tmp_path: Path) -> None:
    labelled.create_version("v1")
    labelled.export(tmp_path / "out", "coco", version="v1", images="copy")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 24


def test_a_diff_names_what_changed(labelled: Project) -> None:
    labelled.create_version("v1", "before the review")
    first, other = (int(labelled.images.ids()[at]) for at in (0, 10))
    page = labelled.history.page(first)
    box = next(one for one in page.annotations if isinstance(one.geometry, Box))
    labelled.history.perform(delete(page, [box.id], annotator="ann")).future.result()
    add_box(labelled, other, Box(5, 5, 9, 9))
    add_box(labelled, other, Box(6, 6, 9, 9))
    labelled.create_version("v2")
    names = [labelled.images.get(one).uri for one in (first, other)]
    for after in ("v2", "current"):
        result = labelled.diff_versions("v1", after)
        assert (result.images_added, result.images_removed, result.images_changed) == (0, 0, 2)
        assert result.labels == (LabelDiff("red", 2, 1),)
        assert sorted(result.changed) == sorted(names)
    assert labelled.diff_versions("v2").labels == ()
    assert [(one.name, one.note, one.images) for one in labelled.versions()] == [
        ("v1", "before the review", 24),
        ("v2", "", 24),
    ]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda p, t: p.create_version("../v"), "cannot be named"),
        (lambda p, t: p.create_version("current"), "cannot be named"),
        (lambda p, t: (p.create_version("v"), p.create_version("v")), "There is a version v already"),
        (lambda p, t: p.export(t / "out", "coco", version="v9"), "There is no version 'v9'. Make one first"),
        (lambda p, t: p.diff_versions("../x"), "There is no version"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    act: Callable[[Project, Path], object], said: str, project: Project, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        act(project, tmp_path)
    assert said in str(caught.value)


def test_the_commands_answer_with_json(labelled: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from annotator.cli.main import run

    folder = str(labelled._parts.folder)
    labelled.close()
    assert run(["version", "create", folder, "v1", "--note", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["annotations"] == 28
    assert run(["version", "list", folder, "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["versions"]] == ["v1"]
    assert run(["version", "diff", folder, "v1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images_changed"] == 0
    assert run(["export", folder, str(tmp_path / "out"), "--format", "coco", "--version", "v1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 24
