"""A trained tag head: a few arrays that turn features into probabilities, saved as safetensors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from annotator.errors import ModelError
from annotator.learning.pool import normalised
from annotator.learning.probe import sigmoid, softmax

FloatArray = NDArray[np.float32]

FORMAT = "annotator.tag-head.1"
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class TagHead:
    """Probabilities of one label group from the features of one embedding space.

    ``mean`` (d,) is subtracted from features before they are scaled to unit length; ``weights`` (d, k) and ``bias`` (k,) with
    k = ``n_classes``, or one more column that means "none of them". ``temperature`` divides the scores (1 until calibrated).
    """

    mean: FloatArray
    weights: FloatArray
    bias: FloatArray
    n_classes: int
    exclusive: bool = True
    n_labelled: int = 0
    recipe: str = ""
    temperature: float = 1.0

    def scores(self, vectors: NDArray[np.floating]) -> FloatArray:
        """(n, k) raw scores of (n, d) features of any float type."""
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            raise ValueError(f"expected features of (n, {len(self.mean)}), got {vectors.shape}")
        result = np.empty((len(vectors), self.weights.shape[1]), dtype=np.float32)
        for at in range(0, len(vectors), BLOCK_ROWS):
            rows = normalised(vectors[at : at + BLOCK_ROWS], self.mean)
            result[at : at + BLOCK_ROWS] = rows @ self.weights + self.bias
        return result

    def predict(self, vectors: NDArray[np.floating]) -> FloatArray:
        """(n, n_classes) probabilities. Rows of an exclusive group sum to 1, or to less where "none of them" is likely."""
        scores = self.scores(vectors) / np.float32(self.temperature)
        probabilities = softmax(scores) if self.exclusive else sigmoid(scores)
        return probabilities[:, : self.n_classes]

    @property
    def version(self) -> str:
        """Hex content hash of the head."""
        digest = blake2b(digest_size=16)
        for array in (self.mean, self.weights, self.bias):
            digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        digest.update(f"{self.n_classes} {self.exclusive} {self.temperature!r}".encode())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the head to ``path`` (safetensors) through a temporary name."""
        facts = {
            "n_classes": self.n_classes,
            "exclusive": self.exclusive,
            "n_labelled": self.n_labelled,
            "recipe": self.recipe,
            "temperature": self.temperature,
        }
        arrays = {
            name: np.ascontiguousarray(getattr(self, name), dtype=np.float32) for name in ("mean", "weights", "bias")
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(save(arrays, metadata={"format": FORMAT, "facts": json.dumps(facts)}))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> TagHead:
        """Read a head; ``ModelError`` when the file is missing, damaged or of another kind."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} cannot be read as a head: {error}", "Train again.", path=path) from error
        if metadata.get("format") != FORMAT or not {"mean", "weights", "bias"} <= arrays.keys():
            raise ModelError(f"{path} is not a head of this program.", "Train again.", path=path)
        facts = json.loads(metadata["facts"])
        return cls(arrays["mean"], arrays["weights"], arrays["bias"], **facts)
