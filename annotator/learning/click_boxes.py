"""A click to a box, learned from a few boxed examples: how far the box reaches beyond what the segmenter finds under the click.

After Chen et al., "Point-DETR3D", AAAI 2024, reduced to ridge regression: from the dense features under the click and the extents
of the segmenter's mask to the logarithms of how much farther each side lies. Without examples the mask's own bounds are the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from annotator.domain.geometry import Box
from annotator.learning.semantic import STRIDES, Maps, feature_maps
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import FloatArray, PromptSegmenter, RGBImage

LEAST_EXAMPLES = 5
# Where a person might click inside a box, as parts of its sides.
CLICKS = ((0.5, 0.5), (0.35, 0.5), (0.65, 0.5), (0.5, 0.35), (0.5, 0.65))
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
# A side is at least this many pixels from the click.
LEAST_REACH = 1.0
# No side moves farther than by this factor.
MOST_CHANGE = 4.0

IntArray = NDArray[np.int64]


class Scene:
    """An image that is clicked on: its feature maps and the segmenter's encoding, made once."""

    def __init__(self, image: RGBImage, encoder: EmbeddedImageEncoder, segmenter: PromptSegmenter) -> None:
        self.height, self.width = image.shape[:2]
        self._maps: Maps = feature_maps(encoder, image)
        self._segmenter = segmenter
        self._encoding = segmenter.encode(image)

    def look(self, x: float, y: float) -> tuple[FloatArray, FloatArray]:
        """(4,) reaches to the left, top, right and bottom of the mask under a click, and (d,) features of the place."""
        found = self._segmenter.segment(self._encoding, np.array([[x, y]], np.float32), np.ones(1, np.bool_))
        rows, columns = (np.flatnonzero(found.masks[0].any(axis)) for axis in (1, 0))
        if len(rows):
            sides = (x - columns[0], y - rows[0], columns[-1] + 1 - x, rows[-1] + 1 - y)
        else:
            sides = (LEAST_REACH,) * 4
        reaches = np.maximum(np.array(sides, np.float32), LEAST_REACH)
        return reaches, np.concatenate([np.log(reaches), *(self._cell(stride, x, y) for stride in STRIDES)])

    def _cell(self, stride: int, x: float, y: float) -> FloatArray:
        """The feature of one map under a click, of unit length."""
        values = self._maps[stride]
        row = int(np.clip(y / self.height * values.shape[1], 0, values.shape[1] - 1))
        column = int(np.clip(x / self.width * values.shape[2], 0, values.shape[2] - 1))
        vector = values[:, row, column]
        return np.asarray(vector / (np.linalg.norm(vector) + 1e-6), np.float32)


@dataclass(frozen=True)
class ClickBoxes:
    """What was learned; ``model`` None with fewer than five examples."""

    model: RidgeCV | None = None

    def box(self, scene: Scene, x: float, y: float) -> Box:
        """The box around the thing at (x, y), in pixels of the scene, inside of it."""
        reaches, features = scene.look(x, y)
        if self.model is not None:
            change = np.asarray(self.model.predict(features[None])[0], np.float64)
            reaches = reaches * np.exp(change.clip(-np.log(MOST_CHANGE), np.log(MOST_CHANGE)))
        left, top, right, bottom = (float(each) for each in reaches)
        return Box(max(0.0, x - left), max(0.0, y - top), min(scene.width, x + right), min(scene.height, y + bottom))


@dataclass(frozen=True)
class Lesson:
    """What one drawn box says, clicked in five places: ``features`` (5, d) and the logarithms of how much farther its sides lie
    (5, 4)."""

    features: FloatArray
    changes: FloatArray


def lesson_of(scene: Scene, box: Box) -> Lesson:
    """What a box in a scene teaches."""
    features, changes = [], []
    for across, along in CLICKS:
        x, y = box.x1 + across * box.width, box.y1 + along * box.height
        reaches, seen = scene.look(x, y)
        true = np.maximum((x - box.x1, y - box.y1, box.x2 - x, box.y2 - y), LEAST_REACH)
        features.append(seen)
        changes.append(np.log(true / reaches))
    return Lesson(np.array(features, np.float32), np.array(changes, np.float32))


def fit(lessons: Sequence[Lesson]) -> ClickBoxes:
    """Fit to what drawn boxes teach; too few of them leave the bounds of what lies under a click."""
    if len(lessons) < LEAST_EXAMPLES:
        return ClickBoxes()
    features, changes = ([getattr(lesson, name) for lesson in lessons] for name in ("features", "changes"))
    return ClickBoxes(RidgeCV(PENALTIES).fit(np.concatenate(features), np.concatenate(changes)))


def learn(examples: Sequence[tuple[Scene, Sequence[Box]]]) -> ClickBoxes:
    """Fit to boxes in scenes."""
    return fit([lesson_of(scene, box) for scene, boxes in examples for box in boxes])
