"""Masks over a project: boxes are filled, painted images teach a head, and what a person drew is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.domain import overlap
from annotator.domain.geometry import Box, Mask, Tag
from annotator.domain.kinds import ImageState, Split, Task
from annotator.domain.records import Suggestion, new_annotation, new_id
from annotator.edits import accept, reject
from annotator.errors import AnnotatorError
from annotator.job_context import QUIET
from annotator.learning import semantic_training
from annotator.project import Project
from annotator.usecases import mask_suggest, readiness
from annotator.usecases.tasks import SuggestRequest
from tests.unit.learning.scenes import scene

LABELS = ("disk", "plate")
IMAGES = 6


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(IMAGES):
        done, data = cv2.imencode(".png", scene(seed, len(LABELS))[0][..., ::-1])
        assert done
        (folder / f"{seed}.png").write_bytes(data.tobytes())
    return folder


@pytest.fixture
def project(tmp_path: Path, scenes: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "scenes", scenes, list(LABELS), annotator="ann") as made:
        yield made


@pytest.fixture(scope="module")
def taught_folder(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Path:
    """A project whose first two images are painted and learned."""
    folder = tmp_path_factory.mktemp("taught") / "scenes"
    with Project.create(folder, scenes, list(LABELS), annotator="ann") as made:
        paint(made, made.images.ids().tolist()[:2])
        assert made.train(Task.MASKS).reason.startswith("Not tested")
        return made.path


@pytest.fixture
def taught(taught_folder: Path, tmp_path: Path) -> Iterator[Project]:
    with Project.open(shutil.copytree(taught_folder, tmp_path / taught_folder.name), annotator="ann") as opened:
        yield opened


def seed_of(project: Project, image_id: int) -> int:
    return int(project.images.get(image_id).name.removesuffix(".png"))


def truth(project: Project, image_id: int, kind: int) -> np.ndarray:
    return scene(seed_of(project, image_id), len(LABELS))[1] == kind


def paint(project: Project, image_ids: list[int]) -> None:
    """Paint all of the images and call them done for masks."""
    with project._parts.db.write("test") as writer:
        for image_id in image_ids:
            masks = [Mask.from_array(truth(project, image_id, kind)) for kind in (1, 2)]
            writer.annotations.add_many(
                new_annotation(image_id, kind, mask) for kind, mask in enumerate(masks, start=1) if mask is not None
            )
        writer.images.set_done(image_ids, Task.MASKS)


def largest_piece(plane: np.ndarray) -> np.ndarray:
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(plane.astype(np.uint8))
    return np.asarray(pieces == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def test_a_box_becomes_a_mask_of_its_label(project: Project) -> None:
    image_id = int(project.images.ids()[0])
    piece = largest_piece(truth(project, image_id, 1))
    mask = Mask.from_array(piece)
    assert mask is not None
    with project._parts.db.write("test") as writer:
        writer.annotations.add_many([new_annotation(image_id, 1, Box(*mask.bounds()))])
    result = project.suggest(Task.MASKS)
    assert (result.suggestions, result.images, result.model) == (1, IMAGES, "embedded-segmenter")
    (found,) = [each for each in project.review.open_suggestions(image_id) if each.task is Task.MASKS]
    assert found.label_id == 1
    assert found.reason == mask_suggest.FROM_BOX
    assert 0 < found.confidence <= 1
    assert overlap.iou(found.geometry, mask) > 0.7


def test_the_segmenter_that_was_named_serves_from_then_on_and_one_that_leads_nowhere_does_not(project: Project) -> None:
    image_id = int(project.images.ids()[0])
    with project._parts.db.write("test") as writer:
        writer.annotations.add_many([new_annotation(image_id, 1, Box(10, 10, 90, 90))])

    def version(run: int) -> str:
        with project._parts.db.read() as reader:
            return next(each.model_version for each in reader.runs.all() if each.id == run)

    first = version(project.suggest(Task.MASKS).run)
    named = version(project.suggest(Task.MASKS, "embedded-segmenter-commercial").run)
    assert named != first
    with pytest.raises(AnnotatorError):
        project.suggest(Task.MASKS, "embedded")
    assert version(project.suggest(Task.MASKS).run) == named


def test_verdicts_on_done_images_calibrate_how_sure_a_mask_is(project: Project) -> None:
    """What scores .9 was right in one of five cases: the next mask from a box may not claim its score."""
    *judged, last = project.images.ids().tolist()
    words = project.history.vocabulary()
    small = Mask.from_array(np.ones((3, 3), bool))
    assert small is not None
    with project._parts.db.write("test") as writer:
        run = writer.runs.start(Task.MASKS, "test", "1")
        said = [
            Suggestion(
                new_id(), run, i, small.moved(4 * n, 0), ((1, 0.9),), 0.9, 0.9, mask_suggest.FROM_BOX, Task.MASKS
            )
            for i in judged
            for n in range(25)
        ]
        writer.suggestions.add_many(said)
        thing = Mask.from_array(largest_piece(truth(project, last, 1)))
        assert thing is not None
        writer.annotations.add_many([new_annotation(last, 1, Box(*thing.bounds()))])
    for image_id in judged:
        for number, suggestion in enumerate(s for s in said if s.image_id == image_id):
            judge = accept if number % 5 == 0 else reject
            project.history.perform(judge(project.history.page(image_id), suggestion, words, annotator="ann"))

    def suggested() -> Suggestion:
        project.suggest(Task.MASKS)
        (found,) = [s for s in project.review.open_suggestions(last) if s.task is Task.MASKS]
        return found

    project.history.flush()
    before = suggested()
    assert before.uncalibrated
    assert before.confidence == pytest.approx(before.score)
    with project._parts.db.write("test") as writer:
        writer.images.set_done(judged, Task.MASKS)
    after = suggested()
    assert not after.uncalibrated
    assert after.score == pytest.approx(before.score)
    assert after.confidence < 0.5 * after.score


def test_a_box_that_has_its_mask_is_left_alone(project: Project) -> None:
    first, second = (int(each) for each in project.images.ids()[:2])
    mask = Mask.from_array(largest_piece(truth(project, first, 1)))
    assert mask is not None
    with project._parts.db.write("test") as writer:
        writer.annotations.add_many([new_annotation(first, 1, mask), new_annotation(first, 1, Box(*mask.bounds()))])
        writer.annotations.add_many([new_annotation(second, 2, Box(10, 10, 90, 90))])
    project.suggest(Task.MASKS)
    assert not project.review.open_suggestions(first)
    assert len(project.review.open_suggestions(second)) == 1


def test_four_painted_images_teach_a_head_that_paints_the_others(project: Project) -> None:
    ids = project.images.ids().tolist()
    paint(project, ids[:4])
    result = project.train(Task.MASKS)
    assert result.released
    assert result.metrics["miou"] > 0.7
    assert "seen" in result.reason
    assert result.run is not None
    for image_id in ids[:4]:
        assert not project.review.open_suggestions(image_id)
    for image_id in ids[4:]:
        found = project.review.open_suggestions(image_id)
        assert {each.task for each in found} == {Task.MASKS}
        for kind in (1, 2):
            plane = np.zeros((240, 320), np.bool_)
            for each in found:
                if each.label_id == kind and isinstance(each.geometry, Mask):
                    plane |= each.geometry.to_full_array(240, 320)
            wanted = truth(project, image_id, kind)
            assert (plane & wanted).sum() / (plane | wanted).sum() > 0.7


def test_a_later_run_closes_the_suggestions_of_the_one_before(taught: Project) -> None:
    last = taught.images.ids().tolist()[5]
    before = {each.id for each in taught.review.open_suggestions(last)}
    taught.suggest(Task.MASKS)
    after = {each.id for each in taught.review.open_suggestions(last)}
    assert before
    assert after
    assert not before & after


def test_what_a_person_has_drawn_is_not_suggested_again(taught: Project) -> None:
    last = taught.images.ids().tolist()[5]
    suggestion = taught.review.open_suggestions(last)[0]
    with taught._parts.db.write("test") as writer:
        writer.annotations.add_many([new_annotation(last, suggestion.label_id, suggestion.geometry)])
    taught.suggest(Task.MASKS)
    assert all(
        each.label_id != suggestion.label_id or overlap.iou(each.geometry, suggestion.geometry) < overlap.SAME_PLACE
        for each in taught.review.open_suggestions(last)
    )


def test_skipped_images_get_no_masks_and_a_limit_is_kept(taught: Project) -> None:
    with taught._parts.db.write("test") as writer:
        writer.images.set_state([taught.images.ids().tolist()[2]], ImageState.SKIPPED)
    assert taught.suggest(Task.MASKS).images == IMAGES - 3
    assert mask_suggest.suggest(taught._parts, SuggestRequest(limit=1), QUIET).images <= 1


def test_a_worse_head_is_not_released(taught: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = taught.images.ids().tolist()
    paint(taught, ids[2:])
    monkeypatch.setattr(semantic_training, "EXAMPLES_SEEN", 0)
    monkeypatch.setattr(semantic_training, "LEAST_PASSES", 1)
    monkeypatch.setattr(semantic_training, "MOST_EXAMPLES", 40)
    result = taught.train(Task.MASKS)
    assert not result.released
    assert "worse than" in result.reason
    assert result.run is None


def test_nothing_to_start_from_says_what_to_do(project: Project) -> None:
    with pytest.raises(AnnotatorError, match="nothing to make masks from"):
        project.suggest(Task.MASKS)
    with project._parts.db.read() as reader:
        assert not reader.runs.all()
    with pytest.raises(AnnotatorError, match="Nothing is painted"):
        project.train(Task.MASKS)
    assert not readiness.can_suggest_masks(project._parts)
    assert not readiness.is_painted(project._parts)


def test_the_test_split_teaches_nothing(project: Project) -> None:
    ids = project.images.ids().tolist()
    paint(project, ids[:2])
    assert readiness.painted_ids(project._parts).tolist() == ids[:2]
    with project._parts.db.write("test") as writer:
        writer.images.set_split([ids[0]], Split.TEST)
        writer.annotations.add_many([new_annotation(ids[3], 1, Tag())])
    assert readiness.painted_ids(project._parts).tolist() == ids[1:2]


def test_the_loop_is_played_against_a_truth_in_files(project: Project, tmp_path: Path) -> None:
    ids = project.images.ids().tolist()
    paint(project, ids)
    project.export(tmp_path / "truth", "coco")
    with Project.create(tmp_path / "fresh", Path(project.images.path(ids[0])).parent, [], annotator="ann") as fresh:
        with fresh._parts.db.write("test") as writer:
            writer.images.set_split(fresh.images.ids().tolist()[4:], Split.TEST)
        result = fresh.simulate(Task.MASKS, truth=tmp_path / "truth", budgets=(1, 3), seeds=1)
        assert fresh.images.counts()[ImageState.NEW] == IMAGES
    assert (result.metric, result.scored_on, result.scored_images) == ("mIoU", "test", 2)
    assert [point.budget for point in result.curve] == [1, 3]
    assert result.full_supervision > 0.7
    assert result.curve[0].actions < result.curve[1].actions
    for point in result.curve:
        assert point.keys + point.clicks + point.drags == point.actions < point.by_hand
    assert result.actions_for_all is not None
    assert result.actions_drawing_all is not None
    assert 0 < result.actions_for_all < result.actions_drawing_all


def test_a_click_becomes_a_box(project: Project) -> None:
    image_id = int(project.images.ids()[0])
    piece = largest_piece(truth(project, image_id, 1))
    mask = Mask.from_array(piece)
    assert mask is not None
    rows, columns = np.nonzero(piece)
    middle = len(rows) // 2
    found = project.box_at(image_id, float(columns[middle]) + 0.5, float(rows[middle]) + 0.5)
    assert overlap.iou(found, Box(*mask.bounds())) > 0.5
    with pytest.raises(ValueError, match="outside"):
        project.box_at(image_id, -1, 5)
