"""Heads for tags: from the labels of one group to a probability for every image, in well under a second.

Which recipe runs follows from how many images are labelled (constants: METHODS "Tags: measured defaults", decision 002):

- none: the first guesses (text bridge, balanced and spread over the graph), and a head that imitates them for new images;
- fewer than 200: labels and faint text seeds spread over the graph, then self-training on principal components;
- 200 and more: a linear probe on the labels, and behind the gate on its own surest words (``robust``).

An exclusive group gets one softmax over its labels (and over "none of them" once done images show that), a non-exclusive
group one sigmoid per label. Nothing here reads or writes a database.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.learning import robust
from annotator.learning.guesses import balanced, rows_to_one, seeds
from annotator.learning.heads import TagHead
from annotator.learning.multilabel import fit_independent
from annotator.learning.neighbours import propagate
from annotator.learning.pool import Pool
from annotator.learning.probe import EARLY_ITERATIONS, ITERATIONS, Linear, fit_softmax, softmax, strength
from annotator.learning.problem import CERTIFIED_WEIGHT, NONE_OF_THEM, UNKNOWN, Recipe, TagFit, TagProblem
from annotator.learning.robust import one_hot

__all__ = [
    "CERTIFIED_WEIGHT",
    "NONE_OF_THEM",
    "UNKNOWN",
    "Recipe",
    "TagFit",
    "TagHead",
    "TagProblem",
    "choose_recipe",
    "fit_head",
    "fit_tags",
]

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LOW_LABELS = 200
SEED_WEIGHT = 0.1
SEED_HALF_LIFE = 20.0
SPREAD_ITERATIONS = 40
SELF_TRAINING_ROUNDS = 3
PSEUDO_WEIGHT = 0.1
PSEUDO_SHARE = 0.5
PSEUDO_ROWS = 2_000
STARTER_EXAMPLES = 16


def choose_recipe(problem: TagProblem) -> Recipe:
    """The recipe for this many labels."""
    if problem.n_labelled == 0:
        return Recipe.GUESSES
    if problem.n_labelled < LOW_LABELS:
        return Recipe.LOW_LABEL
    return Recipe.PROBE if problem.gate is None else Recipe.GATED


def fit_tags(problem: TagProblem, recipe: Recipe | None = None, *, start: TagHead | None = None) -> TagFit:
    """Fit one group's head.

    ``recipe`` None chooses by the number of labels (non-exclusive groups have one recipe); ``start`` is the last head of the
    same labels and pool, from which the fit begins.
    """
    head = fit_head(problem, recipe, start=start)
    if problem.guesses is not None and problem.exclusive and head.recipe == Recipe.GUESSES:
        return TagFit(head, problem.guesses)
    return TagFit(head, head.predict(problem.pool.vectors))


def fit_head(problem: TagProblem, recipe: Recipe | None = None, *, start: TagHead | None = None) -> TagHead:
    """``fit_tags`` without the probabilities of the pool, which cost as much as the fit when only a few images are asked."""
    recipe = recipe or choose_recipe(problem)
    if not problem.exclusive:
        return fit_independent(problem)
    if recipe is Recipe.GUESSES:
        return _fit_guesses(problem)
    if recipe is Recipe.LOW_LABEL:
        return _fit_low_label(problem)
    return _fit_probe(problem, start, recipe)


def _columns(problem: TagProblem) -> tuple[IntArray, int]:
    """Classes with "none of them" as one more column when it occurs, and the number of columns."""
    classes = problem.known_classes()
    none = classes == NONE_OF_THEM
    if not none.any():
        return classes, problem.n_classes
    return np.where(none, problem.n_classes, classes), problem.n_classes + 1


def _head(problem: TagProblem, linear: Linear, recipe: Recipe) -> TagHead:
    return TagHead(
        problem.pool.mean,
        linear.weights,
        linear.bias,
        problem.n_classes,
        problem.exclusive,
        problem.n_labelled,
        str(recipe),
    )


def _unproject(pool: Pool, linear: Linear) -> Linear:
    """A map of principal components as the same map of normalised features."""
    return Linear(pool.basis @ linear.weights, linear.bias)


def _constant(problem: TagProblem) -> TagHead:
    """A head that knows only how often each label occurred: for pools with nothing to learn from."""
    classes, columns = _columns(problem)
    counts = np.bincount(classes, minlength=columns) + 1.0
    flat = Linear(
        np.zeros((problem.pool.dimension, columns), np.float32), np.log(counts / counts.sum()).astype(np.float32)
    )
    return _head(problem, flat, Recipe.CONSTANT)


def _fit_guesses(problem: TagProblem) -> TagHead:
    """No label counts: a probe that imitates the surest half of the pool's guesses, for images outside the pool."""
    guesses = problem.guesses
    if guesses is None or len(problem.pool) == 0:
        return _constant(problem)
    return _self_train(problem.subset(np.zeros(problem.n_labelled, dtype=bool)), guesses, Recipe.GUESSES)


