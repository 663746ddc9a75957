"""Regions that look alike, before anybody has labelled anything: their vectors, and k-means groups of them.

After Wang et al., "U2Seg", CVPR 2024, on frozen features: a group is named once for all of its regions.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from annotator.learning.semantic import enlarge, feature_maps, grid_size
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import FloatArray, Regions, RGBImage

STRIDES = (8, 16, 32)
STARTS = 4

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """``members`` (n,): the group of each region, 0 the largest; ``likeness`` (n,) in [0, 1]: 1 in the middle of the group."""

    members: IntArray
    likeness: FloatArray

    @property
    def count(self) -> int:
        return int(self.members.max(initial=-1)) + 1


def region_vectors(encoder: EmbeddedImageEncoder, image: RGBImage, regions: Regions) -> FloatArray:
    """(n, 472) one vector per region of an image: its mean feature on each of three maps, each of unit length."""
    maps = feature_maps(encoder, image)
    rows, columns = grid_size(*image.shape[:2])
    rows, columns = rows // 2, columns // 2
    planes = [enlarge(np.ascontiguousarray(maps[stride].transpose(1, 2, 0)), rows, columns) for stride in STRIDES]
    vectors = np.zeros((len(regions.masks), sum(plane.shape[2] for plane in planes)), np.float32)
    for at, cover in enumerate(_covers(regions, image.shape[:2], (rows, columns))):
        weight = cover / max(float(cover.sum()), 1e-6)
        means = [np.tensordot(weight, plane, axes=2) for plane in planes]
        vectors[at] = np.concatenate([mean / (np.linalg.norm(mean) + 1e-6) for mean in means])
    return vectors


def _covers(regions: Regions, shape: tuple[int, ...], size: tuple[int, int]) -> list[FloatArray]:
    """For each region the share of every cell (rows, columns) = ``size`` that it covers."""
    covers = []
    for box, mask in zip(regions.boxes.astype(int), regions.masks, strict=True):
        plane = np.zeros(shape[:2], np.float32)
        plane[box[1] : box[3], box[0] : box[2]] = mask
        covers.append(np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA), np.float32))
    return covers


def group(vectors: FloatArray, count: int, seed: int = 0) -> Groups:
    """k-means of (n, d) vectors into at most ``count`` groups, numbered from the largest."""
    if not len(vectors):
        return Groups(np.zeros(0, np.int64), np.zeros(0, np.float32))
    unit = vectors - vectors.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-6
    means = KMeans(min(count, len(unit)), n_init=STARTS, random_state=seed).fit(unit)
    sizes = np.bincount(means.labels_, minlength=len(means.cluster_centers_))
    rank = np.argsort(np.argsort(-sizes, kind="stable"))
    centres = means.cluster_centers_[means.labels_]
    cosines = (unit * centres).sum(1) / (np.linalg.norm(centres, axis=1) + 1e-6)
    return Groups(rank[means.labels_].astype(np.int64), cosines.clip(0, 1).astype(np.float32))
