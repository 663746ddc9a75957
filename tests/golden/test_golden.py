"""Files written by hand from the formats' documentation: read exactly, and written back equal where nothing is lost.

Each folder beside this module is one format's. What a file says is spelled out here a second time, as our records, so that
neither our reader nor our writer can be wrong alone.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from PIL import Image as Picture
from pycocotools import mask as coco_mask

from annotator.domain.geometry import (
    Box,
    Caption,
    Geometry,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.domain.kinds import Decision, Source, Split
from annotator.domain.records import Skeleton
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.label_studio import brush

HERE = Path(__file__).parent
SIZES = {"street.jpg": (64, 48), "night/street.jpg": (80, 40), "empty.jpg": (64, 48), "harbour.jpg": (100, 50)}


def read(format_id: str, path: Path, **options: Any) -> tuple[Dataset, dict[str, DatasetImage]]:
    """The dataset and its images by name; every file here is clean, so a warning is a failure."""
    imported = registry.reader(format_id).read(path, **options)
    images = {image.name: image for image in imported.dataset.images}
    assert imported.report().warnings == ()
    return imported.dataset, images


def shapes(image: DatasetImage) -> list[tuple[str, Geometry]]:
    return [(one.label, one.geometry) for one in image.annotations]


def texts(folder: Path) -> dict[str, str]:
    return {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in folder.rglob("*") if f.is_file()}


# COCO: cocodataset.org/#format-data and #format-results


def test_coco_is_read_as_it_says():
    dataset, images = read("coco", HERE / "coco")
    assert [(label.name, label.foreign_id, label.parent) for label in dataset.labels] == [
        ("dog", 18, "animal"),
        ("person", 1, "person"),
    ]
    assert dataset.labels[1].skeleton == Skeleton(("nose", "left_eye", "right_eye"), ((0, 1), (0, 2)))
    assert set(images) == {"000000397133.jpg", "street/000000037777.jpg", "000000000785.jpg"}
    crowd = images["000000397133.jpg"]
    # counts 5 2 2 2 13 in columns of 4: pixels 5, 6 and 9, 10, i.e. rows 1 and 2 of columns 1 and 2
    assert shapes(crowd) == [("dog", Mask(1, 1, 2, 2, (0, 4)))]
    assert crowd.annotations[0].attributes == {"iscrowd": True}
    assert (crowd.width, crowd.height, crowd.split) == (6, 4, Split.TRAIN)
    square = ((10.5, 20.25), (30.5, 20.25), (30.5, 40.25), (10.5, 40.25))
    assert shapes(images["street/000000037777.jpg"]) == [
        ("person", Polygon((PolygonPart(square), PolygonPart(((50, 60), (58, 60), (58, 64)))))),
        ("dog", Box(0.1, 0.2, 0.1 + 10.0, 0.2 + 5.0)),
    ]
    person = images["000000000785.jpg"]
    assert person.split is Split.VAL
    window = Mask(5, 10, 2, 2, (0, 4))
    assert shapes(person) == [
        ("", Caption('A person "stands" in the snow.')),
        ("person", Polygon.of(((4, 4), (24, 4), (24, 44), (4, 44)))),
        ("person", Keypoints(((14, 8, 2), (12, 6, 1), (0, 0, 0)))),
        ("dog", Box(1.5, 2.25, 11.5, 22.25)),
        ("person", window),
    ]
    assert [(one.suggested, one.confidence) for one in person.annotations[-2:]] == [(True, 0.75), (True, 0.5)]


def _coco_values(text: str) -> Any:
    """The file's meaning: run lengths in one spelling, records by id, numbers as numbers."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict) and "counts" in value:
            counts = value["counts"]
            packed = coco_mask.frPyObjects(value, *value["size"]) if isinstance(counts, list) else value
            return {"size": value["size"], "pixels": np.argwhere(coco_mask.decode(packed)).tolist()}
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return value

    return plain(json.loads(text))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
def test_coco_is_written_back_equal(tmp_path: Path):
    report = registry.writer("coco").write(read("coco", HERE / "coco")[0], tmp_path / "out")
    assert report.lossy == ()
    before, after = texts(HERE / "coco"), texts(tmp_path / "out")
    assert set(after) == set(before)
    for name in before:
        assert _coco_values(after[name]) == _coco_values(before[name]), name


# YOLO: docs.ultralytics.com/datasets


