"""What a model can do, one small protocol per capability.

NumPy in and out. Images are (h, w, 3) uint8 arrays in RGB; boxes are (n, 4) float32 arrays, XYXY in pixels of the image given;
probabilities are float32. A backend implements the protocols of what it can and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


@runtime_checkable
class DenseTagger(Protocol):
    """What is where in an image, in terms of the classes that the model was trained on."""

    def cell_logits(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, h, w, c_model) logits of the cells of the model's square input."""

    def nearest_classes(self, labels: Sequence[Sequence[str]], count: int = 10) -> NDArray[np.int64]:
        """(n_labels, count) the classes whose names are nearest to each label's; a label is its name then synonyms."""


@dataclass(frozen=True, slots=True)
class Regions:
    """What a picture consists of, best first: ``boxes`` (n, 4) XYXY on whole pixels, ``scores`` (n,) in [0, 1].

    ``masks`` holds for each its part of the box: (y2 − y1, x2 − x1) bool.
    """

    boxes: FloatArray
    masks: tuple[NDArray[np.bool_], ...]
    scores: FloatArray


@runtime_checkable
class RegionProposer(Protocol):
    """Images to masks of everything in them, whatever it is."""

    def regions(self, image: RGBImage) -> Regions: ...


@runtime_checkable
class ScalableSegmenter(Protocol):
    """A ``PromptSegmenter`` whose ``segment`` takes ``size`` (h, w), the masks' resolution, e.g. that of the display."""

    def full_mask(self, encoding: object, state: object, size: tuple[int, int] | None = None) -> NDArray[np.bool_]:
        """The (h, w) mask of one state of ``Candidates`` at ``size``; None: at the size of the picture, for the commit."""


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes of one image: ``boxes`` (n, 4) XYXY, ``scores`` (n,) in [0, 1], ``classes`` (n,) int64 into the model's names.

    ``masks`` is empty for a model of boxes only; else it holds for each box, grown to whole pixels, the part of the image
    under it: (⌈y2⌉ − ⌊y1⌋, ⌈x2⌉ − ⌊x1⌋) bool.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: NDArray[np.int64]
    masks: tuple[NDArray[np.bool_], ...] = ()


@runtime_checkable
class Detector(Protocol):
    """Images to boxes."""

    @property
    def names(self) -> Sequence[str]: ...

    def detect(self, images: Sequence[RGBImage]) -> list[Detections]: ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Masks that answer one prompt: ``masks`` (k, h, w) bool in the frame of the image, ``scores`` (k,) in [0, 1].

    The first is the one to show, the others come in the order in which to offer them; a score is the model's guess of its IoU.
    ``states`` holds what the backend needs to refine each of them: hand one back as ``previous``. They can be pickled.
    """

    masks: NDArray[np.bool_]
    scores: FloatArray
    states: tuple[object, ...]


@runtime_checkable
class InterruptibleSegmenter(Protocol):
    """A ``PromptSegmenter`` that takes long to read a picture and can stop in the middle of it."""

    def encode_while(self, image: RGBImage, wanted: Callable[[], bool]) -> object:
        """What ``encode`` gives. Raises ``JobCancelled`` as soon as it finds that ``wanted`` says no."""


@runtime_checkable
class PromptSegmenter(Protocol):
    """Prompts to masks: an expensive ``encode`` once per image, then a cheap ``segment`` per prompt."""

    @property
    def info(self) -> ModelInfo: ...

    def encode(self, image: RGBImage) -> object:
        """What ``segment`` needs of an image; keep it as long as the image is on screen."""

    def segment(
        self,
        encoding: object,
        points: FloatArray,
        point_labels: NDArray[np.bool_],
        box: FloatArray | None = None,
        previous: object | None = None,
    ) -> Candidates:
        """One to three candidates for all prompts so far.

        ``points`` (n, 2) x, y in pixels of the image, (0, 0) the outer corner of the first pixel; ``point_labels`` (n,) true
        where a point belongs to the object; ``box`` (4,) XYXY; ``previous`` a state of an earlier answer, or a (h, w) bool
        mask to start from. Raises ValueError without a box, a positive point or a previous mask.
        """

    def refine(
        self, encoding: object, mask: NDArray[np.bool_], points: FloatArray, point_labels: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """The mask (h, w) as it is kept: what is too slow for every click, done once on commit."""
