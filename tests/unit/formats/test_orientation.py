"""Where a file's declared size is not that of the oriented picture, the report says so for the image, and coordinates stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.report import Report


def _files(format_id: str, folder: Path) -> Path:
    if format_id == "coco":
        content = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 60}],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
        }
        (folder / "a.json").write_text(json.dumps(content))
    elif format_id == "labelme":
        shape = {"label": "cat", "points": [[1, 2], [4, 6]], "shape_type": "rectangle"}
        content = {"shapes": [shape], "imagePath": "a.jpg", "imageWidth": 80, "imageHeight": 60}
        (folder / "a.json").write_text(json.dumps(content))
    else:
        box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>"
        size = "<size><width>80</width><height>60</height></size>"
        text = f"<annotation><filename>a.jpg</filename>{size}<object><name>cat</name>{box}</object></annotation>"
        (folder / "a.xml").write_text(text)
    return folder


def _read(format_id: str, folder: Path, size: tuple[int, int]) -> Report:
    imported = registry.reader(format_id).read(_files(format_id, folder), image_size=lambda _: size)
    (image,) = imported.dataset.images
    assert image.annotations[0].geometry == Box(1, 2, 4, 6)
    return imported.report()


@pytest.mark.parametrize("format_id", ["coco", "voc", "labelme"])
def test_a_turned_picture_and_another_size_are_told_apart(format_id: str, tmp_path: Path):
    assert _read(format_id, tmp_path, (80, 60)).warnings == ()
    (turned,) = _read(format_id, tmp_path, (60, 80)).warnings
    assert turned == (
        "a.jpg: declared 80 x 60, the oriented picture is 60 x 80, as if EXIF orientation was not applied"
    )
    (other,) = _read(format_id, tmp_path, (160, 120)).warnings
    assert other == "a.jpg: declared 80 x 60, the oriented picture is 160 x 120"


@pytest.mark.parametrize("format_id", ["coco", "cvat", "datumaro", "label_studio", "labelme", "mot", "voc"])
def test_what_another_program_wrote_of_the_unturned_file_is_said_and_not_mirrored(format_id: str, tmp_path: Path):
    box = DatasetAnnotation("cat", Box(1, 2, 4, 6))
    name = "a/img1/000001.jpg" if registry.spec(format_id).frames else "a.jpg"
    image = DatasetImage(name, (box,), 80, 60, split=Split.TRAIN)
    registry.writer(format_id).write(Dataset((DatasetLabel("cat"),), (image,)), tmp_path / "out")
    imported = registry.reader(format_id).read(tmp_path / "out", image_size=lambda _: (60, 80))
    (back,) = imported.dataset.images
    assert back.annotations[0].geometry.bounds() == pytest.approx((1, 2, 4, 6))
    (said,) = imported.report().warnings
    assert said.endswith("declared 80 x 60, the oriented picture is 60 x 80, as if EXIF orientation was not applied")
