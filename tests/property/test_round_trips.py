"""Round trips: geometry through JSON and through the store's compact form, masks against pycocotools, edits through the log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from annotator.domain import rle
from annotator.domain.geometry import (
    Box,
    Caption,
    Geometry,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Tag,
    from_json,
)
from annotator.domain.kinds import Decision, ImageState, Source, Split, Task
from annotator.domain.overlap import iou
from annotator.domain.records import Annotation, Image, Label, Skeleton, Suggestion, Verdict, new_id
from annotator.edits import AnnotationChange, BatchChange, ImageChange, LabelChange, VerdictChange, codec
from annotator.edits.apply import image_difference
from annotator.store import Database
from annotator.store.types import dump_geometry, load_geometry
from tests.projects import make_project

numbers = st.floats(-1e6, 1e6, allow_nan=False)
sizes = st.floats(0, 1e4, allow_nan=False)
points = st.tuples(numbers, numbers)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
masks = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))


def _outline(least: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(points, min_size=least, max_size=6).map(tuple)


parts = st.builds(PolygonPart, _outline(3), st.lists(_outline(3), max_size=2).map(tuple))
geometries: st.SearchStrategy[Geometry] = st.one_of(
    st.just(Tag()),
    st.builds(Box.of, numbers, numbers, numbers, numbers),
    st.builds(RotatedBox, numbers, numbers, sizes, sizes, st.floats(-720, 720)),
    st.builds(Polygon, st.lists(parts, min_size=1, max_size=3).map(tuple)),
    masks.map(lambda m: Mask.from_array(m, 3, 5)).filter(lambda m: m is not None),
    st.builds(Polyline, _outline(2)),
    st.builds(Point, numbers, numbers),
    st.builds(Keypoints, st.lists(st.tuples(numbers, numbers, st.integers(0, 2)), min_size=1, max_size=5).map(tuple)),
    st.builds(Caption, words),
)
values = st.dictionaries(words, st.one_of(st.booleans(), st.integers(-1000, 1000), words), max_size=3)
moments = st.sampled_from(["2026-01-01T00:00:00.000+00:00", "2026-01-01T00:00:00.001+00:00"])
ids = st.builds(new_id)
annotations = st.builds(
    Annotation, ids, st.integers(1, 3), st.integers(1, 5), geometries, values, st.none() | st.integers(0, 9),
    st.integers(-5, 5), words, moments, moments, values, st.none() | ids, st.sampled_from(Source), st.none(),
    st.booleans(), st.booleans(),
)  # fmt: skip
probabilities = st.floats(0, 1)
suggestions = st.builds(
    Suggestion, ids, st.just(1), st.integers(1, 3), geometries,
    st.lists(st.tuples(st.integers(1, 5), probabilities), min_size=1, max_size=3).map(tuple),
    probabilities, probabilities, words, st.sampled_from(Task), st.none() | st.just(1), st.booleans(), st.booleans(),
    values,
)  # fmt: skip
verdicts = st.builds(
    Verdict, ids, st.integers(1, 3), st.sampled_from(Decision), st.none() | ids, words, moments, st.floats(0, 1e3)
)
skeletons = st.just(Skeleton(("head", "hip"), ((0, 1),)))
labels = st.builds(
    Label, st.integers(1, 99), words, words, st.integers(0, 9), words, st.lists(words, max_size=2).map(tuple), words,
    st.none(), st.none() | st.just(1), st.none() | skeletons, values,
)  # fmt: skip
images = st.builds(
    Image, st.just(7), st.just("a.jpg"), split=st.none() | st.sampled_from(Split), state=st.sampled_from(ImageState),
    reason=words, flagged=st.booleans(), note=words,
)  # fmt: skip
tasks = st.frozensets(st.sampled_from(Task))


@given(geometries)
def test_geometry_survives_json(geometry: Geometry) -> None:
    assert from_json(orjson.loads(orjson.dumps(geometry.to_json()))) == geometry


@given(geometries)
def test_geometry_survives_the_store(geometry: Geometry) -> None:
    assert load_geometry(*dump_geometry(geometry)) == geometry


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
@given(masks)
def test_runs_are_those_of_coco(mask: np.ndarray[Any, Any]) -> None:
    height, width = mask.shape
    counts = rle.encode(mask)
    assert (rle.decode(counts, height, width) == mask).all()
    reference = coco.frPyObjects({"size": [height, width], "counts": list(counts)}, height, width)
    assert (coco.decode(reference).astype(bool) == mask).all()
    assert reference["counts"] == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    assert rle.area(counts) == int(coco.area(reference))


@given(masks, masks)
def test_overlap_of_masks_is_that_of_coco(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> None:
    a, b = Mask.from_array(first), Mask.from_array(second)
    if a is None or b is None:
        return
    full = [coco.encode(np.asfortranarray(m.to_full_array(12, 12).astype(np.uint8))) for m in (a, b)]
    assert math.isclose(iou(a, b), float(coco.iou([full[0]], [full[1]], [0])[0][0]), abs_tol=1e-9)


@given(annotations, annotations)
def test_changes_of_annotations_survive_the_log(before: Annotation, after: Annotation) -> None:
    for change in (AnnotationChange(None, after), AnnotationChange(before, None), AnnotationChange(before, after)):
        assert codec.load_changes(codec.dump_changes([change])) == (change,)
        assert change.inverse().inverse() == change


@given(verdicts, verdicts, suggestions)
def test_changes_of_verdicts_survive_the_log(before: Verdict, after: Verdict, suggestion: Suggestion) -> None:
    for change in (
        VerdictChange(None, after, suggestion),
        VerdictChange(before, None, suggestion),
        VerdictChange(before, after),
    ):
        assert codec.load_changes(codec.dump_changes([change])) == (change,)


@given(labels, labels, ids)
def test_changes_of_labels_and_batches_survive_the_log(before: Label, after: Label, batch: UUID) -> None:
    changes = (LabelChange(None, after), LabelChange(before, None, 3), LabelChange(before, after))
    turned = (BatchChange(batch, True, label_id=1, into_id=2), BatchChange(batch, False))
    assert codec.load_changes(codec.dump_changes([*changes, *turned])) == (*changes, *turned)


@given(images, images, tasks, tasks)
def test_changes_of_images_keep_what_differs(
    before: Image, after: Image, old: frozenset[Task], new: frozenset[Task]
) -> None:
    change = ImageChange(before, after, old, new)
    (loaded,) = codec.load_changes(codec.dump_changes([change]))
    assert isinstance(loaded, ImageChange)
    assert image_difference(loaded.before, loaded.after) == image_difference(before, after)
    assert image_difference(loaded.after, loaded.before) == image_difference(after, before)
    assert (loaded.image_id, loaded.done_before, loaded.done_after) == (7, old, new)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with make_project(tmp_path_factory.mktemp("round") / "p") as database:
        yield database


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(annotations, suggestions)
def test_records_survive_the_database(database: Database, annotation: Annotation, suggestion: Suggestion) -> None:
    with database.write() as writer:
        writer.annotations.add_many([annotation])
        writer.suggestions.add_many([suggestion])
    with database.read() as reader:
        assert reader.annotations.get(annotation.id) == annotation
        assert reader.suggestions.get(suggestion.id) == suggestion


def test_a_project_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "dé jà ?#%20 'x'"
    make_project(folder).close()
    with Database.open(folder, read_only=True) as database, database.read() as reader:
        assert reader.images.count() == 3
