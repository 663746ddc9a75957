"""A project goes into one file and comes back whole: rows, ids, undo, certificates; also from an older schema."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from annotator.domain.geometry import Box
from annotator.domain.records import new_annotation
from annotator.edits import draw, reject
from annotator.errors import AnnotatorError, FormatError, StoreError
from annotator.project import Project
from annotator.store import schema, transfer


@pytest.fixture
def worked(project: Project) -> Project:
    """Some of everything: suggestions, verdicts, drawings, an undone edit, a note in the settings."""
    project.suggest(task="tags")
    project.accept(task="tags", min_confidence=0.3)
    history = project.history
    first, second = (int(one) for one in project.images.ids()[:2])
    label = project.labels.all()[0]
    history.perform(draw(history.page(first), new_annotation(first, label.id, Box(1.5, 2, 30, 40.25), "ann")))
    for open_one in history.page(second).suggestions:
        history.perform(reject(history.page(second), open_one, "ann"))
    history.perform(
        draw(history.page(second), new_annotation(second, label.id, Box(3, 3, 9, 9), "ann"))
    ).future.result()
    history.undo()
    project.settings.set("mine", {"a": 1})
    return project


def rows(project: Project) -> dict[str, list[bytes]]:
    with project._parts.db.read() as reader:
        return {name: list(transfer.dump(reader.connection, name)) for name in transfer.tables()}


def archived(project: Project, target: Path, **options: object) -> Path:
    project.export(target, "archive", **options)  # type: ignore[arg-type]
    return target


def test_every_row_comes_back_with_its_id(worked: Project, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    before = rows(worked)
    assert all(before[name] for name in ("image", "label", "annotation", "suggestion", "verdict", "edit", "run"))
    with Project.restore(tmp_path / "again", file) as again:
        assert rows(again) == before


def test_undo_goes_on_where_it_was(worked: Project, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    titles = [edit.title for edit in iter(worked.history.undo, None)]
    assert len(titles) >= 2
    with Project.restore(tmp_path / "again", file, annotator="ann") as again:
        redone = again.history.redo()
        assert redone is not None
        again.history.undo()
        assert [edit.title for edit in iter(again.history.undo, None)] == titles


def test_the_same_project_gives_the_same_bytes(worked: Project, tmp_path: Path) -> None:
    one, two = archived(worked, tmp_path / "1.zip"), archived(worked, tmp_path / "2.zip")
    assert one.read_bytes() == two.read_bytes()


def test_pictures_come_along_and_are_put_where_one_says(worked: Project, pictures: Path, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip", images="copy", scope="all")
    shutil.rmtree(pictures)
    with pytest.raises(FormatError, match="Say with --images where to put them"):
        Project.restore(tmp_path / "again", file)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("x")
    with pytest.raises(AnnotatorError, match="holds files already"):
        Project.restore(tmp_path / "again", file, tmp_path / "full")
    with Project.restore(tmp_path / "other", file, tmp_path / "new") as again:
        scanned = again.scan()
        assert (scanned.images, scanned.missing, scanned.added) == (24, 0, 0)
        assert again.images.path(int(again.images.ids()[0])).is_relative_to(tmp_path / "new")


def test_pictures_that_moved_are_found(worked: Project, pictures: Path, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    pictures.rename(tmp_path / "moved")
    with Project.restore(tmp_path / "again", file, tmp_path / "moved") as again:
        assert again.scan().missing == 0


def test_a_part_of_a_project_is_a_dataset_only(worked: Project, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    stripped = tmp_path / "dataset.zip"
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(stripped, "w") as part:
        for name in whole.namelist():
            if not name.startswith("project/"):
                part.writestr(name, whole.read(name))
    with pytest.raises(FormatError, match="holds a dataset and no project"):
        Project.restore(tmp_path / "again", stripped)
    assert not (tmp_path / "again").exists()


def test_an_archive_imports_into_another_project(worked: Project, pictures: Path, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    with Project.create(tmp_path / "other", pictures) as other:
        result = other.import_dataset(file)
        assert result.format == "archive"
        assert set(result.labels) == {"red", "green", "blue"}
        assert other.stats().annotations == worked.stats().annotations


def test_nothing_is_left_of_a_restore_that_fails(worked: Project, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    for member, content, said in (
        ("project/schema.txt", b"9999", r"It has the schema 9999; this program knows"),
        ("project/image.jsonl", b'{"id": 1}\n{"nonsense": 2}\n', "image, line 2: this is no row of the table"),
        ("project/label.jsonl", b"[1]\n", "label, line 1: this is no row of the table"),
    ):
        broken = tmp_path / "broken.zip"
        with zipfile.ZipFile(file) as before, zipfile.ZipFile(broken, "w") as after:
            for name in before.namelist():
                after.writestr(name, content if name == member else before.read(name))
        with pytest.raises((FormatError, StoreError), match=said) as caught:
            Project.restore(tmp_path / "again", broken)
        assert str(broken) in str(caught.value)
        assert not (tmp_path / "again").exists()


def test_a_project_that_is_there_is_not_touched(worked: Project, tmp_path: Path) -> None:
    file = archived(worked, tmp_path / "a.zip")
    with pytest.raises(StoreError, match="already holds a project"):
        Project.restore(worked._parts.folder, file)
    assert worked.stats().images == 24


@pytest.fixture
def old_rows() -> Iterator[dict[str, list[bytes]]]:
    yield {
        "root": [b'{"id":0,"path":"","added_at":"2026"}'],
        "image": [
            b'{"id":5,"root_id":0,"state":"new","split":"","flagged":false,"annotations":2,"suggestions":0,"width":4,"height":3,'
            b'"orientation":1,"bit_depth":8,"channels":3,"frame":0,"file_size":9,"file_mtime":7,"uri":"a.jpg","search":"a.jpg",'
            b'"sequence":"","content_hash":"","reason":"","note":"","added_at":"2026","metadata":""}'
        ],
        "certificate": [
            b'{"id":3,"run_id":null,"task":"tags","annotator":"Ada","seed":7,"max_error":0.05,"audited":0,"errors":0,'
            b'"bound":1.0,"accepted":0,"created_at":"2026-01-01"}'
        ],
    }


def test_rows_of_an_older_schema_are_brought_up_to_date(old_rows: dict[str, list[bytes]], tmp_path: Path) -> None:
    from annotator.store import Database

    def begin(connection: Connection) -> None:
        transfer.fill(connection, "0001", lambda name: old_rows.get(name, []))

    with Database.create(tmp_path, begin) as db, db.read() as reader:
        assert schema.revision(reader.connection) == schema.REVISIONS[-1]
        row = reader.connection.execute(text("SELECT id, annotator, signed_at FROM certificate")).one()
        assert tuple(row) == (3, "Ada", "")
        assert reader.images.get(5).name == "a.jpg"


def test_the_command_line_brings_a_project_back(worked: Project, tmp_path: Path) -> None:
    from annotator.cli.main import run

    file = archived(worked, tmp_path / "a.zip")
    assert run(["new", str(tmp_path / "again"), "--archive", str(file)]) == 0
    assert run(["new", str(tmp_path / "third"), "--archive", str(file), "--labels", "x"]) == 2
    assert run(["new", str(tmp_path / "third")]) == 2
    with Project.open(tmp_path / "again") as again:
        assert again.stats().annotations == worked.stats().annotations
