"""The table at the end of an import: what the reader kept, converted and dropped, and what the project left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.report import Outcome
from annotator.project import Project
from tests.unit.project.test_exchange import coco

KEPT, CONVERTED, DROPPED = Outcome.KEPT, Outcome.CONVERTED, Outcome.DROPPED


def rows_of(result: Any) -> list[tuple[str, str, Outcome, str, int, int]]:
    return [(row.label, row.kind, row.outcome, row.detail, row.count, row.images) for row in result.rows]


def test_everything_kept_is_counted_per_label_and_image(project: Project, tmp_path: Path) -> None:
    result = project.import_dataset(coco(tmp_path / "a.json", ["red/0.png", "blue/3.png"]))
    assert rows_of(result) == [("scratch", "box", KEPT, "", 2, 2)]
    assert result.notes == ("coordinates are taken as those of the oriented picture (EXIF applied)",)


def test_pictures_that_are_not_here_and_what_was_there_already_are_dropped_with_the_reason(
    project: Project, tmp_path: Path
) -> None:
    project.import_dataset(coco(tmp_path / "a.json", ["red/0.png"]))
    result = project.import_dataset(coco(tmp_path / "b.json", ["red/0.png", "red/1.png", "nowhere.png"]))
    assert rows_of(result) == [
        ("", "image", DROPPED, "its picture is not in the project", 1, 1),
        ("scratch", "box", DROPPED, "it was there already", 1, 1),
        ("scratch", "box", DROPPED, "its picture is not in the project", 1, 1),
        ("scratch", "box", KEPT, "", 1, 1),
    ]
    assert [row.examples for row in result.rows[:3]] == [("nowhere.png",), ("red/0.png",), ("nowhere.png",)]


def test_a_picture_of_which_a_part_was_left_out_still_counts(project: Project, tmp_path: Path) -> None:
    project.import_dataset(coco(tmp_path / "a.json", ["red/0.png"]))
    document = json.loads((tmp_path / "a.json").read_text())
    document["annotations"].append({**document["annotations"][0], "id": 9, "bbox": [5, 5, 10, 10]})
    (tmp_path / "b.json").write_text(json.dumps(document))
    result = project.import_dataset(tmp_path / "b.json")
    assert rows_of(result) == [
        ("scratch", "box", DROPPED, "it was there already", 1, 1),
        ("scratch", "box", KEPT, "", 1, 1),
    ]


def test_what_a_reader_converts_and_skips_is_in_the_table(project: Project, tmp_path: Path) -> None:
    document = json.loads(coco(tmp_path / "a.json", ["red/0.png"]).read_text())
    document["annotations"] += [
        {"id": 8, "image_id": 0, "category_id": 7, "bbox": [90, 60, 30, 30]},
        {"id": 9, "image_id": 0, "category_id": 8, "bbox": [1, 1, 2, 2]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(document))
    result = project.import_dataset(tmp_path / "a.json", skip_bad=True)
    assert rows_of(result) == [
        ("", "record", DROPPED, "bad record, see warnings", 1, 0),
        ("scratch", "box", CONVERTED, "kept, though it leaves the image", 1, 1),
        ("scratch", "box", KEPT, "", 2, 1),
    ]
    assert len(result.warnings) == 1
    assert "annotations[2]" in result.warnings[0]


def test_an_export_says_what_it_kept_too(project: Project, tmp_path: Path) -> None:
    project.import_dataset(coco(tmp_path / "a.json", ["red/0.png", "blue/3.png"], attributes={"worn": True}))
    result = project.export(tmp_path / "out", "voc")
    assert ("scratch", "box", KEPT, "", 2, 2) in rows_of(result)
    assert ("scratch", "attribute worn", DROPPED, "the format has no place for it", 2, 2) in rows_of(result)
    assert {(row.label, row.kind, row.detail) for row in result.lossy} == {
        (row.label, row.kind, row.detail) for row in result.rows if row.outcome is not KEPT
    }


def test_the_confidence_of_an_imported_annotation_goes_back(project: Project, tmp_path: Path) -> None:
    project.import_dataset(coco(tmp_path / "a.json", ["red/0.png"], score=0.25))
    project.export(tmp_path / "b.json", "coco")
    (record,) = json.loads((tmp_path / "b.json").read_text())["annotations"]
    assert record["score"] == 0.25
    lost = project.export(tmp_path / "voc", "voc").rows
    assert [(row.kind, row.outcome) for row in lost if row.kind == "confidence"] == [("confidence", DROPPED)]


def test_flags_and_notes_come_in_and_a_note_that_is_there_stands(project: Project, tmp_path: Path) -> None:
    for name, note in (("a.zip", "mine"), ("b.zip", "yours")):
        images = (
            DatasetImage("red/0.png", note=note, flagged=True),
            DatasetImage("red/1.png", note=note if name == "b.zip" else ""),
        )
        registry.writer("archive").write(Dataset((), images), tmp_path / name)
    assert rows_of(project.import_dataset(tmp_path / "a.zip")) == []
    result = project.import_dataset(tmp_path / "b.zip")
    found = {image.uri: image for image in project.images.many(project.images.ids().tolist())}
    assert [(found[f"red/{n}.png"].note, found[f"red/{n}.png"].flagged) for n in (0, 1)] == [
        ("mine", True),
        ("yours", False),
    ]
    assert [(row.kind, row.examples) for row in result.rows] == [("note", ("red/0.png",))]
