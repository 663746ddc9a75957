"""``Project.split`` and the command: sequences and copies stay together, and adding pictures moves nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from annotator.domain.kinds import Split
from annotator.errors import UsageError
from annotator.project import Project
from tests.unit.project.conftest import COLORS, draw

THIRDS = {Split.TRAIN: 1.0, Split.VAL: 1.0, Split.TEST: 1.0}


def splits(project: Project) -> dict[str, Split | None]:
    return {image.uri: image.split for image in project.images.many(project.images.ids())}


def test_all_images_are_divided_by_label(project: Project, pictures: Path) -> None:
    project.import_dataset(pictures, "imagenet")
    result = project.split({Split.TRAIN: 0.5, Split.VAL: 0.25, Split.TEST: 0.25})
    assert result.added == 24
    assert result.splits == {"train": 12, "val": 6, "test": 6}
    assert {(one.train, one.val, one.test) for one in result.labels} == {(4, 2, 2)}
    assert {one.name for one in result.labels} == set(COLORS)


def test_what_has_a_split_keeps_it_when_images_are_added(project: Project, pictures: Path) -> None:
    project.split(THIRDS)
    before = splits(project)
    for number in range(6):
        draw(pictures / "new" / f"{number}.png", (9, 9, 9), 50 + number)
    project.scan()
    result = project.split(THIRDS)
    after = splits(project)
    assert result.added == 6
    assert {uri: after[uri] for uri in before} == before
    assert None not in after.values()


def test_copies_of_a_picture_stay_together(project: Project, pictures: Path) -> None:
    for number in range(8):
        shutil.copy(pictures / "red" / f"{number}.png", pictures / f"copy {number}.png")
    project.scan()
    project.split(THIRDS)
    found = splits(project)
    assert all(found[f"red/{number}.png"] == found[f"copy {number}.png"] for number in range(8))


def test_sequences_stay_whole(project: Project) -> None:
    ids = [int(one) for one in project.images.ids()]
    with project._parts.db.write() as writer:
        for name, frames in (("one", ids[:8]), ("two", ids[8:16])):
            writer.images.set_info(
                [{"id": image, "sequence": name, "frame": frame} for frame, image in enumerate(frames)]
            )
    project.split(THIRDS)
    images = project.images.many(ids)
    assert all(len({image.split for image in images if image.sequence == name}) == 1 for name in ("one", "two"))


def test_parts_that_cannot_be_are_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="must not be negative"):
        project.split({Split.TRAIN: -1.0, Split.VAL: 2.0})


def test_the_command_says_what_it_did(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    from annotator.cli.main import run

    folder = project._parts.folder
    project.close()
    assert run(["split", str(folder), "--train", "1", "--val", "1", "--test", "0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["splits"] == {"train": 12, "val": 12, "test": 0}
