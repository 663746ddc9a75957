"""YOLO's kinds of datasets: what decides between them, what is said of what does not fit, and lines that are one thing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from annotator.domain.geometry import Box, Geometry, Keypoints, Polygon, RotatedBox
from annotator.domain.kinds import Split
from annotator.domain.records import Skeleton
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.report import Outcome, Report

SIZE = (100, 80)
POINTS = Keypoints(((10, 10, 2), (30, 40, 1)))
TURNED = RotatedBox(50, 40, 30, 10, 30)
RING = Polygon.of(((1, 1), (9, 2), (7, 9)))


def write(target: Path, *shapes: Geometry, skeleton: Skeleton | None = None, **extras: object) -> Report:
    found = tuple(DatasetAnnotation("cat", shape, **extras) for shape in shapes)  # type: ignore[arg-type]
    image = DatasetImage("a.jpg", found, *SIZE, split=Split.TRAIN)
    dataset = Dataset((DatasetLabel("cat", skeleton=skeleton),), (image,))
    return registry.writer("yolo").write(dataset, target)


def read(target: Path) -> tuple[list[Geometry], Report]:
    imported = registry.reader("yolo").read(target, image_size=lambda _: SIZE)
    found = [one.geometry for image in imported.dataset.images for one in image.annotations]
    return found, imported.report()


def test_rotated_boxes_alone_make_an_obb_dataset_and_stay_rotated(tmp_path: Path):
    report = write(tmp_path / "out", TURNED)
    assert report.lossy == () and yaml.safe_load((tmp_path / "out/data.yaml").read_text())["task"] == "obb"
    ((back,), said) = read(tmp_path / "out")
    assert isinstance(back, RotatedBox)
    assert (back.cx, back.cy, back.width, back.height, back.angle) == pytest.approx((50, 40, 30, 10, 30))
    assert said.lossy == ()


def test_four_corners_are_never_guessed_to_be_a_rotated_box(tmp_path: Path):
    write(tmp_path / "out", TURNED)
    config = tmp_path / "out/data.yaml"
    config.write_text(config.read_text().replace("task: obb\n", ""))
    ((back,), said) = read(tmp_path / "out")
    assert isinstance(back, Polygon)
    assert any("task: obb" in note for note in said.notes)


def test_corners_that_make_no_rectangle_stay_a_polygon_and_are_said(tmp_path: Path):
    write(tmp_path / "out", TURNED)
    (tmp_path / "out/labels/train/a.txt").write_text("0 0.1 0.1 0.9 0.2 0.8 0.9 0.1 0.7\n")
    ((back,), said) = read(tmp_path / "out")
    assert isinstance(back, Polygon)
    assert [(row.kind, row.outcome) for row in said.lossy] == [("rotated_box", Outcome.CONVERTED)]


def test_corners_in_either_direction_are_the_same_box(tmp_path: Path):
    write(tmp_path / "out", TURNED)
    file = tmp_path / "out/labels/train/a.txt"
    label, *numbers = file.read_text().split()
    pairs = [numbers[at : at + 2] for at in range(0, 8, 2)]
    turned_round = [pairs[0], *pairs[:0:-1]]
    file.write_text(" ".join([label, *(n for pair in turned_round for n in pair)]) + "\n")
    ((back,), _) = read(tmp_path / "out")
    assert isinstance(back, RotatedBox) and (back.cx, back.cy) == pytest.approx((50, 40))
    corners = sorted(map(tuple, back.corners())), sorted(map(tuple, TURNED.corners()))
    assert all(one == pytest.approx(other) for one, other in zip(*corners, strict=True))


def test_a_rotated_box_among_outlines_is_an_outline_and_said(tmp_path: Path):
    report = write(tmp_path / "out", TURNED, RING)
    assert {(row.kind, row.outcome) for row in report.lossy} == {("rotated_box", Outcome.CONVERTED)}
    assert "task" not in yaml.safe_load((tmp_path / "out/data.yaml").read_text())


def test_keypoints_keep_their_skeletons_names(tmp_path: Path):
    report = write(tmp_path / "out", POINTS, skeleton=Skeleton(("nose", "tail")))
    assert report.lossy == ()
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert content["kpt_shape"] == [2, 3] and content["kpt_names"] == {0: ["nose", "tail"]}
    imported = registry.reader("yolo").read(tmp_path / "out", image_size=lambda _: SIZE)
    assert imported.dataset.labels[0].skeleton == Skeleton(("nose", "tail"))
    ((back,), _) = read(tmp_path / "out")
    assert isinstance(back, Keypoints) and [v for *_, v in back.points] == [2, 1]


def test_the_lines_of_a_skeleton_are_said_to_be_lost(tmp_path: Path):
    report = write(tmp_path / "out", POINTS, skeleton=Skeleton(("nose", "tail"), ((0, 1),)))
    assert [(row.kind, row.outcome) for row in report.lossy] == [("skeleton", Outcome.DROPPED)]


@pytest.mark.parametrize("shapes", [(Box(5, 5, 50, 60), POINTS), (POINTS, Box(5, 5, 50, 60))])
def test_a_box_and_keypoints_of_one_line_are_written_as_one(shapes: tuple[Geometry, ...], tmp_path: Path):
    write(tmp_path / "out", *shapes, extra={"yolo": {"line": 1}})
    lines = (tmp_path / "out/labels/train/a.txt").read_text().splitlines()
    assert len(lines) == 1
    found, _ = read(tmp_path / "out")
    assert [one.kind.value for one in found] == ["box", "keypoints"] and found[0].bounds() == pytest.approx(
        (5, 5, 50, 60)
    )


def test_a_box_without_keypoints_in_a_pose_dataset_comes_back_as_a_box(tmp_path: Path):
    write(tmp_path / "out", POINTS, Box(5, 5, 50, 60))
    found, _ = read(tmp_path / "out")
    assert [one.kind.value for one in found] == ["keypoints", "box"]


def test_keypoints_beside_outlines_are_dropped_and_said(tmp_path: Path):
    report = write(tmp_path / "out", POINTS, RING)
    assert [(row.kind, row.outcome) for row in report.lossy] == [("keypoints", Outcome.DROPPED)]


def test_keypoints_of_which_none_is_labelled_are_dropped_and_said(tmp_path: Path):
    report = write(tmp_path / "out", Keypoints(((1, 1, 0), (2, 2, 0))), POINTS)
    assert [(row.kind, row.outcome, row.count) for row in report.lossy] == [("keypoints", Outcome.DROPPED, 1)]


def test_points_without_visibility_are_visible_unless_they_are_zero(tmp_path: Path):
    write(tmp_path / "out", POINTS)
    config = tmp_path / "out/data.yaml"
    config.write_text(config.read_text().replace("- 3\n", "- 2\n"))
    (tmp_path / "out/labels/train/a.txt").write_text("0 0.5 0.5 0.5 0.5 0.5 0.5 0 0\n")
    found, _ = read(tmp_path / "out")
    assert found[-1] == Keypoints(((50, 40, 2), (0, 0, 0)))


@pytest.mark.parametrize("shape", ["[2]", "[2, 4]", "[0, 3]", "many", "[true, 3]"])
def test_a_bad_kpt_shape_is_named(shape: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(f"train: a\nval: a\nkpt_shape: {shape}\nnames: [cat]\n")
    with pytest.raises(FormatError, match="kpt_shape is"):
        read(tmp_path)


def test_a_pose_line_of_another_length_is_named(tmp_path: Path):
    write(tmp_path / "out", POINTS)
    (tmp_path / "out/labels/train/a.txt").write_text("0 0.5 0.5 0.5 0.5 0.5 0.5\n")
    with pytest.raises(FormatError, match="a box and 2 keypoints have 10"):
        read(tmp_path / "out")
    (tmp_path / "out/labels/train/a.txt").write_text("0 0.5 0.5 0.5 0.5 0.5 0.5 7 0.5 0.5 1\n")
    with pytest.raises(FormatError, match="visibility of a keypoint is 7"):
        read(tmp_path / "out")
