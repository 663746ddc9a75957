"""Looking before importing and exporting: the counts are those of the deed, and nothing has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.domain.records import new_annotation
from annotator.edits import draw
from annotator.errors import AnnotatorError, FormatError, UsageError
from annotator.formats.report import Outcome
from annotator.project import Project
from annotator.usecases.export import ExportRequest


def coco(path: Path, boxes: dict[str, list[str]]) -> Path:
    """A COCO file: picture to the labels of its boxes."""
    names = sorted({name for labels in boxes.values() for name in labels})
    document: dict[str, Any] = {
        "images": [{"id": n, "file_name": name, "width": 96, "height": 64} for n, name in enumerate(boxes)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names, 1)],
        "annotations": [],
    }
    for image, labels in enumerate(boxes.values()):
        for at, label in enumerate(labels):
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": image,
                    "category_id": names.index(label) + 1,
                    "bbox": [1 + at, 2, 30, 20],
                    "area": 600,
                    "iscrowd": 0,
                }
            )
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Three pictures, one of which the project does not have."""
    return coco(tmp_path / "in.json", {"red/0.png": ["cat", "dog"], "blue/1.png": ["cat"], "gone.png": ["cat", "red"]})


def test_what_an_import_would_bring_is_counted_and_nothing_is_written(project: Project, mixed: Path) -> None:
    found = project.preview_import(mixed, "coco")
    assert (found.images, found.matched, found.annotated, found.annotations) == (3, 2, 0, 5)
    assert found.missing == ("gone.png",)
    assert [(label.name, dict(label.kinds), label.images, label.known) for label in found.labels] == [
        ("cat", {"box": 3}, 3, False),
        ("dog", {"box": 1}, 1, False),
        ("red", {"box": 1}, 1, True),
    ]
    assert [(p.name, len(p.annotations), p.width) for p in found.pictures] == [
        ("red/0.png", 2, 96),
        ("blue/1.png", 1, 96),
    ]
    assert project.stats().annotations == 0
    assert [label.name for label in project.labels.all()] == ["red", "green", "blue"]


def test_what_is_there_already_is_counted(project: Project, mixed: Path) -> None:
    project.import_dataset(mixed)
    found = project.preview_import(mixed, "coco")
    assert (found.annotated, found.twice) == (2, 3)
    again = project.import_dataset(mixed)
    dropped = {(row.label, row.detail): row.count for row in again.rows if row.outcome is Outcome.DROPPED}
    assert dropped["cat", "it was there already"] == 2
    assert dropped["dog", "it was there already"] == 1


def test_labels_are_renamed_merged_and_left_out_as_chosen(project: Project, mixed: Path) -> None:
    result = project.import_dataset(mixed, labels={"cat": "green", "dog": ""})
    assert result.labels == ()
    assert result.annotations == 2
    boxes = {label.name: label.annotations for label in project.stats().labels}
    assert boxes == {"red": 0, "green": 2, "blue": 0}
    said = {(row.label, row.kind, row.outcome, row.detail): (row.count, row.images) for row in result.rows}
    assert said["cat", "box", Outcome.CONVERTED, "its label became green"] == (2, 2)
    assert said["dog", "box", Outcome.DROPPED, "its label was left out"] == (1, 1)
    assert said["", "image", Outcome.DROPPED, "its picture is not in the project"] == (1, 1)
    assert project.import_dataset(mixed, labels={"dog": "hound"}).labels == ("cat", "hound")
    with pytest.raises(UsageError, match="no label 'lion'"):
        project.import_dataset(mixed, labels={"lion": "cat"})


def test_pictures_that_have_annotations_stay_as_they_are(project: Project, mixed: Path) -> None:
    image = next(i for i in project.images.many(project.images.ids().tolist()) if i.uri == "red/0.png")
    label = project.labels.all()[0]
    edit = draw(project.history.page(image.id), new_annotation(image.id, label.id, Box(1, 1, 5, 5), "ann"))
    project.history.perform(edit).future.result()
    result = project.import_dataset(mixed, leave_annotated=True)
    assert (result.images, result.annotations) == (1, 1)
    assert len(project.history.page(image.id).annotations) == 1
    assert ("dog", "its picture has annotations already", 1) in [(r.label, r.detail, r.count) for r in result.rows]


