"""Names for boxes that come without: the tag head of the project, or what the model knows of the labels' names, on crops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotator.domain.records import Label
from annotator.models.protocols import FloatArray, LogitEmbedder, RGBImage, ZeroShotTagger
from annotator.usecases import heads
from annotator.usecases.parts import Parts
from annotator.usecases.space import choose_model, open_space

MARGIN = 0.1
"""Of a box's size, on each side: a little of what is around it helps to say what it is."""


class RegionLabels:
    """Probabilities of ``labels`` for parts of pictures."""

    def __init__(self, parts: Parts, labels: Sequence[Label], device: str) -> None:
        name, weights = choose_model(parts, None, None)
        self._labels = tuple(labels)
        self._space = open_space(parts, name, weights=weights, device=device)
        wanted = [label.id for label in labels]
        fitting = [h for h in heads.load_released(parts, self._space).values() if set(h.label_ids) >= set(wanted)]
        self._head = fitting[0].head if fitting else None
        self._columns = [fitting[0].label_ids.index(i) for i in wanted] if fitting else []
        self._matrix = None
        if self._head is None and isinstance(self._space.model, ZeroShotTagger):
            self._matrix = self._space.model.label_matrix([(label.name, *label.synonyms) for label in labels])

    def name(self, pixels: RGBImage, boxes: FloatArray) -> FloatArray:
        """(n, labels) for boxes in pixels of ``pixels``; equal shares where nothing is known of the labels."""
        if not len(boxes):
            return np.zeros((0, len(self._labels)), np.float32)
        crops = [crop(pixels, box) for box in boxes]
        if self._head is not None:
            said = self._head.predict(self._space.embedder.embed(crops))[:, self._columns]
            return np.asarray(said, np.float32)
        if self._matrix is None:
            return np.full((len(boxes), len(self._labels)), 1.0 / len(self._labels), np.float32)
        model = self._space.model
        given = model.embed_with_logits(crops)[1] if isinstance(model, LogitEmbedder) else model.embed(crops)
        return np.asarray(model.zero_shot(given, self._matrix), np.float32)


def crop(pixels: RGBImage, box: NDArray[np.floating]) -> RGBImage:
    """The part of a picture in a box and a margin around it, at least one pixel."""
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in box)
    reach_x, reach_y = (x2 - x1) * MARGIN, (y2 - y1) * MARGIN
    left, top = min(width - 1, max(0, int(x1 - reach_x))), min(height - 1, max(0, int(y1 - reach_y)))
    right, bottom = max(left + 1, min(width, int(x2 + reach_x) + 1)), max(top + 1, min(height, int(y2 + reach_y) + 1))
    return pixels[top:bottom, left:right]