def test_yolo_boxes_are_read_as_they_say():
    dataset, images = read("yolo", HERE / "yolo/detect", image_size=SIZES.get)
    assert [(label.name, label.foreign_id) for label in dataset.labels] == [
        ("person", 0),
        ("bicycle", 1),
        ("traffic light", 2),
    ]
    assert shapes(images["street.jpg"]) == [
        ("person", Box(24, 12, 40, 36)),
        ("traffic light", Box(6, 9, 10, 15)),
    ]
    assert shapes(images["night/street.jpg"]) == [("bicycle", Box(40, 20, 80, 40))]
    assert shapes(images["empty.jpg"]) == [] and images["empty.jpg"].done, "an empty file says: nothing is there"
    assert {name: image.split for name, image in images.items()} == {
        "street.jpg": Split.TRAIN,
        "empty.jpg": Split.TRAIN,
        "night/street.jpg": Split.VAL,
    }


def test_yolo_outlines_are_read_as_they_say():
    _, images = read("yolo", HERE / "yolo/segment", image_size=SIZES.get)
    assert shapes(images["street.jpg"]) == [
        ("bicycle", Polygon.of(((8, 6), (32, 6), (32, 36)))),
        ("person", Polygon.of(((16, 12), (48, 12), (48, 24), (16, 24)))),
    ]


def test_yolo_poses_are_read_as_they_say():
    dataset, images = read("yolo", HERE / "yolo/pose", image_size=SIZES.get)
    assert dataset.labels[0].skeleton == Skeleton(("1", "2", "3"))
    assert shapes(images["street.jpg"]) == [
        ("person", Box(16, 6, 48, 42)),
        ("person", Keypoints(((32, 12, 2), (24, 12, 1), (0, 0, 0)))),
    ]


def test_yolo_rotated_boxes_are_read_where_data_yaml_says_so():
    _, images = read("yolo", HERE / "yolo/obb", image_size=SIZES.get)
    flat, turned = (one.geometry for one in images["harbour.jpg"].annotations)
    assert flat == RotatedBox(50, 25, 50, 25, 0)
    assert isinstance(turned, RotatedBox)
    # corners (50, 10), (60, 20), (50, 30), (40, 20): a square on its tip
    assert (turned.cx, turned.cy) == pytest.approx((50, 20))
    assert (turned.width, turned.height, turned.angle) == pytest.approx((200**0.5, 200**0.5, 45))


@pytest.mark.parametrize("kind", ["detect", "segment", "pose", "obb"])
def test_yolo_is_written_back_equal(kind: str, tmp_path: Path):
    dataset, _ = read("yolo", HERE / "yolo" / kind, image_size=SIZES.get)
    report = registry.writer("yolo").write(dataset, tmp_path / "out")
    assert report.lossy == ()
    before, after = texts(HERE / "yolo" / kind), texts(tmp_path / "out")
    for name, text in before.items():
        if name.endswith(".txt"):
            assert _numbers(after.pop(name)) == [pytest.approx(line, abs=1e-12) for line in _numbers(text)], name
    assert not [name for name in after if name.startswith("labels/")], "no label file was invented"
    names = yaml.safe_load(after["data.yaml"])["names"]
    wanted = yaml.safe_load(before["data.yaml"])["names"]
    assert names == (wanted if isinstance(wanted, dict) else dict(enumerate(wanted)))


def _numbers(text: str) -> list[list[float]]:
    return [[float(word) for word in line.split()] for line in text.splitlines()]


# Pascal VOC: the development kit of VOC2012


def test_voc_is_read_as_it_says():
    dataset, images = read("voc", HERE / "voc")
    assert [label.name for label in dataset.labels] == ["person", "dog"]
    first = images["2007_000027.jpg"]
    # VOC counts pixels from 1 and includes the last one.
    assert shapes(first) == [("person", Box(173, 100, 349, 351)), ("dog", Box(0, 0, 1, 2))]
    assert [one.attributes for one in first.annotations] == [
        {"truncated": True, "pose": "Left"},
        {"difficult": True, "occluded": True},
    ]
    assert (first.width, first.height, first.split) == (486, 500, Split.TRAIN)
    twin = images["north/2007_000027.jpg"]
    assert (twin.width, twin.height, twin.split, twin.annotations) == (20, 10, Split.VAL, ())


