"""The figures of the Insights screen over a small project, and their CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from annotator.edits import accept
from annotator.project import Project
from annotator.usecases import insight_tables


def judge(project: Project, image_ids: list[int], seconds: float = 2.0) -> int:
    """Give the right answer to each suggestion; returns how many were right."""
    right = 0
    for image_id in image_ids:
        page = project.history.page(image_id)
        label = project.labels.by_name(page.image.uri.split("/")[0])
        assert label is not None
        right += page.suggestions[0].label_id == label.id
        edit = accept(
            page,
            page.suggestions[0],
            project.history.vocabulary(),
            annotator="ann",
            label_id=label.id,
            seconds=seconds,
        )
        project.history.perform(edit)
    project.history.flush()
    return right


def test_the_figures_follow_the_work(project: Project, tmp_path: Path) -> None:
    project.suggest()
    ids = project.images.ids().tolist()
    right = judge(project, ids[:7] + ids[8:15] + ids[16:23])
    project.train()
    insights = project.review.insights
    progress = insights.progress()
    assert (progress.total, progress.done, progress.counts[-1]) == (24, 21, 21)
    assert list(progress.moments) == sorted(progress.moments)
    assert progress.hours_left is not None and progress.per_hour is not None
    assert progress.hours_left == pytest.approx(3 / progress.per_hour)
    (point,) = insights.rounds()
    assert (point.round, point.labels, point.released, point.basis) == (1, 21, True, "out-of-fold")
    (acceptance,) = insights.acceptance()
    assert (acceptance.accepted, acceptance.corrected, acceptance.rejected) == (right, 21 - right, 0)
    balance = insights.balance()
    assert [(each.name, each.annotations) for each in balance] == [("red", 7), ("green", 7), ("blue", 7)]
    assert sum(each.suggestions for each in balance) == 3
    (confusion,) = insights.confusion()
    assert confusion.counts.sum() == 21 and confusion.counts.sum(axis=1).tolist() == [7, 7, 7]
    assert {
        image for row in range(3) for column in range(3) for image in confusion.images(row, column).tolist()
    } == set(ids[:7] + ids[8:15] + ids[16:23])
    times = insights.time_per_image()
    assert (times.median, times.verdicts, sum(times.counts)) == (2.0, 21, 21)
    (view,) = insights.calibration()
    assert view.uncalibrated and view.verdicts == 0 and view.needed == 100
    path = tmp_path / "confusion.csv"
    insight_tables.save(insight_tables.confusion(confusion), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["answer", "red", "green", "blue"]
    assert [int(cell) for row in rows[1:] for cell in row[1:]] == confusion.counts.ravel().tolist()


def test_calibration_counts_the_verdicts_of_a_sample_with_what_a_head_said_before(project: Project) -> None:
    project.suggest()
    desk, history = project.review.certificates, project.history
    audit = desk.draw(0.4, 10)
    labels = {s.id: project.labels.by_name(project.images.get(s.image_id).uri.split("/")[0]) for s in audit.sample}
    checked = {s.id: label.id for s in audit.sample if (label := labels[s.id]) is not None}
    history.perform(desk.verdicts(audit, checked, history.page))
    history.flush()
    project.suggest()
    (view,) = project.review.insights.calibration()
    right = sum(checked[s.id] == s.label_id for s in audit.sample)
    assert view.verdicts == len(audit.sample) == view.raw.count.sum()
    assert round(float((view.raw.correct[view.raw.count > 0] * view.raw.count[view.raw.count > 0]).sum())) == right
    assert sum(verdicts for _, _, verdicts in view.by_label) in (0, len(audit.sample))


def test_an_empty_project_has_empty_figures(project: Project) -> None:
    insights = project.review.insights
    assert insights.rounds() == insights.calibration() == insights.confusion() == insights.acceptance() == ()
    assert insights.progress().per_hour is None and insights.time_per_image().median is None
