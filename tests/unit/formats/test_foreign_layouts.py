"""Layouts that other tools write: found by reading their exports beside them (see tests/differential)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from annotator.domain.geometry import Box, Mask
from annotator.domain.kinds import Split
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

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