def _xml_values(text: str) -> Any:
    """Elements as (tag, text, children), children of one parent in any order but objects in theirs."""

    def plain(element: ElementTree.Element) -> tuple[Any, ...]:
        children = [plain(child) for child in element]
        return element.tag, (element.text or "").strip(), sorted(children, key=lambda c: c[0])

    return plain(ElementTree.fromstring(text))


def test_voc_is_written_back_equal(tmp_path: Path):
    report = registry.writer("voc").write(read("voc", HERE / "voc")[0], tmp_path / "out")
    assert report.lossy == ()
    before, after = texts(HERE / "voc"), texts(tmp_path / "out")
    assert set(after) == set(before)
    for name in before:
        meaning = _xml_values if name.endswith(".xml") else str.splitlines
        assert meaning(after[name]) == meaning(before[name]), name


# DOTA: the development kit and the data set's page (imagesource, gsd, eight numbers, class, difficulty)


def test_dota_is_read_as_it_says():
    dataset, images = read("dota", HERE / "dota")
    assert [label.name for label in dataset.labels] == ["large-vehicle", "small-vehicle", "ship"]
    assert {name: (image.split, len(image.annotations)) for name, image in images.items()} == {
        "P0001.png": (Split.TRAIN, 3),
        "north/P0001.png": (Split.VAL, 1),
        "P0002.png": (Split.VAL, 0),
    }
    first = images["P0001.png"]
    flat, turned, slanted = (one.geometry for one in first.annotations)
    assert flat == RotatedBox(50, 20, 40, 20, 0)
    assert isinstance(turned, RotatedBox)
    # corners (50, 10), (60.5, 20.5), (50, 31), (39.5, 20.5): a square of 10.5 times the root of 2, on its tip
    assert (turned.cx, turned.cy, turned.angle) == pytest.approx((50, 20.5, 45))
    assert (turned.width, turned.height) == pytest.approx((10.5 * 2**0.5, 10.5 * 2**0.5))
    assert slanted == Polygon.of(((10, 10), (40, 12), (45, 40), (8, 33)))
    assert [one.attributes for one in first.annotations] == [{}, {"difficult": True}, {"difficult": 2}]
    assert first.extra == {"dota": {"imagesource": "GoogleEarth", "gsd": "0.146343"}}


def test_dota_is_written_back_to_the_byte(tmp_path: Path):
    report = registry.writer("dota").write(read("dota", HERE / "dota")[0], tmp_path / "out")
    assert report.lossy == ()
    assert texts(tmp_path / "out") == texts(HERE / "dota")


# CVAT: the page "XML annotation format" of its manual


def test_cvat_pictures_are_read_as_they_say():
    dataset, images = read("cvat", HERE / "cvat/images")
    assert [(label.name, label.color) for label in dataset.labels] == [
        ("car", "#c06060"),
        ("good frame", ""),
        ("person", ""),
    ]
    assert dataset.labels[2].skeleton == Skeleton(("head", "foot"), ((0, 1),))
    street, north = images["street.jpg"], images["north/street.jpg"]
    assert {name: (i.split, i.width, i.height, i.done) for name, i in images.items()} == {
        "street.jpg": (Split.TRAIN, 64, 60, True),
        "north/street.jpg": (Split.VAL, 20, 10, True),
        "empty.jpg": (None, 20, 10, True),
    }
    assert shapes(street) == [
        ("car", Box(10.5, 20.25, 30, 40.75)),
        ("car", RotatedBox(20, 30, 20, 20, 30.5)),
        ("car", Polygon.of(((0, 50), (64, 48), (64, 60)))),
        ("car", Polyline(((1, 2), (3.5, 4), (9, 5)))),
        ("car", Point(5, 6)),
        ("car", Keypoints(((5, 6, 2), (7.25, 8, 2)))),
        ("good frame", Tag()),
    ]
    first = street.annotations[0]
    assert first.attributes == {"occluded": True, "parked": True, "make": "bmw", "doors": 3}
    assert (first.z_order, first.extra["cvat"]["group_id"]) == (2, "3")
    mask, person, wheel = (one.geometry for one in north.annotations)
    assert isinstance(mask, Mask) and (mask.x, mask.y) == (2, 3)
    # runs by row, background first: 1, skip 1, 2, skip 1, 1
    assert mask.to_array().tolist() == [[True, False, True], [True, False, True]]
    assert person == Keypoints(((4, 5, 1), (6.5, 7, 0)))
    assert isinstance(wheel, Polygon)
    assert {round(float(np.hypot(x - 10, y - 5)), 9) for x, y in wheel.parts[0].outer} == {4.0}


