"""Heads for groups that are not exclusive: any number of their labels may be on one image.

One sigmoid per label on the same features. An image that is done says no to every label it does not carry; an image that is
tagged but not done says nothing about the others. A label with few examples leans on its text seeds: the most likely images
by the zero-shot model as faint positives, and images from the unlikely half as faint negatives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.learning.heads import TagHead
from annotator.learning.probe import Linear, fit_sigmoid, strength
from annotator.learning.problem import Recipe, TagProblem

FloatArray = NDArray[np.float32]

FAINT_WEIGHT = 0.1
FAINT_HALF_LIFE = 20.0
FAINT_POSITIVES = 16
FAINT_NEGATIVES = 64


def fit_independent(problem: TagProblem) -> TagHead:
    """Fit one sigmoid per label from the known answers of ``problem.targets`` and from text seeds."""
    rows, classes = len(problem.pool), problem.n_classes
    targets = np.zeros((rows, classes), dtype=np.float32)
    weights = np.zeros((rows, classes), dtype=np.float32)
    known = np.asarray(problem.targets if problem.targets is not None else np.zeros((0, classes)), dtype=np.float32)
    if problem.zero_shot is not None:
        examples = np.minimum((known == 1).sum(axis=0), (known == 0).sum(axis=0))
        _plant(
            problem.zero_shot, targets, weights, FAINT_WEIGHT / (1.0 + examples / FAINT_HALF_LIFE), problem.pool.seed
        )
    answered = known >= 0
    labelled_targets, labelled_weights = targets[problem.labelled], weights[problem.labelled]
    targets[problem.labelled] = np.where(answered, known, labelled_targets)
    weights[problem.labelled] = np.where(answered, problem.known_weights()[:, None], labelled_weights)
    used = np.flatnonzero(weights.any(axis=1))
    if len(used) == 0:
        linear = Linear(np.zeros((problem.pool.dimension, classes), np.float32), np.zeros(classes, np.float32))
        recipe = Recipe.CONSTANT
    else:
        linear = fit_sigmoid(
            problem.pool.rows(used), targets[used], weights[used], strength=strength(problem.n_labelled)
        )
        recipe = Recipe.PROBE if problem.n_labelled else Recipe.GUESSES
    return TagHead(problem.pool.mean, linear.weights, linear.bias, classes, False, problem.n_labelled, str(recipe))


def _plant(
    zero_shot: FloatArray, targets: FloatArray, weights: FloatArray, faint: NDArray[np.floating], seed: int
) -> None:
    """Write faint positives and negatives of every label into ``targets`` and ``weights`` (both changed in place)."""
    rows, classes = zero_shot.shape
    draw = np.random.default_rng(seed)
    for label in range(classes):
        order = np.argsort(-zero_shot[:, label], kind="stable")
        positives = order[: min(FAINT_POSITIVES, max(1, rows // 10))]
        unlikely = order[max(len(positives), rows // 2) :]
        negatives = draw.permutation(unlikely)[:FAINT_NEGATIVES]
        targets[positives, label] = 1.0
        weights[positives, label] = weights[negatives, label] = faint[label]
