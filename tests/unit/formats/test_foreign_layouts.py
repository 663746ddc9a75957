"""Layouts that other tools write: found by reading their exports beside them (see tests/differential)."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Geometry, Mask, Polygon, RotatedBox
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.verify import verify

WIDTH, HEIGHT = 8, 6


def test_a_labelmap_without_colours_has_the_development_kits(tmp_path: Path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "SegmentationClass").mkdir()
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:::\ncat:::\ndog:::\n")
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    (tmp_path / "Annotations/a.xml").write_text(f"<annotation><filename>a.png</filename>{size}</annotation>")
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[1, 2:4] = (0, 128, 0)  # the kit's second colour
    Picture.fromarray(pixels).save(tmp_path / "SegmentationClass/a.png")
    (image,) = registry.reader("voc").read(tmp_path).dataset.images
    assert [(one.label, one.geometry) for one in image.annotations] == [("dog", Mask(2, 1, 2, 1, (0, 2)))]


def test_open_images_in_folders_named_val(tmp_path: Path):
    (tmp_path / "annotations").mkdir()
    rows = "MaskPath,ImageID,LabelName,BoxID\nm.png,a,/m/1,0\n"
    (tmp_path / "annotations/val-annotations-object-segmentation.csv").write_text(rows)
    for folder, name in (("masks", "m.png"), ("images", "a.png")):
        (tmp_path / folder / "val").mkdir(parents=True)
        Picture.new("1", (WIDTH, HEIGHT), 1).save(tmp_path / folder / "val" / name)
    imported = registry.reader("open_images").read(tmp_path, image_size=lambda _: (WIDTH, HEIGHT))
    (image,) = imported.dataset.images
    assert (image.name, image.split, image.path) == ("a.png", Split.VAL, tmp_path / "images/val/a.png")
    assert image.annotations[0].geometry == Mask(0, 0, WIDTH, HEIGHT, (0, WIDTH * HEIGHT))


def test_cvat_with_splits_is_a_project_with_a_task_for_each(tmp_path: Path):
    one = DatasetAnnotation("cat", Box(1, 1, 4, 4))
    images = tuple(
        DatasetImage(f"{split.value}.png", (one,), WIDTH, HEIGHT, split=split) for split in (Split.TRAIN, Split.VAL)
    )
    registry.writer("cvat").write(Dataset((DatasetLabel("cat"),), images), tmp_path / "a.xml")
    text = (tmp_path / "a.xml").read_text()
    assert "<project>" in text and text.count("<subset>") == 2 and "<subsets>train\nval</subsets>" in text
    registry.writer("cvat").write(Dataset((DatasetLabel("cat"),), (DatasetImage("a.png", (one,)),)), tmp_path / "b.xml")
    assert "<task>" in (tmp_path / "b.xml").read_text() and "<project>" not in (tmp_path / "b.xml").read_text()


SQUARE = [[10, 5], [15, 10], [10, 15], [5, 10]]
SLANTED = [[1, 1], [9, 2], [8, 8], [2, 9]]


@pytest.mark.parametrize("kind", ["oriented_rectangle", "rotation"])
@pytest.mark.parametrize(("points", "whole"), [(SQUARE, RotatedBox), (SLANTED, Polygon)])
def test_turned_rectangles_of_labelme_and_its_relatives_come_and_go(
    kind: str, points: list[list[int]], whole: type[Geometry], tmp_path: Path
):
    shape = {"label": "cat", "points": points, "shape_type": kind, "direction": 0.5}
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    imported = registry.reader("labelme").read(tmp_path / "in")
    (image,) = imported.dataset.images
    assert isinstance(image.annotations[0].geometry, whole)
    assert bool(imported.report().lossy) == (whole is Polygon), "what makes no rectangle is said"
    report = registry.writer("labelme").write(imported.dataset, tmp_path / "out")
    assert report.lossy == ()
    (written,) = json.loads((tmp_path / "out/a.json").read_text())["shapes"]
    assert {key: written[key] for key in shape} == shape


def test_a_rectangle_of_four_corners_is_a_box_where_it_stands_upright(tmp_path: Path):
    corners = [[1, 2], [5, 2], [5, 8], [1, 8]]
    shape = {"label": "cat", "points": corners, "shape_type": "rectangle"}
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    (image,) = registry.reader("labelme").read(tmp_path).dataset.images
    assert image.annotations[0].geometry == Box(1, 2, 5, 8)


def test_a_picture_inside_labelmes_file_is_put_in_again_and_not_kept_twice(tmp_path: Path):
    (tmp_path / "in").mkdir()
    Picture.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "in/a.png")
    data = base64.b64encode((tmp_path / "in/a.png").read_bytes()).decode()
    content = {"shapes": [], "imagePath": "a.png", "imageData": data}
    (tmp_path / "in/a.json").write_text(json.dumps(content))
    dataset = registry.reader("labelme").read(tmp_path / "in").dataset
    (image,) = dataset.images
    assert image.extra["labelme"]["imageData"] is True
    registry.writer("labelme").write(dataset, tmp_path / "out")
    assert json.loads((tmp_path / "out/a.json").read_text())["imageData"] == data
    (tmp_path / "in/a.png").unlink()
    alone = registry.reader("labelme").read(tmp_path / "in")
    (image,) = alone.dataset.images
    assert [row.kind for row in alone.report().lossy] == ["embedded picture"]
    report = registry.writer("labelme").write(alone.dataset, tmp_path / "gone")
    assert [(row.kind, row.detail) for row in report.lossy] == [("embedded picture", "the picture is missing")]
    assert json.loads((tmp_path / "gone/a.json").read_text())["imageData"] is None


def test_yolo_lines_of_both_kinds_are_read_and_said(tmp_path: Path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnc: 3\nnames: [cat]\n")
    (tmp_path / "images").mkdir()
    Picture.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "images/a.png")
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n0 0 0 1 0 1 1\n")
    imported = registry.reader("yolo").read(tmp_path, image_size=lambda _: (WIDTH, HEIGHT))
    (image,) = imported.dataset.images
    assert [type(one.geometry) for one in image.annotations] == [Box, Polygon]
    nc, mixed = imported.report().warnings
    assert "nc is 3, but there are 1 names" in nc
    assert str(tmp_path / "labels/a.txt") in mixed and "mixed" in mixed


def test_lists_of_a_class_are_said_to_be_left_aside(tmp_path: Path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text("<annotation><filename>a.png</filename></annotation>")
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets/Main/train.txt").write_text("a\n")
    reader = registry.reader("voc")
    assert not [note for note in reader.read(tmp_path).report().notes if "cat_train.txt" in note]
    (tmp_path / "ImageSets/Main/dog_train.txt").write_text("a  1\n")
    assert [note for note in reader.read(tmp_path).report().notes if "cat_train.txt" in note]


def test_open_images_with_masks_is_not_taken_for_a_folder_of_masks(tmp_path: Path):
    mask = DatasetAnnotation("cat", Mask(1, 2, 3, 4, (0, 12)))
    dataset = Dataset((DatasetLabel("cat"),), (DatasetImage("a.jpg", (mask,), 20, 10, split=Split.TRAIN),))
    for target in (tmp_path / "out", tmp_path / "out.zip"):
        registry.writer("open_images").write(dataset, target)
        assert registry.detect_one(target).format == "open_images"


def test_a_mask_of_labelme_that_is_no_picture_is_said_in_plain_words(tmp_path: Path):
    shape = {"label": "cat", "points": [[1, 1], [3, 3]], "shape_type": "mask", "mask": "iVBORw0KGgo="}
    picture = {"imagePath": "a.jpg", "imageWidth": 20, "imageHeight": 10, "imageData": None, "shapes": [shape]}
    (tmp_path / "a.json").write_text(json.dumps(picture))
    with pytest.raises(FormatError, match=r"shapes\[0\]: the mask's picture cannot be read: it is no PNG, or damaged"):
        list(registry.reader("labelme").read(tmp_path / "a.json").dataset.images)


@pytest.mark.parametrize(("first", "second"), [("x", "x"), ("r2", ""), ("", "r1")])
def test_regions_of_label_studio_never_share_an_id(first: str, second: str, tmp_path: Path):
    """Its results of one id are one region, so that the second would be lost."""
    boxes = tuple(
        DatasetAnnotation("cat", Box(x, 1, x + 2, 9), extra={"label_studio": {"id": name}} if name else {})
        for x, name in ((1, first), (5, second))
    )
    dataset = Dataset((DatasetLabel("cat"),), (DatasetImage("a.jpg", boxes, 20, 10),))
    report = registry.writer("label_studio").write(dataset, tmp_path / "a.json")
    (image,) = registry.reader("label_studio").read(tmp_path / "a.json").dataset.images
    assert [one.geometry for one in image.annotations] == [one.geometry for one in boxes]
    ids = [one.extra["label_studio"]["id"] for one in image.annotations]
    assert len(set(ids)) == 2
    assert {first, second} - {""} <= set(ids), "what Label Studio called a region stays"
    assert [row.kind for row in report.lossy] == (["region id"] if first == second else [])
    assert verify(dataset, report).differences == ()


@pytest.mark.parametrize(("start", "said"), [("0", True), ("0.0", True), ("1", False), ("10", False), ("0.5", False)])
def test_boxes_of_voc_that_begin_at_zero_are_said(start: str, said: bool, tmp_path: Path):
    box = f"<bndbox><xmin>{start}</xmin><ymin>20</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    (tmp_path / "a.xml").write_text(
        "<annotation><filename>a.jpg</filename><size><width>50</width><height>50</height></size>"
        f"<object><name>cat</name>{box}</object></annotation>"
    )
    imported = registry.reader("voc").read(tmp_path)
    (image,) = imported.dataset.images
    assert image.annotations[0].geometry.bounds()[0] == float(start) - 1
    assert any("begin at pixel 0" in warning for warning in imported.report().warnings) == said


def test_a_zip_with_the_separators_of_windows_is_recognised_and_read(tmp_path: Path):
    dataset = Dataset(
        (DatasetLabel("cat"),), (DatasetImage("a.jpg", (DatasetAnnotation("cat", Box(1, 2, 3, 4)),), 9, 9),)
    )
    registry.writer("coco").write(dataset, tmp_path / "a.json")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("annotations\\", b"")
        archive.writestr("annotations\\instances_train.json", (tmp_path / "a.json").read_bytes())
    assert registry.detect_one(tmp_path / "out.zip").format == "coco"
    (image,) = registry.reader("coco").read(tmp_path / "out.zip").dataset.images
    assert [one.geometry for one in image.annotations] == [Box(1, 2, 3, 4)]
