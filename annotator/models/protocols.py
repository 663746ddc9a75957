"""What a model can do, one small protocol per capability.

NumPy in and out. Images are (h, w, 3) uint8 arrays in RGB; boxes are (n, 4) float32 arrays, XYXY in pixels of the image given;
probabilities are float32. A backend implements the protocols of what it can and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

RGBImage = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model this is. ``version`` is the hex content hash of its weights; ``space`` names the embedding space."""

    id: str
    version: str
    device: str
    space: str = ""


@runtime_checkable
class Embedder(Protocol):
    """Images to vectors. ``info.space`` changes whenever vectors stop being comparable."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def dimension(self) -> int: ...

    @property
    def input_size(self) -> int:
        """Side in pixels of the square crop the model sees; decode images no larger than needed for it."""

    def embed(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, d) vectors of n images of any sizes."""


@runtime_checkable
class DenseEmbedder(Protocol):
    """Images to feature maps."""

    def embed_dense(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, h, w, d) features of the model's square input."""


@runtime_checkable
class LogitEmbedder(Protocol):
    """An embedder that also gives the logits of the classes it was trained on."""

    def embed_with_logits(self, images: Sequence[RGBImage]) -> tuple[FloatArray, FloatArray]:
        """(n, d) vectors and (n, c) logits from one forward pass."""


@runtime_checkable
class TextEncoder(Protocol):
    """Texts to vectors."""

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) L2-normalised vectors."""


@runtime_checkable
class ZeroShotTagger(Protocol):
    """Label probabilities without any label from the project."""

    def label_matrix(self, labels: Sequence[Sequence[str]]) -> FloatArray:
        """(c_model, n_labels) or (d, n_labels) matrix computed once per set of labels; each label is its name then synonyms."""

    def zero_shot(self, vectors: FloatArray, matrix: FloatArray) -> FloatArray:
        """(n, n_labels) probabilities, rows summing to 1, from the logits or vectors of ``info.space``."""


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes of one image: ``boxes`` (n, 4) XYXY, ``scores`` (n,) in [0, 1], ``classes`` (n,) int64 into the model's names."""

    boxes: FloatArray
    scores: FloatArray
    classes: NDArray[np.int64]


@runtime_checkable
class Detector(Protocol):
    """Images to boxes."""

    @property
    def names(self) -> Sequence[str]: ...

    def detect(self, images: Sequence[RGBImage]) -> list[Detections]: ...
