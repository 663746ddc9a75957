"""Recipes for tag heads: what they reach, what little they can start from, and what must not reach them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.errors import ModelError
from annotator.learning.heads import TagHead
from annotator.learning.pool import Pool
from annotator.learning.tags import CERTIFIED_WEIGHT, NONE_OF_THEM, UNKNOWN, Recipe, TagProblem, choose_recipe, fit_tags
from tests.unit.learning.conftest import World, make_world


def right(head: TagHead, world: World) -> float:
    return float(np.mean(head.predict(world.vectors).argmax(axis=1) == world.truth))


def labelled(world: World, count: int, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(len(world.truth))[:count])


@pytest.mark.parametrize(
    ("count", "recipe"), [(0, Recipe.GUESSES), (1, Recipe.LOW_LABEL), (199, Recipe.LOW_LABEL), (200, Recipe.PROBE)]
)
def test_the_recipe_follows_the_number_of_labels(world: World, count: int, recipe: Recipe) -> None:
    rows = np.arange(count)
    problem = TagProblem(world.pool, world.classes, world.zero_shot, rows, world.truth[rows])
    assert choose_recipe(problem) is recipe


@pytest.mark.parametrize("with_text", [True, False])
def test_few_labels_reach_far_more_than_a_plain_probe(with_text: bool) -> None:
    gains = []
    for seed in range(3):
        world = make_world(noise=0.34, seed=seed)
        rows = labelled(world, 12, seed)
        zero_shot = world.zero_shot if with_text else None
        problem = TagProblem(world.pool, world.classes, zero_shot, rows, world.truth[rows])
        low, plain = (right(fit_tags(problem, recipe).head, world) for recipe in (Recipe.LOW_LABEL, Recipe.PROBE))
        gains.append(low - plain)
    assert np.mean(gains) > 0.08


def test_many_labels_make_a_good_probe(world: World) -> None:
    rows = labelled(world, 300)
    assert right(fit_tags(TagProblem(world.pool, world.classes, None, rows, world.truth[rows])).head, world) > 0.9


def test_the_guesses_head_says_for_new_images_what_the_graph_says_for_the_pool(world: World) -> None:
    problem = TagProblem(world.pool, world.classes, world.zero_shot)
    fit = fit_tags(problem)
    assert fit.head.recipe == Recipe.GUESSES
    assert problem.guesses is not None
    assert np.array_equal(fit.probabilities.argmax(axis=1), problem.guesses.argmax(axis=1))
    assert right(fit.head, world) >= np.mean(fit.probabilities.argmax(axis=1) == world.truth) - 0.02


def test_guesses_use_no_answer(world: World) -> None:
    rows = labelled(world, 40)
    wrong = (world.truth[rows] + 1) % world.classes
    heads = [
        fit_tags(TagProblem(world.pool, world.classes, world.zero_shot, rows, said), Recipe.GUESSES).head
        for said in (world.truth[rows], wrong)
    ]
    assert np.array_equal(heads[0].weights, heads[1].weights)


def test_a_label_without_an_example_lives_on_its_name(world: World) -> None:
    for recipe, count, least in ((Recipe.LOW_LABEL, 60, 0.25), (Recipe.PROBE, 250, 0.5)):
        rows = labelled(world, count)
        rows = rows[world.truth[rows] != 3]
        head = fit_tags(TagProblem(world.pool, world.classes, world.zero_shot, rows, world.truth[rows]), recipe).head
        found = head.predict(world.vectors).argmax(axis=1)[world.truth == 3] == 3
        assert np.mean(found) > least, recipe


def test_without_a_name_model_a_label_without_an_example_is_never_guessed(world: World) -> None:
    rows = labelled(world, 60)
    rows = rows[world.truth[rows] != 3]
    head = fit_tags(TagProblem(world.pool, world.classes, None, rows, world.truth[rows])).head
    assert not (head.predict(world.vectors).argmax(axis=1) == 3).any()


def test_a_label_that_is_added_later_gets_a_column_though_the_last_head_lacks_it(world: World) -> None:
    rows = labelled(world, 250)
    old = fit_tags(
        TagProblem(world.pool, 4, None, rows[world.truth[rows] < 4], world.truth[rows][world.truth[rows] < 4])
    )
    problem = TagProblem(world.pool, 5, world.zero_shot, rows, world.truth[rows])
    fresh = fit_tags(problem, start=old.head).head
    assert fresh.predict(world.vectors).shape == (600, 5)
    assert right(fresh, world) > 0.85


@pytest.mark.parametrize("recipe", [Recipe.GUESSES, Recipe.LOW_LABEL, Recipe.PROBE])
@pytest.mark.parametrize("images", [1, 2, 5])
def test_tiny_pools_give_probabilities(images: int, recipe: Recipe) -> None:
    world = make_world(images, 2)
    rows = np.zeros(0 if recipe is Recipe.GUESSES else 1, np.int64)
    fit = fit_tags(TagProblem(world.pool, 2, world.zero_shot, rows, world.truth[rows]), recipe)
    assert fit.probabilities.sum(axis=1) == pytest.approx(np.ones(images), abs=1e-4)
    assert np.isfinite(fit.head.weights).all()


def test_a_pool_of_copies_gives_the_label_to_all_of_them() -> None:
    pool = Pool(np.arange(30), np.ones((30, 8), np.float32))
    fit = fit_tags(TagProblem(pool, 2, None, np.array([0, 1, 2]), np.array([1, 1, 0])))
    assert (fit.probabilities.argmax(axis=1) == 1).all()


def test_one_label_alone_is_certain_until_done_images_lack_it(world: World) -> None:
    rows = labelled(world, 60)
    only = fit_tags(TagProblem(world.pool, 1, None, rows, np.zeros(60, np.int64)))
    assert only.probabilities[:, 0] == pytest.approx(np.ones(600))
    said = np.where(world.truth[rows] == 0, 0, NONE_OF_THEM)
    some = fit_tags(TagProblem(world.pool, 1, np.ones((600, 1), np.float32), rows, said)).head
    sure = some.predict(world.vectors)[:, 0]
    assert np.mean((sure > 0.5) == (world.truth == 0)) > 0.85


def test_certified_labels_weigh_half() -> None:
    """Two copies of one image, one certified as a and one drawn as b: the person's own word wins, two to one."""
    draw = np.random.default_rng(0)
    vectors = np.concatenate([np.tile(draw.normal(size=8), (2, 1)), draw.normal(size=(40, 8))]).astype(np.float32)
    pool = Pool(np.arange(42), vectors)
    weights = np.array([CERTIFIED_WEIGHT, 1.0], np.float32)
    for drawn in (0, 1):
        problem = TagProblem(pool, 2, None, np.array([0, 1]), np.array([1 - drawn, drawn]), weights=weights)
        said = fit_tags(problem, Recipe.PROBE).probabilities[0]
        assert said[drawn] == pytest.approx(2 / 3, abs=0.03)


