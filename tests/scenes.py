"""Pictures of simple things with boxes, for tests of detection: pale discs and dark squares on speckled ground."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.learning.detection import training, views

NAMES = ("disc", "square")


def draw_scene(
    seed: int, size: tuple[int, int] = (208, 160), things: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (h, w, 3), boxes (n, 4) and classes (n,) of ``things`` that do not touch."""
    rng = np.random.default_rng(seed)
    width, height = size
    ground = rng.integers(90, 150, 3)
    pixels = (ground + rng.normal(0, 12, (height, width, 3))).clip(0, 255).astype(np.uint8)
    boxes, classes = [], []
    for _ in range(200):
        if len(boxes) == things:
            break
        side = int(rng.integers(24, 40))
        x, y = int(rng.integers(2, width - side - 2)), int(rng.integers(2, height - side - 2))
        if any(x < b[2] + 4 and b[0] < x + side + 4 and y < b[3] + 4 and b[1] < y + side + 4 for b in boxes):
            continue
        label = int(rng.integers(0, 2))
        if label == 0:
            cv2.circle(pixels, (x + side // 2, y + side // 2), side // 2, (235, 225, 205), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(pixels, (x, y), (x + side - 1, y + side - 1), (25, 30, 60), -1)
        boxes.append([x, y, x + side, y + side])
        classes.append(label)
    return pixels, np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(classes, np.int64)


def write_scenes(folder: Path, count: int, *, first: int = 0, **how: object) -> Path:
    """``count`` pictures under ``folder``/images and their boxes as COCO JSON, which it returns; others than ``first`` differ."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(first, first + count):
        pixels, boxes, classes = draw_scene(number, **how)  # type: ignore[arg-type]
        name = f"scene_{number:03d}.png"
        assert cv2.imwrite(str(folder / "images" / name), pixels[..., ::-1])
        images.append({"id": number + 1, "file_name": name, "width": pixels.shape[1], "height": pixels.shape[0]})
        for (x1, y1, x2, y2), label in zip(boxes.tolist(), classes.tolist(), strict=True):
            entry = {"id": len(annotations) + 1, "image_id": number + 1, "category_id": label + 1, "iscrowd": 0}
            annotations.append({**entry, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
    categories = [{"id": at + 1, "name": name} for at, name in enumerate(NAMES)]
    target = folder / f"boxes_{first}.json"
    target.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}), "utf-8")
    return target


def learn_quickly(patch: pytest.MonkeyPatch, copies: int = 2, steps: int = 80) -> None:
    """Training on scenes in seconds: a canvas of their own size, few copies, few steps."""
    patch.setattr(views, "CANVAS_AREA", 208 * 160)
    patch.setattr(training, "COPIES", copies)
    patch.setattr(training, "STEPS", (steps, steps))
