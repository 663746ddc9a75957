"""The pool of learning: an immutable set of images' features, and what is computed from them once and kept between rounds.

A ``Pool`` holds what may influence training: images of the train split and unlabelled ones. Images that are scored (``test``,
a held-out fold of ``simulate``) never enter a pool, so they cannot reach the mean, the graph, the principal components or
the queue. Everything here is a plain array; ids are the caller's image ids.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from annotator.learning.neighbours import affinity, nearest

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

GRAPH_NEIGHBOURS = 15
TYPICAL_NEIGHBOURS = 20
COMPONENTS = 256
BLOCK_ROWS = 2048
COVARIANCE_ROWS = 20_000


def normalised(vectors: NDArray[np.floating], mean: FloatArray) -> FloatArray:
    """(n, d) rows centred on ``mean`` and scaled to unit length; a row equal to the mean stays zero."""
    rows = np.asarray(vectors, dtype=np.float32) - mean
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(lengths, 1e-12)
    return rows


class Pool:
    """Features of the images that training may see.

    ``ids`` (n,) image ids; ``vectors`` (n, d) features of any float type (a float16 memory map is fine). ``graph``,
    ``components`` and ``typicality`` are computed on first use: keep the pool between rounds. A pool never changes; when
    images are added, make a new one.
    """

    def __init__(self, ids: NDArray[np.integer], vectors: NDArray[np.floating], *, seed: int = 0) -> None:
        if vectors.ndim != 2 or len(ids) != len(vectors):
            raise ValueError(f"expected one row of features per id, got {vectors.shape} for {len(ids)} ids")
        self.ids: IntArray = np.asarray(ids, dtype=np.int64)
        self.vectors = vectors
        self.seed = seed

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    @cached_property
    def mean(self) -> FloatArray:
        """(d,) mean of the features."""
        total = np.zeros(self.dimension, dtype=np.float64)
        for start in range(0, len(self), BLOCK_ROWS):
            total += np.asarray(self.vectors[start : start + BLOCK_ROWS], dtype=np.float32).sum(
                axis=0, dtype=np.float64
            )
        return (total / max(1, len(self))).astype(np.float32)

    def rows(self, index: NDArray[np.integer]) -> FloatArray:
        """(m, d) centred, normalised features of the given rows."""
        return normalised(self.vectors[np.asarray(index, dtype=np.int64)], self.mean)

    @cached_property
    def basis(self) -> FloatArray:
        """(d, k) orthonormal principal directions of the normalised features, strongest first, k ≤ 256."""
        index = np.arange(len(self))
        if len(self) > COVARIANCE_ROWS:
            index = np.sort(np.random.default_rng(self.seed).choice(len(self), COVARIANCE_ROWS, replace=False))
        second_moment = np.zeros((self.dimension, self.dimension), dtype=np.float32)
        for start in range(0, len(index), BLOCK_ROWS):
            rows = self.rows(index[start : start + BLOCK_ROWS])
            second_moment += rows.T @ rows
        _, directions = np.linalg.eigh(second_moment)
        count = min(COMPONENTS, self.dimension, max(1, len(self)))
        return np.ascontiguousarray(directions[:, ::-1][:, :count])

    @cached_property
    def components(self) -> FloatArray:
        """(n, k) normalised features in the principal directions; the first columns are the strongest."""
        parts = [
            self.rows(np.arange(start, min(start + BLOCK_ROWS, len(self)))) @ self.basis
            for start in range(0, len(self), BLOCK_ROWS)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.basis.shape[1]), dtype=np.float32)

    @cached_property
    def _nearest(self) -> tuple[IntArray, FloatArray]:
        return nearest(self.components, max(GRAPH_NEIGHBOURS, TYPICAL_NEIGHBOURS), seed=self.seed)

    @cached_property
    def graph(self) -> sparse.csr_array:
        """(n, n) symmetric, degree-normalised kNN graph with weights cos³."""
        indices, similarity = self._nearest
        return affinity(indices[:, :GRAPH_NEIGHBOURS], similarity[:, :GRAPH_NEIGHBOURS])

    @cached_property
    def typicality(self) -> FloatArray:
        """(n,) inverse mean distance to the 20 nearest neighbours: high in dense regions (TypiClust)."""
        _, similarity = self._nearest
        if similarity.shape[1] == 0:
            return np.ones(len(self), dtype=np.float32)
        distance = np.sqrt(np.maximum(2.0 - 2.0 * similarity, 0.0)).mean(axis=1)
        return np.asarray(1.0 / np.maximum(distance, 1e-6), dtype=np.float32)
