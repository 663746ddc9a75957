"""Label Studio's own converter reads our tasks as we wrote them, and we read what it writes.

``ANNOTATOR_LABEL_STUDIO_PYTHON`` names the Python of an environment with label-studio-converter (see CONTRIBUTING). Compared are
boxes, rotated boxes and outlines through its COCO, brush masks pixel by pixel both ways, and all but ids through its JSON_MIN.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.domain.geometry import Box, Geometry, Mask, Point, Polygon, Polyline, RotatedBox, Tag
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.label_studio import brush
from annotator.formats.verify import same_place

PYTHON = os.environ.get("ANNOTATOR_LABEL_STUDIO_PYTHON", "")
SCRIPT = Path(__file__).with_name("label_studio_dump.py")
pytestmark = [
    pytest.mark.differential,
    pytest.mark.skipif(
        not PYTHON,
        reason="needs ANNOTATOR_LABEL_STUDIO_PYTHON, the Python of an environment with label-studio-converter",
    ),
]
WIDTH = HEIGHT = 64
"""Square: the converter turns boxes in per cent of the sides, which is right only there."""
CLOSE = 1e-9
_BITS = np.random.default_rng(3).random((20, 30)) < 0.6
_MASK = Mask.from_array(_BITS, 7, 9)
assert _MASK is not None
SHAPES: dict[str, tuple[Geometry, ...]] = {
    "street/a b.jpg": (Box(2.5, 3.25, 11, 20.5), Polygon.of(((1, 1), (20.25, 1), (20.25, 15.5))), Tag()),
    "street/ü.jpg": (_MASK, Box(0, 0, 64, 48), RotatedBox(30, 20, 10, 6, 90)),
    "b.jpg": (Polyline(((1, 2), (3.5, 4), (8, 9))), Point(5.5, 6)),
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """A dataset, and the folder with our tasks and what the converter made of them."""
    labels = (DatasetLabel("car", color="#FF0000"), DatasetLabel('grüne "Eule" & Co'))
    images = tuple(
        DatasetImage(
            name,
            tuple(DatasetAnnotation(labels[n % 2].name, shape, annotator="7") for n, shape in enumerate(shapes)),
            WIDTH,
            HEIGHT,
            done=True,
            extra={"label_studio": {"id": number, "annotations": [{"id": 100 + number, "completed_by": 7}]}},
        )
        for number, (name, shapes) in enumerate(SHAPES.items(), start=1)
    )
    dataset = Dataset(labels, images)
    folder = tmp_path_factory.mktemp("label_studio")
    registry.writer("label_studio").write(dataset, folder / "ours")
    command = [PYTHON, str(SCRIPT), *(str(folder / p) for p in ("ours/tasks.json", "ours/label_config.xml", "theirs"))]
    (folder / "theirs").mkdir()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dataset, folder


def shapes_of(images: Any) -> dict[str, list[tuple[str, Geometry, str]]]:
    return {i.name: [(a.label, a.geometry, a.annotator) for a in i.annotations] for i in images}


def test_the_short_form_that_it_writes_reads_as_what_we_sent(sent: tuple[Dataset, Path], tmp_path: Path) -> None:
    dataset, folder = sent
    (tmp_path / "tasks.json").write_bytes((folder / "theirs/min/result.json").read_bytes())
    (tmp_path / "label_config.xml").write_bytes((folder / "ours/label_config.xml").read_bytes())
    found = registry.detect_one(tmp_path)
    assert found.format == "label_studio"
    read = registry.reader("label_studio").read(tmp_path, image_size=lambda name: (WIDTH, HEIGHT))
    wanted, back = shapes_of(dataset.images), shapes_of(read.dataset.images)
    assert back.keys() == wanted.keys()
    for name, shapes in wanted.items():
        left = list(back[name])
        assert len(left) == len(shapes)
        for label, shape, who in shapes:
            same = [x for x in left if (x[0], x[2]) == (label, who) and type(x[1]) is type(shape)]
            assert any(same_place(shape, other, CLOSE) for _, other, _ in same), (name, shape)
    assert [label.name for label in read.dataset.labels] == [label.name for label in dataset.labels]


def test_boxes_and_outlines_are_where_we_wrote_them(sent: tuple[Dataset, Path]) -> None:
    _, folder = sent
    found = json.loads((folder / "theirs/coco/result.json").read_text())
    names = {category["id"]: category["name"] for category in found["categories"]}
    boxes = [(names[a["category_id"]], a["bbox"]) for a in found["annotations"] if not a["segmentation"]]
    wanted = [("car", [2.5, 3.25, 8.5, 17.25]), ('grüne "Eule" & Co', [0, 0, 64, 48]), ("car", [27, 15, 6, 10])]
    for (label, box), (name, numbers) in zip(wanted, boxes, strict=True):
        assert label == name
        assert numbers == pytest.approx(box, abs=1e-6)
    (outline,) = (a["segmentation"][0] for a in found["annotations"] if a["segmentation"])
    assert outline == pytest.approx([1, 1, 20.25, 1, 20.25, 15.5])


def test_masks_are_the_same_pixels_both_ways(sent: tuple[Dataset, Path]) -> None:
    _, folder = sent
    (found,) = json.loads((folder / "theirs/masks.json").read_text())
    assert _MASK is not None
    wanted = _MASK.to_full_array(HEIGHT, WIDTH)
    assert found["pixels"] == np.flatnonzero(wanted).tolist()
    assert np.array_equal(brush.unpack(found["again"], WIDTH, HEIGHT), wanted)