def test_cvat_tracks_are_read_as_they_say():
    dataset, images = read("cvat", HERE / "cvat/video")
    assert [label.name for label in dataset.labels] == ["car", "wheel"]
    assert [(i.name, i.sequence, i.frame, i.width, i.height) for i in images.values()] == [
        ("frame_000010.png", "t.mp4", 10, 25, 20),
        ("frame_000013.png", "t.mp4", 13, 25, 20),
        ("frame_000016.png", "t.mp4", 16, 25, 20),
    ]
    tracks = {name: [(one.label, one.track_id, one.geometry) for one in i.annotations] for name, i in images.items()}
    assert tracks == {
        "frame_000010.png": [("car", 0, Box(3, 4, 10, 5))],
        "frame_000013.png": [
            ("car", 0, Box(5, 5.5, 12, 6.5)),
            ("wheel", 4, Polygon.of(((7.85, 13.88), (3.5, 6.67), (15.9, 2)))),
        ],
        "frame_000016.png": [("wheel", 4, Polygon.of(((7.85, 13.88), (3.5, 6.67), (15.9, 3))))],
    }
    first, second = images["frame_000010.png"].annotations[0], images["frame_000013.png"].annotations[0]
    assert (first.attributes, second.attributes) == ({"occluded": True, "moving": True}, {"moving": True})
    assert second.extra["cvat"]["keyframe"] == "0"


@pytest.mark.parametrize("kind", ["images", "video"])
def test_cvat_is_written_back_equal(kind: str, tmp_path: Path):
    dataset, _ = read("cvat", HERE / "cvat" / kind)
    report = registry.writer("cvat").write(dataset, tmp_path / "out")
    assert report.lossy == ()
    before, after = texts(HERE / "cvat" / kind), texts(tmp_path / "out")
    assert set(after) == set(before)
    for name in before:
        assert _full_xml(after[name]) == _full_xml(before[name]), name


def _full_xml(text: str) -> Any:
    """Elements as (tag, XML attributes, text, children), children in order below labels, images and tracks, else in any."""

    def plain(element: ElementTree.Element) -> tuple[Any, ...]:
        children = [plain(child) for child in element]
        if element.tag in ("task", "meta", "label"):
            children.sort(key=lambda child: (child[0], child[2]))
        return element.tag, dict(element.attrib), (element.text or "").strip(), children

    return plain(ElementTree.fromstring(text))


# Datumaro: its documentation of the format


def test_datumaro_is_read_as_it_says():
    dataset, images = read("datumaro", HERE / "datumaro")
    assert [(label.name, label.parent, label.color, label.skeleton) for label in dataset.labels] == [
        ("car", "vehicle", "#FF8000", None),
        ("vehicle", "", "", None),
        ("person", "", "", Skeleton(("head", "foot"), ((0, 1),))),
    ]
    street = images["north/street.jpg"]
    assert (street.width, street.height, street.split, images["empty.png"].annotations) == (60, 40, Split.TRAIN, ())
    assert shapes(street)[:8] == [
        ("vehicle", Tag()),
        ("car", Box(1.5, 2.25, 11.5, 22.25)),
        ("car", Polygon.of(((0, 0), (10.5, 0), (10.5, 4)))),
        ("vehicle", Polyline(((1, 2), (3, 4.5)))),
        ("person", Keypoints(((1, 2, 1), (3, 4, 0)))),
        ("vehicle", Point(5, 6)),
        # runs of columns of 40: 41 off, 2 on, 38 off, 2 on: rows 1 and 2 of columns 1 and 2
        ("car", Mask(1, 1, 2, 2, (0, 4))),
        ("", Caption('a "street"')),
    ]
    box, wheel = street.annotations[1], street.annotations[8].geometry
    assert (box.attributes, box.track_id, box.z_order, box.confidence) == ({"occluded": True}, 7, 2, 0.5)
    assert isinstance(wheel, Polygon)
    assert {round(float(np.hypot(x - 2, y - 2)), 9) for x, y in wheel.parts[0].outer} == {2.0}


