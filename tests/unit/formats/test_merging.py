"""Merging adds to a dataset: what stood there and is not written anew is read back afterwards, with its labels and ids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.report import Report

SIZE = (40, 30)


def one(name: str, label: str, *, split: Split | None = Split.TRAIN, x: float = 1) -> DatasetImage:
    return DatasetImage(name, (DatasetAnnotation(label, Box(x, 2, 9, 10)),), *SIZE, split=split)


def of(*images: DatasetImage, labels: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    return Dataset(tuple(map(DatasetLabel, labels)), images)


def write(format_id: str, dataset: Dataset, target: Path, *, merge: bool = False) -> Report:
    return registry.writer(format_id).write(dataset, target, merge=merge)


def read(format_id: str, path: Path) -> tuple[list[str], dict[str, list[tuple[str, tuple[float, ...] | None]]]]:
    dataset = registry.reader(format_id).read(path, image_size=lambda _: SIZE).dataset
    found = {image.name: [(a.label, a.geometry.bounds()) for a in image.annotations] for image in dataset.images}
    return [label.name for label in dataset.labels], found


TARGETS = [("coco", "out"), ("coco", "out.json"), ("yolo", "out"), ("voc", "out"), ("labelme", "out")]


@pytest.mark.parametrize(("format_id", "name"), TARGETS)
def test_what_stood_there_stays_and_ours_is_exchanged(format_id: str, name: str, tmp_path: Path):
    target = tmp_path / name
    write(format_id, of(one("a.jpg", "cat"), one("b.jpg", "dog", split=Split.VAL)), target)
    write(
        format_id,
        of(one("b.jpg", "bird", x=3, split=Split.VAL), one("c.jpg", "cat"), labels=("bird", "cat")),
        target,
        merge=True,
    )
    labels, found = read(format_id, target)
    assert found.keys() == {"a.jpg", "b.jpg", "c.jpg"}
    for image, (label, x) in {"a.jpg": ("cat", 1), "b.jpg": ("bird", 3), "c.jpg": ("cat", 1)}.items():
        ((found_label, bounds),) = found[image]
        assert found_label == label and bounds == pytest.approx((x, 2, 9, 10)), image
    if format_id in ("coco", "yolo"):
        assert labels == ["cat", "dog", "bird"], "numbers that other people's models know do not move"


def test_a_coco_merge_keeps_ids_and_says_how_many_stayed(tmp_path: Path):
    target = tmp_path / "out"
    first = of(one("a.jpg", "dog"))
    write("coco", replace(first, labels=(DatasetLabel("dog", 18),)), target)
    report = write("coco", of(one("c.jpg", "cat"), labels=("cat",)), target, merge=True)
    assert any("1 images that stood in the target" in note for note in report.notes)
    content = json.loads((target / "annotations/instances_train.json").read_text())
    assert {c["name"]: c["id"] for c in content["categories"]} == {"dog": 18, "cat": 1}
    assert len({i["id"] for i in content["images"]}) == 2 and len({a["id"] for a in content["annotations"]}) == 2


def test_a_coco_file_of_another_name_is_not_doubled(tmp_path: Path):
    target = tmp_path / "out"
    write("coco", of(one("a.jpg", "dog")), target)
    (target / "annotations/instances_train.json").rename(target / "train.json")
    before = (target / "train.json").read_bytes()
    with pytest.raises(FormatError, match=r"train\.json is a COCO file that is named in another way"):
        write("coco", of(one("c.jpg", "cat")), target, merge=True)
    assert [p.name for p in target.rglob("*.json")] == ["train.json"] and (target / "train.json").read_bytes() == before


def test_yolo_of_another_layout_is_not_merged_into(tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [cat]\n")
    with pytest.raises(FormatError, match="laid out in another way"):
        write("yolo", of(one("c.jpg", "cat")), target, merge=True)


def test_yolo_class_numbers_with_gaps_are_not_merged_into(tmp_path: Path):
    write("yolo", of(one("a.jpg", "cat")), tmp_path / "out")
    config = tmp_path / "out" / "data.yaml"
    config.write_text(config.read_text().replace("1: dog", "7: dog"))
    with pytest.raises(FormatError, match="gaps"):
        write("yolo", of(one("c.jpg", "cat")), tmp_path / "out", merge=True)


def test_yolo_says_when_an_image_changes_its_split(tmp_path: Path):
    target = tmp_path / "out"
    write("yolo", of(one("a.jpg", "cat"), one("b.jpg", "cat", split=Split.VAL)), target)
    report = write("yolo", of(one("a.jpg", "dog", split=Split.VAL)), target, merge=True)
    assert any("labels/train/a.txt" in warning for warning in report.warnings)
    assert (target / "train.txt").read_text() == ""
    assert (target / "val.txt").read_text().split() == ["./images/val/a.jpg", "./images/val/b.jpg"]


def test_rows_of_a_table_stay(tmp_path: Path):
    def tags(*names: str) -> Dataset:
        found = (DatasetAnnotation("cat", Tag()),)
        return Dataset((DatasetLabel("cat"),), tuple(DatasetImage(name, found) for name in names))

    target = tmp_path / "t.csv"
    target.write_text("image,label,confidence,state,annotator\na.jpg,dog,0.5,rejected,ada\nb.jpg,dog,,drawn,ada\n")
    write("csv", tags("b.jpg", "c.jpg"), target, merge=True)
    rows = target.read_text().splitlines()
    assert rows[1:] == ["b.jpg,cat,,imported,", "c.jpg,cat,,imported,", "a.jpg,dog,0.5,rejected,ada"]
    target.write_text("image,label\na.jpg,dog\n")
    with pytest.raises(FormatError, match="other columns"):
        write("csv", tags("b.jpg"), target, merge=True)
    assert target.read_text() == "image,label\na.jpg,dog\n"
