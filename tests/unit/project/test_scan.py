"""Scanning: streaming, bad files, moved and missing ones, folders that come and go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from annotator.domain.kinds import ImageState
from annotator.events import ChangeSet, Table
from annotator.media import changes as changes_module
from annotator.project import Project
from annotator.usecases import scan
from annotator.usecases import scan as scan_module
from tests.unit.project.conftest import COLORS, draw


def uris(project: Project) -> list[str]:
    return [image.uri for image in project.images.many(project.images.ids().tolist())]


def test_sizes_and_hashes_are_read(project: Project) -> None:
    image = project.images.get(int(project.images.ids()[0]))
    assert (image.width, image.height) == (96, 64)
    assert len(image.content_hash) == 32
    assert project.images.path(image.id).is_file()


def test_the_first_images_are_committed_before_the_scan_ends(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    source = draw(folder / "000.png", COLORS["red"], 0)
    for number in range(1, 100):
        shutil.copy(source, folder / f"{number:03d}.png")
    counts: list[int] = []
    with Project.create(tmp_path / "p", folder, scan=False) as made:

        def listen(changes: ChangeSet) -> None:
            if changes.touches(Table.IMAGE) and changes.initiator == "scan":
                counts.append(made.images.count())

        made.subscribe(listen)
        result = made.scan()
    assert counts[0] == scan.FIRST_BATCH
    assert result.images == result.added == 100


def test_the_order_is_natural(tmp_path: Path) -> None:
    for name in ("img10.png", "img2.png", "a/img1.png"):
        draw(tmp_path / "x" / name, COLORS["red"], 1)
    with Project.create(tmp_path / "p", tmp_path / "x") as made:
        assert uris(made) == ["img2.png", "img10.png", "a/img1.png"]


def test_files_of_one_name_in_two_folders_are_two_images(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        draw(tmp_path / "x" / folder / "same.png", COLORS["red"], 1)
    with Project.create(tmp_path / "p", tmp_path / "x") as made:
        assert uris(made) == ["a/same.png", "b/same.png"]


def test_unreadable_files_are_listed_and_everything_else_goes_on(tmp_path: Path, pictures: Path) -> None:
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0not a picture")
    (pictures / "empty.png").write_bytes(b"")
    with Project.create(tmp_path / "p", pictures, scan=False) as made:
        result = made.scan()
        assert result.images == 26
        assert result.unreadable == 2
        assert {problem.uri for problem in result.problems} == {"broken.jpg", "empty.png"}
        assert all(problem.reason for problem in result.problems)
        assert not set(made.queue.order().tolist()) & {problem.image_id for problem in result.problems}


def test_a_project_inside_its_folder_of_images_does_not_scan_itself(pictures: Path) -> None:
    with Project.create(pictures / "inside", pictures) as made:
        draw(made.path / "cache" / "thumbnail.png", COLORS["red"], 1)
        assert made.scan().added == 0


def test_a_rescan_finds_new_missing_and_moved_files(project: Project, pictures: Path) -> None:
    by_uri = {image.uri: image.id for image in project.images.many(project.images.ids().tolist())}
    (pictures / "red" / "0.png").rename(pictures / "moved with spaces.png")
    (pictures / "red" / "1.png").unlink()
    draw(pictures / "new.png", COLORS["blue"], 99)
    result = project.scan()
    assert (result.added, result.moved, result.missing) == (1, 1, 1)
    assert project.images.get(by_uri["red/0.png"]).uri == "moved with spaces.png"
    gone = project.images.get(by_uri["red/1.png"])
    assert gone.state is ImageState.MISSING
    assert [image.id for image in project.images.problems()] == [gone.id]


def test_a_missing_image_that_is_there_again_is_open_again(project: Project, pictures: Path) -> None:
    lost = pictures / "red" / "1.png"
    kept = lost.read_bytes()
    stamp = lost.stat()
    lost.unlink()
    project.scan()
    lost.write_bytes(kept)
    os.utime(lost, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    result = project.scan()
    assert (result.added, result.missing) == (0, 0)
    assert project.images.problems() == []


def test_a_file_with_other_bytes_is_read_again(project: Project, pictures: Path) -> None:
    image = project.images.many(project.images.ids().tolist())[0]
    draw(pictures / image.uri, COLORS["red"], 5, size=(120, 80))
    os.utime(pictures / image.uri, (1, 1))
    project.scan()
    again = project.images.get(image.id)
    assert (again.width, again.height) == (120, 80)
    assert again.content_hash != image.content_hash


def test_a_repaired_file_is_readable_again(tmp_path: Path, pictures: Path) -> None:
    (pictures / "x.png").write_bytes(b"")
    with Project.create(tmp_path / "p", pictures) as made:
        assert [image.uri for image in made.images.problems()] == ["x.png"]
        draw(pictures / "x.png", COLORS["red"], 5)
        assert made.scan().unreadable == 0


def test_folders_come_and_go_and_keep_their_images(project: Project, tmp_path: Path) -> None:
    draw(tmp_path / "more" / "m.png", COLORS["red"], 3)
    assert project.add_folder(tmp_path / "more").added == 1
    root = project.images.roots()[-1]
    assert project.remove_folder(root.id) == 1
    assert len(project.queue.order()) == 24
    assert project.scan().images == 25
    assert len(project.queue.order()) == 24
    project.add_folder(tmp_path / "more")
    assert len(project.queue.order()) == 25
    assert project.images.count() == 25


def test_a_cancelled_scan_keeps_what_it_had_and_goes_on_later(tmp_path: Path, pictures: Path) -> None:
    from annotator.errors import JobCancelled
    from annotator.job_context import QuietContext

    class StopsAtReading(QuietContext):
        def progress(self, done: int, total: int | None = None, message: str = "") -> None:
            if total:
                raise JobCancelled

    with Project.create(tmp_path / "p", pictures, scan=False) as made:
        try:
            made.scan(StopsAtReading())
        except JobCancelled:
            assert made.images.count() == 24
        else:
            raise AssertionError("the scan was not cancelled")
        assert made.scan().images == 24
        assert all(image.width for image in made.images.many(made.images.ids().tolist()))


def test_folders_inside_each_other_hold_each_picture_once(project: Project, pictures: Path) -> None:
    count = project.images.count()
    inner = project.add_folder(pictures / "red")
    assert (inner.added, inner.missing) == (0, 0)
    draw(pictures / "red" / "new.png", COLORS["blue"], 98)
    assert project.scan().added == 1
    assert project.images.count() == count + 1
    (pictures / "red" / "2.png").unlink()
    result = project.scan()
    assert (result.added, result.moved, result.missing) == (0, 0, 1)


def test_a_comparison_asks_for_pictures_in_batches(
    project: Project, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "LARGEST_BATCH", 5)
    monkeypatch.setattr(changes_module, "BATCH", 5)
    asked: list[int] = []
    known = scan_module.StoredImages.find

    def find(memory: object, batch: list[object]) -> object:
        asked.append(len(batch))
        return known(memory, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(scan_module.StoredImages, "find", find)
    for path in sorted((pictures / "green").iterdir()):
        path.unlink()
    result = project.scan()
    assert (result.added, result.moved, result.missing) == (0, 0, 8)
    assert max(asked) == 5
    assert sum(asked) == 16
    assert len(project.images.problems()) == 8
