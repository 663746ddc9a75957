"""The files of a COCO folder: one dataset when they are read, and the same files when it is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotator.domain.geometry import Box, Keypoints, Mask, Polygon
from annotator.domain.records import Skeleton
from annotator.formats.coco import reader, writer
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

IMAGES = [
    {"id": 11, "file_name": "a.jpg", "width": 40, "height": 30},
    {"id": 12, "file_name": "b.jpg", "width": 40, "height": 30},
]
PERSON = {"id": 1, "name": "person", "supercategory": "living"}
CAR = {"id": 3, "name": "car", "supercategory": "vehicle"}
SKY = {"id": 157, "name": "sky", "supercategory": "outdoor"}
OUTLINE = [1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0]
STANDING = {
    "id": 901,
    "image_id": 11,
    "category_id": 1,
    "segmentation": [OUTLINE],
    "bbox": [1.0, 1.0, 8.0, 8.0],
    "area": 64.0,
    "iscrowd": 0,
}
POINTS = {"keypoints": [2.0, 2.0, 2, 8.0, 8.0, 1], "num_keypoints": 2}
CROWD = {**STANDING, "image_id": 12, "category_id": 157, "bbox": [1.0, 0.0, 1.0, 30.0], "area": 30, "iscrowd": 1}
DRIVING = {**STANDING, "id": 902, "image_id": 12, "category_id": 3}
FILES: dict[str, dict[str, Any]] = {
    "instances_train": {"annotations": [STANDING, DRIVING], "categories": [PERSON, CAR]},
    "person_keypoints_train": {
        "annotations": [{**STANDING, **POINTS}],
        "categories": [{**PERSON, "keypoints": ["head", "foot"], "skeleton": [[1, 2]]}],
    },
    "captions_train": {"annotations": [{"id": 5, "image_id": 11, "category_id": 0, "caption": "a person"}]},
    "stuff_train": {
        "annotations": [
            {**STANDING, "id": 990, "category_id": 157, "image_id": 12},
            {**CROWD, "segmentation": {"size": [30, 40], "counts": [30, 30, 1140]}, "id": 991},
            {**CROWD, "segmentation": {"size": [30, 40], "counts": "n0n0dS1"}, "id": 992},
        ],
        "categories": [SKY],
    },
}


def folder(place: Path, *names: str) -> Path:
    (place / "annotations").mkdir(parents=True)
    for name in names:
        content = {"images": IMAGES, **FILES[name]}
        (place / "annotations" / f"{name}.json").write_text(json.dumps(content))
    return place


def content(place: Path) -> dict[str, Any]:
    """The files by name, lists by id."""

    def by_id(value: Any) -> Any:
        return {each["id"]: each for each in value} if isinstance(value, list) else value

    return {
        file.stem: {key: by_id(value) for key, value in json.loads(file.read_text()).items()}
        for file in sorted((place / "annotations").glob("*.json"))
    }


@pytest.mark.parametrize("names", [tuple(FILES), ("person_keypoints_train", "instances_train"), ("instances_train",)])
def test_the_files_of_a_folder_come_back_as_they_were(names: tuple[str, ...], tmp_path: Path) -> None:
    dataset = reader.read(folder(tmp_path / "in", *names)).dataset
    report = writer.write(dataset, tmp_path / "out")
    assert report.lossy == ()
    was, now = content(tmp_path / "in"), content(tmp_path / "out")
    assert now.keys() == was.keys()
    for name in was:
        assert now[name].get("categories") == was[name].get("categories"), name
        assert now[name]["annotations"] == was[name]["annotations"], name
        if name == "instances_train":
            assert now[name]["images"] == was[name]["images"]


def test_what_two_files_say_of_one_thing_is_one_thing(tmp_path: Path) -> None:
    dataset = reader.read(folder(tmp_path, *FILES)).dataset
    assert [(label.name, label.foreign_id) for label in dataset.labels] == [("person", 1), ("car", 3), ("sky", 157)]
    assert dataset.labels[0].skeleton == Skeleton(("head", "foot"), ((0, 1),))
    first, second = dataset.images
    kinds = [(type(a.geometry).__name__, a.label, a.extra["coco"]["id"]) for a in first.annotations]
    assert kinds == [("Caption", "", 5), ("Polygon", "person", 901), ("Keypoints", "person", 901)]
    assert [(type(a.geometry), a.label) for a in second.annotations] == [
        (Polygon, "car"),
        (Polygon, "sky"),
        (Mask, "sky"),
        (Mask, "sky"),
    ]


def test_keypoints_alone_stay_in_their_own_file(tmp_path: Path) -> None:
    dataset = reader.read(folder(tmp_path / "in", "person_keypoints_train")).dataset
    writer.write(dataset, tmp_path / "out")
    now = content(tmp_path / "out")
    assert (
        now["person_keypoints_train"]["annotations"]
        == content(tmp_path / "in")["person_keypoints_train"]["annotations"]
    )
    assert now["instances_train"]["annotations"] == {}, "it lists the pictures, as every export does"


def test_new_keypoints_get_the_file_that_tools_look_for_and_ids_of_their_own(tmp_path: Path) -> None:
    points = Keypoints(((1.0, 1.0, 2), (5.0, 7.0, 2)))
    box = Box(1.0, 1.0, 5.0, 7.0)
    label = DatasetLabel("person", skeleton=Skeleton(("head", "foot"), ((0, 1),)))
    image = DatasetImage("a.jpg", (DatasetAnnotation("person", box), DatasetAnnotation("person", points)), 40, 30)
    writer.write(Dataset((label, DatasetLabel("car")), (image,)), tmp_path / "out")
    now = content(tmp_path / "out")
    assert list(now["instances"]["annotations"]) == [1]
    assert list(now["person_keypoints"]["annotations"]) == [2], "the same id and box would make one thing of the two"
    assert [each["name"] for each in now["person_keypoints"]["categories"].values()] == ["person"]
    (back,) = reader.read(tmp_path / "out").dataset.images
    assert [a.geometry for a in back.annotations] == [box, points]


def test_a_thing_that_is_drawn_with_a_label_of_stuff_is_among_the_instances(tmp_path: Path) -> None:
    dataset = reader.read(folder(tmp_path / "in", *FILES)).dataset
    first, second = dataset.images
    new = DatasetAnnotation("sky", Box(1, 1, 5, 5))
    writer.write(replace(dataset, images=(replace(first, annotations=(new,)), second)), tmp_path / "out")
    now = content(tmp_path / "out")
    assert [each["name"] for each in now["instances_train"]["categories"].values()] == ["person", "car", "sky"]
    assert sorted(now["instances_train"]["annotations"]) == [902, 993]
