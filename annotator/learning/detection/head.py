"""A trained detection head: arrays that turn feature maps into heat and box sides with NumPy alone, saved as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from annotator.errors import ModelError
from annotator.learning.detection.views import Canvas
from annotator.models.embedded.encoder import FEATURE_CHANNELS
from annotator.models.protocols import FloatArray

FORMAT = "annotator.detection-head.1"
STRIDES = (8, 16, 32)
FEATURES = {stride: FEATURE_CHANNELS[stride] for stride in STRIDES}
WIDTH = 64
NORM_GROUPS = 8
NORM_EPSILON = 1e-5
UNIT = 16.0
"""Canvas pixels that a side has where the network says zero."""


@dataclass(frozen=True)
class DetectionHead:
    """``weights`` by the names of ``network.Network``; ``scale`` is what ``views_of`` takes (0: whole pictures).

    ``n_images`` and ``n_boxes`` it learned from.
    """

    weights: Mapping[str, FloatArray] = field(repr=False)
    canvas: Canvas
    scale: float = 0.0
    n_images: int = 0
    n_boxes: int = 0

    @property
    def n_classes(self) -> int:
        return len(self.weights["heat.bias"])

    def maps(self, features: Mapping[int, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Heat (n, classes, h, w) in [0, 1] and sides (n, 4, h, w) in canvas pixels, of feature maps by stride."""
        w = self.weights
        size = features[8].shape[2:]
        x = _pointwise(features[8], w["lateral8.weight"], w["lateral8.bias"])
        for stride in (16, 32):
            x = x + _enlarged(_pointwise(features[stride], w[f"lateral{stride}.weight"]), size)
        for layer in ("1", "2"):
            x = _convolved(x, self._kernels[layer])
            x = np.maximum(_normalised(x, w[f"norm{layer}.weight"], w[f"norm{layer}.bias"]), 0)
        heat = _pointwise(x, w["heat.weight"], w["heat.bias"])
        sides = _pointwise(x, w["sides.weight"], w["sides.bias"])
        return (
            np.asarray(1 / (1 + np.exp(-np.clip(heat, -30, 30))), np.float32),
            np.asarray(np.exp(np.clip(sides, -4, 4)) * UNIT, np.float32),
        )

    @cached_property
    def _kernels(self) -> dict[str, FloatArray]:
        """3 × 3 kernels as (out, 9 × in) matrices, neighbours first."""
        return {
            layer: np.ascontiguousarray(
                self.weights[f"conv{layer}.weight"].transpose(0, 2, 3, 1).reshape(WIDTH, 9 * WIDTH)
            )
            for layer in ("1", "2")
        }

    @cached_property
    def version(self) -> str:
        """Hex content hash of the head."""
        digest = blake2b(f"{self.canvas} {self.scale!r}".encode(), digest_size=16)
        for name in sorted(self.weights):
            digest.update(np.ascontiguousarray(self.weights[name], dtype=np.float32).tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the head to ``path`` (safetensors) through a temporary name."""
        facts = {
            "canvas": [self.canvas.width, self.canvas.height],
            "scale": self.scale,
            "n_images": self.n_images,
            "n_boxes": self.n_boxes,
        }
        arrays = {name: np.ascontiguousarray(values, np.float32) for name, values in self.weights.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(save(arrays, metadata={"format": FORMAT, "facts": json.dumps(facts)}))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> DetectionHead:
        """Read a head; ``ModelError`` when the file is missing, damaged or of another kind."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} cannot be read as a head: {error}", "Train again.", path=path) from error
        if metadata.get("format") != FORMAT:
            raise ModelError(f"{path} is not a detection head of this program.", "Train again.", path=path)
        facts: dict[str, Any] = json.loads(metadata["facts"])
        return cls(arrays, Canvas(*facts.pop("canvas")), **facts)


def _pointwise(maps: FloatArray, weight: FloatArray, bias: FloatArray | None = None) -> FloatArray:
    """A 1 × 1 convolution of (n, c, h, w)."""
    n, channels, height, width = maps.shape
    kernel = weight.reshape(weight.shape[0], channels)
    result = np.matmul(kernel, np.asarray(maps, np.float32).reshape(n, channels, height * width))
    if bias is not None:
        result = result + bias[:, None]
    return np.asarray(result.reshape(n, -1, height, width), np.float32)


def _convolved(maps: FloatArray, kernel: FloatArray) -> FloatArray:
    """A 3 × 3 convolution of (n, c, h, w) with zeros around it, as one product for each picture."""
    n, channels, height, width = maps.shape
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))
    columns = np.empty((3, 3, channels, height, width), np.float32)
    result = np.empty((n, len(kernel), height * width), np.float32)
    for at in range(n):
        for row in range(3):
            for column in range(3):
                columns[row, column] = padded[at, :, row : row + height, column : column + width]
        np.matmul(kernel, columns.reshape(9 * channels, height * width), out=result[at])
    return result.reshape(n, len(kernel), height, width)


def _normalised(maps: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Group normalisation of (n, c, h, w)."""
    n, channels, height, width = maps.shape
    groups = maps.reshape(n, NORM_GROUPS, -1)
    mean = groups.mean(axis=2, keepdims=True)
    spread = np.sqrt(groups.var(axis=2, keepdims=True) + np.float32(NORM_EPSILON))
    flat = ((groups - mean) / spread).reshape(n, channels, height * width)
    return np.asarray((flat * weight[:, None] + bias[:, None]).reshape(maps.shape), np.float32)


def _enlarged(maps: FloatArray, size: Sequence[int]) -> FloatArray:
    """(n, c, h, w) stretched to ``size`` linearly, cells' middles on cells' middles."""
    rows, columns = _weights(maps.shape[2], size[0]), _weights(maps.shape[3], size[1])
    return np.asarray(np.matmul(np.matmul(rows, maps), columns.T), np.float32)


def _weights(before: int, after: int) -> FloatArray:
    """(after, before) how much each old cell counts in each new one."""
    at = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, before - 1)
    table = np.zeros((after, before), np.float32)
    np.add.at(table, (np.arange(after), low), 1 - (at - low))
    np.add.at(table, (np.arange(after), high), at - low)
    return table
