"""An order in which things that look alike stand together and small groups come first: outliers jump out of a wall sorted so.

Random projection to 32 dimensions, a few rounds of k-means there, then groups from the smallest, each from its centre outwards.
Our own choice, without a paper behind it: the order only helps the eye, nothing is learned from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

DIMENSIONS = 32
PER_GROUP = 40
MOST_GROUPS = 64
ROUNDS = 8
BLOCK = 4096


def by_look(vectors: NDArray[np.floating], *, seed: int = 0) -> IntArray:
    """(n,) a permutation of the rows of ``vectors`` (n, d), which may be a float16 memory map."""
    if not len(vectors):
        return np.zeros(0, np.int64)
    points = _projected(vectors, seed)
    groups, distances = _grouped(points, min(MOST_GROUPS, max(1, len(points) // PER_GROUP)), seed)
    sizes = np.bincount(groups)
    return np.lexsort((distances, groups, sizes[groups])).astype(np.int64)


def _projected(vectors: NDArray[np.floating], seed: int) -> FloatArray:
    """(n, 32) directions from the mean, which keep their distances roughly (Johnson and Lindenstrauss)."""
    blocks = range(0, len(vectors), BLOCK)
    mean = sum(np.asarray(vectors[at : at + BLOCK], np.float64).sum(axis=0) for at in blocks) / len(vectors)
    random = np.random.default_rng(seed).normal(size=(vectors.shape[1], DIMENSIONS)).astype(np.float32)
    made = [(np.asarray(vectors[at : at + BLOCK], np.float32) - mean.astype(np.float32)) @ random for at in blocks]
    points = np.concatenate(made)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    return np.asarray(points, np.float32)


def _grouped(points: FloatArray, count: int, seed: int) -> tuple[IntArray, FloatArray]:
    """(n,) the group of each point, and its distance from the group's centre. Centres start farthest from each other."""
    centres = points[[int(np.random.default_rng(seed).integers(len(points)))]]
    nearest = np.full(len(points), np.inf, np.float32)
    while len(centres) < count:
        nearest = np.minimum(nearest, ((points - centres[-1]) ** 2).sum(axis=1))
        centres = np.concatenate([centres, points[[int(nearest.argmax())]]])
    for _ in range(ROUNDS):
        groups = (points @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, groups, points)
        sizes = np.bincount(groups, minlength=len(centres))[:, None]
        centres = np.where(sizes > 0, sums / np.maximum(sizes, 1), centres).astype(np.float32)
    groups = (points @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1).astype(np.int64)
    return groups, np.linalg.norm(points - centres[groups], axis=1).astype(np.float32)
