"""The loop of boxes over drawn scenes: learn from drawn boxes, suggest, respect what was said, rank, go on after a stop."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.geometry import Box
from annotator.domain.kinds import Decision, Task
from annotator.domain.overlap import iou
from annotator.domain.records import new_annotation
from annotator.edits import accept, images, reject, shapes
from annotator.errors import AnnotatorError, JobCancelled, ModelError
from annotator.job_context import QuietContext
from annotator.learning.detection.augment import Copy, mirrored
from annotator.learning.detection.scores import TrueBoxes, matches
from annotator.learning.detection.targets import target_of
from annotator.project import Project
from annotator.pseudolabel.boxes import TILE, ShapeCalibration, suggest_boxes
from annotator.usecases import box_heads
from annotator.usecases.box_pictures import Opened
from annotator.usecases.box_sources import HeadSource, Looked
from annotator.usecases.settings_view import BOX_SECOND_LOOK
from tests.scenes import NAMES, draw_scene, learn_quickly, write_scenes

LABELLED, ALL = 12, 20


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of twenty scenes, twelve of them labelled, with a head trained on those."""
    folder = tmp_path_factory.mktemp("boxes")
    truth = write_scenes(folder, LABELLED)
    write_scenes(folder, ALL - LABELLED, first=LABELLED)
    with pytest.MonkeyPatch.context() as patch, Project.create(folder / "p", folder / "images") as made:
        learn_quickly(patch)
        made.import_dataset(truth, "coco")
        result = made.train("boxes")
        assert result.released
        assert result.metrics["images"] == LABELLED
        assert result.metrics["tested"] == 2
    return folder


