"""Regions without weights, and groups of them by look."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.learning.region_groups import group, region_vectors
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.embedded.regions import WORKING_SIDE, GraphRegions
from annotator.models.protocols import RegionProposer
from tests.unit.learning.scenes import scene


def test_regions_cover_the_picture_once_and_follow_its_edges() -> None:
    proposer = GraphRegions()
    assert isinstance(proposer, RegionProposer)
    pixels, ids = scene(3, 2)
    found = proposer.regions(pixels)
    times = np.zeros(ids.shape, int)
    right = 0
    for box, mask in zip(found.boxes.astype(int), found.masks, strict=True):
        window = np.s_[box[1] : box[3], box[0] : box[2]]
        times[window] += mask
        right += int(np.bincount(ids[window][mask]).max())
    assert (times == 1).all()
    assert right / ids.size > 0.95
    assert 2 <= len(found.masks) < 60
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


def test_regions_of_a_large_picture_are_in_its_own_pixels() -> None:
    pixels = np.full((900, 1200, 3), 240, np.uint8)
    pixels[200:600, 300:900] = (20, 60, 160)
    found = GraphRegions().regions(pixels)
    inner = min(range(len(found.masks)), key=lambda at: found.masks[at].sum())
    # Within three pixels of the size at which regions are found.
    assert np.abs(found.boxes[inner] - (300, 200, 900, 600)).max() <= 3 * 1200 / WORKING_SIDE
    with pytest.raises(ValueError, match="RGB"):
        GraphRegions().regions(pixels[:, :, 0])


def test_regions_of_one_look_fall_into_one_group() -> None:
    encoder = EmbeddedImageEncoder(threads=1)
    vectors, truth = [], []
    for seed in range(4):
        pixels, ids = scene(seed, 2)
        found = GraphRegions().regions(pixels)
        vectors.append(region_vectors(encoder, pixels, found))
        for box, mask in zip(found.boxes.astype(int), found.masks, strict=True):
            truth.append(int(np.bincount(ids[box[1] : box[3], box[0] : box[2]][mask]).argmax()))
    groups = group(np.concatenate(vectors), 6)
    kinds = np.array(truth)
    assert groups.count <= 6
    sizes = np.bincount(groups.members)
    assert (np.diff(sizes) <= 0).all()
    right = sum(int(np.bincount(kinds[groups.members == each]).max()) for each in range(groups.count))
    assert right / len(kinds) > 0.8
    assert ((groups.likeness >= 0) & (groups.likeness <= 1)).all()


def test_fewer_regions_than_groups_are_groups_of_their_own() -> None:
    vectors = np.eye(3, 5, dtype=np.float32)
    assert sorted(group(vectors, 8).members.tolist()) == [0, 1, 2]
    assert group(np.zeros((0, 5), np.float32), 8).count == 0
