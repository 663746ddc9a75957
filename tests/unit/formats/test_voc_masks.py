"""SegmentationClass and SegmentationObject beside the XML: one object is one annotation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Mask
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.id_pictures import color_map

# A dog (12) and a person (15) of the development kit with a border of 255, and the two objects of the XML.
CLASSES = np.array([[0, 12, 12, 255, 15, 15], [0, 12, 12, 255, 15, 15], [0, 0, 0, 0, 15, 15]], np.uint8)
OBJECTS = np.array([[0, 1, 1, 255, 2, 2], [0, 1, 1, 255, 2, 2], [0, 0, 0, 0, 2, 2]], np.uint8)
XML = """<annotation><filename>a.jpg</filename><size><width>6</width><height>3</height><depth>3</depth></size>
<segmented>1</segmented>
<object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>2</xmin><ymin>1</ymin><xmax>4</xmax><ymax>2</ymax></bndbox></object>
<object><name>person</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
<bndbox><xmin>5</xmin><ymin>1</ymin><xmax>6</xmax><ymax>3</ymax></bndbox></object></annotation>"""


def save(file: Path, ids: np.ndarray[Any, Any], *, colored: bool = False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    colors = color_map()
    if colored:
        Picture.fromarray(np.asarray([colors[i] for i in range(256)], np.uint8)[ids]).save(file)
        return
    picture = Picture.fromarray(ids)
    picture.putpalette([value for index in range(256) for value in colors[index]])
    picture.save(file)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    folder = tmp_path / "kit"
    save(folder / "SegmentationClass/a.png", CLASSES)
    save(folder / "SegmentationObject/a.png", OBJECTS)
    (folder / "Annotations").mkdir()
    (folder / "Annotations/a.xml").write_text(XML)
    (folder / "ImageSets/Segmentation").mkdir(parents=True)
    (folder / "ImageSets/Segmentation/val.txt").write_text("a\n")
    return folder


def read(folder: Path, **options: Any) -> DatasetImage:
    (image,) = registry.reader("voc").read(folder, **options).dataset.images
    return image


def mask(x: int, y: int, width: int, height: int) -> Mask:
    return Mask(x, y, width, height, (0, width * height))


def test_an_object_of_xml_and_pixels_is_one_annotation(kit: Path) -> None:
    image = read(kit)
    assert [(one.label, one.geometry) for one in image.annotations] == [
        ("dog", mask(1, 0, 2, 2)),
        ("person", mask(4, 0, 2, 3)),
    ]
    assert image.annotations[0].attributes == {"truncated": True, "pose": "Left"}
    assert image.split is Split.VAL


def test_the_development_kit_is_written_back_to_the_pixel(kit: Path, tmp_path: Path) -> None:
    report = registry.writer("voc").write(registry.reader("voc").read(kit).dataset, tmp_path / "out")
    assert [row for row in report.lossy if row.kind != "label"] == []
    for name, wanted in (("SegmentationObject", OBJECTS), ("SegmentationClass", CLASSES)):
        with Picture.open(tmp_path / "out" / name / "a.png") as back:
            assert back.mode == "P"
            assert np.asarray(back).tolist() == wanted.tolist()
    xml = (tmp_path / "out/Annotations/a.xml").read_text()
    assert "<xmax>4</xmax>" in xml, "the box that came with the mask"
    assert "<segmented>1</segmented>" in xml
    assert (tmp_path / "out/ImageSets/Segmentation/val.txt").read_text() == "a\n"


def test_pictures_of_colours_are_read_as_those_with_a_palette(kit: Path) -> None:
    wanted = read(kit)
    save(kit / "SegmentationClass/a.png", CLASSES, colored=True)
    save(kit / "SegmentationObject/a.png", OBJECTS, colored=True)
    assert read(kit).annotations == wanted.annotations


def test_a_label_map_names_the_numbers(kit: Path) -> None:
    colors = color_map()
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [f"{name}:{','.join(map(str, colors[number]))}::" for name, number in (("big:cat", 12), ("owl", 15))]
    (kit / "labelmap.txt").write_text("\n".join(lines))
    (kit / "Annotations/a.xml").unlink()
    assert [one.label for one in read(kit).annotations] == ["big:cat", "owl"]
    (kit / "labelmap.txt").write_text("cat 1 2 3")
    with pytest.raises(FormatError, match=r"labelmap.txt: the line 'cat 1 2 3' is not name"):
        read(kit)


def test_a_box_elsewhere_than_the_pixels_stays_a_box(kit: Path) -> None:
    (kit / "Annotations/a.xml").write_text(XML.replace("<xmin>2</xmin>", "<xmin>4</xmin>"))
    assert [(one.label, one.geometry.kind.value) for one in read(kit).annotations] == [
        ("dog", "box"),
        ("person", "mask"),
        ("dog", "mask"),
    ]


def test_pixels_without_xml_are_read(kit: Path) -> None:
    (kit / "Annotations/a.xml").unlink()
    assert registry.detect_one(kit).format == "voc"
    image = read(kit)
    assert (image.width, image.height, len(image.annotations)) == (6, 3, 2)


def test_pixels_of_another_size_are_one_clear_line(kit: Path) -> None:
    save(kit / "SegmentationClass/a.png", CLASSES[:2])
    with pytest.raises(FormatError, match=r"SegmentationClass/a.png: it is 6 x 2, its image 6 x 3"):
        read(kit)
    assert [one.geometry.kind.value for one in read(kit, skip_bad=True).annotations] == ["box", "box"]


def test_masks_between_boxes_keep_their_place(tmp_path: Path) -> None:
    annotations = (
        DatasetAnnotation("cat", mask(0, 0, 3, 3), {"difficult": True}),
        DatasetAnnotation("cat", Box(0, 0, 3, 3)),
        DatasetAnnotation("dog", mask(5, 0, 2, 2)),
        DatasetAnnotation("cat", mask(5, 5, 2, 2), {"truncated": True}),
    )
    image = DatasetImage("a.jpg", annotations, 10, 10)
    registry.writer("voc").write(Dataset((DatasetLabel("cat"), DatasetLabel("dog")), (image,)), tmp_path / "out")
    assert read(tmp_path / "out").annotations == annotations


def test_more_objects_than_255_stay_apart(tmp_path: Path) -> None:
    annotations = tuple(DatasetAnnotation("cat", mask(x, y, 1, 1)) for y in range(20) for x in range(20))
    image = DatasetImage("a.jpg", annotations, 20, 20)
    registry.writer("voc").write(Dataset((DatasetLabel("cat"),), (image,)), tmp_path / "out")
    assert read(tmp_path / "out").annotations == annotations