@pytest.fixture
def project(trained_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of it."""
    shutil.copytree(trained_folder / "p", tmp_path / "p")
    with Project.open(tmp_path / "p", annotator="ann") as opened:
        yield opened


def open_ids(project: Project) -> list[int]:
    return project.images.ids().tolist()[LABELLED:]


def test_boxes_are_suggested_where_the_things_are_and_only_on_open_pictures(project: Project) -> None:
    labels = {label.id: label.name for label in project.labels.all()}
    right = there = 0
    for number, image_id in enumerate(project.images.ids().tolist()):
        page = project.history.page(image_id)
        if number < LABELLED:
            assert page.suggestions == ()
            continue
        _, boxes, classes = draw_scene(number)
        sure = [s for s in page.suggestions if "maybe" not in s.extra]
        there += len(boxes)
        for box, label in zip(boxes.tolist(), classes.tolist(), strict=True):
            right += any(iou(s.geometry, Box(*box)) > 0.5 and labels[s.label_id] == NAMES[label] for s in sure)
        assert all(0 <= s.confidence <= 1 and s.uncalibrated and "jitter" in s.extra for s in page.suggestions)
        assert all(s.task is Task.BOXES and s.score == pytest.approx(s.confidence) for s in page.suggestions)
    assert right >= 0.8 * there


def test_the_most_doubtful_pictures_come_first_with_a_reason(project: Project) -> None:
    project.suggest("boxes")
    order = [i for i in project.queue.order().tolist() if i in open_ids(project)]
    doubts = []
    for image_id in order:
        sure = np.asarray([s.confidence for s in project.history.page(image_id).suggestions])
        doubts.append(np.sort(1 - np.abs(2 * sure - 1))[::-1][:5].sum() if len(sure) else 1.5)
    assert doubts == sorted(doubts, reverse=True)
    assert project.queue.reason(order[0])


def test_what_was_rejected_or_is_annotated_is_not_proposed_again(project: Project) -> None:
    image_id = open_ids(project)[0]
    words, who = project.history.vocabulary(), project.annotator
    first, second, *_ = project.history.page(image_id).suggestions
    project.history.perform(reject(project.history.page(image_id), first, words, annotator=who))
    project.history.perform(accept(project.history.page(image_id), second, words, annotator=who))
    drawn = project.history.page(image_id).suggestions[0]
    shape = new_annotation(image_id, drawn.label_id, drawn.geometry, who)
    project.history.perform(shapes.draw(project.history.page(image_id), shape))
    project.history.flush()
    before = len(project.history.page(image_id).suggestions)
    project.suggest("boxes")
    again = project.history.page(image_id).suggestions
    assert len(again) == before
    for said in (first, second, drawn):
        assert not [s for s in again if s.label_id == said.label_id and iou(s.geometry, said.geometry) >= 0.7]


def test_a_done_picture_loses_its_suggestions_with_the_next_run(project: Project) -> None:
    image_id = open_ids(project)[1]
    project.history.perform(images.mark_done([project.history.page(image_id)], Task.BOXES, annotator="ann"))
    project.history.flush()
    project.suggest("boxes")
    assert project.history.page(image_id).suggestions == ()


def test_a_stopped_run_keeps_what_it_had_and_goes_on_from_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.usecases.box_suggest.BATCH", 2)

    class Stopping(QuietContext):
        def progress(self, done: int, total: int | None = None, message: str = "") -> None:
            self.done = done

        def check_cancelled(self) -> None:
            if getattr(self, "done", 0) >= 5:
                raise JobCancelled

    with pytest.raises(JobCancelled):
        project.suggest("boxes", context=Stopping())
    seen: list[int] = []

    class Watching(QuietContext):
        def progress(self, done: int, total: int | None = None, message: str = "") -> None:
            seen.append(done)

    result = project.suggest("boxes", context=Watching())
    assert seen[0] == 4
    assert result.images == ALL - LABELLED
    for image_id in open_ids(project):
        runs = {s.run_id for s in project.history.page(image_id).suggestions}
        assert runs <= {result.run}


def test_a_round_counts_verdicts_and_says_what_it_gained(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    learn_quickly(monkeypatch, copies=1, steps=8)
    image_id = open_ids(project)[0]
    for suggestion in project.history.page(image_id).suggestions:
        page = project.history.page(image_id)
        project.history.perform(accept(page, suggestion, project.history.vocabulary(), annotator="ann"))
    project.history.perform(images.mark_done([project.history.page(image_id)], Task.BOXES, annotator="ann"))
    project.history.flush()
    result = project.train("boxes")
    assert result.metrics["images"] == LABELLED + 1
    assert result.metrics["previous"] is not None
    assert "the last head" in result.reason
    verdicts = project.stats().verdicts
    assert verdicts[Decision.ACCEPTED.value] > 0


def test_too_few_pictures_and_nothing_to_suggest_with_are_told(tmp_path: Path) -> None:
    write_scenes(tmp_path, 2)
    with Project.create(tmp_path / "p", tmp_path / "images", ["disc"]) as made:
        assert made.review.ready().train == (Task.TAGS,)
        with pytest.raises(AnnotatorError, match=r"at least 3 pictures.*Draw boxes"):
            made.train("boxes")
        with pytest.raises(AnnotatorError, match="Nothing can suggest boxes"):
            made.suggest("boxes")


def test_without_torch_training_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    with pytest.raises(ModelError, match=r'pip install -c constraints.txt "\.\[torch\]"'):
        project.train("boxes")
    assert Task.BOXES not in project.review.ready().train
    assert project.suggest("boxes").suggestions > 0


def test_small_things_in_a_large_picture_are_found_tile_by_tile(trained_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_folder / "p", tmp_path / "p")
    scenes = [draw_scene(number) for number in range(200, 206)]
    rows = [np.concatenate([pixels for pixels, *_ in scenes[at : at + 3]], axis=1) for at in (0, 3)]
    wide = np.concatenate(rows)
    boxes, classes = [], []
    for number, (_, found, kinds) in enumerate(scenes):
        boxes.append(found + np.asarray([208 * (number % 3), 160 * (number // 3)] * 2, np.float32))
        classes.append(kinds)
    truth = TrueBoxes(np.concatenate(boxes), np.concatenate(classes))
    with Project.open(tmp_path / "p") as project:
        head = box_heads.load_released(project._parts)
        assert head is not None
        labels = {label.id: label for label in project.labels.all()}
        tiled = replace(head, head=replace(head.head, scale=1.0))
        source = HeadSource(project._parts, tiled, labels, "auto")
        looked = source.look(Opened(wide, 1.0, wide.shape[1], wide.shape[0]))
    assert len(looked.tiles) >= 6
    sure = looked.found.pick(looked.found.scores >= head.sure_from)
    assert len(matches(sure, truth)) >= 0.8 * len(truth.boxes)
    assert len(sure) <= 1.2 * len(truth.boxes)
    made = suggest_boxes(
        1, sure, head.label_ids, NAMES, run_id=1, sure_from=0.3, calibration=ShapeCalibration(), tiles=looked.tiles
    )
    for suggestion in made:
        x1, y1, x2, y2 = suggestion.geometry.bounds() or (0, 0, 0, 0)
        tile = suggestion.extra[TILE]
        assert tile[0] - 1 <= x1 < x2 <= tile[2] + 1
        assert tile[1] - 1 <= y1 < y2 <= tile[3] + 1


def test_a_second_look_finds_what_the_mirrored_picture_shows_clearly(project: Project) -> None:
    head = box_heads.load_released(project._parts)
    assert head is not None
    canvas, box = head.head.canvas, np.asarray([[40, 40, 72, 72]], np.float32)

    class Hesitant:
        """Sees a disc faintly, in the mirror clearly."""

        scale, n_classes, version, calls = 0.0, 2, "hesitant", 0

        def __init__(self) -> None:
            self.canvas = canvas

        def maps(self, _features: object) -> tuple[np.ndarray, np.ndarray]:
            self.calls += 1
            seen = box if self.calls % 2 else mirrored(box, canvas.width)
            target = target_of(Copy(np.zeros(0, np.uint8), seen, np.zeros(1, np.int64)), 2, canvas)
            heat = target.heat * np.float32(0.25 if self.calls % 2 else 0.8)
            return heat[None], np.where(target.sides > 0, target.sides, 4)[None].astype(np.float32)

    labels = {label.id: label for label in project.labels.all()}
    picture = Opened(np.full((canvas.height, canvas.width, 3), 90, np.uint8), 1.0, canvas.width, canvas.height)

    def look(twice: bool) -> Looked:
        project.settings.set(BOX_SECOND_LOOK, twice)
        unsure = replace(head, head=Hesitant(), sure_from=0.5)  # type: ignore[arg-type]
        return HeadSource(project._parts, unsure, labels, "auto").look(picture)

    assert len(look(False).found) == 0
    rescued = look(True).found
    assert rescued.rescued.tolist() == [True]
    assert rescued.scores[0] == pytest.approx((0.25 + 0.8) / 2, abs=0.01)
    np.testing.assert_allclose(rescued.boxes, box, atol=1.0)
