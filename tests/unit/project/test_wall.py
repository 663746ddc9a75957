"""Piles of the Review wall: what they hold, in which order, and the one edit that judges them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.geometry import Box, Tag
from annotator.domain.kinds import Decision, Source, Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion, new_id
from annotator.errors import JobCancelled
from annotator.job_context import QuietContext
from annotator.project import Project
from annotator.store.images import NewImage
from annotator.usecases.wall import Judgement, WallPile

IMAGES = 30
NOTHING = np.zeros(0, np.int64)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Thirty images that exist only as rows: a tag suggestion on each, and two boxes of different labels."""
    with Project.create(tmp_path / "wall", labels=["cat", "dog", "bird"], annotator="Ada") as made:
        with made._parts.db.write("engine") as writer:
            root = writer.images.add_root("/pictures")
            writer.images.add_many(NewImage(f"{at}.jpg", root, width=640, height=320) for at in range(IMAGES))
            tags = writer.runs.start(Task.TAGS, "test", "1")
            boxes = writer.runs.start(Task.BOXES, "test", "1")
            for image in range(1, IMAGES + 1):
                sure = image / (IMAGES + 1)
                rest = ((2, (1 - sure) / 2), (3, (1 - sure) / 2))
                writer.suggestions.add_many(
                    [
                        Suggestion(new_id(), tags, image, Tag(), ((1, sure), *rest), sure, sure, group_id=1),
                        _box(boxes, image, 1, Box(10, 10, 50, 90), sure),
                        _box(boxes, image, 2, Box(100, 10, 200, 60), 0.5),
                    ]
                )
        yield made


def _box(run: int, image: int, label: int, shape: Box, sure: float) -> Suggestion:
    return Suggestion(new_id(), run, image, shape, ((label, sure),), sure, sure, task=Task.BOXES)


def rows(*numbers: int) -> np.ndarray:
    return np.asarray(numbers, np.int64)


def do(project: Project, pile: WallPile, judgement: Judgement) -> None:
    project.history.perform(project.history.pile_edit(pile, judgement, "Review cat")).future.result()


def test_a_pile_is_sorted_by_confidence_and_knows_its_crops(project: Project) -> None:
    pile = project.review.walls.read(Task.BOXES, 1)
    assert pile.image_ids.tolist() == list(range(IMAGES, 0, -1))
    assert pile.boxes[0].tolist() == [10, 10, 50, 90]
    assert pile.aspects[0] == pytest.approx(0.5)
    tags = project.review.walls.read(Task.TAGS, 1)
    assert len(tags) == IMAGES
    assert np.isnan(tags.boxes).all()
    assert tags.aspects.tolist() == [2.0] * IMAGES
    assert pile.pick(rows(3, 1)).image_ids.tolist() == [IMAGES - 3, IMAGES - 1]
    assert [pile.rows_by_key[pile.key(row)] for row in (0, 7)] == [0, 7]
    assert [tags.rows_by_key[tags.key(row)] for row in (0, 7)] == [0, 7]


def test_piles_are_counted_by_task_and_label(project: Project) -> None:
    found = project.review.walls.counts()
    assert found == {(Task.TAGS, 1): IMAGES, (Task.BOXES, 1): IMAGES, (Task.BOXES, 2): IMAGES}


@pytest.mark.parametrize("task", [Task.TAGS, Task.BOXES])
def test_one_edit_judges_a_pile_and_undo_takes_all_of_it_back(project: Project, task: Task) -> None:
    pile = project.review.walls.read(task, 1)
    before = [project.history.page(image) for image in range(1, IMAGES + 1)]
    do(project, pile, Judgement(np.arange(IMAGES - 2), rows(IMAGES - 2), {IMAGES - 1: 3}))
    assert len(project.history.titles()) == 1
    assert len(project.review.walls.read(task, 1)) == 0
    sure, wrong, other = (project.history.page(image) for image in (IMAGES, 2, 1))
    assert (sure.annotations[-1].label_id, sure.annotations[-1].source) == (1, Source.ACCEPTED)
    assert [v.decision for v in wrong.verdicts] == [Decision.REJECTED]
    assert not wrong.annotations
    assert (other.annotations[-1].label_id, other.verdicts[-1].decision) == (3, Decision.CORRECTED)
    assert (Task.TAGS in sure.done) == (task is Task.TAGS)
    project.history.undo()
    project.history.flush()
    assert [project.history.page(image) for image in range(1, IMAGES + 1)] == before
    assert len(project.review.walls.read(task, 1)) == IMAGES


def test_what_was_judged_in_the_meantime_is_passed_over(project: Project) -> None:
    pile = project.review.walls.read(Task.BOXES, 1)
    do(project, pile, Judgement(NOTHING, rows(0), {}))
    do(project, pile, Judgement(np.arange(IMAGES), NOTHING, {}))
    assert [v.decision for v in project.history.page(IMAGES).verdicts] == [Decision.REJECTED]
    assert [v.decision for v in project.history.page(1).verdicts] == [Decision.ACCEPTED]


def test_done_and_hidden_images_are_not_in_a_pile(project: Project) -> None:
    with project._parts.db.write("Ada") as writer:
        writer.images.set_done([5], Task.BOXES)
    assert 5 not in project.review.walls.read(Task.BOXES, 1).image_ids
    assert 5 in project.review.walls.read(Task.TAGS, 1).image_ids


def test_a_cancelled_edit_changes_nothing(project: Project) -> None:
    class Impatient(QuietContext):
        def check_cancelled(self) -> None:
            raise JobCancelled

    pile = project.review.walls.read(Task.BOXES, 1)
    with pytest.raises(JobCancelled):
        project.history.pile_edit(pile, Judgement(np.arange(IMAGES), NOTHING, {}), "x", Impatient())
    assert not project.history.can_undo


def test_pages_read_together_are_those_read_one_by_one(project: Project) -> None:
    pile = project.review.walls.read(Task.BOXES, 1)
    do(project, pile, Judgement(np.arange(10), rows(12), {13: 3}))
    ids = list(range(1, IMAGES + 1))
    with project._parts.db.read() as reader:
        together: list[Page] = reader.pages.load_many([*ids, 999])
        alone = [reader.pages.load(image) for image in ids]
    assert together == alone


def test_given_suggestions_make_a_wall_in_their_order(project: Project) -> None:
    chosen = [s for image in (4, 2) for s in project.review.open_suggestions(image) if s.label_id == 2]
    wall = project.review.walls.of(chosen, Task.BOXES)
    assert wall.image_ids.tolist() == [4, 2]
    assert wall.ids == tuple(s.id for s in chosen)
    assert wall.aspects.tolist() == [2.0, 2.0]


def test_many_pages_are_those_that_are_read_one_by_one_and_wait_for_what_is_being_saved(project: Project) -> None:
    pile = project.review.walls.read(Task.BOXES, 1)
    project.history.perform(project.history.pile_edit(pile, Judgement(rows(0, 1), rows(2), {3: 3}), "Review cat"))
    wanted = [*range(IMAGES, 0, -1)]
    assert list(project.history.pages(wanted)) == [project.history.page(image) for image in wanted]


def test_a_row_has_the_same_code_wherever_it_stands(project: Project) -> None:
    pile = project.review.walls.read(Task.BOXES, 1).indexed()
    turned = pile.pick(np.arange(len(pile))[::-1])
    assert turned.codes.tolist() == pile.codes.tolist()[::-1]
    assert len(set(pile.codes.tolist())) == len(pile)
