"""Several videos in CVAT: one XML each, as CVAT has a task each, beside the pictures that are in none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box
from annotator.formats.cvat import reader, writer
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.report import Outcome
from annotator.formats.verify import verify

SIZE = (20, 10)


def frame(folder: Path, sequence: str, number: int, *boxes: tuple[int, float]) -> DatasetImage:
    """A frame with a box for each (track, x)."""
    name = f"{sequence or 'alone'}/{number}.jpg"
    path = folder / "pictures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.new("RGB", SIZE, (number, 0, 0)).save(path)
    found = tuple(DatasetAnnotation("car", Box(x, 2, x + 4, 6), track_id=track) for track, x in boxes)
    return DatasetImage(name, found, *SIZE, path=path, sequence=sequence, frame=number)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two videos whose frames have the same numbers, in turns, and a picture that is in none."""
    images = (
        frame(tmp_path, "east gate", 0, (1, 1.25)),
        frame(tmp_path, "west", 0, (1, 10.0), (2, 5.0)),
        frame(tmp_path, "east gate", 1, (1, 2.25)),
        replace(frame(tmp_path, "", 0), annotations=(DatasetAnnotation("car", Box(1, 1, 3, 3)),)),
        frame(tmp_path, "west", 1, (2, 6.0)),
    )
    return Dataset((DatasetLabel("car"),), images)


def told(dataset: Dataset) -> dict[str, tuple[str, int, list[tuple[int | None, float]], bytes]]:
    """By name: sequence, frame, (track, x) of each box, and the picture's bytes."""
    return {
        i.name: (
            i.sequence,
            i.frame,
            [(a.track_id, a.geometry.x1) for a in i.annotations if isinstance(a.geometry, Box)],
            i.path.read_bytes() if i.path else b"",
        )
        for i in dataset.images
    }


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_each_video_is_a_file_of_its_own_and_all_come_back(dataset: Dataset, tmp_path: Path, target: str) -> None:
    report = writer.write(dataset, tmp_path / target, images="copy")
    assert verify(dataset, report).differences == ()
    back = reader.read(tmp_path / target).dataset
    sent = told(dataset)
    assert told(back) == {
        "alone/0.jpg": sent["alone/0.jpg"],
        "east gate/frame_000000.jpg": sent["east gate/0.jpg"],
        "east gate/frame_000001.jpg": sent["east gate/1.jpg"],
        "west/frame_000000.jpg": sent["west/0.jpg"],
        "west/frame_000001.jpg": sent["west/1.jpg"],
    }
    assert {row.kind for row in report.lossy} == {"image name"}
    if target == "out":
        files = sorted(str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.xml"))
        assert files == ["annotations.xml", "east gate/annotations.xml", "west/annotations.xml"]
        assert 'outside="1"' in (tmp_path / "out/west/annotations.xml").read_text(), (
            "track 1 ends after its first frame"
        )


def test_what_was_read_is_written_to_the_same_bytes(dataset: Dataset, tmp_path: Path) -> None:
    writer.write(dataset, tmp_path / "a", images="copy")
    for file in ("east gate", "west"):
        text = (tmp_path / "a" / file / "annotations.xml").read_text()
        (tmp_path / "a" / file / "annotations.xml").write_text(text.replace("<mode>", f"<id>{len(file)}</id><mode>", 1))
    report = writer.write(reader.read(tmp_path / "a").dataset, tmp_path / "b", images="copy")
    assert report.lossy == ()
    writer.write(reader.read(tmp_path / "b").dataset, tmp_path / "c", images="copy")
    for file in (tmp_path / "b").rglob("*.xml"):
        assert file.read_bytes() == (tmp_path / "c" / file.relative_to(tmp_path / "b")).read_bytes()
    assert "<id>9</id>" in (tmp_path / "c/east gate/annotations.xml").read_text(), "each task keeps its own head"
    assert "<id>4</id>" in (tmp_path / "c/west/annotations.xml").read_text()


def test_merging_exchanges_the_frames_that_are_written_anew(dataset: Dataset, tmp_path: Path) -> None:
    writer.write(dataset, tmp_path / "out", images="copy")
    before = told(reader.read(tmp_path / "out").dataset)
    moved = replace(dataset, images=(frame(tmp_path, "east gate", 1, (1, 9.5)),))
    writer.write(moved, tmp_path / "out", images="copy", merge=True)
    after = told(reader.read(tmp_path / "out").dataset)
    changed = after.pop("east gate/frame_000001.jpg")
    assert changed[:3] == ("east gate", 1, [(1, 9.5)])
    before.pop("east gate/frame_000001.jpg")
    assert after == before


def test_one_file_for_several_videos_says_what_it_loses(dataset: Dataset, tmp_path: Path) -> None:
    report = writer.write(dataset, tmp_path / "out.xml")
    lost = {(row.kind, row.count) for row in report.lossy if row.outcome is Outcome.DROPPED}
    assert lost == {("track id", 5), ("sequence and frame", 4)}
    assert verify(dataset, report).differences == ()


def test_names_that_no_folder_can_have_stay_apart(tmp_path: Path) -> None:
    names = ("a/b", "a_b", "A_B", "..", "images")
    images = tuple(frame(tmp_path, name, 0, (1, 1.0)) for name in names)
    writer.write(Dataset((DatasetLabel("car"),), images), tmp_path / "out", images="copy")
    back = reader.read(tmp_path / "out").dataset
    assert sorted(image.sequence for image in back.images) == sorted(names)
    assert len({image.name for image in back.images}) == len(names)
    assert all(image.path for image in back.images)
