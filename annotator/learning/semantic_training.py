"""Fits a semantic head to painted masks and scribbles: seconds for the few images that a person paints.

Every labelled cell of the finest feature map is an example, of the image and of its mirror image. Rare labels weigh more
(frequency to the power −.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from annotator.errors import AnnotatorError
from annotator.job_context import QUIET, JobContext
from annotator.learning.semantic import FEATURES, UNKNOWN, SemanticHead, cell_features, feature_maps, grid_size
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import FloatArray, RGBImage

HIDDEN = 128
LEARNING_RATE = 1e-3
SHRINKAGE = 1e-3
BATCH = 512
# So many examples are seen in all, and no more are kept of one image, so that the time does not grow with the images.
EXAMPLES_SEEN = 200_000
MOST_EXAMPLES = 50_000
LEAST_PASSES = 4
RARE_POWER = -0.4
# A cell that a scribble covers this much is labelled.
LEAST_COVER = 0.1

IdMap = NDArray[np.int64]


@dataclass(frozen=True)
class Painted:
    """An image (h, w, 3) and what is known of its pixels: ``ids`` (h, w) label ids, 0 for background, −1 unknown."""

    pixels: RGBImage
    ids: IdMap


def cells_of(ids: IdMap) -> IdMap:
    """The label id of every cell of the finest map: that which covers most of the cell; −1 where next to nothing is known."""
    rows, columns = grid_size(*ids.shape)
    best = np.full((rows, columns), UNKNOWN, np.int64)
    most = np.full((rows, columns), LEAST_COVER, np.float32)
    for label_id in np.unique(ids[ids != UNKNOWN]).tolist():
        plane = (ids == label_id).astype(np.float32)
        cover = np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
        better = cover > most
        best[better] = label_id
        most[better] = cover[better]
    return best


def fit(
    encoder: EmbeddedImageEncoder, painted: Sequence[Painted], *, seed: int = 0, context: JobContext = QUIET
) -> SemanticHead:
    """A head for all labels that are painted anywhere. Raises AnnotatorError when there are fewer than two kinds of pixels."""
    generator = np.random.default_rng(seed)
    features, ids = _examples(encoder, painted, generator, context)
    outputs, classes, counts = np.unique(ids, return_inverse=True, return_counts=True)
    if len(outputs) < 2:
        raise AnnotatorError(
            "Everything that is painted has one label.",
            "Paint a second label, or mark a picture as done: what is not painted in it is then background.",
        )
    mean, scale = features.mean(0), features.std(0) + np.float32(1e-3)
    features -= mean
    features /= scale
    rare = counts.astype(np.float64) ** RARE_POWER
    weights = (rare / (rare * counts).sum() * len(ids))[classes]
    network = MLPClassifier(
        (HIDDEN,), alpha=SHRINKAGE, batch_size=min(BATCH, len(ids)), learning_rate_init=LEARNING_RATE, random_state=seed
    )
    passes = max(LEAST_PASSES, round(EXAMPLES_SEEN / len(ids)))
    everything = np.arange(len(outputs))
    for turn in range(passes):
        context.check_cancelled()
        context.progress(turn, passes, "Learning the painted labels")
        network.partial_fit(features, classes, weights, everything)
    context.progress(passes, passes, "Learning the painted labels")
    return _head(network, mean, scale, outputs, encoder, len(painted))


def _examples(
    encoder: EmbeddedImageEncoder, painted: Sequence[Painted], generator: np.random.Generator, context: JobContext
) -> tuple[FloatArray, IdMap]:
    """(n, 496) features and (n,) label ids of labelled cells of all images and their mirror images."""
    each = max(1, MOST_EXAMPLES // max(1, 2 * len(painted)))
    features: list[FloatArray] = [np.zeros((0, FEATURES), np.float32)]
    ids: list[IdMap] = [np.zeros(0, np.int64)]
    for number, image in enumerate(painted):
        context.check_cancelled()
        context.progress(number, len(painted), "Looking at the painted images")
        for mirrored in (False, True):
            pixels, known = (image.pixels[:, ::-1], image.ids[:, ::-1]) if mirrored else (image.pixels, image.ids)
            cells = cells_of(known).ravel()
            rows = np.flatnonzero(cells != UNKNOWN)
            if len(rows) > each:
                rows = generator.choice(rows, each, replace=False)
            maps = feature_maps(encoder, np.ascontiguousarray(pixels))
            features.append(cell_features(maps).reshape(-1, FEATURES)[rows])
            ids.append(cells[rows])
    return np.concatenate(features), np.concatenate(ids)


def _head(
    network: MLPClassifier,
    mean: FloatArray,
    scale: FloatArray,
    outputs: IdMap,
    encoder: EmbeddedImageEncoder,
    images: int,
) -> SemanticHead:
    """The network as arrays; one logistic output becomes two."""
    (hidden, weights), (hidden_bias, bias) = network.coefs_, network.intercepts_
    if weights.shape[1] == 1:
        weights, bias = np.hstack([np.zeros_like(weights), weights]), np.hstack([np.zeros_like(bias), bias])
    return SemanticHead(
        mean=np.asarray(mean, np.float32),
        scale=np.asarray(scale, np.float32),
        hidden=np.asarray(hidden, np.float32),
        hidden_bias=np.asarray(hidden_bias, np.float32),
        weights=np.asarray(weights, np.float32),
        bias=np.asarray(bias, np.float32),
        label_ids=tuple(outputs.tolist()),
        space=encoder.info.space,
        images=images,
    )