def _fit_low_label(problem: TagProblem) -> TagHead:
    """Few labels: spread them over the graph with faint text seeds, then self-training."""
    classes, columns = _columns(problem)
    planted = np.zeros((len(problem.pool), columns), dtype=np.float32)
    if problem.zero_shot is not None:
        rows, labels = seeds(balanced(problem.zero_shot))
        seen = np.bincount(classes, minlength=columns) > 0
        # What answers there are outweigh the names, except of a label that nobody has given yet.
        planted[rows, labels] = SEED_WEIGHT / (1.0 + np.where(seen[labels], problem.n_labelled, 0) / SEED_HALF_LIFE)
    elif len(np.unique(classes)) < 2:
        return _constant(problem)
    planted[problem.labelled] = one_hot(classes, columns) * problem.known_weights()[:, None]
    fallback = None
    if problem.guesses is not None:
        fallback = np.pad(problem.guesses, ((0, 0), (0, columns - problem.n_classes)))
    spread = rows_to_one(propagate(problem.pool.graph, planted, iterations=SPREAD_ITERATIONS), fallback)
    return _self_train(problem, spread, Recipe.LOW_LABEL)


def _self_train(problem: TagProblem, probabilities: FloatArray, recipe: Recipe) -> TagHead:
    """Rounds of a probe on the labels and on its own surest pseudo-labels, in proportion to smoothed label counts."""
    pool, weights = problem.pool, problem.known_weights()
    classes, columns = _columns(problem)
    rows = pool.components
    is_open = np.ones(len(pool), dtype=bool)
    is_open[problem.labelled] = False
    counts = np.bincount(classes, minlength=columns).astype(np.float64)
    if len(classes):
        share = (counts + 1.0) / (counts.sum() + columns)
    else:
        share = probabilities.sum(axis=0) / probabilities.sum()
    quota = share * PSEUDO_SHARE * len(pool)
    if len(classes):
        quota[: problem.n_classes][counts[: problem.n_classes] == 0] = np.minimum(quota.max(), STARTER_EXAMPLES)
    every = max(1, round(quota.sum() / PSEUDO_ROWS))
    linear = Linear(np.zeros((rows.shape[1], columns), np.float32), np.zeros(columns, np.float32))
    for turn in range(SELF_TRAINING_ROUNDS):
        if turn:
            probabilities = softmax(linear.scores(rows))
        picked, labels = _surest(probabilities, is_open, quota, every)
        index = np.concatenate([problem.labelled, picked])
        target = one_hot(np.concatenate([classes, labels]), columns)
        weight = np.concatenate([weights, np.full(len(picked), every * PSEUDO_WEIGHT, np.float32)])
        last = turn == SELF_TRAINING_ROUNDS - 1
        linear = fit_softmax(
            rows[index],
            target,
            weight,
            strength=strength(len(classes)) / 3.0,
            start=linear,
            iterations=ITERATIONS if last else EARLY_ITERATIONS,
        )
    return _head(problem, _unproject(pool, linear), recipe)


def _surest(
    probabilities: FloatArray, is_open: NDArray[np.bool_], quota: NDArray[np.floating], every: int = 1
) -> tuple[IntArray, IntArray]:
    """Open rows and their best label: per label the most probable ones, at most its quota, of which each ``every``-th."""
    best = probabilities.argmax(axis=1)
    rows: list[IntArray] = []
    labels: list[IntArray] = []
    for label, most in enumerate(quota):
        candidates = np.flatnonzero((best == label) & is_open)
        order = np.argsort(-probabilities[candidates, label], kind="stable")[: round(float(most)) : every]
        rows.append(candidates[order])
        labels.append(np.full(len(order), label, dtype=np.int64))
    return np.concatenate(rows), np.concatenate(labels)


def _fit_probe(problem: TagProblem, start: TagHead | None, recipe: Recipe) -> TagHead:
    """Many labels: the probe, as ``recipe`` says; labels without an example borrow their surest guesses at a low weight."""
    classes, columns = _columns(problem)
    index, weight = problem.labelled, problem.known_weights()
    missing = np.setdiff1d(np.arange(problem.n_classes), classes)
    is_open = np.ones(len(problem.pool), dtype=bool)
    is_open[index] = False
    if len(missing) and problem.guesses is not None:
        quota = np.zeros(problem.n_classes)
        quota[missing] = STARTER_EXAMPLES
        extra, labels = _surest(problem.guesses, is_open, quota)
        index, classes = np.concatenate([index, extra]), np.concatenate([classes, labels])
        weight = np.concatenate([weight, np.full(len(extra), PSEUDO_WEIGHT, np.float32)])
    if len(np.unique(classes)) < 2:
        return _constant(problem)
    known = robust.Labelled(problem.pool.rows(index), classes, weight, columns)
    begin = None if start is None else Linear(start.weights, start.bias)
    linear, used = _robust_fit(problem, known, np.flatnonzero(is_open), begin, recipe)
    return _head(problem, linear, used)


def _robust_fit(
    problem: TagProblem, known: robust.Labelled, open_rows: IntArray, begin: Linear | None, recipe: Recipe
) -> tuple[Linear, Recipe]:
    """The fit that ``recipe`` names, and what it came to: with the gate shut there is nothing but the plain probe."""
    power = strength(problem.n_labelled)
    if recipe is Recipe.TRIMMED:
        return robust.trimmed(known, power, begin), recipe
    if problem.gate is None or recipe not in (Recipe.GATED, Recipe.LOOK_AHEAD):
        return known.fit(power, begin), Recipe.PROBE
    pool = problem.pool.rows(robust.candidates(open_rows, problem.pool.seed))
    fit = robust.gated if recipe is Recipe.GATED else robust.look_ahead
    return fit(known, pool, problem.gate, power, begin), recipe
