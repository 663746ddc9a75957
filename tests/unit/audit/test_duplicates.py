"""Perceptual hashes: the same picture in another size and quality, and no other."""

from __future__ import annotations

import cv2
import numpy as np

from annotator.audit.duplicates import SAME_BITS, picture_hash, same_pictures


def picture(seed: int, side: int = 240) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC))


def saved_again(rgb: np.ndarray, quality: int, side: int) -> np.ndarray:
    small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def test_another_size_and_quality_is_the_same_picture() -> None:
    hashes = {seed: picture_hash(picture(seed)) for seed in range(40)}
    hashes[100] = picture_hash(saved_again(picture(7), 40, 120))
    hashes[101] = picture_hash(np.clip(picture(9).astype(int) + 12, 0, 255).astype(np.uint8))
    assert {(a, b) for a, b, _ in same_pictures(hashes)} == {(7, 100), (9, 101)}


def test_only_pairs_within_three_bits_are_named_and_flat_pictures_never() -> None:
    base = 0x0123456789ABCDEF
    near, far = base ^ 0b1001_0000_0000_0001, base ^ 0xF
    assert same_pictures({1: base, 2: near, 3: far}) == [(1, 2, 3)]
    assert SAME_BITS == 3
    flat = picture_hash(np.full((50, 70, 3), 90, np.uint8))
    assert same_pictures({1: flat, 2: flat}) == []
