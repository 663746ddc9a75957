"""Mask pictures of other tools, and what happens to masks that share pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import Box, Mask, Polygon
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.id_pictures import color_map, written_ids

IDS = np.array([[0, 1, 1, 255], [0, 2, 2, 255], [2, 2, 0, 0]], np.uint8)


def save(file: Path, pixels: Any, palette: dict[int, tuple[int, int, int]] | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Picture.fromarray(np.asarray(pixels))
    if palette:
        picture.putpalette([value for index in range(256) for value in palette.get(index, (0, 0, 0))])
    picture.save(file)


def read(folder: Path, **options: Any) -> tuple[list[str], list[DatasetImage]]:
    imported = registry.reader("masks").read(folder, **options)
    images = list(imported.dataset.images)
    return [label.name for label in imported.dataset.labels], images


def pixels(image: DatasetImage) -> dict[str, list[list[int]]]:
    found = {}
    for one in image.annotations:
        assert isinstance(one.geometry, Mask)
        found[one.label] = one.geometry.to_full_array(image.height, image.width).astype(int).tolist()
    return found


WANTED = {
    "road": [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    "tree": [[0, 0, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0]],
}


def test_a_palette_is_read_by_its_numbers_not_its_colours(tmp_path: Path) -> None:
    save(tmp_path / "masks/a.png", IDS, {1: (9, 9, 9), 2: (9, 9, 9)})
    (tmp_path / "labels.csv").write_text("id,name,color\n1,road,\n2,tree,#00FF00\n")
    names, (image,) = read(tmp_path)
    assert names == ["road", "tree"]
    assert (image.name, image.width, image.height, image.done) == ("a.jpg", 4, 3, True)
    assert pixels(image) == WANTED


def test_unlabelled_pixels_are_kept_aside_and_written_back(tmp_path: Path) -> None:
    save(tmp_path / "in/masks/a.png", IDS)
    (tmp_path / "in/labels.csv").write_text("id,name,color\n1,road,\n2,tree,\n")
    dataset = registry.reader("masks").read(tmp_path / "in").dataset
    report = registry.writer("masks").write(dataset, tmp_path / "out")
    assert report.lossy == ()
    with Picture.open(tmp_path / "out/masks/a.png") as back:
        assert np.asarray(back).tolist() == IDS.tolist()
    assert (tmp_path / "out/labels.csv").read_text() == (tmp_path / "in/labels.csv").read_text()


def test_numbers_of_16_bit_stay(tmp_path: Path) -> None:
    save(tmp_path / "masks/a.png", IDS.astype(np.uint16) * 1000)
    (tmp_path / "labels.csv").write_text("id,name,color\n1000,road,\n2000,tree,\n")
    with pytest.raises(FormatError, match=r"masks/a.png: its pixels have the number 58392, which is no label's"):
        read(tmp_path)
    with (tmp_path / "labels.csv").open("a") as file:
        file.write("58392,sky,\n")
    _, (image,) = read(tmp_path)
    assert {label: pixels(image)[label] for label in WANTED} == WANTED
    registry.writer("masks").write(registry.reader("masks").read(tmp_path).dataset, tmp_path / "out")
    with Picture.open(tmp_path / "out/masks/a.png") as back:
        assert np.asarray(back).tolist() == (IDS.astype(np.uint16) * 1000).tolist()


def test_colours_are_read_through_their_list(tmp_path: Path) -> None:
    colors = np.array([(0, 0, 0), (128, 64, 128), (128, 128, 0)], np.uint8)
    save(tmp_path / "labels/0001_L.png", colors[np.where(IDS == 255, 0, IDS)])
    save(tmp_path / "images/0001.png", np.zeros((3, 4, 3), np.uint8))
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nVoid,0,0,0\nroad,128,64,128\ntree,128,128,0\n")
    _, (image,) = read(tmp_path)
    assert image.name == "0001.png"
    assert pixels(image) == WANTED
    save(tmp_path / "labels/0001_L.png", np.full((3, 4, 3), 7, np.uint8))
    with pytest.raises(FormatError, match="its colour 7,7,7 is not in the list"):
        read(tmp_path)


def test_without_a_list_labels_are_called_by_their_numbers(tmp_path: Path) -> None:
    save(tmp_path / "masks/a_mask.png", IDS)
    save(tmp_path / "images/a.jpg", np.zeros((3, 4, 3), np.uint8))
    names, (image,) = read(tmp_path)
    assert names == ["1", "2"]
    assert image.name == "a.jpg"


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "masks/a.png", IDS)
    with pytest.raises(FormatError, match=r"masks/a.png: it is 4 x 3, its image 8 x 6"):
        read(tmp_path, image_size=lambda name: (8, 6) if name == "a.jpg" else None)
    _, images = read(tmp_path, image_size=lambda name: (8, 6) if name == "a.jpg" else None, skip_bad=True)
    assert images == []


def square(x: int, y: int, side: int = 4) -> Mask:
    mask = Mask.from_array(np.ones((side, side), bool), x, y)
    assert mask is not None
    return mask


def exported(tmp_path: Path, *annotations: DatasetAnnotation) -> tuple[Any, DatasetImage]:
    labels = (DatasetLabel("cat"), DatasetLabel("dog"))
    image = DatasetImage("a.jpg", annotations, 20, 10, split=Split.VAL)
    report = registry.writer("masks").write(Dataset(labels, (image,)), tmp_path / "out")
    _, (back,) = read(tmp_path / "out")
    return report, back


def test_two_masks_of_one_label_stay_two(tmp_path: Path) -> None:
    one, other = square(0, 0), square(4, 0)
    report, back = exported(tmp_path, DatasetAnnotation("cat", one), DatasetAnnotation("cat", other))
    assert report.lossy == ()
    assert [a.geometry for a in back.annotations] == [one, other]
    assert back.split is Split.VAL


def test_the_part_under_another_mask_is_lost_and_said(tmp_path: Path) -> None:
    below, above = DatasetAnnotation("cat", square(0, 0)), DatasetAnnotation("dog", square(2, 0), z_order=1)
    report, back = exported(tmp_path, above, below)
    assert {(row.label, row.kind, row.outcome.value) for row in report.lossy if "other masks" in row.detail} == {
        ("cat", "mask", "converted")
    }
    assert {one.label: one.geometry.bounds() for one in back.annotations} == {
        "cat": (0.0, 0.0, 2.0, 4.0),
        "dog": (2.0, 0.0, 6.0, 4.0),
    }


def test_a_mask_wholly_under_another_is_dropped_and_said(tmp_path: Path) -> None:
    report, back = exported(tmp_path, DatasetAnnotation("cat", square(1, 1, 2)), DatasetAnnotation("dog", square(0, 0)))
    assert [one.label for one in back.annotations] == ["dog"]
    assert [(row.label, row.outcome.value) for row in report.lossy] == [("cat", "dropped")]


def test_polygons_become_pixels_and_boxes_are_dropped(tmp_path: Path) -> None:
    hole = ((2.0, 2.0), (4.0, 2.0), (4.0, 4.0), (2.0, 4.0))
    outline = Polygon.of(((0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)), hole)
    report, back = exported(tmp_path, DatasetAnnotation("cat", outline), DatasetAnnotation("dog", Box(1, 1, 3, 3)))
    (one,) = back.annotations
    assert isinstance(one.geometry, Mask)
    wanted = np.ones((6, 6), bool)
    wanted[2:4, 2:4] = False
    assert one.geometry.to_array().tolist() == wanted.tolist()
    assert {(row.label, row.outcome.value) for row in report.lossy} == {("cat", "converted"), ("dog", "dropped")}


def test_label_ids_stay_where_a_pixel_can_hold_them(tmp_path: Path) -> None:
    labels = (DatasetLabel("a", 7), DatasetLabel("b", 0), DatasetLabel("c", 255), DatasetLabel("d"))
    images = (DatasetImage("a.jpg", (), 4, 4),)
    report = registry.writer("masks").write(Dataset(labels, images), tmp_path / "out")
    assert (tmp_path / "out/labels.csv").read_text().splitlines()[1:] == ["7,a,", "1,b,", "2,c,", "3,d,"]
    assert [row.detail for row in report.lossy] == [
        "0 is no free number of a pixel: 1",
        "255 is no free number of a pixel: 2",
    ]


def test_the_colours_of_voc_are_the_development_kits() -> None:
    colors = color_map()
    assert [colors[index] for index in (0, 1, 2, 15, 20, 255)] == [
        (0, 0, 0),
        (128, 0, 0),
        (0, 128, 0),
        (192, 128, 128),
        (0, 64, 128),
        (224, 224, 192),
    ]


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert written_ids(IDS.astype(np.uint16), {1: (1, 2, 3)}) == written_ids(IDS.astype(np.uint16), {1: (1, 2, 3)})
