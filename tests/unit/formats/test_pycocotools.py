"""COCO against the tool that owns it: what pycocotools reads from our exports is what we stored, and the other way round."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as api
from pycocotools.coco import COCO

from annotator.domain.geometry import Box, Mask, Polygon, PolygonPart
from annotator.domain.kinds import Split
from annotator.formats import registry
from annotator.formats.coco import runs
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

HEIGHT, WIDTH = 37, 53
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
pictures = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def _coco(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


@given(pictures)
def test_compressed_runs_are_those_of_the_mask_api(pixels: np.ndarray[Any, Any]):
    height, width = pixels.shape
    theirs = api.encode(np.asfortranarray(pixels.astype(np.uint8)))
    mask = Mask.from_array(pixels)
    counts = runs.whole(mask, height, width) if mask else [height * width]
    assert runs.compress(counts).encode() == theirs["counts"]
    back = runs.window(runs.decompress(theirs["counts"]), height, width)
    assert back == mask


@settings(max_examples=40, deadline=None)
@given(pictures, st.integers(-4, WIDTH - 1), st.integers(-4, HEIGHT - 1))
def test_a_window_anywhere_is_the_mask_of_the_whole_image(pixels: np.ndarray[Any, Any], x: int, y: int):
    mask = Mask.from_array(pixels, x, y)
    if mask is None:
        return
    full = mask.to_full_array(HEIGHT, WIDTH)
    packed = {"size": [HEIGHT, WIDTH], "counts": runs.compress(runs.whole(mask, HEIGHT, WIDTH))}
    assert (api.decode(packed).astype(bool) == full).all()
    assert int(api.area(packed)) == full.sum()
    seen = Mask.from_array(full)
    if seen is not None:
        x1, y1, x2, y2 = seen.bounds()
        assert api.toBbox(packed).tolist() == [x1, y1, x2 - x1, y2 - y1]


def _blob(seed: int) -> Mask:
    random = np.random.default_rng(seed)
    mask = Mask.from_array(random.random((9, 11)) > 0.5, int(random.integers(0, 40)), int(random.integers(0, 25)))
    assert mask is not None
    return mask


def _dataset() -> tuple[Dataset, dict[str, list[Any]]]:
    ring, hole = (
        ((2.0, 3.0), (22.0, 3.0), (22.0, 30.0), (2.0, 30.0)),
        ((5.0, 6.0), (12.0, 6.0), (12.0, 15.0), (5.0, 15.0)),
    )
    stored: dict[str, list[Any]] = {
        "a.jpg": [_blob(1), _blob(2), Polygon.of(ring, hole)],
        "sub/a.jpg": [Polygon((PolygonPart(ring), PolygonPart(((30, 3), (50, 3), (50, 20))))), Box(1.5, 2.25, 10, 20)],
    }
    images = tuple(
        DatasetImage(name, tuple(DatasetAnnotation("cat", one) for one in shapes), WIDTH, HEIGHT)
        for name, shapes in stored.items()
    )
    return Dataset((DatasetLabel("dog"), DatasetLabel("cat", 7)), images), stored


def _pixels(shape: Any) -> np.ndarray[Any, Any]:
    """A shape's pixels: our masks as they are, outlines of whole pixels by hand."""
    if isinstance(shape, Mask):
        return shape.to_full_array(HEIGHT, WIDTH)
    full = np.zeros((HEIGHT, WIDTH), dtype=bool)
    full[3:30, 2:22] = True
    full[6:15, 5:12] = False
    return full


def test_their_class_loads_our_export_and_finds_what_we_stored(tmp_path: Path):
    dataset, stored = _dataset()
    registry.writer("coco").write(dataset, tmp_path / "out.json")
    coco = _coco(tmp_path / "out.json")
    assert {c["name"]: c["id"] for c in coco.loadCats(coco.getCatIds())} == {"dog": 1, "cat": 7}
    names = {image["file_name"]: image["id"] for image in coco.loadImgs(coco.getImgIds())}
    assert set(names) == set(stored)
    first = coco.loadAnns(coco.getAnnIds(imgIds=[names["a.jpg"]]))
    for shape, record in zip(stored["a.jpg"], first, strict=True):
        wanted = _pixels(shape)
        assert (coco.annToMask(record).astype(bool) == wanted).all()
        assert record["area"] == wanted.sum() and record["iscrowd"] == 0 and record["category_id"] == 7
        seen = Mask.from_array(wanted)
        assert seen is not None
        assert record["bbox"] == api.toBbox(record["segmentation"]).tolist()
        assert record["bbox"] == [seen.x, seen.y, seen.width, seen.height]
    polygon, box = coco.loadAnns(coco.getAnnIds(imgIds=[names["sub/a.jpg"]]))
    assert polygon["area"] == 20 * 27 + 20 * 17 / 2 and polygon["bbox"] == [2, 3, 48, 27]
    both = coco.annToMask(polygon).astype(bool)
    assert both[3:30, 2:22].all() and not both[:, 23:29].any() and both[4, 47]
    assert box["bbox"] == [1.5, 2.25, 8.5, 17.75] and box["area"] == 8.5 * 17.75


def test_their_class_loads_our_results_list(tmp_path: Path):
    shapes = [Box(1.5, 2.25, 10, 20), _blob(3)]
    found = tuple(DatasetAnnotation("cat", s, confidence=0.25 * (n + 1), suggested=True) for n, s in enumerate(shapes))
    dataset = Dataset((DatasetLabel("cat", 7),), (DatasetImage("a.jpg", found, WIDTH, HEIGHT, split=Split.VAL),))
    registry.writer("coco").write(dataset, tmp_path / "out")
    coco = _coco(tmp_path / "out/annotations/instances_val.json")
    with contextlib.redirect_stdout(io.StringIO()):
        results = coco.loadRes(str(tmp_path / "out/annotations/results_val.json"))
    box, mask = results.loadAnns(results.getAnnIds())
    assert box["bbox"] == [1.5, 2.25, 8.5, 17.75] and box["score"] == 0.25 and box["area"] == 8.5 * 17.75
    assert (coco.annToMask(mask).astype(bool) == shapes[1].to_full_array(HEIGHT, WIDTH)).all() and mask["score"] == 0.5


def test_we_read_what_they_encoded(tmp_path: Path):
    pixels = [np.random.default_rng(seed).random((HEIGHT, WIDTH)) > 0.7 for seed in range(3)]
    records = []
    for number, each in enumerate(pixels):
        packed = api.encode(np.asfortranarray(each.astype(np.uint8)))
        packed["counts"] = packed["counts"].decode()
        records.append(
            {"id": number + 1, "image_id": 5, "category_id": 1, "segmentation": packed, "area": int(api.area(packed)),
             "bbox": api.toBbox(packed).tolist(), "iscrowd": number % 2}
        )  # fmt: skip
    content = {
        "images": [{"id": 5, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": records,
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = registry.reader("coco").read(tmp_path / "a.json").dataset.images
    for each, annotation in zip(pixels, image.annotations, strict=True):
        assert isinstance(annotation.geometry, Mask)
        assert (annotation.geometry.to_full_array(HEIGHT, WIDTH) == each).all()
    assert [dict(a.attributes) for a in image.annotations] == [{}, {"iscrowd": True}, {}]
