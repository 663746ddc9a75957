"""Nearest neighbours by cosine, and the graph that labels spread over.

Exact up to 20,000 rows (blocked matrix products); above that rows are searched in the cells of a coarse k-means, which finds
almost all neighbours at a cost that grows as n^1.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import MiniBatchKMeans

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

EXACT_ROWS = 20_000
BLOCK_ROWS = 512
PROBED_CELLS = 12


def nearest(
    vectors: FloatArray, count: int, *, exact_rows: int = EXACT_ROWS, seed: int = 0
) -> tuple[IntArray, FloatArray]:
    """The ``count`` nearest other rows of every row by cosine.

    ``vectors`` (n, d). Returns (n, k) indices and similarities, most similar first, k = min(count, n − 1). Rows equal to
    another are each other's neighbours; no row is its own. In the approximate search a missing neighbour has the row's own
    index and similarity 0.
    """
    rows = len(vectors)
    count = max(0, min(count, rows - 1))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
    if count == 0:
        return np.zeros((rows, 0), dtype=np.int64), np.zeros((rows, 0), dtype=np.float32)
    everything = np.arange(rows)
    indices = np.tile(everything[:, None], (1, count))
    similarity = np.zeros((rows, count), dtype=np.float32)
    if rows <= exact_rows:
        blocks = [(everything[start : start + BLOCK_ROWS], everything) for start in range(0, rows, BLOCK_ROWS)]
    else:
        blocks = _cells(unit, seed)
    for queries, candidates in blocks:
        block = unit[queries] @ unit[candidates].T
        block[queries[:, None] == candidates[None, :]] = -np.inf
        kept = min(count, len(candidates) - 1)
        best = np.argpartition(block, -kept, axis=1)[:, -kept:] if kept else np.zeros((len(queries), 0), dtype=np.int64)
        values = np.take_along_axis(block, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        indices[queries, :kept] = candidates[np.take_along_axis(best, order, axis=1)]
        similarity[queries, :kept] = np.take_along_axis(values, order, axis=1)
    return indices, similarity


def _cells(unit: FloatArray, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Pairs (rows of a cell, candidate rows of the cells around it); every row is in exactly one cell."""
    count = int(np.sqrt(len(unit)))
    means = MiniBatchKMeans(count, batch_size=4096, max_iter=5, n_init=1, init="random", random_state=seed).fit(unit)
    members = np.argsort(means.labels_, kind="stable")
    starts = np.searchsorted(means.labels_[members], np.arange(count + 1))
    parts = [members[starts[cell] : starts[cell + 1]] for cell in range(count)]
    centres = means.cluster_centers_.astype(np.float32)
    around = np.argsort(-(centres @ centres.T) / np.linalg.norm(centres, axis=1), axis=1)[:, :PROBED_CELLS]
    pairs: list[tuple[IntArray, IntArray]] = []
    for cell, queries in enumerate(parts):
        if len(queries):
            cells = {cell, *around[cell].tolist()}
            candidates = np.concatenate([parts[other] for other in sorted(cells)])
            pairs.extend((queries[at : at + BLOCK_ROWS], candidates) for at in range(0, len(queries), BLOCK_ROWS))
    return pairs


def affinity(indices: IntArray, similarity: FloatArray, *, power: float = 3.0) -> sparse.csr_array:
    """Symmetric graph D^-½ (W + Wᵀ) D^-½ with W = max(cos, 0)^power over the given neighbours (Zhou et al. 2004)."""
    rows, count = indices.shape
    weights = np.maximum(similarity, 0.0).ravel() ** power
    index = np.repeat(np.arange(rows), count)
    graph = sparse.csr_array((weights, (index, indices.ravel())), shape=(rows, rows), dtype=np.float32)
    graph = (graph + graph.T).tocsr()
    degree = np.asarray(graph.sum(axis=1)).ravel()
    scale = (1.0 / np.sqrt(np.maximum(degree, 1e-12))).astype(np.float32)
    return sparse.csr_array(sparse.diags_array(scale) @ graph @ sparse.diags_array(scale), dtype=np.float32)


def propagate(graph: sparse.csr_array, seeds: FloatArray, *, alpha: float = 0.95, iterations: int = 30) -> FloatArray:
    """Spread (n, c) ``seeds`` over the graph: F ← α S F + (1 − α) Y. Rows that nothing reaches stay zero."""
    spread = seeds.astype(np.float32)
    base = (1.0 - alpha) * spread
    for _ in range(iterations):
        spread = alpha * (graph @ spread) + base
    return np.asarray(spread, dtype=np.float32)
