"""Detectors from elsewhere: names become labels, by name, synonym or choice; or boxes are named by what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import Task
from annotator.domain.overlap import iou
from annotator.domain.records import new_annotation
from annotator.edits import shapes
from annotator.errors import AnnotatorError, UsageError
from annotator.project import Project
from tests.onnx_models import write_constant
from tests.scenes import write_scenes

ROWS = np.asarray([[20, 20, 60, 60, 0.9, 0], [100, 30, 140, 70, 0.7, 1], [150, 90, 190, 130, 0.6, 2]], np.float32)
CARD = """
names = ["circle", "Dark-Square", "sheep"]
[input]
width = 208
height = 160
fit = "stretch"
[output]
layout = "end_to_end"
box = "xyxy"
"""


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """An ONNX detector that sees the same three things on every picture."""
    path = write_constant(tmp_path / "seen.onnx", ("n", 3, 160, 208), {"rows": ROWS})
    path.with_suffix(".toml").write_text(CARD, encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    write_scenes(tmp_path, 3)
    with Project.create(tmp_path / "p", tmp_path / "images", ["disc", "dark square"], annotator="ann") as made:
        yield made


def names_on(project: Project, at: int = 0) -> dict[str, tuple[float, ...]]:
    labels = {label.id: label.name for label in project.labels.all()}
    page = project.history.page(int(project.images.ids()[at]))
    boxes = [s for s in page.suggestions if s.task is Task.BOXES]
    return {labels[s.label_id]: s.geometry.bounds() for s in boxes}  # type: ignore[misc]


def test_names_that_mean_a_label_come_and_others_stay_away(project: Project, detector: Path) -> None:
    result = project.suggest("boxes", "onnx", weights=detector)
    assert (result.images, result.suggestions, result.warnings) == (3, 3, ())
    found = names_on(project)
    assert list(found) == ["dark square"]
    np.testing.assert_allclose(found["dark square"], ROWS[1, :4], atol=0.5)


def test_names_are_mapped_by_choice_and_the_choice_is_remembered(project: Project, detector: Path) -> None:
    project.suggest("boxes", "onnx", weights=detector, names={"circle": "disc", "Dark-Square": "ignore"})
    assert list(names_on(project)) == ["disc"]
    assert Task.BOXES in project.review.ready().suggest
    again = project.suggest("boxes", limit=2)
    assert (again.model, again.images, again.suggestions) == ("onnx:seen", 2, 2)
    assert list(names_on(project, 1)) == ["disc"]


def test_a_map_to_an_unknown_label_is_refused_before_anything_changes(project: Project, detector: Path) -> None:
    with pytest.raises(UsageError, match=r"no label 'ball'.*disc, dark square"):
        project.suggest("boxes", "onnx", weights=detector, names={"circle": "ball"})
    with pytest.raises(UsageError, match="None of the names"):
        project.suggest("boxes", "onnx", weights=detector, names={"circle": "ignore", "Dark-Square": "ignore"})
    assert Task.BOXES not in project.review.ready().suggest


def test_classes_set_aside_give_labels_by_what_is_in_the_boxes(project: Project, detector: Path) -> None:
    for at, image_id in enumerate(project.images.ids().tolist()):
        label = project.labels.all()[at % 2]
        project.history.perform(
            shapes.draw(project.history.page(image_id), new_annotation(image_id, label.id, Tag(), "ann"))
        )
    result = project.suggest("boxes", "onnx", weights=detector, class_agnostic=True)
    assert result.suggestions == 9
    assert "named by what is in them" in result.warnings[0]
    page = project.history.page(int(project.images.ids()[0]))
    for suggestion in (s for s in page.suggestions if s.task is Task.BOXES):
        assert len(suggestion.distribution) == 2
        assert sum(share for _, share in suggestion.distribution) <= 1.0 + 1e-3


def test_an_annotation_at_the_place_keeps_a_foreign_box_away(project: Project, detector: Path) -> None:
    image_id = int(project.images.ids()[0])
    square = next(label for label in project.labels.all() if label.name == "dark square")
    shape = new_annotation(image_id, square.id, Box(*(float(v) for v in ROWS[1, :4])), "ann")
    project.history.perform(shapes.draw(project.history.page(image_id), shape))
    project.history.flush()
    project.suggest("boxes", "onnx", weights=detector)
    assert names_on(project) == {}
    assert iou(shape.geometry, Box(*names_on(project, 1)["dark square"])) > 0.9


def test_a_model_that_finds_no_boxes_says_so(project: Project) -> None:
    with pytest.raises(AnnotatorError, match="does not find boxes"):
        project.suggest("boxes", "embedded-segmenter")
