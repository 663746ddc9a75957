"""Duplicate pictures: the same file twice, the same picture saved otherwise, or pictures that a model can hardly tell apart.

The perceptual hash is dHash (Krawetz 2013): whether each of 8×8 points is brighter than the one to its right, 64 bits that
survive scaling, another quality and a small change of brightness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

ALIKE = 0.97
"""Cosine of two centred feature vectors from which two pictures count as almost the same."""


HASH_SIDE = 8
SAME_BITS = 3
"""How many of 64 bits may differ between two savings of one picture."""
BANDS = 4
FLAT = 8
"""A picture with fewer bits set, or fewer not set, has too little structure to be told by its hash."""


def picture_hash(rgb: NDArray[np.uint8]) -> int:
    """The 64-bit difference hash of an (h, w, 3) uint8 RGB picture of any size."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    bits = small[:, 1:] < small[:, :-1]
    return int.from_bytes(np.packbits(bits).tobytes())


def same_pictures(hashes: Mapping[int, int], most: int = SAME_BITS) -> list[tuple[int, int, int]]:
    """Triples (first, copy, bits that differ) of image ids, the most alike first.

    Hashes of 64 bits that differ in at most three agree in one of four bands of sixteen: only such pairs are compared.
    """
    ids = np.asarray(sorted(hashes), dtype=np.int64)
    values = np.asarray([hashes[image] for image in ids.tolist()], dtype=np.uint64)
    ones = np.bitwise_count(values)
    keep = (ones >= FLAT) & (ones <= 64 - FLAT)
    ids, values = ids[keep], values[keep]
    found: dict[tuple[int, int], int] = {}
    for band in range(BANDS):
        key = (values >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))
        for members in np.split(order, starts[1:]):
            if len(members) < 2:
                continue
            apart = np.bitwise_count(values[members][:, None] ^ values[members][None, :])
            for a, b in zip(*np.nonzero(np.triu(apart <= most, 1)), strict=True):
                pair = sorted((int(ids[members[a]]), int(ids[members[b]])))
                found[pair[0], pair[1]] = int(apart[a, b])
    return sorted(((a, b, bits) for (a, b), bits in found.items()), key=lambda each: (each[2], each[:2]))


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