def test_datumaro_is_written_back_equal(tmp_path: Path):
    report = registry.writer("datumaro").write(read("datumaro", HERE / "datumaro")[0], tmp_path / "out")
    assert report.lossy == ()
    before, after = texts(HERE / "datumaro"), texts(tmp_path / "out")
    assert set(after) == set(before)
    for name in before:
        assert json.loads(after[name]) == json.loads(before[name]), name


# Label Studio: labelstud.io/guide/task_format, the samples of its tags, and thi.ng/rle-pack for the brush


def test_label_studio_is_read_as_it_says():
    dataset, images = read("label_studio", HERE / "label_studio", image_size={"new.jpg": (10, 10)}.get)
    assert [(label.name, label.color) for label in dataset.labels] == [
        ("road", "#FFA39E"),
        ("car", ""),
        ("sun", ""),
        ("fog", ""),
    ]
    assert {name: (i.split, i.done, len(i.annotations)) for name, i in images.items()} == {
        "street.jpg": (Split.TRAIN, True, 8),
        "north/street two.png": (None, True, 1),
        "empty.jpg": (None, True, 0),
        "pictures/new.jpg": (None, False, 0),
    }
    street = images["street.jpg"]
    box, turned, road, bolt, fog, words, wheel, guess = street.annotations
    assert (box.geometry, box.annotator) == (Box(300, 100, 360, 180), "10")
    assert box.attributes == {"plate": "AB 12", "parked": True, "doors": 3}
    # turned by 90 degrees around its top left corner (300, 100): it hangs to the left of it
    assert isinstance(turned.geometry, RotatedBox) and turned.geometry.bounds() == pytest.approx((220, 100, 300, 160))
    assert (turned.geometry.width, turned.geometry.height) == (60, 80)
    assert road.geometry == Polygon.of(((0, 0), (300, 0), (300, 50)))
    assert (bolt.geometry, fog.label, fog.geometry) == (Point(150, 300), "fog", Tag())
    assert (words.label, words.geometry) == ("", Caption("a street"))
    assert isinstance(wheel.geometry, Polygon)
    assert {round(float(np.hypot(x - 300, y - 200)), 9) for x, y in wheel.geometry.parts[0].outer} == {6.0}
    assert (guess.suggested, guess.confidence, guess.geometry) == (True, 0.75, Box(0, 0, 30, 20))
    (brush,) = images["north/street two.png"].annotations
    assert (brush.geometry, brush.annotator) == (Mask(1, 0, 2, 1, (0, 2)), "ada@example.org")


def test_label_studio_is_written_back_equal(tmp_path: Path):
    dataset, _ = read("label_studio", HERE / "label_studio")
    report = registry.writer("label_studio").write(dataset, tmp_path / "out")
    assert report.lossy == ()
    before = json.loads((HERE / "label_studio/tasks.json").read_text())
    after = json.loads((tmp_path / "out/tasks.json").read_text())
    packed = [task[1]["annotations"][0]["result"][0]["value"].pop("rle") for task in (before, after)]
    masks = [brush.unpack(data, 4, 2).tolist() for data in packed]
    assert masks[0] == masks[1], "the same pixels, though other runs say it"
    assert _rounded(after) == _rounded(before)
    again, _ = read("label_studio", tmp_path / "out")
    assert [(label.name, label.color) for label in again.labels] == [(one.name, one.color) for one in dataset.labels]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 9) if isinstance(value, float) else value


# Open Images: the download page of V7 (class names, image ids, boxes, image labels, segmentations)

OPEN_IMAGES = {"000002b66c9c498e.jpg": (40, 20), "0000048549557964.jpg": (10, 10), "000004f4400f6ec5.jpg": (10, 10)}


def test_open_images_are_read_as_they_say():
    dataset, images = read("open_images", HERE / "open_images", image_size=OPEN_IMAGES.get)
    assert [label.name for label in dataset.labels] == ["Person", "Car", "Fixed-wing aircraft, large"]
    street, labelled, empty = (images[name] for name in OPEN_IMAGES)
    assert [(i.split, i.done) for i in (street, labelled, empty)] == [
        (Split.TRAIN, True),
        (Split.VAL, True),
        (Split.TEST, False),
    ]
    person, car, mask = street.annotations
    assert (person.geometry, person.attributes) == (Box(0.5, 5, 0.195312 * 40, 10), {"truncated": True})
    assert (car.geometry, car.attributes) == (Box(1, 0, 20, 20), {"occluded": True})
    assert mask.geometry == Mask(1, 1, 1, 1, (0, 1))
    assert [(one.label, one.suggested, one.decision, one.confidence) for one in labelled.annotations] == [
        ("Car", False, None, None),
        ("Person", True, Decision.REJECTED, None),
        ("Fixed-wing aircraft, large", True, None, 0.9),
    ]
    assert street.extra["open_images"]["Author"] == "Ada, L."


