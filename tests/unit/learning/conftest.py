"""Synthetic features with known answers: blobs on a sphere, and a text model that is right more often than not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from annotator.learning.pool import Pool


@dataclass(frozen=True)
class World:
    """``vectors`` of ``truth`` classes, and ``zero_shot`` probabilities that know something about them."""

    vectors: NDArray[np.float32]
    truth: NDArray[np.int64]
    zero_shot: NDArray[np.float32]
    classes: int

    @property
    def pool(self) -> Pool:
        return Pool(np.arange(len(self.truth)) + 100, self.vectors)


def make_world(rows: int = 600, classes: int = 5, *, dimension: int = 48, noise: float = 0.28, seed: int = 0) -> World:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, rows)
    centres = draw.normal(size=(classes, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = centres[truth] + noise * draw.normal(size=(rows, dimension)) + 3.0
    hint = draw.normal(size=(rows, classes))
    hint[np.arange(rows), truth] += 1.0
    zero_shot = np.exp(1.5 * hint)
    zero_shot[:, 0] *= 3.0
    zero_shot /= zero_shot.sum(axis=1, keepdims=True)
    return World(vectors.astype(np.float32), truth, zero_shot.astype(np.float32), classes)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()
