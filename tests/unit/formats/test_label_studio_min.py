"""Label Studio's short form (JSON_MIN): what its keys say, what only the labelling configuration can, and what it lost itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotator.domain.geometry import Box, Caption, Point, Polygon, Tag
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.label_studio import reader, writer
from annotator.formats.spec import Imported

CONFIG = """<View><Image name="img" value="$image"/>
<RectangleLabels name="box" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels>
<PolygonLabels name="outline" toName="img"><Label value="cat"/></PolygonLabels>
<KeyPointLabels name="spot" toName="img"><Label value="dog"/></KeyPointLabels>
<Choices name="weather" toName="img"><Choice value="sunny"/><Choice value="windy"/></Choices>
<TextArea name="words" toName="img"/>
<Choices name="asleep" toName="img" perRegion="true"><Choice value="true"/></Choices></View>"""
SIZE = {"original_width": 200, "original_height": 100}
RECTANGLE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"], **SIZE}
RECORD = {
    "image": "/data/upload/1/0f1e2d3c-street.jpg",
    "camera": "north",
    "id": 7,
    "box": [RECTANGLE],
    "outline": [{"points": [[0, 0], [10, 0], [10, 10]], "polygonlabels": ["cat"], "closed": True, **SIZE}],
    "spot": [{"x": 5, "y": 50, "width": 0.5, "keypointlabels": ["dog"], **SIZE}],
    "weather": {"choices": ["sunny", "windy"]},
    "words": "a cat",
    "asleep": "true",
    "annotator": 3,
    "annotation_id": 70,
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2024-01-02T00:00:00Z",
    "lead_time": 4.5,
}
SHAPES = [
    ("cat", Box(20, 20, 80, 60)),
    ("cat", Polygon.of(((0, 0), (20, 0), (20, 10)))),
    ("dog", Point(10, 50)),
    ("sunny", Tag()),
    ("windy", Tag()),
]


def read(folder: Path, records: list[Any], config: str = CONFIG, *, skip_bad: bool = False) -> Imported:
    (folder / "min.json").write_text(json.dumps(records))
    if config:
        (folder / "label_config.xml").write_text(config)
    return reader.read(folder, skip_bad=skip_bad)


def test_each_answer_is_read_as_what_the_configuration_says(tmp_path: Path) -> None:
    imported = read(tmp_path, [RECORD])
    (image,) = imported.dataset.images
    assert (image.name, image.width, image.height, image.done) == ("street.jpg", 200, 100, True)
    assert [(a.label, a.geometry) for a in image.annotations] == [*SHAPES, ("", Caption("a cat"))]
    assert {a.annotator for a in image.annotations} == {"3"}
    report = imported.report()
    assert [(row.label, row.kind, row.detail) for row in report.lossy] == [
        ("", "attribute asleep", "JSON_MIN does not say which region it is of"),
        ("sunny", "tag", "a result with several labels, read as one annotation for each"),
        ("windy", "tag", "a result with several labels, read as one annotation for each"),
    ]
    assert any("short form" in note for note in report.notes)


def test_what_is_kept_goes_back_in_the_full_form(tmp_path: Path) -> None:
    writer.write(read(tmp_path, [RECORD]).dataset, tmp_path / "out")
    (task,) = json.loads((tmp_path / "out/tasks.json").read_text())
    assert task["data"] == {"image": RECORD["image"], "camera": "north"}
    (annotation,) = task["annotations"]
    told = ("created_at", "updated_at", "lead_time")
    assert {key: annotation[key] for key in told} == {key: RECORD[key] for key in told}
    assert (task["id"], annotation["id"], annotation["completed_by"]) == (7, 70, 3)


def test_without_a_configuration_a_bare_text_is_not_guessed(tmp_path: Path) -> None:
    imported = read(tmp_path, [RECORD], "")
    (image,) = imported.dataset.images
    assert [(a.label, a.geometry) for a in image.annotations] == SHAPES
    said = [note for note in imported.report().notes if "label_config.xml" in note]
    assert [note.split()[0] for note in said] == ["camera", "words", "asleep"]
    assert image.extra["label_studio"]["data"]["words"] == "a cat", "kept, and written back"


def test_annotations_of_one_task_are_one_image(tmp_path: Path) -> None:
    other = {**RECORD, "annotator": 4, "annotation_id": 71, "box": [{**RECTANGLE, "x": 11}]}
    empty = {"image": "/data/upload/1/b.jpg", "id": 8, "annotator": 3, "annotation_id": 72}
    first, second = read(tmp_path, [RECORD, other, empty]).dataset.images
    boxes = [(a.annotator, a.geometry) for a in first.annotations if isinstance(a.geometry, Box)]
    assert boxes == [("3", Box(20, 20, 80, 60)), ("4", Box(22, 20, 82, 60))]
    assert (second.name, second.annotations, second.done) == ("b.jpg", (), True)


def test_it_is_recognised_by_itself(tmp_path: Path) -> None:
    (tmp_path / "min.json").write_text(json.dumps([RECORD]))
    assert registry.detect_one(tmp_path / "min.json").format == "label_studio"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (3, "Expected `object`"),
        ({**RECORD, "box": [{**RECTANGLE, "x": "left"}]}, "x is 'left'"),
        ({**RECORD, "box": [{**RECTANGLE, "width": -3}]}, "negative"),
        ({**RECORD, "box": [{**RECTANGLE, "rectanglelabels": []}]}, "no label"),
        ({"id": 9, "annotator": 1, "annotation_id": 1}, "names no picture"),
    ],
)
def test_a_bad_record_names_its_place_or_is_skipped(tmp_path: Path, bad: Any, said: str) -> None:
    records = [{**RECORD, "id": 1}, bad]
    with pytest.raises(FormatError, match=said) as caught:
        list(read(tmp_path, records).dataset.images)
    assert str(tmp_path / "min.json") in str(caught.value)
    assert "[1]" in str(caught.value)
    imported = read(tmp_path, records, skip_bad=True)
    first, *_ = imported.dataset.images
    assert first.annotations
    assert imported.report().warnings