def test_open_images_are_written_back_equal(tmp_path: Path):
    dataset, _ = read("open_images", HERE / "open_images", image_size=OPEN_IMAGES.get)
    report = registry.writer("open_images").write(dataset, tmp_path / "out")
    assert [(row.kind, row.detail) for row in report.lossy] == [
        ("tag", "a suggestion, written as a machine's label")
    ], "only: who reads it back gets a suggestion again"
    before, after = texts(HERE / "open_images/annotations"), texts(tmp_path / "out/annotations")
    assert set(after) == set(before)
    for name in before:
        assert _table(after[name]) == _table(before[name]), name
    (mask,) = (tmp_path / "out/masks/train").iterdir()
    kept = HERE / "open_images/masks/train" / mask.name
    with Picture.open(mask) as one, Picture.open(kept) as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


def _table(text: str) -> list[list[Any]]:
    def plain(cell: str) -> Any:
        try:
            return round(float(cell), 9)
        except ValueError:
            return cell

    return [[plain(cell) for cell in row] for row in csv.reader(text.splitlines())]


# MOT: the paper of MOT16 (arXiv 1603.00831), section 4 and its tables of the file formats


def test_mot_is_read_as_it_says():
    dataset, images = read("mot", HERE / "mot")
    assert [(label.name, label.foreign_id) for label in dataset.labels] == [
        ("pedestrian", 1),
        ("car", 3),
        ("distractor", 8),
    ]
    assert [(i.name, i.split, i.sequence, i.frame, i.width, i.height) for i in images.values()] == [
        ("MOT16-01/img1/000003.png", Split.TEST, "MOT16-01", 3, 640, 480),
        ("MOT16-02/img1/000001.jpg", Split.TRAIN, "MOT16-02", 1, 1920, 1080),
        ("MOT16-02/img1/000002.jpg", Split.TRAIN, "MOT16-02", 2, 1920, 1080),
    ]
    first = images["MOT16-02/img1/000001.jpg"].annotations
    # MOT counts pixels from 1.
    assert [(one.label, one.track_id, one.geometry, one.attributes) for one in first[:2]] == [
        ("pedestrian", 1, Box(912, 484, 968, 594), {"visibility": 0.83643}),
        ("distractor", 2, Box(0, 0, 30, 20), {"ignored": True, "visibility": 0.5}),
    ]
    assert (first[2].suggested, first[2].confidence, first[2].track_id) == (True, 2.3092, None)
    assert first[2].geometry.bounds() == pytest.approx((1358.1, 412.27, 1478.36, 775.04))
    assert images["MOT16-02/img1/000002.jpg"].annotations[0].geometry == Box(913, 483.5, 969, 593.5)


def test_mot_is_written_back_equal(tmp_path: Path):
    report = registry.writer("mot").write(read("mot", HERE / "mot")[0], tmp_path / "out")
    assert {(row.kind, row.detail) for row in report.lossy} == {
        ("label id", "3 became 2, its place in the order"),
        ("label id", "8 became 3, its place in the order"),
        ("box", "written to det/det.txt, which has scores but no classes"),
    }
    before, after = texts(HERE / "mot"), texts(tmp_path / "out")
    classes = {1.0: 1.0, 8.0: 3.0, 3.0: 2.0}
    for name in before:
        if name.endswith("gt.txt"):
            lines = [[float(word) for word in line.split(",")] for line in before[name].splitlines()]
            wanted = sorted([*line[:7], classes[line[7]], *line[8:]] for line in lines)
            got = sorted([float(word) for word in line.split(",")] for line in after[name].splitlines())
            assert got == [pytest.approx(line, abs=1e-9) for line in wanted], name
        elif name.endswith(".ini"):
            assert after[name] == before[name]
    (line,) = after["train/MOT16-02/det/det.txt"].splitlines()
    assert [float(w) for w in line.split(",")] == pytest.approx(
        [1, -1, 1359.1, 413.27, 120.26, 362.77, 2.3092, -1, -1, -1]
    )
    assert after["test/MOT16-01/gt/labels.txt"].splitlines() == ["pedestrian", "car", "distractor"]


