"""Datasets in and out of a project: matching, labels, splits, scope, and what stays untouched."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import ImageState, Source, Split, Task
from annotator.domain.records import ImageFilter, Skeleton, new_annotation
from annotator.edits import draw as draw_edit
from annotator.edits import mark_done, set_tag
from annotator.errors import AnnotatorError, FormatError, UsageError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.project import Project


def coco(path: Path, names: list[str], *, category: str = "scratch", **fields: Any) -> Path:
    """A COCO file with one box on each picture."""
    document = {
        "images": [{"id": n, "file_name": name, "width": 96, "height": 64} for n, name in enumerate(names)],
        "categories": [{"id": 7, "name": category}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 7, "bbox": [1, 2, 30, 20], "area": 600, "iscrowd": 0, **fields}
            for n in range(len(names))
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def uri_of(project: Project, image_id: int) -> str:
    return project.images.get(image_id).uri


def test_boxes_come_in_with_their_label_and_number(project: Project, tmp_path: Path) -> None:
    result = project.import_dataset(coco(tmp_path / "a.json", ["red/0.png", "blue/3.png"]))
    assert (result.images, result.annotations, result.labels, result.format) == (2, 2, ("scratch",), "coco")
    label = project.labels.by_name("scratch")
    assert label is not None and label.position == 3
    image = next(i for i in project.images.many(project.images.ids().tolist()) if i.uri == "red/0.png")
    (annotation,) = project.history.page(image.id).annotations
    assert annotation.geometry == Box(1, 2, 31, 22)
    assert annotation.source is Source.IMPORTED
    assert project.export(tmp_path / "b.json", "coco").images == 2
    categories = json.loads((tmp_path / "b.json").read_text())["categories"]
    assert (7, "scratch") in {(each["id"], each["name"]) for each in categories}


def test_importing_twice_adds_nothing(project: Project, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png"])
    project.import_dataset(file)
    again = project.import_dataset(file)
    assert again.annotations == 0
    assert again.warnings[-1] == "1 annotation was there already and was left out."
    assert project.stats().annotations == 1


def test_a_name_that_fits_two_pictures_is_not_guessed(project: Project, tmp_path: Path) -> None:
    result = project.import_dataset(coco(tmp_path / "a.json", ["0.png", "elsewhere/red/1.png", "nowhere.png"]))
    assert result.images == 1
    assert "2 pictures of the dataset are not in the project: 0.png, nowhere.png." in result.warnings
    again = project.import_dataset(coco(tmp_path / "b.json", ["red/2.png", "nowhere.png"]))
    assert "1 picture of the dataset is not in the project: nowhere.png." in again.warnings


def test_of_two_twins_the_one_without_another_folder_is_meant(tmp_path: Path, pictures: Path) -> None:
    shutil.copy(pictures / "red" / "0.png", pictures)
    with Project.create(tmp_path / "p", pictures) as project:
        assert project.import_dataset(coco(tmp_path / "a.json", ["images/0.png"])).images == 1
        (annotated,) = project.images.ids(ImageFilter(annotated=True)).tolist()
        assert uri_of(project, annotated) == "0.png"


def test_an_error_in_the_middle_changes_nothing(project: Project, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png", "red/1.png"])
    document = json.loads(file.read_text())
    document["annotations"][1]["bbox"] = [1, 2, "wide", 4]
    file.write_text(json.dumps(document))
    before = project.stats()
    with pytest.raises(FormatError):
        project.import_dataset(file)
    assert project.stats() == before
    result = project.import_dataset(file, skip_bad=True)
    assert result.annotations == 1
    assert result.warnings


def test_what_has_nothing_to_do_with_the_project_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="None of the pictures"):
        project.import_dataset(coco(tmp_path / "a.json", ["other.png"]))
    assert project.labels.by_name("scratch") is None
    with pytest.raises(FormatError, match="nothing at"):
        project.import_dataset(tmp_path / "absent")
    with pytest.raises(UsageError, match="no format named"):
        project.import_dataset(tmp_path / "a.json", "nonsense")


def test_suggestions_come_in_as_suggestions_and_replace_their_earlier_run(project: Project, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png"], score=0.4)
    for _ in range(2):
        project.import_dataset(file, as_="suggestions")
    image = next(i for i in project.images.many(project.images.ids().tolist()) if i.uri == "red/0.png")
    (suggestion,) = project.history.page(image.id).suggestions
    assert suggestion.task is Task.BOXES
    assert suggestion.confidence == pytest.approx(0.4)
    assert image.state is ImageState.NEW
    assert project.stats().annotations == 0


def test_a_persons_tag_stands_against_an_import(project: Project, tmp_path: Path) -> None:
    image_id = int(project.images.ids()[0])
    red, green, _ = project.labels.all()
    page = project.history.page(image_id)
    project.history.perform(set_tag(page, red.id, project.history.vocabulary(), annotator="ann"))
    project.history.flush()
    table = tmp_path / "t.csv"
    table.write_text(f"image,label\n{uri_of(project, image_id)},{green.name}\n", encoding="utf-8")
    result = project.import_dataset(table, "csv")
    assert result.annotations == 0
    assert "another tag of an exclusive group" in result.warnings[-1]
    assert [a.label_id for a in project.history.page(image_id).annotations] == [red.id]


def test_several_tags_on_a_picture_make_a_group_that_allows_it(project: Project, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("image,label\nred/0.png,sunny\nred/0.png,windy\n", encoding="utf-8")
    project.import_dataset(table, "csv")
    sunny, windy = project.labels.by_name("sunny"), project.labels.by_name("windy")
    assert sunny is not None and windy is not None and sunny.group_id == windy.group_id
    group = next(g for g in project.labels.groups() if g.id == sunny.group_id)
    assert not group.exclusive
    assert project.stats().annotations == 2


def test_folders_become_splits_and_labels_only_when_they_are_imported(tmp_path: Path, pictures: Path) -> None:
    for part in ("train", "validation"):
        (tmp_path / "set" / part).mkdir(parents=True)
    (pictures / "red").rename(tmp_path / "set" / "train" / "red")
    (pictures / "blue").rename(tmp_path / "set" / "validation" / "blue")
    with Project.create(tmp_path / "p", tmp_path / "set", ["red", "blue"]) as made:
        assert made.stats().annotations == 0
        assert made.detect_annotations() == ()
        result = made.import_dataset(tmp_path / "set", "imagenet")
        assert result.annotations == 16
        stats = made.stats()
        assert stats.splits == {Split.TRAIN.value: 8, Split.VAL.value: 8}
        assert stats.states[ImageState.DONE.value] == 16


def test_pictures_nobody_looked_at_are_not_exported(project: Project, tmp_path: Path) -> None:
    with pytest.raises(AnnotatorError, match="nothing to export"):
        project.export(tmp_path / "x.json", "coco")
    first = project.history.page(int(project.images.ids()[0]))
    box = new_annotation(first.image.id, project.labels.all()[0].id, Box(1, 1, 9, 9), "ann")
    project.history.perform(draw_edit(first, box))
    project.history.flush()
    assert project.export(tmp_path / "x.json", "coco").images == 1
    assert project.export(tmp_path / "all.json", "coco", scope="all").images == 24
    with pytest.raises(AnnotatorError, match="exists already"):
        project.export(tmp_path / "x.json", "coco")
    assert project.export(tmp_path / "x.json", "coco", replace=True).images == 1


def test_several_folders_keep_their_pictures_apart(project: Project, tmp_path: Path) -> None:
    from tests.unit.project.conftest import COLORS, draw

    draw(tmp_path / "more" / "red" / "0.png", COLORS["red"], 70)
    project.add_folder(tmp_path / "more")
    project.export(tmp_path / "x.json", "coco", scope="all")
    names = {image["file_name"] for image in json.loads((tmp_path / "x.json").read_text())["images"]}
    assert {"pictures/red/0.png", "more/red/0.png"} < names
    assert len(names) == 25


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names files by bytes")
def test_a_name_that_is_not_text_goes_through(tmp_path: Path, pictures: Path) -> None:
    (pictures / "red" / "0.png").rename(pictures / "od\udcffd\nname.png")
    with Project.create(tmp_path / "p", pictures, ["red"]) as made:
        image = next(i for i in made.images.many(made.images.ids().tolist()) if "name" in i.uri)
        assert made.images.path(image.id).is_file()
        page = made.history.page(image.id)
        tag = new_annotation(image.id, made.labels.all()[0].id, Tag(), "ann")
        made.history.perform(draw_edit(page, tag))
        made.history.flush()
        assert made.export(tmp_path / "x.json", "coco").annotations == 1


@pytest.mark.parametrize("after_a_run", [False, True])
def test_imported_tag_suggestions_join_the_pile_until_they_are_judged(
    project: Project, tmp_path: Path, after_a_run: bool
) -> None:
    if after_a_run:
        project.suggest()
    before = len(project.review.pile())
    table = tmp_path / "tags.csv"
    table.write_text("image,label,confidence,state\nred/0.png,red,0.93,suggested\nblue/1.png,green,0.21,suggested\n")
    project.import_dataset(table)
    pile = project.review.pile()
    assert len(pile) == (before if after_a_run else 2)
    found = {
        (uri_of(project, image), sure)
        for image, sure in zip(pile.image_ids.tolist(), pile.confidences.astype(float).round(2).tolist(), strict=True)
    }
    assert {("red/0.png", 0.93), ("blue/1.png", 0.21)} <= found
    assert project.review.confidence_histogram().sum() == len(pile) == sum(project.review.open_counts().values())
    red = next(i for i in pile.image_ids.tolist() if uri_of(project, i) == "red/0.png")
    assert red in project.images.ids(ImageFilter(suggested=True, min_confidence=0.9))
    (shown,) = project.history.page(red).suggestions
    assert shown.confidence == 0.93
    assert [s.id for s in project.review.suggestions(np.asarray([red]))] == [shown.id]
    accepted = project.accept(min_confidence=0.93)
    assert accepted.accepted >= 1
    assert red not in project.review.pile().image_ids
    assert project.history.page(red).suggestions == ()


STATES = ["drawn", "accepted", "corrected", "certified", "imported", "suggested", "rejected"]


def test_every_state_of_a_table_comes_in_and_goes_out_again(project: Project, tmp_path: Path) -> None:
    rows = [f"red/{n}.png,red,{'0.25' if n > 4 else ''},{state},Ada" for n, state in enumerate(STATES)]
    table = tmp_path / "tags.csv"
    table.write_text("\n".join(["image,label,confidence,state,annotator", *rows]) + "\n")
    project.import_dataset(table)
    stats = project.stats()
    assert {name for name, count in stats.sources.items() if count} == set(STATES[:5])
    assert stats.verdicts["rejected"] == 1
    assert len(project.review.pile()) == 1
    again = project.import_dataset(table)
    assert "there already" in again.warnings[-1]
    assert project.stats().verdicts["rejected"] == 1
    result = project.export(tmp_path / "out.csv", "csv", include_suggestions=True)
    assert {loss.label for loss in result.lossy} == {"green", "blue"}
    written = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert [line.removesuffix("Ada").rstrip(",") for line in written] == [
        line.removesuffix("Ada").rstrip(",") for line in rows
    ]
    assert written[-1] == rows[-1]
    plain = project.export(tmp_path / "plain.csv", "csv")
    assert plain.annotations == 5
    assert project.export(tmp_path / "c.json", "coco", include_suggestions=True).annotations <= 6


def test_what_a_table_rejects_is_not_suggested(project: Project, tmp_path: Path) -> None:
    table = tmp_path / "tags.csv"
    table.write_text("image,label,state\nred/0.png,red,rejected\n")
    project.import_dataset(table)
    project.suggest()
    image_id = next(i for i in project.images.ids().tolist() if uri_of(project, i) == "red/0.png")
    red = project.labels.by_name("red")
    assert red is not None
    (shown,) = project.history.page(image_id).suggestions
    assert red.id not in {label_id for label_id, _ in shown.distribution}


def test_a_folder_that_was_removed_stays_out_of_exports(project: Project, tmp_path: Path) -> None:
    from tests.unit.project.conftest import COLORS, draw

    draw(tmp_path / "more" / "extra.png", COLORS["red"], 70)
    project.add_folder(tmp_path / "more")
    project.remove_folder(project.images.roots()[1].id)
    assert project.export(tmp_path / "x.json", "coco", scope="all").images == 24


def test_pictures_keep_their_paths_when_their_folder_was_moved(
    project: Project, pictures: Path, tmp_path: Path
) -> None:
    pictures.rename(tmp_path / "moved")
    project.add_folder(tmp_path / "moved")
    assert project.images.problems() == []
    project.export(tmp_path / "x.json", "coco", scope="all")
    names = {image["file_name"] for image in json.loads((tmp_path / "x.json").read_text())["images"]}
    assert "red/0.png" in names


def test_a_label_that_is_not_text_is_refused(project: Project, pictures: Path, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png"], category="caf\udce9")
    with pytest.raises(FormatError, match="is not text"):
        project.import_dataset(file)
    with pytest.raises(UsageError, match="is not text"):
        Project.create(tmp_path / "other", pictures, ["caf\udce9"])
    assert not (tmp_path / "other").exists()


def test_foreign_fields_of_images_and_header_come_back_with_their_format(project: Project, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png", "blue/3.png"])
    document = json.loads(file.read_text())
    document["info"] = {"contributor": "us"}
    document["licenses"] = [{"id": 4, "name": "CC0"}]
    document["images"][0] |= {"id": 4711, "license": 4, "coco_url": "http://example.org/0"}
    document["annotations"][0]["image_id"] = 4711
    file.write_text(json.dumps(document))
    project.import_dataset(file)
    table = tmp_path / "tags.csv"
    table.write_text("image,label\nred/0.png,red\n")
    project.import_dataset(table)
    project.export(tmp_path / "b.json", "coco")
    written = json.loads((tmp_path / "b.json").read_text())
    assert (written["info"]["contributor"], written["licenses"]) == ("us", document["licenses"])
    (first,) = [each for each in written["images"] if each["file_name"] == "red/0.png"]
    assert (first["id"], first["license"], first["coco_url"]) == (4711, 4, "http://example.org/0")
    assert {each["image_id"] for each in written["annotations"]} == {each["id"] for each in written["images"]}


def test_a_picture_with_only_a_tag_is_no_negative_of_a_detector(project: Project, tmp_path: Path) -> None:
    boxed, tagged, empty = project.images.ids().tolist()[:3]
    label = project.labels.all()[0].id
    with pytest.raises(AnnotatorError, match="nothing to export"):
        project.export(tmp_path / "nothing", "yolo")
    page = project.history.page(boxed)
    project.history.perform(draw_edit(page, new_annotation(boxed, label, Box(5, 5, 30, 30), "ada")))
    page = project.history.page(tagged)
    project.history.perform(set_tag(page, label, project.history.vocabulary(), annotator="ada"))
    project.history.perform(mark_done([project.history.page(tagged)], Task.TAGS, annotator="ada"))
    project.history.perform(mark_done([project.history.page(empty)], Task.BOXES, annotator="ada"))
    project.history.flush()
    project.export(tmp_path / "yolo", "yolo")
    written = {path.stem for path in (tmp_path / "yolo").rglob("*.txt") if path.parent != tmp_path / "yolo"}
    stem = {image: Path(uri_of(project, image)).stem for image in (boxed, tagged, empty)}
    assert stem[boxed] in written and stem[empty] in written
    assert project.export(tmp_path / "all.csv", "csv").images == 3
    assert project.export(tmp_path / "voc", "voc").images == 2


def test_an_empty_picture_of_a_dataset_comes_in_as_a_negative(project: Project, tmp_path: Path) -> None:
    file = coco(tmp_path / "a.json", ["red/0.png", "blue/3.png"])
    document = json.loads(file.read_text())
    del document["annotations"][1]
    file.write_text(json.dumps(document))
    project.import_dataset(file)
    assert project.export(tmp_path / "voc", "voc").images == 2


def test_captions_come_in_under_a_label_of_their_own_and_leave_without_one(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "captions.json"
    image = {"id": 0, "file_name": "red/0.png", "width": 96, "height": 64}
    records = [{"id": n, "image_id": 0, "caption": text} for n, text in enumerate(("red", "a red picture"))]
    file.write_text(json.dumps({"images": [image], "annotations": records}))
    result = project.import_dataset(file)
    assert (result.annotations, result.labels) == (2, ("caption",))
    project.export(tmp_path / "out", "coco")
    written = json.loads((tmp_path / "out/annotations/captions.json").read_text())["annotations"]
    assert [(one["caption"], "category_id" in one) for one in written] == [("red", False), ("a red picture", False)]
    categories = json.loads((tmp_path / "out/annotations/instances.json").read_text())["categories"]
    assert "caption" not in {one["name"] for one in categories}


def test_a_track_comes_back_as_a_track_of_its_sequence(project: Project, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "golden/cvat/video/annotations.xml"
    names = {"frame_000010.png": "red/0.png", "frame_000013.png": "red/1.png", "frame_000016.png": "red/2.png"}
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in names:
        Picture.new("RGB", (25, 20)).save(folder / name)
    with Project.create(tmp_path / "video", folder, ["car"]) as video:
        result = video.import_dataset(source)
        assert (result.format, result.images, result.annotations) == ("cvat", 3, 4)
        images = video.images.many(video.images.ids().tolist())
        assert [(i.sequence, i.frame) for i in images] == [("t.mp4", 10), ("t.mp4", 13), ("t.mp4", 16)]
        video.export(tmp_path / "out.xml", "cvat")
    for tag in (
        "track",
        "track/box",
        "track/polygon",
        "track/box/attribute",
        "meta/task/labels/label/attributes/attribute",
    ):
        before, after = (ElementTree.parse(file).getroot().findall(tag) for file in (source, tmp_path / "out.xml"))
        assert [(one.attrib, (one.text or "").strip()) for one in after] == [
            (one.attrib, (one.text or "").strip()) for one in before
        ], tag


def test_what_a_dataset_says_of_its_labels_comes_in_and_leaves_again(project: Project, tmp_path: Path) -> None:
    schema = {"worn": {"type": "checkbox"}, "age": {"type": "number", "range": [0, 9, 1]}}
    labels = (
        DatasetLabel("red", skeleton=Skeleton(("a", "b"), ((0, 1),)), schema=schema, definition="theirs"),
        DatasetLabel("scratch", parent="damage", schema=schema, definition="a line"),
    )
    image = DatasetImage("red/0.png", (DatasetAnnotation("scratch", Box(1, 2, 30, 20)),), 96, 64)
    registry.writer("archive").write(Dataset(labels, (image,)), tmp_path / "in.zip")
    project.import_dataset(tmp_path / "in.zip")
    scratch, red = project.labels.by_name("scratch"), project.labels.by_name("red")
    assert scratch is not None and red is not None
    assert (scratch.attributes_schema, scratch.definition) == (schema, "a line")
    assert (red.attributes_schema, red.skeleton) == (schema, labels[0].skeleton), (
        "a label that is here gets what it lacks"
    )
    project.export(tmp_path / "out.zip", "archive", splits=(), merge=False)
    back = {each.name: each for each in registry.reader("archive").read(tmp_path / "out.zip").dataset.labels}
    assert (back["scratch"].schema, back["scratch"].definition) == (schema, "a line")
    assert list(back["scratch"].schema) == list(schema)
    assert back["scratch"].parent == "damage", "the parent is no label of the project"
    assert back["scratch"].extra == {}
