"""Semantic masks from a few painted images: a small head that says for every cell of an image which label covers it.

A perceptron of one hidden layer looks at the feature maps of the embedded encoder at strides 4 to 32. Its first layer is
applied to each map before the maps are enlarged to the finest, which gives the same numbers at a fraction of the cost.
``semantic_training`` fits it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from annotator.errors import ModelError
from annotator.learning.probe import softmax
from annotator.models.embedded.encoder import FEATURE_CHANNELS, EmbeddedImageEncoder
from annotator.models.protocols import FloatArray, RGBImage

STRIDES = (4, 8, 16, 32)
FINEST = STRIDES[0]
COARSEST = STRIDES[-1]
FEATURES = sum(FEATURE_CHANNELS[stride] for stride in STRIDES)
LONG_SIDE = 512
BACKGROUND = 0
"""Stands among label ids for what has no label; no label has this id."""
UNKNOWN = -1
"""Stands among label ids for pixels of which nothing is known."""
# Label maps of larger images are decided at this size and enlarged.
DECIDED_SIDE = 1536
# OpenCV resizes no more of them together.
CHANNELS_AT_ONCE = 64
FORMAT = "annotator.semantic-head.1"

Maps = Mapping[int, FloatArray]


def grid_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the finest map of an image (height, width)."""
    scale = LONG_SIDE / max(height, width)
    rows, columns = (max(1, round(side * scale / COARSEST)) * COARSEST // FINEST for side in (height, width))
    return rows, columns


def feature_maps(encoder: EmbeddedImageEncoder, image: RGBImage) -> dict[int, FloatArray]:
    """Stride → (c, rows, columns) maps of an image of any size, looked at with a long side of 512 pixels."""
    rows, columns = grid_size(*image.shape[:2])
    small = cv2.resize(image, (columns * FINEST, rows * FINEST), interpolation=cv2.INTER_AREA)
    batch = (small.transpose(2, 0, 1)[None].astype(np.float32) - np.float32(127)) / np.float32(128)
    return {stride: values[0] for stride, values in encoder.feature_maps(batch, STRIDES).items()}


def enlarge(values: FloatArray, rows: int, columns: int) -> FloatArray:
    """A map (h, w, c) at (rows, columns), bilinear."""
    if values.shape[:2] == (rows, columns):
        return values
    parts = [
        cv2.resize(np.ascontiguousarray(values[:, :, at : at + CHANNELS_AT_ONCE]), (columns, rows)).reshape(
            rows, columns, -1
        )
        for at in range(0, values.shape[2], CHANNELS_AT_ONCE)
    ]
    return np.concatenate(parts, axis=2, dtype=np.float32)


def cell_features(maps: Maps) -> FloatArray:
    """(rows, columns, 496) features of every cell of the finest map."""
    rows, columns = maps[FINEST].shape[1:]
    return np.concatenate(
        [enlarge(np.ascontiguousarray(maps[stride].transpose(1, 2, 0)), rows, columns) for stride in STRIDES], axis=2
    )


@dataclass(frozen=True)
class SemanticHead:
    """Probabilities of labels for every cell. ``label_ids`` names its outputs; 0 among them is the background.

    ``mean`` and ``scale`` (496,) standardise features; ``hidden`` (496, h) and ``hidden_bias`` (h,) lead to ``weights`` (h, k)
    and ``bias`` (k,). ``space``: the encoder it was trained on.
    """

    mean: FloatArray
    scale: FloatArray
    hidden: FloatArray
    hidden_bias: FloatArray
    weights: FloatArray
    bias: FloatArray
    label_ids: tuple[int, ...]
    space: str
    images: int = 0

    def probabilities(self, maps: Maps) -> FloatArray:
        """(rows, columns, k) for the cells of the finest of the maps of one image."""
        rows, columns = maps[FINEST].shape[1:]
        first = self.hidden / self.scale[:, None]
        total = np.broadcast_to(self.hidden_bias - self.mean @ first, (rows, columns, len(self.hidden_bias))).copy()
        at = 0
        for stride in STRIDES:
            values = maps[stride]
            flat = values.reshape(len(values), -1).T @ first[at : at + len(values)]
            total += enlarge(flat.reshape(*values.shape[1:], -1).astype(np.float32), rows, columns)
            at += len(values)
        scores = np.maximum(total, 0).reshape(rows * columns, -1) @ self.weights + self.bias
        return softmax(scores).reshape(rows, columns, -1)

    @property
    def version(self) -> str:
        """Hex content hash."""
        digest = blake2b(digest_size=16)
        for values in self._arrays().values():
            digest.update(values.tobytes())
        digest.update(repr((self.label_ids, self.space)).encode())
        return digest.hexdigest()

    def _arrays(self) -> dict[str, FloatArray]:
        names = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")
        return {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in names}

    def save(self, path: Path) -> None:
        """Write the head (safetensors) through a temporary name."""
        facts = {"label_ids": self.label_ids, "space": self.space, "images": self.images}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(save(self._arrays(), metadata={"format": FORMAT, "facts": json.dumps(facts)}))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> SemanticHead:
        """Read a head; ``ModelError`` when the file is missing, damaged or of another kind."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} cannot be read as a head: {error}", "Train again.", path=path) from error
        if metadata.get("format") != FORMAT:
            raise ModelError(f"{path} is not a head for semantic masks.", "Train again.", path=path)
        facts = json.loads(metadata["facts"])
        return cls(**arrays, label_ids=tuple(facts["label_ids"]), space=facts["space"], images=facts["images"])


def label_map(probabilities: FloatArray, height: int, width: int) -> NDArray[np.intp]:
    """(height, width) the most probable output of every pixel of an image, from probabilities (rows, columns, k)."""
    scale = min(1.0, DECIDED_SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    best = np.zeros((rows, columns), np.uint16)
    highest = np.full((rows, columns), -1, np.float32)
    for output in range(probabilities.shape[2]):
        plane = enlarge(np.ascontiguousarray(probabilities[:, :, output : output + 1]), rows, columns)[:, :, 0]
        better = plane > highest
        best[better] = output
        highest[better] = plane[better]
    if scale < 1:
        best = cv2.resize(best, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint16)
    return best.astype(np.intp)
