"""Certificates of boxes and masks: the sample, what an oracle calls right, what is accepted and what is not covered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from annotator.domain.geometry import Box, Geometry, Mask
from annotator.domain.kinds import Source, Task
from annotator.domain.records import Label, Suggestion, new_id
from annotator.errors import AnnotatorError, UsageError
from annotator.project import Project
from annotator.usecases.certification import BY_EYE
from annotator.usecases.samples import Audit

EACH = 2
TRUE_BOX = Box(10, 10, 40, 40)


def label(project: Project, name: str) -> Label:
    return next(each for each in project.labels.all() if each.name == name)


def shape(task: Task, at: int, shift: float) -> Geometry:
    """The ``at``-th thing of a picture, ``shift`` pixels to the right of where it is."""
    x, y = 10 + 45 * at + shift, 10.0
    if task is Task.BOXES:
        return Box(x, y, x + 30, y + 30)
    made = Mask.from_array(np.ones((30, 30), bool), round(x), round(y))
    assert made is not None
    return made


def propose(
    project: Project, task: Task, shifts: dict[int, float] | None = None, name: str = "red"
) -> list[Suggestion]:
    """Two things on every picture, surer and surer, some of them beside the thing; in the order of the pile."""
    ids = [image for image in project.images.ids().tolist() for _ in range(EACH)]
    made = []
    with project._parts.db.write("engine") as writer:
        run = writer.runs.start(task, "test", "v1")
        for number, image in enumerate(ids):
            sure = 0.999 - 0.0002 * number
            geometry = shape(task, number % EACH, (shifts or {}).get(number, 1))
            given = ((label(project, name).id, sure),)
            made.append(Suggestion(new_id(), run, image, geometry, given, sure, sure, task=task))
        writer.suggestions.add_many(made)
        writer.runs.progress(run, len(ids), len(made), finished=True)
    return made


def oracle(project: Project, folder: Path, task: Task, renamed: tuple[int, ...] = ()) -> Path:
    """The truth as COCO; things of ``renamed`` numbers are green."""
    images, annotations = [], []
    for at, image in enumerate(project.images.many(project.images.ids().tolist())):
        images.append({"id": image.id, "file_name": image.uri, "width": image.width, "height": image.height})
        for thing in range(EACH):
            number = EACH * at + thing
            x1, y1, x2, y2 = shape(task, thing, 0).bounds() or (0, 0, 0, 0)
            outline = [x1, y1, x2, y1, x2, y2, x1, y2]
            annotations.append(
                {
                    "id": number + 1,
                    "image_id": image.id,
                    "category_id": 2 if number in renamed else 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    **({"segmentation": [outline]} if task is Task.MASKS else {}),
                }
            )
    categories = [{"id": 1, "name": "red"}, {"id": 2, "name": "green"}]
    target = folder / f"truth-{task.value}.json"
    target.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return target


@pytest.fixture
def boxed(project: Project) -> Iterator[Project]:
    propose(project, Task.BOXES)
    yield project


def right(audit: Audit) -> dict[UUID, int | None]:
    return {s.id: s.label_id for s in audit.sample}


@pytest.mark.parametrize("task", [Task.BOXES, Task.MASKS])
def test_shapes_are_certified_by_an_oracle_that_measures_their_overlap(
    project: Project, tmp_path: Path, task: Task
) -> None:
    propose(project, task)
    result = project.accept(task.value, max_error=0.4, audit=10, oracle=oracle(project, tmp_path, task))
    assert (result.audited, result.missing) == (10, "")
    (signed,) = project.review.certificates.signed()
    thing = "a box" if task is Task.BOXES else "a mask"
    assert signed.criterion == f"the label is that of {thing} in truth-{task.value}.json at IoU ≥ 0.5"
    assert (signed.task, signed.errors, signed.bound) == (task.value, 0, result.bound)
    pages = [project.history.page(image) for image in project.images.ids().tolist()]
    sources = [a.source for page in pages for a in page.annotations]
    assert sources.count(Source.CERTIFIED) == signed.accepted == signed.annotations > 0
    assert sources.count(Source.ACCEPTED) == 10
    assert sum(len(page.suggestions) for page in pages) == 2 * len(pages) - signed.accepted - 10


def test_what_lies_beside_the_thing_is_wrong_and_another_label_there_is_that(project: Project, tmp_path: Path) -> None:
    total = EACH * len(project.images.ids())
    first, second, *renamed = range(total - 4, total)
    proposed = propose(project, Task.BOXES, {first: 20.0, second: 20.0})
    truth = oracle(project, tmp_path, Task.BOXES, tuple(renamed))
    result = project.accept("boxes", max_error=0.3, audit=total, oracle=truth)
    assert result.bound is not None and result.audited == total
    assert project.stats().verdicts == {"accepted": total - 4, "corrected": 2, "rejected": 2}
    green = label(project, "green").id
    pages = [project.history.page(image) for image in project.images.ids().tolist()]
    assert sum(a.label_id == green for page in pages for a in page.annotations) == len(renamed)
    rejected = {proposed[first].id, proposed[second].id}
    assert rejected == {v.suggestion_id for page in pages for v in page.verdicts if v.decision.value == "rejected"}


def test_an_oracle_that_does_not_cover_the_sample_or_has_no_such_shapes_is_refused(
    boxed: Project, tmp_path: Path
) -> None:
    truth = oracle(boxed, tmp_path, Task.BOXES)
    kept = json.loads(truth.read_text())
    few = {image["id"] for image in kept["images"][:3]}
    kept["images"] = kept["images"][:3]
    kept["annotations"] = [each for each in kept["annotations"] if each["image_id"] in few]
    truth.write_text(json.dumps(kept))
    with pytest.raises(AnnotatorError, match="does not say what"):
        boxed.accept("boxes", max_error=0.4, audit=10, oracle=truth)
    drawn = boxed.review.certificates.resume(Task.BOXES)
    assert drawn is not None, "the sample stays the same"
    propose(boxed, Task.MASKS)
    with pytest.raises(AnnotatorError, match="has no mask or polygon"):
        boxed.accept("masks", max_error=0.4, audit=10, oracle=truth)
    again = boxed.review.certificates.resume(Task.BOXES)
    assert again is not None and again[0] == drawn[0]


def test_each_task_has_a_sample_of_its_own_that_can_be_taken_up_again(boxed: Project) -> None:
    boxed.suggest()
    desk = boxed.review.certificates
    tags, boxes = desk.draw(0.4, 10), desk.draw(0.4, 12, task=Task.BOXES)
    some = dict(list(right(boxes).items())[:5])
    desk.remember(boxes, some)
    with Project.open(boxed.path, lock=False) as again:
        kept = again.review.certificates.resume(Task.BOXES)
        other = again.review.certificates.resume()
        assert again.review.certificates.resume(Task.MASKS) is None
    assert kept == (boxes, some)
    assert other == (tags, {})
    assert desk.draw(0.4, task=Task.BOXES) == boxes


def test_the_sample_of_boxes_follows_confidence_and_its_answers_count_in_the_fixed_sequence(boxed: Project) -> None:
    desk, history = boxed.review.certificates, boxed.history
    audit = desk.draw(0.2, 30, task=Task.BOXES, seed=7)
    by_place = [audit.sample[at] for at in np.argsort(audit.places)]
    assert [s.confidence for s in by_place] == sorted((s.confidence for s in by_place), reverse=True)
    worst = by_place[-8:]
    checked: dict[UUID, int | None] = {**right(audit), **{s.id: None for s in worst}}
    history.perform(desk.verdicts(audit, checked, history.page))
    conclusion = desk.conclude(audit, checked)
    desk.record(conclusion)
    assert conclusion.passed and conclusion.errors < len(worst), "only the prefix before the errors passes"
    least = min(s.confidence for s in conclusion.accept)
    assert least > worst[-1].confidence
    (signed,) = desk.signed()
    assert signed.criterion == BY_EYE[Task.BOXES]


def test_a_failure_closes_the_run_of_that_task_alone(boxed: Project) -> None:
    boxed.suggest()
    desk = boxed.review.certificates
    audit = desk.draw(0.4, 10, task=Task.BOXES)
    conclusion = desk.conclude(audit, {s.id: None for s in audit.sample})
    desk.record(conclusion)
    assert "audited already" in desk.blocked(Task.BOXES) and desk.blocked(Task.TAGS) == ""
    with pytest.raises(AnnotatorError, match="audited already"):
        desk.draw(0.3, 10, task=Task.BOXES)
    propose(boxed, Task.BOXES)
    assert desk.blocked(Task.BOXES) == ""


def test_what_was_suggested_after_the_draw_is_not_covered(boxed: Project) -> None:
    desk = boxed.review.certificates
    audit = desk.draw(0.4, 10, task=Task.BOXES)
    late = {s.id for s in propose(boxed, Task.BOXES)}
    conclusion = desk.conclude(audit, right(audit))
    assert conclusion.accept and not late & {s.id for s in conclusion.accept}


def test_captions_and_points_have_no_certificates(boxed: Project) -> None:
    with pytest.raises(UsageError, match="Suggestions of keypoints cannot be certified"):
        boxed.review.certificates.draw(0.4, task=Task.KEYPOINTS)
    with pytest.raises(AnnotatorError, match="no open suggestions of masks"):
        boxed.review.certificates.draw(0.4, task=Task.MASKS)


def test_a_sample_of_imported_tags_is_taken_up_again_and_concluded(project: Project, tmp_path: Path) -> None:
    """A project without a run of its own: all its suggestions came from a file."""
    images = project.images.many(project.images.ids().tolist())
    lines = ["image,label,confidence", *(f"{each.uri},{each.uri.split('/')[0]},0.9" for each in images)]
    table = tmp_path / "guesses.csv"
    table.write_text("\n".join(lines))
    project.import_dataset(table, format="csv", as_="suggestions")
    desk, history = project.review.certificates, project.history
    audit = desk.draw(0.4, 10)
    some = dict(list(right(audit).items())[:3])
    desk.remember(audit, some)
    with Project.open(project.path, lock=False) as again:
        assert again.review.certificates.resume() == (audit, some)
    history.perform(desk.verdicts(audit, right(audit), history.page))
    conclusion = desk.conclude(audit, right(audit))
    desk.record(conclusion)
    history.perform(desk.acceptance(conclusion, history.pages))
    history.flush()
    (signed,) = desk.signed()
    assert signed.accepted == len(conclusion.accept) == len(images) - len(audit.sample)
    sources = project.stats().sources
    assert (sources["accepted"], sources["certified"]) == (len(audit.sample), signed.accepted)


def test_imported_tags_beside_a_run_of_the_projects_own_are_in_the_sample_and_stay_there(
    project: Project, tmp_path: Path
) -> None:
    project.suggest()
    images = project.images.many(project.images.ids().tolist())[:12]
    table = tmp_path / "guesses.csv"
    table.write_text("\n".join(["image,label,confidence", *(f"{each.uri},blue,0.95" for each in images)]))
    project.import_dataset(table, format="csv", as_="suggestions")
    desk = project.review.certificates
    audit = desk.draw(0.4, 24)
    runs = {s.run_id for s in audit.sample}
    assert len(runs) == 2, "both the run's and the imported ones are drawn"
    with Project.open(project.path, lock=False) as again:
        assert again.review.certificates.resume() == (audit, {})
    conclusion = desk.conclude(audit, right(audit))
    assert {s.id for s in conclusion.accept}.isdisjoint(s.id for s in audit.sample)
