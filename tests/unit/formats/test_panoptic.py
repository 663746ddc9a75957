"""COCO's panoptic pictures: segments are masks, and go back to the same pixels and ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Mask
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import DatasetImage
from annotator.formats.verify import verify

# Segment 3226956 is red 76, green 61, blue 49: 76 + 256 * 61 + 65,536 * 49.
PIXELS = np.zeros((4, 6, 3), np.uint8)
PIXELS[:2] = (76, 61, 49)
PIXELS[2:, 3:] = (7, 0, 0)
DOCUMENT: dict[str, Any] = {
    "images": [{"id": 5, "file_name": "street.jpg", "width": 6, "height": 4}],
    "categories": [
        {"id": 3, "name": "sky", "supercategory": "outdoor", "isthing": 0},
        {"id": 9, "name": "cat", "supercategory": "animal", "isthing": 1},
    ],
    "annotations": [
        {
            "image_id": 5,
            "file_name": "street.png",
            "segments_info": [
                {"id": 3226956, "category_id": 3, "area": 12, "bbox": [0, 0, 6, 2], "iscrowd": 0},
                {"id": 7, "category_id": 9, "area": 6, "bbox": [3, 2, 3, 2], "iscrowd": 1},
            ],
        }
    ],
}


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    folder = tmp_path / "in" / "annotations"
    (folder / "panoptic_val").mkdir(parents=True)
    (folder / "panoptic_val.json").write_text(json.dumps(DOCUMENT))
    Picture.fromarray(PIXELS).save(folder / "panoptic_val/street.png")
    return tmp_path / "in"


def read(path: Path, **options: Any) -> DatasetImage:
    (image,) = registry.reader("coco").read(path, **options).dataset.images
    return image


def test_segments_are_masks(coco: Path) -> None:
    image = read(coco)
    assert [(one.label, one.geometry, dict(one.attributes)) for one in image.annotations] == [
        ("sky", Mask(0, 0, 6, 2, (0, 12)), {}),
        ("cat", Mask(3, 2, 3, 2, (0, 6)), {"iscrowd": True}),
    ]


def test_they_go_back_to_the_same_pixels_and_ids(coco: Path, tmp_path: Path) -> None:
    dataset = registry.reader("coco").read(coco).dataset
    report = registry.writer("coco").write(dataset, tmp_path / "out")
    assert report.lossy == ()
    assert verify(dataset, report).unexplained == 0
    with Picture.open(tmp_path / "out/annotations/panoptic_val/street.png") as back:
        assert np.asarray(back).tolist() == PIXELS.tolist()
    written = json.loads((tmp_path / "out/annotations/panoptic_val.json").read_text())
    assert written["annotations"] == DOCUMENT["annotations"]
    assert written["categories"] == DOCUMENT["categories"]


def test_things_whose_instances_are_listed_come_once(coco: Path) -> None:
    box = {"id": 1, "image_id": 5, "category_id": 9, "bbox": [3, 2, 3, 2], "iscrowd": 0, "area": 6}
    (coco / "annotations/instances_val.json").write_text(json.dumps({**DOCUMENT, "annotations": [box]}))
    imported = registry.reader("coco").read(coco)
    (image,) = imported.dataset.images
    assert {(one.label, type(one.geometry)) for one in image.annotations} == {("cat", Box), ("sky", Mask)}
    assert ("cat", "panoptic segment") in {(row.label, row.kind) for row in imported.report().lossy}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"segments_info": 7}, "segments_info is no list of objects"),
        ({"file_name": "gone.png"}, "gone.png cannot be read"),
        ({"segments_info": [{"id": 99, "category_id": 3}]}, "the picture has no pixel of segment 99"),
        ({"segments_info": [{"id": -1, "category_id": 3}]}, "the segment id -1 is no whole number"),
        ({"file_name": "../../../x.png"}, "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str, coco: Path) -> None:
    document = {**DOCUMENT, "annotations": [{**DOCUMENT["annotations"][0], **change}]}
    (coco / "annotations/panoptic_val.json").write_text(json.dumps(document))
    with pytest.raises(FormatError, match=r"panoptic_val.json, annotations\[0\]") as caught:
        read(coco)
    assert said in str(caught.value)
    assert read(coco, skip_bad=True).annotations == ()


def test_a_picture_of_another_size_is_refused(coco: Path) -> None:
    Picture.fromarray(PIXELS[:3]).save(coco / "annotations/panoptic_val/street.png")
    with pytest.raises(FormatError, match=r"street.png is 6 x 3, its image 6 x 4"):
        read(coco)