def test_a_file_that_cannot_be_read_is_said_before_the_import(project: Project, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"images": [{"id": 1, "file_name": "red/0.png"', encoding="utf-8")
    with pytest.raises(FormatError, match=r"broken\.json"):
        project.preview_import(broken, "coco")


@pytest.mark.parametrize(
    ("format_id", "images"),
    [*((name, "none") for name in ("coco", "yolo", "voc", "archive", "csv")), ("coco", "copy"), ("imagenet", "copy")],
)
def test_the_preview_of_an_export_is_its_report(
    format_id: str, images: str, project: Project, pictures: Path, mixed: Path, tmp_path: Path
) -> None:
    project.import_dataset(pictures, "imagenet")
    project.import_dataset(mixed)
    target = tmp_path / f"out{'.zip' if format_id == 'archive' else '.csv' if format_id == 'csv' else ''}"
    request = ExportRequest(target, format_id, images=images, scope="all")
    found = project.preview_export(request)
    assert not target.exists()
    result = project.export(target, format_id, images=images, scope="all")  # type: ignore[arg-type]
    assert (found.images, found.annotations) == (result.images, result.annotations)
    assert found.rows == result.rows


def test_only_chosen_pictures_leave_and_splits_can_stay_behind(
    project: Project, pictures: Path, tmp_path: Path
) -> None:
    project.import_dataset(pictures, "imagenet")
    project.split({Split.TRAIN: 0.5, Split.VAL: 0.5})
    ids = project.images.ids()[:3].tolist()
    assert project.export(tmp_path / "some", "coco", only=ids).images == 3
    project.create_version("v1")
    assert project.export(tmp_path / "then", "coco", only=ids, version="v1").images == 3
    with pytest.raises(AnnotatorError, match="none of the pictures that were chosen"):
        project.export(tmp_path / "none", "coco", only=[])
    project.export(tmp_path / "parts", "coco")
    project.export(tmp_path / "flat", "coco", flat=True)
    assert len(list((tmp_path / "parts").rglob("*.json"))) == 4
    assert len(list((tmp_path / "flat").rglob("*.json"))) == 2


def test_a_plan_changes_nothing_and_the_edit_can_be_undone(project: Project, pictures: Path) -> None:
    project.import_dataset(pictures, "imagenet")
    planned = project.plan_split({Split.TRAIN: 0.75, Split.TEST: 0.25})
    assert planned.result.splits == {"train": 18, "val": 0, "test": 6}
    assert project.images.split_counts() == {}
    project.history.perform(project.split_edit(planned)).future.result()
    assert project.images.split_counts() == {"test": 6, "train": 18}
    project.history.undo()
    project.history.flush()
    assert project.images.split_counts() == {}
    assert project.split({Split.TRAIN: 1.0}).added == 24
    assert project.split({Split.VAL: 1.0}).added == 0
    assert project.split({Split.VAL: 1.0}, anew=True).splits == {"train": 0, "val": 24, "test": 0}


def test_the_changes_between_versions_name_their_images(project: Project, pictures: Path) -> None:
    project.import_dataset(pictures, "imagenet")
    project.create_version("v1")
    image = int(project.images.ids()[5])
    label = project.labels.all()[0]
    for box in (Box(1, 1, 5, 5), Box(2, 2, 6, 6)):
        edit = draw(project.history.page(image), new_annotation(image, label.id, box, "ann"))
        project.history.perform(edit).future.result()
    found = project.version_changes("v1")
    assert found.images_changed == [image]
    assert found.on_images == {label.name: [image]}
    assert [(each.name, each.added, each.removed, each.changed) for each in found.result().labels] == [
        (label.name, 2, 0, 0)
    ]
