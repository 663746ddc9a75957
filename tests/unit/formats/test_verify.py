"""Reading an export back: what was sent is found again, and what somebody or something changed is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annotator.domain.geometry import Box, Polygon, Tag
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.report import Report, Verified
from annotator.formats.verify import verify

RING = ((10.0, 10.0), (30.0, 10.0), (30.0, 25.5))
DATASET = Dataset(
    (DatasetLabel("cat"), DatasetLabel("dog")),
    (
        DatasetImage("a.jpg", (DatasetAnnotation("cat", Box(1, 2, 30.25, 40)),), 100, 80),
        DatasetImage("sub/a.jpg", (DatasetAnnotation("dog", Polygon.of(RING)),), 100, 80),
        DatasetImage("empty.jpg", (), 100, 80, done=True),
    ),
)


def export(target: Path) -> Report:
    return registry.writer("coco").write(DATASET, target)


def tampered(target: Path, change: Callable[[dict[str, Any]], None]) -> Verified:
    report = export(target)
    (file,) = target.rglob("*.json") if target.is_dir() else [target]
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return verify(DATASET, report)


def test_what_was_sent_is_all_there(tmp_path: Path) -> None:
    assert verify(DATASET, export(tmp_path / "out")) == Verified(3, 2, 0, 0)


def test_the_order_of_images_does_not_matter(tmp_path: Path) -> None:
    report = export(tmp_path / "out")
    assert verify(replace(DATASET, images=DATASET.images[::-1]), report).unexplained == 0  # type: ignore[index]


def _shift(document: dict[str, Any]) -> None:
    document["annotations"][0]["bbox"][0] += 1


def _lose(document: dict[str, Any]) -> None:
    del document["annotations"][0]


def _swap(document: dict[str, Any]) -> None:
    one, other = (each["category_id"] for each in document["annotations"])
    document["annotations"][0]["category_id"], document["annotations"][1]["category_id"] = other, one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_shift, "1 box of cat did not come back, first in a.jpg"),
        (_lose, "1 box of cat did not come back, first in a.jpg"),
        (_swap, "1 box of cat did not come back, first in a.jpg"),
    ],
)
def test_a_change_is_named(change: Callable[[dict[str, Any]], None], said: str, tmp_path: Path) -> None:
    result = tampered(tmp_path / "out", change)
    assert result.unexplained > 0
    assert result.differences[0] == said


def test_something_more_is_named(tmp_path: Path) -> None:
    def add(document: dict[str, Any]) -> None:
        document["annotations"].append({**document["annotations"][0], "id": 99, "bbox": [1, 1, 5, 5]})

    result = tampered(tmp_path / "out", add)
    assert result.differences == ("1 annotations came back that were not sent, first in a.jpg",)


def test_a_lost_image_is_named(tmp_path: Path) -> None:
    def lose(document: dict[str, Any]) -> None:
        document["images"] = [each for each in document["images"] if each["file_name"] != "empty.jpg"]

    assert tampered(tmp_path / "out", lose).differences == ("1 images did not come back, such as empty.jpg",)


def test_what_the_report_announces_is_no_difference(tmp_path: Path) -> None:
    report = registry.writer("voc").write(DATASET, tmp_path / "out")
    result = verify(DATASET, report)
    assert (result.same, result.announced, result.unexplained) == (1, 1, 0)


def test_more_images_are_expected_only_after_a_merge(tmp_path: Path) -> None:
    export(tmp_path / "out")
    part = replace(DATASET, images=DATASET.images[:1])  # type: ignore[index]
    report = registry.writer("coco").write(part, tmp_path / "out", merge=True)
    assert verify(part, report, merged=True).unexplained == 0
    assert verify(part, report).unexplained > 0


def test_names_that_end_alike_are_not_mixed_up_in_folders_of_labels(tmp_path: Path) -> None:
    for name in ("a.png", "sub/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    images = tuple(
        DatasetImage(n, (DatasetAnnotation("cat", Tag()),), 4, 4, tmp_path / n) for n in ("a.png", "sub/a.png")
    )
    dataset = Dataset((DatasetLabel("cat"),), images)
    assert verify(dataset, registry.writer("imagenet").write(dataset, tmp_path / "out")) == Verified(2, 2, 0, 0)


def test_an_export_without_pictures_is_compared_too(tmp_path: Path) -> None:
    box = DatasetAnnotation("cat", Box(1, 2, 3, 4))
    dataset = Dataset((DatasetLabel("cat"),), (DatasetImage("a.jpg", (box,), 20, 10),))
    report = registry.writer("imagenet").write(dataset, tmp_path / "out", images="copy")
    verified = verify(dataset, report)
    assert (verified.announced, verified.unexplained) == (1, 0)
