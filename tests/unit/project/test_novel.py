"""The "new?" pile over a project: pictures of a colour that nobody has named are in it, and one edit names them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from annotator.edits import set_tag
from annotator.project import Project
from annotator.usecases import novelty, tag_round
from annotator.usecases.index import usable_ids
from annotator.usecases.novelty import label_pile
from annotator.usecases.space import open_space
from tests.unit.project.conftest import draw


@pytest.fixture
def half_known(tmp_path: Path) -> Iterator[Project]:
    """Sixty red and green pictures that are tagged, six yellow and four red ones that are not; yellow has no label."""
    folder = tmp_path / "pictures"
    for at in range(60):
        color = ((200, 30, 30), (30, 170, 40))[at % 2]
        draw(folder / ("red", "green")[at % 2] / f"{at}.png", color, at)
    for at in range(4):
        draw(folder / "open" / f"{at}.png", (200, 30, 30), 100 + at)
    for at in range(6):
        draw(folder / "yellow" / f"{at}.png", (250, 240, 20), 200 + at)
    with Project.create(tmp_path / "p", folder, ["red", "green"], annotator="ann") as made:
        made.suggest()
        for image in made.images.many(made.images.ids().tolist()):
            label = made.labels.by_name(image.uri.split("/")[0])
            if label is not None:
                page = made.history.page(image.id)
                made.history.perform(set_tag(page, label.id, made.history.vocabulary(), annotator="ann"))
        made.history.flush()
        made.train()
        yield made


def test_what_is_unlike_the_labelled_ones_comes_first_and_gets_a_label_in_one_edit(half_known: Project) -> None:
    pile = half_known.review.novel()
    yellow = {image.id for image in half_known.images.many(half_known.images.ids().tolist()) if "yellow/" in image.uri}
    assert yellow <= set(pile.image_ids.tolist())
    assert set(pile.image_ids[:6].tolist()) == yellow
    assert list(pile.distances) == sorted(pile.distances, reverse=True) and pile.distances.min() >= pile.threshold
    history = half_known.history
    before = half_known.stats()
    edit = label_pile(
        [history.page(image) for image in sorted(yellow)],
        "yellow",
        half_known.labels.all(),
        history.vocabulary(),
        label_id=history.next_label_id(),
        annotator="ann",
    )
    history.perform(edit)
    history.flush()
    made = half_known.labels.by_name("yellow")
    assert made is not None
    assert half_known.images.tags(sorted(yellow)) == dict.fromkeys(yellow, (made.id,))
    assert not yellow & set(half_known.review.novel().image_ids.tolist())
    history.undo()
    history.flush()
    assert half_known.labels.by_name("yellow") is None
    assert half_known.stats().annotations == before.annotations
    assert yellow <= set(half_known.review.novel().image_ids.tolist())


def test_a_damaged_file_is_an_empty_pile(half_known: Project) -> None:
    (half_known.path / "cache" / "queue" / novelty.FILE).write_bytes(b"no archive")
    assert len(half_known.review.novel()) == 0


def test_what_chance_put_into_the_queue_calibrates(half_known: Project) -> None:
    parts = half_known._parts
    open_ids = half_known.review.pile().image_ids
    first = int(open_ids[0])
    from annotator.usecases import answers, calibration, ranking

    ranking.write(parts, np.asarray([first]), {first: "drawn at random"}, "test")
    half_known.queue.order()
    page = half_known.history.page(first)
    assert page.suggestions[0].reason == "drawn at random"
    edit = set_tag(page, page.suggestions[0].label_id, half_known.history.vocabulary(), annotator="ann")
    half_known.history.perform(edit)
    half_known.history.flush()
    known = answers.read_answers(parts)
    assert calibration.random_images(known, known.groups[0]).tolist() == [first]
    space = open_space(parts, None)
    work = tag_round.open_workspace(parts, space, usable_ids(parts))
    assert len(work.pool) == 70


def test_a_strategy_is_chosen_for_the_project(half_known: Project) -> None:
    assert half_known.queue.strategy() == "auto"
    half_known.queue.choose_strategy("novel")
    half_known.suggest()
    order = half_known.queue.order()
    novel = half_known.review.novel()
    head = [image for image in order.tolist() if image in set(half_known.review.pile().image_ids.tolist())]
    assert head[: len(novel)] == novel.image_ids.tolist()
    assert half_known.queue.reason(head[0]) == "unlike anything labelled"
