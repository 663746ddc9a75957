"""Duplicate pictures: the same file twice, or pictures that look almost the same to the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.97
"""Cosine of two centred feature vectors from which two pictures count as almost the same."""


def same_files(hashes: Mapping[int, str]) -> list[tuple[int, int]]:
    """Pairs (first, copy) of image ids whose files have the same content hash; empty hashes are not compared."""
    groups: dict[str, list[int]] = defaultdict(list)
    for image_id in sorted(hashes):
        if hashes[image_id]:
            groups[hashes[image_id]].append(image_id)
    return [(each[0], other) for each in groups.values() for other in each[1:]]


def look_alikes(
    ids: NDArray[np.int64], neighbours: NDArray[np.int64], similarity: NDArray[np.floating], least: float = ALIKE
) -> list[tuple[int, int, float]]:
    """Triples (image, image, cosine), the most alike first, from the nearest rows (n, k) of every row and their cosines."""
    rows, columns = np.nonzero(similarity >= least)
    found: dict[tuple[int, int], float] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        pair = sorted((int(ids[row]), int(ids[neighbours[row, column]])))
        found[pair[0], pair[1]] = float(similarity[row, column])
    return sorted(((a, b, cosine) for (a, b), cosine in found.items() if a != b), key=lambda each: (-each[2], each[:2]))