# Labelme: its README and the files of its examples


def test_labelme_is_read_as_it_says():
    _, images = read("labelme", HERE / "labelme")
    street = images["street.jpg"]
    assert (street.width, street.height) == (64, 60)
    found = dict(shapes(street))
    wheel = found.pop("wheel")
    assert isinstance(wheel, Polygon)
    reach = {round(float(np.hypot(x - 20, y - 20)), 9) for x, y in wheel.parts[0].outer}
    assert reach == {5.0}, "a circle around (20, 20) through (23, 24)"
    assert found == {
        "sunny": Tag(),
        "car": Box(10.5, 20.25, 30, 40.75),
        "road": Polygon.of(((0, 50), (64, 48), (64, 60))),
        "kerb": Polyline(((1, 2), (3, 4))),
        "wire": Polyline(((1, 2), (3, 4), (9, 5))),
        "bolt": Point(5, 6),
        "leaves": Keypoints(((5, 6, 2), (7, 8, 2), (9.5, 3.25, 2))),
    }
    mask = images["sub/street.jpg"].annotations[0].geometry
    assert isinstance(mask, Mask) and (mask.x, mask.y) == (2, 3)
    assert mask.to_array().tolist() == [[True, False, True], [False, True, False]]


def test_labelme_is_written_back_equal(tmp_path: Path):
    report = registry.writer("labelme").write(read("labelme", HERE / "labelme")[0], tmp_path / "out")
    assert {(row.label, row.kind) for row in report.lossy} == {("sunny", "tag")}, "only: a tag became a flag"
    before, after = texts(HERE / "labelme"), texts(tmp_path / "out")
    assert set(after) == set(before)
    for name in before:
        assert _labelme_values(after[name]) == _labelme_values(before[name]), name


def _labelme_values(text: str) -> Any:
    import base64
    import io

    content = json.loads(text)
    for shape in content["shapes"]:
        if shape["mask"]:
            with Picture.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
                shape["mask"] = (np.asarray(picture) > 0).tolist()
    return content


# Our table of tags (docs/formats: columns image, label, confidence, state, annotator)


def test_the_table_of_tags_is_read_and_written_back_to_the_byte(tmp_path: Path):
    dataset, images = read("csv", HERE / "csv/tags.csv")
    assert [label.name for label in dataset.labels] == ["cat", 'a "big", cat', "Eule"]
    one, other = images["a.jpg"].annotations
    assert (one.label, one.source, one.annotator, one.confidence) == ("cat", Source.DRAWN, "ada", None)
    assert (other.label, other.source) == ('a "big", cat', Source.IMPORTED)
    (guess,) = images["sub/a.jpg"].annotations
    assert (guess.label, guess.suggested, guess.confidence) == ("Eule", True, 0.25)
    assert images["none.jpg"].annotations == ()
    report = registry.writer("csv").write(dataset, tmp_path / "tags.csv")
    assert report.lossy == ()
    assert (tmp_path / "tags.csv").read_bytes() == (HERE / "csv/tags.csv").read_bytes()


# ImageNet folders


def test_folders_are_read_and_written_back_to_the_byte(tmp_path: Path):
    names = {"train/n01440764 tench/n01440764_18.JPEG", "train/owl/a.png", "val/owl/a.png", "validation/tench/b.jpg"}
    for number, name in enumerate(sorted(names)):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"picture %d" % number)
    dataset, images = read("imagenet", tmp_path / "in")
    assert {(name, image.split, image.annotations[0].label) for name, image in images.items()} == {
        ("train/n01440764 tench/n01440764_18.JPEG", Split.TRAIN, "n01440764 tench"),
        ("train/owl/a.png", Split.TRAIN, "owl"),
        ("val/owl/a.png", Split.VAL, "owl"),
        ("validation/tench/b.jpg", Split.VAL, "tench"),
    }
    assert all(
        image.annotations == (DatasetAnnotation(image.annotations[0].label, Tag()),) for image in images.values()
    )
    registry.writer("imagenet").write(dataset, tmp_path / "out", images="copy")
    moved = {name.replace("validation/", "val/"): (tmp_path / "in" / name).read_bytes() for name in names}
    assert {
        f.relative_to(tmp_path / "out").as_posix(): f.read_bytes() for f in (tmp_path / "out").rglob("*.*")
    } == moved
