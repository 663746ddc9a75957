"""The queue's order stays steady for the person who walks along it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from annotator.project import Project
from annotator.usecases import ranking
from tests.unit.project.conftest import COLORS, draw


def test_without_a_ranking_images_come_as_they_were_found(project: Project) -> None:
    assert project.queue.order().tolist() == project.images.ids().tolist()
    assert project.queue.remaining() == 24


def test_a_ranking_orders_what_is_ahead_and_gives_reasons(project: Project) -> None:
    ids = project.images.ids()
    ranking.write(project._parts, ids[::-1], {int(ids[-1]): "red or blue?"}, "train")
    assert project.queue.order().tolist() == ids[::-1].tolist()
    assert project.queue.reason(int(ids[-1])) == "red or blue?"
    assert project.queue.reason(int(ids[0])) == ""


def test_visited_current_and_next_ten_do_not_move(project: Project) -> None:
    before = project.queue.order().tolist()
    for image_id in before[:3]:
        project.queue.visited(image_id)
    ranking.write(project._parts, np.asarray(before[::-1], np.int64), {}, "train")
    after = project.queue.order().tolist()
    assert after[:13] == before[:13]
    assert after[13:] == before[13:][::-1]
    assert sorted(after) == sorted(before)


def test_new_images_come_last(project: Project, pictures: Path) -> None:
    before = project.queue.order().tolist()
    ranking.write(project._parts, np.asarray(before[::-1], np.int64), {}, "train")
    draw(pictures / "00new.png", COLORS["red"], 44)
    project.scan()
    after = project.queue.order().tolist()
    assert after[:-1] == before[::-1]
    assert project.images.get(after[-1]).uri == "00new.png"


def test_a_damaged_ranking_is_no_trouble(project: Project) -> None:
    ids = project.images.ids()
    ranking.write(project._parts, ids[::-1], {}, "train")
    (project.path / "cache" / "queue" / "order.npy").write_bytes(b"rubbish")
    project.close()
    with Project.open(project.path) as again:
        assert again.queue.order().tolist() == ids.tolist()