def test_groups_that_are_not_exclusive_may_say_several_labels_or_none(world: World) -> None:
    targets = np.stack([world.truth <= 1, world.truth >= 1], axis=1).astype(np.float32)
    targets[world.truth == 4] = 0.0
    rows = labelled(world, 150)
    fit = fit_tags(TagProblem(world.pool, 2, None, rows, targets=targets[rows]))
    assert not fit.head.exclusive
    assert np.mean((fit.probabilities > 0.5) == targets) > 0.9


def test_unknown_targets_say_nothing(world: World) -> None:
    rows = labelled(world, 150)
    targets = np.full((150, 2), UNKNOWN, np.float32)
    targets[:, 0] = world.truth[rows] == 0
    sure = fit_tags(TagProblem(world.pool, 2, None, rows, targets=targets)).probabilities
    assert np.mean((sure[:, 0] > 0.5) == (world.truth == 0)) > 0.9
    assert sure[:, 1] == pytest.approx(np.full(600, 0.5))


def test_names_alone_start_a_group_that_is_not_exclusive(world: World) -> None:
    empty = np.zeros((0, world.classes), np.float32)
    fit = fit_tags(TagProblem(world.pool, world.classes, world.zero_shot, targets=empty))
    for label in range(world.classes):
        hit = world.truth == label
        assert fit.probabilities[hit, label].mean() > fit.probabilities[~hit, label].mean() + 0.05


def test_pseudo_labels_are_thinned_in_large_pools_without_loss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotator.learning import tags

    rows = labelled(world, 20)
    problem = TagProblem(world.pool, world.classes, world.zero_shot, rows, world.truth[rows])
    seen: list[int] = []
    real = tags.fit_softmax

    def counting(features: np.ndarray, *args: object, **named: object) -> object:
        seen.append(len(features))
        return real(features, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tags, "fit_softmax", counting)
    whole = right(fit_tags(problem).head, world)
    most = max(seen)
    seen.clear()
    monkeypatch.setattr(tags, "PSEUDO_ROWS", 75)
    thin = right(fit_tags(problem).head, world)
    assert most > 250 and max(seen) <= 20 + 75 + 2 * world.classes
    assert thin > whole - 0.05


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": np.array([5])},
        {"classes": np.array([-2])},
        {"classes": np.array([0, 1])},
        {"classes": np.array([0]), "targets": np.zeros((1, 5), np.float32)},
        {"classes": np.array([0]), "weights": np.ones(2, np.float32)},
        {"zero_shot": np.ones((3, 5), np.float32)},
    ],
)
def test_a_problem_that_contradicts_itself_is_refused(world: World, wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError):
        TagProblem(world.pool, 5, labelled=np.array([0]), **wrong)


def test_a_head_comes_back_from_disk_as_it_was(world: World, tmp_path: Path) -> None:
    rows = labelled(world, 40)
    head = fit_tags(TagProblem(world.pool, world.classes, world.zero_shot, rows, world.truth[rows])).head
    head.save(tmp_path / "head.safetensors")
    again = TagHead.load(tmp_path / "head.safetensors")
    assert np.array_equal(again.predict(world.vectors), head.predict(world.vectors))
    assert (again.version, again.n_labelled, again.recipe) == (head.version, 40, "low-label")


@pytest.mark.parametrize("damage", [b"", b"not a head", None])
def test_a_damaged_head_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "head.safetensors"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(ModelError, match=r"head\.safetensors"):
        TagHead.load(path)


def test_features_of_another_width_are_refused(world: World) -> None:
    head = fit_tags(TagProblem(world.pool, world.classes, world.zero_shot)).head
    with pytest.raises(ValueError, match="48"):
        head.predict(np.zeros((2, 47), np.float32))
