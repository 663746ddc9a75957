"""An export never removes what is no export: the pictures, the project, folders of other things."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from annotator.errors import FormatError
from annotator.project import Project


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def replace_is_refused(project: Project, target: Path, message: str, format_id: str = "coco") -> None:
    with pytest.raises(FormatError, match=message):
        project.export(target, format_id, scope="all", replace=True)


def test_the_pictures_are_not_replaced(project: Project, pictures: Path) -> None:
    before = contents(pictures)
    for target in (pictures, pictures / "red", pictures / ".." / "pictures" / "red"):
        replace_is_refused(project, target, "holds the project's pictures")
    replace_is_refused(project, pictures / "red" / "0.png", "is one of the project's pictures", "csv")
    assert contents(pictures) == before


def test_a_link_to_the_pictures_is_the_pictures(project: Project, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(pictures)
    replace_is_refused(project, tmp_path / "alias", "holds the project's pictures")
    assert (pictures / "red" / "0.png").is_file()


@pytest.mark.parametrize("mode", ["copy", "link"])
def test_pictures_are_not_merged_over_themselves(project: Project, pictures: Path, mode: str) -> None:
    with pytest.raises(FormatError, match="holds the project's pictures"):
        project.export(pictures, "labelme", scope="all", images=mode, merge=True)  # type: ignore[arg-type]
    assert not any(file.is_symlink() for file in pictures.rglob("*"))


def test_labels_may_lie_beside_the_pictures(project: Project, pictures: Path) -> None:
    before = contents(pictures)
    project.export(pictures, "labelme", scope="all", merge=True)
    after = contents(pictures)
    assert before.items() <= after.items()
    assert len(after) == 2 * len(before)


def test_the_project_is_not_written_into(project: Project) -> None:
    replace_is_refused(project, project.path, "inside the project's folder")
    replace_is_refused(project, project.path / "project.db", "inside the project's folder", "csv")
    with pytest.raises(FormatError, match="inside the project's folder"):
        project.export(project.path / "out", "coco", scope="all")
    assert project.images.count() == 24


def test_folders_around_the_project_and_the_person_stay(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "annotations").mkdir()
    (tmp_path / "here" / "annotations" / "mine.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "here")
    replace_is_refused(project, Path(), "holds more than an export")
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    replace_is_refused(project, tmp_path / "here", "holds more than an export")
    assert (tmp_path / "here" / "annotations" / "mine.txt").read_text() == "years of work"


def test_a_folder_of_other_things_is_not_replaced(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter 1.txt").write_text("It was a dark and stormy night.")
    replace_is_refused(project, other, "holds no dataset")
    assert contents(other)


def test_folders_of_pictures_are_no_dataset_of_another_format(project: Project, pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures, tmp_path / "holiday")
    replace_is_refused(project, tmp_path / "holiday", "holds no dataset")
    assert contents(tmp_path / "holiday")


@pytest.mark.parametrize("format_id", ["coco", "yolo", "voc", "labelme", "imagenet"])
def test_an_earlier_export_is_replaced(project: Project, tmp_path: Path, format_id: str) -> None:
    from annotator.edits import set_tag

    vocabulary = project.history.vocabulary()
    for image_id in project.images.ids().tolist():
        project.history.perform(set_tag(project.history.page(image_id), 1, vocabulary, annotator="ann"))
    project.history.flush()
    mode = "copy" if format_id == "imagenet" else "none"
    target = tmp_path / "out" / format_id
    project.export(target, format_id, images=mode, scope="all")  # type: ignore[arg-type]
    some = next(p for p in sorted(target.rglob("*")) if p.is_file())
    extra = some.with_stem("left over")
    shutil.copy(some, extra)
    project.export(target, format_id, images=mode, scope="all", replace=True)  # type: ignore[arg-type]
    assert not extra.exists()
    assert contents(target)
