"""Bad files: one clear error that names file and place, or with skip_bad one warning for each bad record and the rest read."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.domain.geometry import Box
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import DatasetImage
from annotator.formats.report import Report

SIZE = (100, 80)
GOOD = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
VOC = "<annotation><filename>a.jpg</filename><size><width>100</width><height>80</height></size>{}</annotation>"
OBJECT = (
    "<object><name>cat</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def read(format_id: str, path: Path, *, skip_bad: bool = False) -> tuple[list[DatasetImage], Report]:
    imported = registry.reader(format_id).read(path, image_size=lambda _: SIZE, skip_bad=skip_bad)
    return list(imported.dataset.images), imported.report()


def refused(format_id: str, path: Path, *words: str) -> None:
    """The file is refused with one error that holds all the words; with ``skip_bad`` the same words stand in a warning."""
    with pytest.raises(FormatError) as caught:
        read(format_id, path)
    for word in words:
        assert word in str(caught.value), f"{word!r} is not in: {caught.value}"


def skipped(format_id: str, path: Path, *words: str, left: int = 1) -> None:
    """The file is refused as ``refused`` says, and read without its one bad record when bad ones are skipped."""
    refused(format_id, path, *words)
    images, report = read(format_id, path, skip_bad=True)
    assert sum(len(image.annotations) for image in images) == left
    assert len(report.warnings) == 1, report.warnings
    for word in words:
        assert word in report.warnings[0]
    assert [(row.kind, row.count) for row in report.lossy] == [("record", 1)]


def coco(folder: Path, *annotations: Any, **changes: Any) -> Path:
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [GOOD, *annotations],
    }
    file = folder / "a.json"
    file.write_text(json.dumps({**content, **changes}))
    return file


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"image_id": 9}, "image_id 9 is not among the images"),
        ({"category_id": 9}, "category_id 9 is not among the categories"),
        ({"id": 1}, "the id 1 was used before"),
        ({"bbox": [1, 2, float("nan"), 4]}, "nan"),
        ({"bbox": [1, 2, float("inf"), 4]}, "inf"),
        ({"bbox": [1, 2, -3, 4]}, "negative size"),
        ({"bbox": [1, 2, 0, 4]}, "without area"),
        ({"bbox": [200, 2, 3, 4]}, "outside the 100 x 80 image"),
        ({"bbox": [-20, 2, 3, 4]}, "outside the 100 x 80 image"),
        ({"bbox": [1, 2, 3]}, "not four numbers"),
        ({"bbox": "1 2 3 4"}, "not four numbers"),
        ({"bbox": [1, 2, "3", 4]}, "'3', not a number"),
        ({"bbox": [1, 2, True, 4]}, "True, not a number"),
        ({"segmentation": [[1, 2, 3, 4]]}, "at least three"),
        ({"segmentation": [[1, 2, 3, 4, 5]]}, "pairs of numbers"),
        ({"segmentation": [[1, 2, 3, 4, 5, None]]}, "not a number"),
        ({"segmentation": [[1, 2, 3, 4, 5, float("nan")]]}, "not finite"),
        ({"segmentation": "abc"}, "neither polygons nor run lengths"),
        ({"segmentation": {"size": [80, 100], "counts": [8001]}}, "runs cover 8001 pixels, expected 8000"),
        ({"segmentation": {"size": [80, 100], "counts": [-1, 8001]}}, "negative"),
        ({"segmentation": {"size": [80, 100], "counts": "Z"}}, "inside a number"),
        ({"segmentation": {"size": [8, 10], "counts": [0, 80]}}, "size is 10 x 8, the image 100 x 80"),
        ({"segmentation": {"size": [80, 100], "counts": [8000]}}, "without set pixels"),
        ({"keypoints": [1, 2, 2, 4]}, "x, y, visibility"),
        ({"keypoints": [1, 2, 7]}, "visibility must be 0, 1 or 2"),
        ({"iscrowd": 3}, "iscrowd is 3"),
        ({"attributes": [1]}, "attributes is list"),
        ({"score": "high"}, "score is 'high'"),
    ],
)
def test_coco_names_the_record(changes: dict[str, Any], what: str, tmp_path: Path):
    file = coco(tmp_path, {**GOOD, "id": 2, **changes})
    skipped("coco", file, str(file), "annotations[1]", what)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"images": {}}, "$.images"),
        ({"images": [{"id": 1, "width": 3}]}, "needs an id and a file_name"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}]}, "the id 1 was used before"),
        ({"images": [{"id": 1, "file_name": "a.jpg", "width": -1, "height": 5}]}, "its size is -1 x 5"),
        ({"categories": [{"id": 1}]}, "a whole id and a name"),
        ({"categories": [{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]}, "the id 1 was used before"),
        ({"annotations": "none"}, "$.annotations"),
        ({"annotations": [7]}, "annotations[0]"),
        ({"annotations": [None]}, "annotations[0]"),
    ],
)
def test_coco_names_a_bad_list(changes: dict[str, Any], what: str, tmp_path: Path):
    file = coco(tmp_path, **changes)
    refused("coco", file, str(file), what)


@pytest.mark.parametrize("cut", [1, 20, 60, 150])
def test_truncated_json_says_where_it_ends(cut: int, tmp_path: Path):
    file = coco(tmp_path)
    file.write_bytes(file.read_bytes()[:-cut])
    refused("coco", file, str(file), "line 1 column")
    other = labelme(tmp_path)
    other.write_bytes(other.read_bytes()[:-cut])
    refused("labelme", other, str(other), "line 1 column")


def test_deeply_nested_json_is_an_error_and_no_crash(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text('{"images": ' + "[" * 100_000)
    refused("coco", file, str(file))
    file.write_text('{"shapes": ' + "[" * 100_000)
    refused("labelme", file, str(file))


def test_nan_literals_spoil_their_record_only(tmp_path: Path):
    """Python writes NaN into JSON: the strict parser stops there, the file must not be lost for it."""
    file = coco(tmp_path, {**GOOD, "id": 2, "bbox": [float("nan"), 0, 1, 1]}, {**GOOD, "id": 3})
    assert "NaN" in file.read_text()
    skipped("coco", file, "annotations[1]", "nan", left=2)


def labelme(folder: Path, *shapes: Any) -> Path:
    good = {"label": "cat", "points": [[1, 2], [4, 6]], "shape_type": "rectangle"}
    content = {"shapes": [good, *shapes], "imagePath": "a.jpg", "imageWidth": 100, "imageHeight": 80}
    file = folder / "l.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        ({"points": [[1, 2]]}, "needs a label"),
        ({"label": "cat", "points": [[1, 2]], "shape_type": "rectangle"}, "a rectangle has 2 points, this one 1"),
        ({"label": "cat", "points": [[1, 2], [1, 9]], "shape_type": "rectangle"}, "without area"),
        ({"label": "cat", "points": [[1, 2], [3, "x"]], "shape_type": "line"}, "'x', not a number"),
        ({"label": "cat", "points": [[1, 2], [3, 1e400]], "shape_type": "line"}, ""),
        ({"label": "cat", "points": 7, "shape_type": "line"}, "no list of pairs"),
        ({"label": "cat", "points": [[1, 2, 3]], "shape_type": "point"}, "no list of pairs"),
        ({"label": "cat", "points": [[1, 2]], "shape_type": "spiral"}, "'spiral' is not known"),
        ({"label": "cat", "points": [[1, 2], [3, 4]], "shape_type": "mask", "mask": "!!"}, "cannot be read"),
        ({"label": "cat", "points": [[900, 2]], "shape_type": "point"}, "outside the 100 x 80 image"),
        ({"label": "cat", "points": [[1, 2]], "shape_type": "point", "track_id": "x"}, "track_id is 'x'"),
        ("nonsense", "needs a label"),
    ],
)
def test_labelme_names_the_shape(shape: Any, what: str, tmp_path: Path):
    file = labelme(tmp_path, shape)
    if not what:
        refused("labelme", file, str(file), "not JSON")
        return
    skipped("labelme", file, str(file), "shapes[1]", what)


def yolo(folder: Path, *lines: str) -> Path:
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "classes.txt").write_text("cat\ndog\n")
    file = folder / "labels" / "a.txt"
    file.write_text("\n".join(["0 0.5 0.5 0.25 0.25", *lines]) + "\n")
    return file


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("2 0.5 0.5 0.1 0.1", "the class 2 is not among the 2 names"),
        ("-1 0.5 0.5 0.1 0.1", "the class -1"),
        ("0.5 0.5 0.5 0.1 0.1", "the class 0.5"),
        ("cat 0.5 0.5 0.1 0.1", "'cat', not a number"),
        ("0 nan 0.5 0.1 0.1", "'nan'"),
        ("0 inf 0.5 0.1 0.1", "'inf'"),
        ("0 0.5 0.5 -0.1 0.1", "negative size"),
        ("0 0.5 0.5 0 0.1", "without area"),
        ("0 1.5 0.5 0.1 0.1", "outside the 100 x 80 image"),
        ("0 0.5 0.5 0.1", "3 numbers after the class"),
        ("0", "0 numbers after the class"),
    ],
)
def test_yolo_names_the_line(line: str, what: str, tmp_path: Path):
    file = yolo(tmp_path, line)
    skipped("yolo", tmp_path, str(file), "line 2", what)


def test_yolo_without_a_size_says_so(tmp_path: Path):
    file = yolo(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"the size of a\.jpg is not known") as caught:
        list(registry.reader("yolo").read(tmp_path).dataset.images)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ("names: 7", "neither a list nor numbered names"),
        ("names: [cat, cat]", "two classes have the same name"),
        ("names: [cat", "not YAML"),
        ("- names", "holds no keys"),
    ],
)
def test_yolo_names_a_bad_data_yaml(names: str, what: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(names + "\n")
    refused("yolo", tmp_path / "data.yaml", "data.yaml", what)


def dota(folder: Path, line: str) -> Path:
    (folder / "labelTxt").mkdir()
    file = folder / "labelTxt" / "a.txt"
    file.write_text(f"imagesource:x\n1 1 9 1 9 5 1 5 cat 0\n{line}\n")
    return file


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1 1 9 1 9 5 1 5", "8 words, where four corners and a class are needed"),
        ("1 1 9 1 9 5 1 x cat 0", "'x', not a number"),
        ("1 1 9 1 9 5 1 nan cat 0", "'nan'"),
        ("1 1 9 1 9 5 1 1e999 cat 0", "'1e999'"),
        ("1 1 9 1 9 1 1 1 cat 0", "without area"),
        ("301 1 309 1 309 5 301 5 cat 0", "outside the 100 x 80 image"),
    ],
)
def test_dota_names_the_line(line: str, what: str, tmp_path: Path):
    file = dota(tmp_path, line)
    skipped("dota", tmp_path, str(file), "line 3", what)


def test_dota_that_is_no_text_is_named(tmp_path: Path):
    file = dota(tmp_path, "")
    file.write_bytes(b"\xff\xfe\x00")
    refused("dota", tmp_path, str(file), "cannot be read as text")


def mot(folder: Path, line: str) -> Path:
    (folder / "s" / "gt").mkdir(parents=True)
    file = folder / "s" / "gt" / "gt.txt"
    file.write_text(f"1,1,2,2,9,9,1,1,1\n{line}\n")
    return file


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1,2,3,4,5", "5 fields"),
        ("0,2,3,4,5,6,1,1,1", "the frame is '0'"),
        ("x,2,3,4,5,6,1,1,1", "the frame is 'x'"),
        ("99999999999,2,3,4,5,6,1,1,1", "the frame is '99999999999'"),
        ("1,a,3,4,5,6,1,1,1", "'a', not a number"),
        ("1,1.5,3,4,5,6,1,1,1", "the track is 1.5, not a whole number"),
        ("1,2,nan,4,5,6,1,1,1", "'nan'"),
        ("1,2,3,4,-5,6,1,1,1", "negative size"),
        ("1,2,3,4,0,6,1,1,1", "without area"),
        ("1,2,300,4,5,6,1,1,1", "outside the 100 x 80 image"),
        ("1,2,3,4,5,6,1,77,1", "the class 77 is not among the"),
        ("1,2,3,4,5,6,1,x,1", "the class x is not among the"),
        ("1,2,3,4,5,6,1,1,dark", "'dark', not a number"),
    ],
)
def test_mot_names_the_line(line: str, what: str, tmp_path: Path):
    file = mot(tmp_path, line)
    skipped("mot", tmp_path, str(file), "line 2", what)


def test_mot_names_a_bad_header_and_bad_names(tmp_path: Path):
    mot(tmp_path, "")
    header, labels = tmp_path / "s/seqinfo.ini", tmp_path / "s/gt/labels.txt"
    header.write_text("imWidth=3\n")
    refused("mot", tmp_path, str(header), "is no seqinfo.ini")
    header.unlink()
    labels.write_text("cat\ncat\n")
    refused("mot", tmp_path, str(labels), "two classes have the same name")


CVAT = (
    "<annotations><meta><task><labels><label><name>cat</name></label></labels></task></meta>"
    '<image id="0" name="a.jpg" width="100" height="80"><box label="cat" xtl="1" ytl="1" xbr="5" ybr="5"/>{}</image>'
    "</annotations>"
)
TRACK = (
    "<annotations><meta><task><labels><label><name>cat</name></label></labels><original_size><width>100</width>"
    '<height>80</height></original_size></task></meta><track id="0" label="cat">'
    '<box frame="0" outside="0" keyframe="1" xtl="1" ytl="1" xbr="5" ybr="5"/>{}</track></annotations>'
)


def cvat(folder: Path, inner: str, frame: str = CVAT) -> Path:
    file = folder / "annotations.xml"
    file.write_text(frame.format(inner))
    return file


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        ('<box label="cat" xtl="1" ytl="1" xbr="5"/>', "it has no ybr"),
        ('<box label="cat" xtl="1" ytl="1" xbr="5" ybr="x"/>', "'x', not a number"),
        ('<box label="cat" xtl="1" ytl="1" xbr="5" ybr="nan"/>', "'nan'"),
        ('<box label="cat" xtl="9" ytl="1" xbr="5" ybr="3"/>', "reversed"),
        ('<box label="cat" xtl="1" ytl="1" xbr="1" ybr="3"/>', "without area"),
        ('<box label="cat" xtl="301" ytl="1" xbr="305" ybr="3"/>', "outside the 100 x 80 image"),
        ('<box label="dog" xtl="1" ytl="1" xbr="5" ybr="3"/>', "'dog' is not declared"),
        ('<box xtl="1" ytl="1" xbr="5" ybr="3"/>', "it has no label"),
        ('<box label="cat" xtl="1" ytl="1" xbr="5" ybr="3" z_order="top"/>', "z_order is 'top'"),
        ('<polygon label="cat" points="1,2;3,4"/>', "at least 3 points"),
        ('<polygon label="cat" points="1,2;3;5,6"/>', "'3', not x,y"),
        ('<polygon label="cat"/>', "it has no points"),
        (
            '<mask label="cat" rle="1, 2" left="0" top="0" width="2" height="2"/>',
            "rle covers 3 pixels, expected 2 x 2 = 4",
        ),
        ('<mask label="cat" rle="1, -2" left="0" top="0" width="2" height="2"/>', "'-2', not a number of pixels"),
        ('<mask label="cat" rle="4" left="0" top="0" width="2" height="2"/>', "without set pixels"),
        ('<mask label="cat" rle="4" left="0" top="0" width="9999999" height="2"/>', "window is 9999999 x 2"),
        ('<mask label="cat" rle="4" left="0.5" top="0" width="2" height="2"/>', "left is 0.5, not a whole number"),
        ('<skeleton label="cat"></skeleton>', "a skeleton without points"),
        ('<cuboid label="cat" xtl1="1"/>', "it has no ytl1"),
    ],
)
def test_cvat_names_the_shape(inner: str, what: str, tmp_path: Path):
    file = cvat(tmp_path, inner)
    skipped("cvat", file, str(file), "image a.jpg", what)


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        ('<box frame="x" outside="0" keyframe="1" xtl="1" ytl="1" xbr="5" ybr="5"/>', "the frame is 'x'"),
        ('<box frame="1" outside="0" keyframe="1" xtl="1" ytl="1" xbr="5" ybr="inf"/>', "'inf'"),
        ('<box frame="1" outside="0" keyframe="1" xtl="1" ytl="300" xbr="5" ybr="305"/>', "outside the 100 x 80 image"),
    ],
)
def test_cvat_names_the_track(inner: str, what: str, tmp_path: Path):
    file = cvat(tmp_path, inner, TRACK)
    skipped("cvat", file, str(file), "track 0, box 2", what)


def test_cvat_frames_are_not_listed_because_a_file_says_so(tmp_path: Path):
    text = TRACK.format("").replace(
        "<labels>", "<start_frame>0</start_frame><stop_frame>900000000</stop_frame><labels>"
    )
    (tmp_path / "annotations.xml").write_text(text)
    imported = registry.reader("cvat").read(tmp_path)
    assert [image.frame for image in imported.dataset.images] == [0]


def test_cvat_truncated_names_line_and_column(tmp_path: Path):
    file = cvat(tmp_path, "")
    file.write_text(file.read_text()[:-20])
    refused("cvat", file, str(file), "line 1 column", "not XML")
    images, report = read("cvat", file, skip_bad=True)
    assert len(images) <= 1 and len(report.warnings) == 1


def datumaro(folder: Path, annotation: Any, **changes: Any) -> Path:
    good = {"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4]}
    item = {"id": "a", "annotations": [good, annotation], "image": {"path": "a.jpg", "size": [80, 100]}, **changes}
    content = {"infos": {}, "categories": {"label": {"labels": [{"name": "cat"}]}}, "items": [item]}
    file = folder / "d.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        ({"type": "bbox", "label_id": 0, "bbox": [1, 2, 3]}, "$.bbox"),
        ({"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, "4"]}, "$.bbox[3]"),
        ({"type": "bbox", "label_id": 0, "bbox": [1, 2, -3, 4]}, "negative size"),
        ({"type": "bbox", "label_id": 0, "bbox": [1, 2, 0, 4]}, "without area"),
        ({"type": "bbox", "label_id": 0, "bbox": [300, 2, 3, 4]}, "outside the 100 x 80 image"),
        ({"type": "bbox", "label_id": 0}, "it has no bbox"),
        ({"type": "bbox", "label_id": 4, "bbox": [1, 2, 3, 4]}, "label_id 4 is not among the 1 labels"),
        ({"type": "bbox", "label_id": -1, "bbox": [1, 2, 3, 4]}, "label_id -1"),
        ({"type": "bbox", "label_id": "x", "bbox": [1, 2, 3, 4]}, "$.label_id"),
        ({"type": "bbox", "bbox": [1, 2, 3, 4]}, "it has no label_id"),
        ({"type": "spiral", "label_id": 0}, "'spiral' is not known"),
        ({"type": "polygon", "label_id": 0, "points": [1, 2, 3, 4, 5]}, "5 numbers are no pairs"),
        ({"type": "polygon", "label_id": 0, "points": [1, 2, 3, 4]}, "at least 3 points"),
        (
            {"type": "points", "label_id": 0, "points": [1, 2], "visibility": [2, 2]},
            "2 values of visibility for 1 points",
        ),
        ({"type": "points", "label_id": 0, "points": [1, 2, 3, 4], "visibility": [2, 7]}, "must be 0, 1 or 2"),
        ({"type": "mask", "label_id": 0}, "without rle"),
        (
            {"type": "mask", "label_id": 0, "rle": {"counts": "5220;", "size": [4, 6]}},
            "size is 6 x 4, the image 100 x 80",
        ),
        ({"type": "mask", "label_id": 0, "rle": {"counts": [8001], "size": [80, 100]}}, "runs cover 8001 pixels"),
        ({"type": "caption"}, "no caption"),
        ({"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4], "attributes": [1]}, "$.attributes"),
        (7, "Expected `object`"),
    ],
)
def test_datumaro_names_the_annotation(annotation: Any, what: str, tmp_path: Path):
    file = datumaro(tmp_path, annotation)
    skipped("datumaro", file, str(file), "items[0].annotations[1]", what)


def test_datumaro_nan_spoils_its_record_only(tmp_path: Path):
    file = datumaro(tmp_path, {"type": "bbox", "label_id": 0, "bbox": [1, 2, float("nan"), 4]})
    refused("datumaro", file, "items[0].annotations[1]", "$.bbox[2]")
    images, report = read("datumaro", file, skip_bad=True)
    assert len(images[0].annotations) == 1 and "NaN" in report.warnings[0]


@pytest.mark.parametrize(
    ("change", "what"),
    [({"image": {"path": 7}}, "items[0]"), ({"id": ""}, "it has no id"), ({"annotations": {}}, "$.annotations")],
)
def test_datumaro_names_the_item(change: dict[str, Any], what: str, tmp_path: Path):
    file = datumaro(tmp_path, {"type": "label", "label_id": 0}, **change)
    refused("datumaro", file, str(file), what)
    file.write_text('{"categories": {}, "infos": {}, "items": 7}')
    refused("datumaro", file, str(file), "$.items")
    file.write_text('{"categories": {}, "infos": {}, "items": [')
    refused("datumaro", file, str(file), "line 1 column")


BOX_COLUMNS = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (",xclick,/m/1,1,0.1,0.2,0.1,0.2,0,0,0,0,0", "it names no image"),
        ("a,xclick,,1,0.1,0.2,0.1,0.2,0,0,0,0,0", "it has no LabelName"),
        ("a,xclick,/m/1,1,0.1,x,0.1,0.2,0,0,0,0,0", "'x', not a number"),
        ("a,xclick,/m/1,1,0.1,nan,0.1,0.2,0,0,0,0,0", "'nan'"),
        ("a,xclick,/m/1,1,0.1", "XMax is ''"),
        ("a,xclick,/m/1,1,0.5,0.2,0.1,0.2,0,0,0,0,0", "reversed"),
        ("a,xclick,/m/1,1,0.2,0.2,0.1,0.2,0,0,0,0,0", "without area"),
        ("a,xclick,/m/1,1,3,4,0.1,0.2,0,0,0,0,0", "outside the 100 x 80 image"),
        ("a,xclick,/m/1,sure,0.1,0.2,0.1,0.2,0,0,0,0,0", "'sure', not a number"),
    ],
)
def test_open_images_name_the_line(row: str, what: str, tmp_path: Path):
    file = tmp_path / "train-annotations-bbox.csv"
    file.write_text(f"{BOX_COLUMNS}\na,xclick,/m/1,1,0.1,0.2,0.1,0.2,0,0,0,0,0\n{row}\n")
    skipped("open_images", tmp_path, str(file), "line 3", what)


@pytest.mark.parametrize(
    ("content", "what"), [(None, "is missing"), (b"no picture", "cannot be read"), (b"", "cannot be read")]
)
def test_open_images_name_a_bad_mask(content: bytes | None, what: str, tmp_path: Path):
    file = tmp_path / "train-annotations-object-segmentation.csv"
    file.write_text("MaskPath,ImageID,LabelName,BoxID\nm.png,a,/m/1,0\n")
    if content is not None:
        (tmp_path / "masks/train").mkdir(parents=True)
        (tmp_path / "masks/train/m.png").write_bytes(content)
    skipped("open_images", tmp_path, str(file), "line 2", what, left=0)


RECTANGLE = {"x": 10, "y": 10, "width": 5, "height": 5, "rotation": 0, "rectanglelabels": ["cat"]}


def label_studio(folder: Path, kind: str, value: Any, **changes: Any) -> Path:
    sides = {"original_width": 100, "original_height": 80}
    good = {"id": "a", "type": "rectanglelabels", "value": RECTANGLE, **sides}
    bad = {"id": "b", "type": kind, "value": value, **sides, **changes}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [good, bad]}]}
    file = folder / "tasks.json"
    file.write_text(json.dumps([task]))
    return file


@pytest.mark.parametrize(
    ("kind", "value", "changes", "what"),
    [
        ("rectanglelabels", {**RECTANGLE, "x": "1"}, {}, "x is '1', not a number"),
        ("rectanglelabels", {**RECTANGLE, "width": -1}, {}, "negative size"),
        ("rectanglelabels", {**RECTANGLE, "width": 0}, {}, "without area"),
        ("rectanglelabels", {**RECTANGLE, "x": 300}, {}, "outside the 100 x 80 image"),
        ("rectanglelabels", {**RECTANGLE, "rectanglelabels": []}, {}, "it has no label"),
        ("rectanglelabels", {"x": 1, "rectanglelabels": ["cat"]}, {}, "value has no y"),
        ("rectanglelabels", RECTANGLE, {"image_rotation": 90}, "image_rotation is 90"),
        ("rectanglelabels", RECTANGLE, {"original_width": -5}, "the original size is -5 x 80"),
        ("rectanglelabels", 7, {}, "$.value"),
        ("rectanglelabels", RECTANGLE, {"score": "high"}, "$.score"),
        ("polygonlabels", {"points": [[1, 2], [3, 4]], "polygonlabels": ["cat"]}, {}, "at least 3 points"),
        ("polygonlabels", {"points": 3, "polygonlabels": ["cat"]}, {}, "no list of pairs"),
        ("keypointlabels", {"x": 1, "keypointlabels": ["cat"]}, {}, "value has no y"),
        ("brushlabels", {"format": "rle", "rle": [1, 2], "brushlabels": ["cat"]}, {}, "ends inside a run"),
        ("brushlabels", {"format": "rle", "rle": [300], "brushlabels": ["cat"]}, {}, "values that are no bytes"),
        ("brushlabels", {"format": "rle", "rle": [255] * 8, "brushlabels": ["cat"]}, {}, "expected 100 x 80 x 4"),
        ("brushlabels", {"format": "png", "brushlabels": ["cat"]}, {}, "without rle data"),
        ("vectorlabels", {"vertices": [1], "vectorlabels": ["cat"]}, {}, "vertices is no list of points"),
        ("textarea", {"text": [1]}, {}, "text is no list of texts"),
    ],
)
def test_label_studio_names_the_result(kind: str, value: Any, changes: dict[str, Any], what: str, tmp_path: Path):
    file = label_studio(tmp_path, kind, value, **changes)
    skipped("label_studio", file, str(file), "[0].annotations[0].result[1]", what)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([{"data": {}}], "its data names no picture"),
        ([{"annotations": []}], "missing required field `data`"),
        ([7], "Expected `object`"),
        ({"data": 1}, "Expected `array`"),
        ([{"data": {"image": "a.jpg"}, "annotations": 7}], "$.annotations"),
    ],
)
def test_label_studio_names_the_task(content: Any, what: str, tmp_path: Path):
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(content))
    refused("label_studio", file, str(file), what)


def test_label_studio_names_a_second_region_of_one_id(tmp_path: Path):
    file = label_studio(tmp_path, "rectanglelabels", {**RECTANGLE, "x": 40}, id="a")
    skipped("label_studio", file, str(file), "[0].annotations[0].result[1]", "the id 'a' was used before")


def test_label_studio_refuses_entities_in_its_configuration(tmp_path: Path):
    label_studio(tmp_path, "choices", {"choices": ["cat"]})
    (tmp_path / "label_config.xml").write_text('<!DOCTYPE a [<!ENTITY e "x">]><View>&e;</View>')
    refused("label_studio", tmp_path, "label_config.xml", "entities")


def voc(folder: Path, inner: str) -> Path:
    file = folder / "a.xml"
    file.write_text(VOC.format(OBJECT.format(1, 1, 20, 20) + inner))
    return file


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (OBJECT.format("nan", 1, 2, 3), "'nan'"),
        (OBJECT.format("1e999", 1, 2, 3), "'1e999'"),
        (OBJECT.format("x", 1, 2, 3), "'x', not a number"),
        (OBJECT.format(30, 1, 2, 3), "reversed"),
        (OBJECT.format(3, 1, 2, 3), "without area"),
        (OBJECT.format(301, 1, 320, 3), "outside the 100 x 80 image"),
        ("<object><name>cat</name></object>", "no bndbox"),
        ("<object><bndbox/></object>", "no name"),
    ],
)
def test_voc_names_the_object(inner: str, what: str, tmp_path: Path):
    file = voc(tmp_path, inner)
    skipped("voc", file, str(file), "object 2", what)


@pytest.mark.parametrize("declared", ["-3", "nan", "wide"])
def test_voc_names_a_bad_size(declared: str, tmp_path: Path):
    file = tmp_path / "a.xml"
    file.write_text(VOC.replace("<width>100", f"<width>{declared}").format(""))
    refused("voc", file, str(file), "size")


def test_an_entity_bomb_is_refused_at_once(tmp_path: Path):
    bomb = ['<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "lol">']
    bomb += [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    file = tmp_path / "a.xml"
    file.write_text("".join(bomb) + "]><annotation><filename>&e9;</filename></annotation>")
    for skip in (False, True):
        with pytest.raises(FormatError, match="entities"):
            read("voc", file, skip_bad=skip)
    file.write_text('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation><filename>a</filename></annotation>')
    refused("voc", file, "document type")
    file.write_text("".join(bomb) + "]><annotations><meta>&e9;</meta></annotations>")
    for skip in (False, True):
        with pytest.raises(FormatError, match="entities"):
            read("cvat", file, skip_bad=skip)


def test_truncated_xml_names_line_and_column(tmp_path: Path):
    file = voc(tmp_path, "")
    (tmp_path / "b.xml").write_text(VOC.replace("a.jpg", "b.jpg").format(OBJECT.format(1, 1, 2, 2)))
    file.write_text(file.read_text()[:-20])
    refused("voc", tmp_path, str(file), "line 1 column", "not XML")
    images, report = read("voc", tmp_path, skip_bad=True)
    assert [image.name for image in images] == ["b.jpg"] and len(report.warnings) == 1


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (",cat,,drawn,", "names no image"),
        ("a.jpg,cat,high,drawn,", "'high', not a number"),
        ("a.jpg,cat,nan,drawn,", "'nan'"),
        ("a.jpg,cat,,guessed,", "'guessed' is not one of"),
    ],
)
def test_the_table_names_the_line(row: str, what: str, tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text(f"image,label,confidence,state,annotator\nb.jpg,cat,,,\n{row}\n")
    skipped("csv", file, str(file), "line 3", what)


def test_a_table_without_its_columns_or_in_another_encoding_is_refused(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("file,class\na.jpg,cat\n")
    refused("csv", file, str(file), "line 1", "image and label")
    file.write_bytes("image,label\nä.jpg,cat\n".encode("latin-1"))
    refused("csv", file, str(file), "not UTF-8")


def test_pictures_outside_of_label_folders_are_named(tmp_path: Path):
    for name in ("cat/a.jpg", "stray.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    skipped("imagenet", tmp_path, "stray.jpg", "no folder that names a label")


# zip files


def _zip(folder: Path, **members: str) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("name", ["../out.json", "/tmp/out.json", "a/../../out.json", "..\\out.json", "C:/out.json"])
def test_a_zip_that_climbs_out_writes_nothing(name: str, tmp_path: Path):
    path = _zip(tmp_path, **{"ok.json": "{}", name: "{}"})
    refused("coco", path, str(path), "outside its folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_links_in_a_zip_are_not_followed(tmp_path: Path):
    path = tmp_path / "a.zip"
    member = zipfile.ZipInfo("a.json")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "/etc/passwd")
    refused("coco", path, "is a link")


def test_a_zip_that_declares_more_than_the_disk_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = _zip(tmp_path, **{"a.json": "x" * 5000})
    monkeypatch.setattr("annotator.formats.source.shutil.disk_usage", lambda _: SimpleNamespace(free=6000))
    refused("coco", path, "declares 5,000 bytes")


def test_a_zip_that_is_none_or_is_cut_is_refused(tmp_path: Path):
    path = _zip(tmp_path, **{"a.json": "x" * 5000})
    path.write_bytes(path.read_bytes()[:-30])
    refused("coco", path, str(path), "cannot be unpacked")
    (tmp_path / "b.zip").write_text("no zip")
    refused("voc", tmp_path / "b.zip", "cannot be unpacked")


def test_unpacked_files_go_away_with_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    imported = registry.reader("csv").read(_zip(tmp_path, **{"a.csv": "image,label\na.jpg,cat\n"}))
    assert len(list((tmp_path / "t").iterdir())) == 1
    assert [image.name for image in imported.dataset.images] == ["a.jpg"]
    del imported
    assert list((tmp_path / "t").iterdir()) == []


def test_what_leaves_the_image_a_little_is_kept_and_said(tmp_path: Path):
    images, report = read("coco", coco(tmp_path, {**GOOD, "id": 2, "bbox": [90, 70, 30, 30]}))
    assert images[0].annotations[1].geometry == Box(90, 70, 120, 100), "not cut: the file is its owner's"
    assert [(row.detail, row.count) for row in report.lossy] == [("kept, though it leaves the image", 1)]
