"""Groups of labels: exclusive or not from the start, made later, and what several tags on one picture mean for the loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.kinds import Decision, Task
from annotator.domain.records import LabelGroup
from annotator.edits import accept, set_tag
from annotator.edits.labels import change_label_fields
from annotator.errors import UsageError
from annotator.events import ChangeSet, Table
from annotator.project import Project
from annotator.pseudolabel.calibrate import Calibration
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases import tag_table
from annotator.usecases.settings_view import TAG_RUN
from annotator.usecases.tag_table import GroupTable, TagTable
from tests.unit.project.conftest import COLORS


@pytest.fixture
def several(tmp_path: Path, pictures: Path) -> Iterator[Project]:
    """A project in which a picture may have several colours."""
    with Project.create(tmp_path / "several", pictures, list(COLORS), exclusive=False, annotator="ann") as made:
        yield made


def say(project: Project, probabilities: list[float]) -> None:
    """A run that says the same of every picture."""
    (group,) = project.labels.groups()
    ids = project.images.ids()
    labels = tuple(label.id for label in project.labels.all())
    with project._parts.db.write("test") as writer:
        run = writer.runs.start(Task.TAGS, "test", "1")
    every = np.tile(np.asarray(probabilities, np.float16), (len(ids), 1))
    part = GroupTable(TagGroup(labels, group.id, group.exclusive), every, Calibration())
    tag_table.write(project._parts, TagTable(run, "key", ids, [part]))
    with project._parts.db.write("test") as writer:
        writer.settings.set(TAG_RUN, run)


def tag_names(project: Project, image_id: int) -> set[str]:
    return {project.labels.get(a.label_id).name for a in project.history.page(image_id).annotations}


def test_labels_of_a_new_project_exclude_each_other_unless_told_otherwise(project: Project, several: Project) -> None:
    assert [group.exclusive for group in project.labels.groups()] == [True]
    assert [group.exclusive for group in several.labels.groups()] == [False]
    (group,) = several.labels.groups()
    assert {label.group_id for label in several.labels.all()} == {group.id}


def test_accepting_one_tag_leaves_the_others_open_and_two_stand_together(several: Project) -> None:
    say(several, [0.9, 0.8, 0.2])
    image_id = int(several.images.ids()[0])
    page = several.history.page(image_id)
    first, second = page.suggestions
    several.history.perform(accept(page, first, several.history.vocabulary(), annotator="ann"))
    page = several.history.page(image_id)
    assert page.suggestions == (second,)
    assert Task.TAGS not in page.done
    several.history.perform(accept(page, second, several.history.vocabulary(), annotator="ann"))
    several.history.flush()
    page = several.history.page(image_id)
    assert page.suggestions == ()
    assert tag_names(several, image_id) == {"red", "green"}
    assert {v.suggestion_id: v.decision for v in page.verdicts} == dict.fromkeys(
        (first.id, second.id), Decision.ACCEPTED
    )


def test_in_an_exclusive_group_a_second_tag_replaces_the_first(project: Project) -> None:
    image_id = int(project.images.ids()[0])
    for label in project.labels.all()[:2]:
        page = project.history.page(image_id)
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    assert tag_names(project, image_id) == {"green"}


def test_a_group_is_made_once_and_changed_after(project: Project) -> None:
    heard: list[ChangeSet] = []
    project.subscribe(heard.append)
    scene = project.labels.set_group("  the   scene ", exclusive=False)
    assert scene == LabelGroup(scene.id, "the scene", False)
    assert any(changes.touches(Table.LABEL) for changes in heard)
    assert project.labels.set_group("the scene") == LabelGroup(scene.id, "the scene", True)
    assert project.labels.groups() == (LabelGroup(1, "labels", True), LabelGroup(scene.id, "the scene", True))


def test_a_group_needs_a_name(project: Project) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        project.labels.set_group("  ")
    assert len(project.labels.groups()) == 1


def test_a_label_in_another_group_can_stand_beside_the_first_and_undo_brings_it_back(project: Project) -> None:
    scene = project.labels.set_group("scene", exclusive=False)
    red, _, blue = project.labels.all()
    project.history.perform(change_label_fields(blue, annotator="ann", group_id=scene.id))
    image_id = int(project.images.ids()[0])
    project.history.flush()
    for label in (red, blue):
        page = project.history.page(image_id)
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    assert tag_names(project, image_id) == {"red", "blue"}
    for _ in range(3):
        project.history.undo()
    project.history.flush()
    assert project.labels.get(blue.id).group_id == red.group_id


def test_a_head_of_an_exclusive_group_is_not_used_once_the_group_is_not(project: Project) -> None:
    project.suggest()
    for image_id in project.images.ids().tolist():
        label = project.labels.by_name(project.images.get(image_id).uri.split("/")[0])
        assert label is not None
        if image_id % 2:
            page = project.history.page(image_id)
            project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    project.history.flush()
    assert project.train().released
    project.suggest()
    assert "+" in project.review.in_force().version
    project.labels.set_group("labels", exclusive=False)
    project.suggest()
    assert "+" not in project.review.in_force().version
    result = project.train()
    assert result.released
    for image_id in project.images.ids().tolist():
        page = project.history.page(image_id)
        assert {s.label_id for s in page.suggestions}.isdisjoint(a.label_id for a in page.annotations)
        assert all(len(s.distribution) == 1 for s in page.suggestions)
