"""Pascal VOC's lists: trainval, and pictures that are listed without an annotation file."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.kinds import Split
from annotator.formats import registry


def _folder(folder: Path) -> Path:
    for name, text in {
        "Annotations/a.xml": "<annotation><filename>a.jpg</filename></annotation>",
        "Annotations/b.xml": "<annotation><filename>b.jpg</filename></annotation>",
        "ImageSets/Main/trainval.txt": "a\nb\nc\n",
        "ImageSets/Main/val.txt": "b\n",
        "ImageSets/Main/test.txt": "# a comment\nd\n",
        "ImageSets/Main/cat_trainval.txt": "a 1\nb -1\n",
        "JPEGImages/c.png": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_trainval_alone_is_read_as_train_and_said(tmp_path: Path):
    imported = registry.reader("voc").read(_folder(tmp_path))
    images = {image.name: image for image in imported.dataset.images}
    assert {name: image.split for name, image in images.items()} == {
        "a.jpg": Split.TRAIN,
        "b.jpg": Split.VAL,
        "c.png": Split.TRAIN,
    }
    rows = [(row.detail, row.count, row.examples) for row in imported.report().lossy]
    assert rows == [("listed in trainval only, read as train", 2, ("a", "c"))]


def test_listed_pictures_without_xml_are_named_and_not_done(tmp_path: Path):
    imported = registry.reader("voc").read(_folder(tmp_path))
    images = {image.name: image for image in imported.dataset.images}
    assert [image.done for image in images.values()] == [True, True, False]
    assert images["c.png"].path == tmp_path / "JPEGImages/c.png"
    (warning,) = imported.report().warnings
    assert "2 pictures without an annotation file: d, c" in warning


def test_lists_right_in_the_folder_count_where_there_are_no_image_sets(tmp_path: Path):
    for name, text in {
        "annotations/a.xml": "<annotation><filename>a.jpg</filename></annotation>",
        "annotations/b.xml": "<annotation><filename>b.jpg</filename></annotation>",
        "train.txt": "a\nelsewhere\n",
        "val.txt": "b\n",
        "notes.txt": "a\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    imported = registry.reader("voc").read(tmp_path)
    assert {i.name: i.split for i in imported.dataset.images} == {"a.jpg": Split.TRAIN, "b.jpg": Split.VAL}
    assert imported.report().warnings == ()
