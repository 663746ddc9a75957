"""What the queue offers first, and why."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.errors import UsageError
from annotator.learning.pool import Pool
from annotator.learning.queue import Strategy, doubt, margins, next_batch
from tests.unit.learning.conftest import World

NOTHING = np.zeros(0, np.int64)
NAMES = ("ant", "bee", "cat", "dog", "eel")


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("known", [True, False])
def test_every_strategy_offers_each_open_image_once(world: World, strategy: Strategy, known: bool) -> None:
    labelled, closed = np.arange(0, 60), np.arange(50, 90)
    sure = world.zero_shot if known else None
    found = next_batch(strategy, world.pool, sure, count=20, labelled=labelled, closed=closed, names=NAMES)
    assert sorted(found.order.tolist()) == list(range(90, 600))
    assert len(found.reasons) == len(found.picked) == 20
    again = next_batch(strategy, world.pool, sure, count=20, labelled=labelled, closed=closed, names=NAMES)
    assert np.array_equal(found.order, again.order)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_nothing_open_or_few_open_is_no_trouble(world: World, strategy: Strategy) -> None:
    pool = Pool(np.arange(6), world.vectors[:6])
    for labelled in (np.arange(6), np.arange(4), NOTHING):
        found = next_batch(strategy, pool, world.zero_shot[:6], count=10, labelled=labelled)
        assert sorted(found.order.tolist()) == sorted(set(range(6)) - set(labelled.tolist()))
        assert len(found.reasons) == 6 - len(labelled)


def test_a_pool_of_copies_can_be_ranked(world: World) -> None:
    pool = Pool(np.arange(40), np.ones((40, 8), np.float32))
    for strategy in (Strategy.TYPICAL, Strategy.UNCERTAIN):
        found = next_batch(strategy, pool, np.full((40, 2), 0.5, np.float32), count=5, labelled=np.array([3]))
        assert len(set(found.order.tolist())) == 39


def test_the_first_typical_images_cover_the_classes(world: World) -> None:
    found = next_batch(Strategy.TYPICAL, world.pool, None, count=world.classes, labelled=NOTHING)
    assert len(set(world.truth[found.picked].tolist())) == world.classes
    typical = world.pool.typicality
    assert typical[found.picked].mean() > np.quantile(typical, 0.8)


def test_typical_images_come_from_where_nothing_is_labelled(world: World) -> None:
    labelled = np.flatnonzero(world.truth != 2)[:60]
    labelled = labelled[np.isin(world.truth[labelled], [0, 1, 3, 4])]
    found = next_batch(Strategy.TYPICAL, world.pool, None, count=10, labelled=labelled)
    assert np.mean(world.truth[found.picked] == 2) > 0.5


def test_uncertain_images_come_from_the_lowest_margins_and_are_spread(world: World) -> None:
    sure = np.full((600, 5), 0.01, np.float32)
    sure[:, 0] = 0.96
    doubtful = np.flatnonzero(world.truth <= 2)[:50]
    sure[doubtful] = [0.45, 0.43, 0.04, 0.04, 0.04]
    found = next_batch(Strategy.UNCERTAIN, world.pool, sure, count=10, labelled=NOTHING, names=NAMES)
    assert np.isin(found.picked, doubtful).all()
    assert set(found.reasons) == {"ant or bee?"}
    assert len(set(world.truth[found.picked].tolist())) == 3
    assert np.isin(found.order[10:50], doubtful).all()


def test_cold_is_typical_and_warm_is_uncertain(world: World) -> None:
    for labels, strategy in ((49, Strategy.TYPICAL), (50, Strategy.UNCERTAIN)):
        labelled = np.arange(labels)
        auto, plain = (
            next_batch(each, world.pool, world.zero_shot, count=8, labelled=labelled)
            for each in (Strategy.AUTO, strategy)
        )
        assert np.array_equal(auto.order, plain.order)
    nothing_known = next_batch(Strategy.AUTO, world.pool, None, count=8, labelled=np.arange(90))
    assert set(nothing_known.reasons) == {"typical of many"}


def test_in_order_is_in_order_and_random_is_another_with_another_seed(world: World) -> None:
    in_order = next_batch("in-order", world.pool, None, count=3, labelled=np.array([0]))
    assert in_order.order.tolist() == list(range(1, 600))
    one, two = (next_batch("random", world.pool, None, count=3, labelled=NOTHING, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.order, two.order)


def test_an_unknown_strategy_is_told_what_there_is() -> None:
    with pytest.raises(UsageError, match="typiclust"):
        Strategy.named("best")


def test_margins_and_words() -> None:
    sure = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32)
    assert margins(sure) == pytest.approx([0.2, 0.7])
    assert margins(sure, exclusive=False) == pytest.approx([0.0, 0.6])
    assert margins(sure[:, :1]) == pytest.approx([0.0, 0.8])
    assert doubt(sure[1], NAMES) == "cat or ant?"
    assert doubt(sure[0], NAMES, exclusive=False) == "ant?"
