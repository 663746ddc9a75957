"""Masks as run-length counts over a window of the image (COCO order: column-major, background first).

A mask stores the runs of its bounding window and the window's origin, so that a brush stroke costs what it covers and not
what the image covers. Specification: the COCO mask API (uncompressed counts).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]


def encode(mask: BoolMask) -> tuple[int, ...]:
    """Runs of a (h, w) bool array in column-major order, starting with background (a first run of 0 if [0, 0] is set)."""
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    if flat.size == 0:
        return ()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate(([0], edges, [flat.size]))
    runs = np.diff(bounds).tolist()
    return tuple([0, *runs] if flat[0] else runs)


def decode(counts: tuple[int, ...], height: int, width: int) -> BoolMask:
    """The (height, width) bool array of ``counts``; raises ``ValueError`` when the runs do not cover exactly that many pixels."""
    runs = np.asarray(counts, dtype=np.int64)
    if runs.size and (runs.min() < 0):
        raise ValueError("run lengths must not be negative")
    if int(runs.sum()) != height * width:
        raise ValueError(f"runs cover {int(runs.sum())} pixels, expected {height}x{width} = {height * width}")
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def area(counts: tuple[int, ...]) -> int:
    """Number of set pixels."""
    return int(sum(counts[1::2]))
