"""Making, finding, locking and closing projects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from annotator.errors import AnnotatorError, StoreError, UsageError
from annotator.project import Project
from annotator.usecases import opening


def test_a_new_project_has_its_labels_in_order_with_colours(project: Project) -> None:
    labels = project.labels.all()
    assert [label.name for label in labels] == ["red", "green", "blue"]
    assert [label.position for label in labels] == [0, 1, 2]
    assert len({label.color for label in labels}) == 3
    assert {label.group_id for label in labels} == {project.labels.groups()[0].id}


def test_a_project_comes_back_as_it_was(tmp_path: Path, pictures: Path) -> None:
    with Project.create(tmp_path / "p", pictures, ["a"]) as made:
        ids = made.images.ids().tolist()
    with Project.open(tmp_path / "p") as again:
        assert again.images.ids().tolist() == ids
        assert [label.name for label in again.labels.all()] == ["a"]


def test_the_project_of_a_folder_lies_beside_it_and_is_found_through_it(pictures: Path) -> None:
    folder = Project.folder_for(pictures)
    assert folder == pictures.parent / "pictures.annotator"
    Project.create(folder, pictures).close()
    with Project.open(pictures) as found:
        assert found.path == folder
        assert found.name == "pictures"


def test_folders_are_named_through_their_parents(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures / "red")
    with Project.create(Path("../../p"), Path("../../pictures"), ["a"]) as made:
        assert made.path == pictures.parent / "p"
        assert len(made.images.ids()) == 24
        assert made.add_folder(Path("../../pictures/../pictures/blue")).missing == 0
    assert Project.folder_for(Path("..")) == pictures.parent / "pictures.annotator"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_has_its_project_in_the_data_directory(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    pictures.parent.chmod(0o500)
    try:
        assert Project.folder_for(pictures).is_relative_to(tmp_path / "data")
    finally:
        pictures.parent.chmod(0o700)


def test_two_folders_of_one_name_get_two_projects_in_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(opening.os, "access", lambda path, mode: False)
    first, second = Project.folder_for(tmp_path / "a" / "x"), Project.folder_for(tmp_path / "b" / "x")
    assert first != second
    assert first.name.startswith("x-")


def test_a_second_writer_is_told_who_has_the_project(project: Project) -> None:
    with pytest.raises(StoreError, match=rf"PID {os.getpid()}"):
        Project.open(project.path)


def test_reading_needs_no_lock(project: Project) -> None:
    with Project.open(project.path, read_only=True) as reader:
        assert reader.images.count() == 24


def test_closing_lets_the_next_one_in(project: Project) -> None:
    project.close()
    project.close()
    Project.open(project.path).close()


@pytest.mark.parametrize("name", ["nothing", "a file"])
def test_what_is_no_project_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    if name == "a file":
        (tmp_path / name).write_text("x")
    with pytest.raises(StoreError) as caught:
        Project.open(tmp_path / name)
    assert name in caught.value.what
    assert caught.value.cure


def test_a_folder_that_holds_a_project_is_not_overwritten(project: Project, pictures: Path) -> None:
    with pytest.raises(StoreError, match="already holds a project"):
        Project.create(project.path, pictures)


@pytest.mark.parametrize("bad", ["missing", "file.txt"])
def test_images_must_be_a_folder_and_nothing_is_left_behind(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(AnnotatorError, match=bad):
        Project.create(tmp_path / "p", tmp_path / bad)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("labels", [["a", "a"], ["a", " "]])
def test_labels_must_have_different_names(tmp_path: Path, pictures: Path, labels: list[str]) -> None:
    with pytest.raises(UsageError):
        Project.create(tmp_path / "p", pictures, labels)
    assert not (tmp_path / "p").exists()


def test_a_project_of_an_older_version_is_brought_up_to_date_by_who_only_reads(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from annotator.store import schema

    (tmp_path / "old").mkdir()
    engine = create_engine(f"sqlite:///{tmp_path / 'old' / 'project.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, schema.REVISIONS[0])
        schema.seed(connection)
    engine.dispose()
    with Project.open(tmp_path / "old", read_only=True) as project:
        assert project.stats().images == 0


def test_a_folder_with_other_files_does_not_become_a_project(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(StoreError, match="pictures holds other files already"):
        Project.create(pictures, pictures)
    assert sorted(entry.name for entry in pictures.iterdir()) == ["blue", "green", "red"]


def test_a_project_can_be_made_where_one_has_lost_its_database(tmp_path: Path, pictures: Path) -> None:
    Project.create(tmp_path / "p", pictures).close()
    (tmp_path / "p" / "cache").mkdir(exist_ok=True)
    (tmp_path / "p" / "project.db").unlink()
    with Project.create(tmp_path / "p", pictures) as again:
        assert again.stats().images == 24
