"""A click to a box: the segmenter's bounds at first, and how people draw their boxes after a few examples."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from annotator.domain.geometry import Box
from annotator.domain.overlap import iou
from annotator.learning.click_boxes import ClickBoxes, Scene, learn
from annotator.models.embedded.decoder import EmbeddedSegmenter
from annotator.models.embedded.encoder import EmbeddedImageEncoder


def drawn(seed: int) -> tuple[np.ndarray, list[Box]]:
    """Two disks, and boxes as somebody draws them who always leaves a wide margin on top."""
    rng = np.random.default_rng(seed)
    pixels = np.full((160, 240, 3), (96, 128, 88), np.float64)
    boxes = []
    for x in (60, 180):
        y, radius = int(rng.integers(75, 100)), int(rng.integers(18, 26))
        cv2.circle(pixels, (x, y), radius, (200, 60, 50), -1)
        boxes.append(Box(x - radius, y - 2.2 * radius, x + radius, y + radius))
    return (pixels + rng.normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8), boxes


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Scene, list[Box]]]:
    encoder, segmenter = EmbeddedImageEncoder(threads=1), EmbeddedSegmenter(threads=1)
    made = [drawn(seed) for seed in range(5)]
    return [(Scene(pixels, encoder, segmenter), boxes) for pixels, boxes in made]


def agreement(learned: ClickBoxes, scenes: list[tuple[Scene, list[Box]]]) -> float:
    found = []
    for scene, boxes in scenes:
        for box in boxes:
            x, y = (box.x1 + box.x2) / 2, box.y2 - 20
            found.append(iou(learned.box(scene, x, y), box))
    return float(np.mean(found))


def test_a_few_examples_teach_how_boxes_are_drawn(scenes: list[tuple[Scene, list[Box]]]) -> None:
    learned = learn(scenes[:3])
    assert learned.model is not None
    before, after = agreement(ClickBoxes(), scenes[3:]), agreement(learned, scenes[3:])
    assert after > before + 0.1
    assert after > 0.7


def test_too_few_examples_leave_the_bounds_of_what_lies_there(scenes: list[tuple[Scene, list[Box]]]) -> None:
    learned = learn(scenes[:1])
    assert learned.model is None
    scene, (box, _) = scenes[4]
    found = learned.box(scene, (box.x1 + box.x2) / 2, box.y2 - 20)
    assert found.x1 == pytest.approx(box.x1, abs=6)
    assert found.x2 == pytest.approx(box.x2, abs=6)
    assert found.y2 == pytest.approx(box.y2, abs=6)
    assert found.y1 > box.y1 + 5


def test_a_box_stays_inside_the_image(scenes: list[tuple[Scene, list[Box]]]) -> None:
    learned = learn(scenes[:3])
    found = learned.box(scenes[4][0], 239, 1)
    assert 0 <= found.x1 < found.x2 <= 240
    assert 0 <= found.y1 < found.y2 <= 160
