"""The demo's pictures: the same for a seed, true boxes, clearly different classes, nothing half written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.errors import AnnotatorError
from annotator.media import decode, probe, scan
from annotator.media.drawing import Canvas
from annotator.media.drawn_things import THINGS, draw_picture
from annotator.media.generate import DEMO_LABELS, TRUTH_FILE, DemoTruth, build_demo_folder
from annotator.media.photographs import shipped_photographs, variation


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return build_demo_folder(tmp_path_factory.mktemp("demo") / "pictures", 5, per_label=4)


def test_every_picture_has_one_label_and_boxes_inside_it(demo: DemoTruth) -> None:
    assert demo.labels == DEMO_LABELS
    assert [image.uri for image in scan([demo.folder])] == sorted(demo.images)
    assert sorted(demo.images) == sorted(demo.boxes)
    for name, label in demo.images.items():
        info = probe(demo.folder / name)
        assert label.replace(" ", "_") not in name and 300 <= max(info.width, info.height) <= 512
        assert demo.boxes[name], f"{label} has no box"
        for box in demo.boxes[name]:
            assert 0 <= box.x1 < box.x2 <= info.width + 1e-6 and 0 <= box.y1 < box.y2 <= info.height + 1e-6
            assert box.width > 5 and box.height > 5
    for label in DEMO_LABELS:
        assert list(demo.images.values()).count(label) == 4


def test_truth_is_read_back_and_nothing_is_written_twice(demo: DemoTruth) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in demo.folder.iterdir()}
    again = build_demo_folder(demo.folder, 99)
    assert (again.seed, again.images, again.boxes) == (5, demo.images, demo.boxes)
    assert {path.name: path.stat().st_mtime_ns for path in demo.folder.iterdir()} == before


def test_same_seed_same_bytes_other_seed_other_pictures(tmp_path: Path) -> None:
    labels = ["balloon", "cat"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        build_demo_folder(tmp_path / name, seed, per_label=2, labels=labels)
    contents = {n: sorted(p.read_bytes() for p in (tmp_path / n).glob("*.jpg")) for n in "abc"}
    assert contents["a"] == contents["b"] and len(set(contents["a"])) == 4
    assert not set(contents["a"]) & set(contents["c"])


def test_foreign_folder_is_refused_and_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").write_text("precious")
    for truth in (None, "[]", '{"seed": 1, "images": {}, "boxes": []}'):
        if truth is not None:
            (tmp_path / "mine" / TRUTH_FILE).write_text(truth)
        with pytest.raises(AnnotatorError, match="not a folder of demo pictures"):
            build_demo_folder(tmp_path / "mine")
    monkeypatch.setattr("annotator.media.generate.draw_picture", lambda label, rng: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_demo_folder(tmp_path / "new", labels=["balloon"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine" / "holiday.jpg").read_text() == "precious"


@pytest.mark.parametrize("label", THINGS)
def test_box_of_a_drawing_holds_what_was_drawn(label: str) -> None:
    """Against the same picture without its things: what differs inside the boxes is far more than outside."""
    for seed in range(4):
        surroundings, _ = THINGS[label]
        drawn = draw_picture(label, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        width, height = (int(side) for side in rng.choice([(512, 384), (480, 360), (384, 512), (448, 448)]))
        bare = Canvas(surroundings(rng, height, width), rng).finished()
        difference = np.abs(drawn.rgb.astype(int) - bare).max(axis=2)
        inside = np.zeros(difference.shape, bool)
        for box in drawn.boxes:
            inside[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = True
            part = difference[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
            assert (part > 45).mean() > 0.2
        assert (difference[inside] > 45).mean() > 4 * (difference[~inside] > 45).mean()


def test_shipped_photographs_are_there_and_readable() -> None:
    photographs = shipped_photographs()
    assert {"cat", "coffee cup", "flower", "motorcycle", "temple", "person", "rocket"} <= {p.label for p in photographs}
    for photograph in photographs:
        picture = decode(photograph.path)
        for box in photograph.boxes:
            assert box.x2 <= picture.full_width and box.y2 <= picture.full_height


def test_variation_moves_the_box_with_the_thing() -> None:
    """The flower is the only orange thing in its photograph: its mean colour must stay inside the first box."""
    flower = next(p for p in shipped_photographs() if p.label == "flower")
    for seed in range(8):
        view = variation(flower, np.random.default_rng(seed))
        rgb = view.rgb.astype(int)
        orange = (rgb[..., 0] > rgb[..., 2] + 60) & (rgb[..., 0] > 120)
        box = view.boxes[0]
        inside = orange[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
        assert inside.mean() > 0.55
        assert inside.sum() > 0.75 * orange.sum()


def test_label_without_photograph_is_left_out(tmp_path: Path) -> None:
    truth = build_demo_folder(tmp_path / "d", labels=["clock", "unicorn"], per_label=1)
    assert truth.labels == ("clock",)
