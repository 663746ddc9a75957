"""Groups of regions over a project: made without labels, named once for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.domain.geometry import Mask
from annotator.domain.kinds import Task
from annotator.edits import accept
from annotator.errors import AnnotatorError, UsageError
from annotator.project import Project
from annotator.usecases.region_groups import EXAMPLES, SHOWN, group_name
from tests.unit.learning.scenes import scene


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for seed in range(4):
        done, data = cv2.imencode(".png", scene(seed, 1)[0][..., ::-1])
        assert done
        (folder / f"{seed}.png").write_bytes(data.tobytes())
    with Project.create(tmp_path / "made", folder, ["disk", "ground"], annotator="ann") as made:
        yield made


def test_a_named_group_becomes_suggestions_of_its_label(project: Project) -> None:
    made = project.group_regions(4)
    assert made.images == 4
    assert [each.name for each in made.groups] == ["A", "B", "C", "D"][: len(made.groups)]
    assert sum(each.regions for each in made.groups) == made.regions
    first = project.name_regions({"A": "ground"})
    assert first.suggestions == made.groups[0].regions
    both = project.name_regions({"B": "disk"})
    assert both.suggestions == made.groups[0].regions + made.groups[1].regions
    seen = 0
    for image_id in project.images.ids().tolist():
        for each in project.review.open_suggestions(image_id):
            seen += 1
            assert each.task is Task.MASKS
            assert each.run_id == both.run
            assert isinstance(each.geometry, Mask)
            name = {1: "B", 2: "A"}[each.label_id]
            assert each.reason == f"looks like group {name}"
            assert 0 <= each.confidence <= 1
    assert seen == both.suggestions


def test_a_name_is_taken_back_with_what_it_suggested_but_not_with_what_was_accepted(project: Project) -> None:
    made = project.group_regions(3)
    assert project.region_groups()[0].group == made.groups[0]
    project.name_regions({"A": "ground", "B": "disk"})
    image_id = next(i for i in project.images.ids().tolist() if len(open_labels(project, i)) > 1)
    page = project.history.page(image_id)
    accepted = next(s for s in page.suggestions if s.reason == "looks like group A")
    project.history.perform(accept(page, accepted, project.history.vocabulary(), annotator="ann"))
    project.name_regions({"A": ""})
    assert [view.group.label for view in project.region_groups()] == ["", "disk", ""]
    left = [label for i in project.images.ids().tolist() for label in open_labels(project, i)]
    assert left == [1] * made.groups[1].regions
    assert [a.label_id for a in project.history.page(image_id).annotations] == [2]


def open_labels(project: Project, image_id: int) -> list[int]:
    return sorted(s.label_id for s in project.review.open_suggestions(image_id))


def test_the_clearest_regions_are_shown_of_different_pictures_first(project: Project) -> None:
    assert project.region_groups() == ()
    project.group_regions(2)
    first, *_ = project.region_groups()
    pictures = [image_id for image_id, _ in first.examples]
    assert len(pictures) == min(SHOWN, first.group.regions)
    assert len(set(pictures[: first.group.images])) == first.group.images
    assert tuple(pictures[:EXAMPLES]) == first.group.examples


def test_masks_of_groups_follow_what_lies_there(project: Project) -> None:
    made = project.group_regions(3)
    project.name_regions({each.name: "disk" for each in made.groups})
    for image_id in project.images.ids().tolist():
        ids = scene(int(project.images.get(image_id).name[0]), 1)[1]
        times = np.zeros(ids.shape, int)
        for each in project.review.open_suggestions(image_id):
            assert isinstance(each.geometry, Mask)
            times += each.geometry.to_full_array(*ids.shape)
        assert (times == 1).all()


def test_names_that_do_not_exist_are_refused(project: Project) -> None:
    with pytest.raises(AnnotatorError, match="no groups"):
        project.name_regions({"A": "disk"})
    project.group_regions(2)
    with pytest.raises(UsageError, match="no group 'Z'"):
        project.name_regions({"Z": "disk"})
    with pytest.raises(UsageError, match="no label 'cat'"):
        project.name_regions({"A": "cat"})
    with pytest.raises(UsageError, match="1 to 100"):
        project.group_regions(0)


def test_there_are_names_for_more_groups_than_letters() -> None:
    assert [group_name(at) for at in (0, 25, 26, 99)] == ["A", "Z", "AA", "CV"]
