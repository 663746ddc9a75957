"""The default model of a project: the image encoder, and tags through the text bridge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.errors import UsageError
from annotator.models.embedded.bridge import TextBridge
from annotator.models.embedded.classifier import classifier
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.embedded.text import MiniLM
from annotator.models.protocols import FloatArray, RGBImage

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry


class EmbeddedModel(EmbeddedImageEncoder):
    """An ``EmbeddedImageEncoder`` that is also a ``ZeroShotTagger`` over its own logits, and a ``DenseTagger``.

    The sentence encoder is loaded when the first labels come.
    """

    def __init__(self, *, threads: int | None = None, device: str = "auto") -> None:
        super().__init__(threads=threads, device=device)
        self._bridge = TextBridge(lambda: MiniLM(threads=threads, device=device))
        self._classes: tuple[FloatArray, FloatArray] | None = None

    def label_matrix(self, labels: Sequence[Sequence[str]]) -> FloatArray:
        """(1000, n) matrix of n labels, each its name then synonyms; see ``TextBridge``."""
        return self._bridge.label_matrix(labels)

    def zero_shot(self, vectors: FloatArray, matrix: FloatArray) -> FloatArray:
        """(n, labels) probabilities from the (n, 1000) logits of ``embed_with_logits``; see ``TextBridge``."""
        return self._bridge.zero_shot(vectors, matrix)

    def nearest_classes(self, labels: Sequence[Sequence[str]], count: int = 10) -> NDArray[np.int64]:
        """(labels, count) ImageNet classes whose names are nearest to each label's; see ``DenseTagger``."""
        return np.argsort(-self._bridge.cosines(labels), axis=0, kind="stable")[:count].T

    def cell_logits(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, 7, 7, 1000) logits of the cells: the classifier as a 1×1 convolution, before the mean over cells (ReLabel)."""
        if self._classes is None:
            self._classes = classifier()
        weight, bias = self._classes
        return self.embed_dense(images) @ weight.T + bias


def load(entry: Entry, weights: Path | None, device: str) -> EmbeddedModel:
    """The factory that the catalogue names; its weights ship with it, so that a file of the user's is refused."""
    if weights is not None:
        raise UsageError(f"{entry.id} takes no weights file.", "Its weights ship with Annotator.")
    return EmbeddedModel(device=device)
