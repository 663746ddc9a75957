"""Copies of labelled pictures for training: mirrored, moved, scaled, recoloured, with objects of other pictures pasted in.

Everything follows from a seed, so that a picture's copies are the same in every round and their features are computed once.
Copy-paste with soft edges: Dwibedi et al., "Cut, Paste and Learn", ICCV 2017; ellipses, because boxes are all that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.learning.detection.views import Canvas, View, draw, inside
from annotator.models.protocols import FloatArray, RGBImage

IntArray = NDArray[np.int64]

SCALES = (0.75, 1.35)
SHIFT = 0.2
PASTES = 4
PASTE_SIZES = (0.8, 1.25)
PASTE_TRIES = 8
FEATHER = 0.12
COVERED = 0.25
"""Pasted objects cover at most this much of what is there."""
DONORS_ASKED = 12


NO_BOXES: FloatArray = np.zeros((0, 4), np.float32)


@dataclass(frozen=True)
class Scene:
    """A labelled picture. ``pixels`` are ``scale`` of the image's size; ``boxes`` (n, 4) in image pixels, ``classes`` (n,).

    ``complete``: all objects have a box, so that the rest is background. Where it is not, only ``refused`` boxes (m, 4), which a
    person said are wrong, are background.
    """

    key: str
    pixels: RGBImage
    scale: float
    boxes: FloatArray
    classes: IntArray
    complete: bool = True
    refused: FloatArray = field(default_factory=NO_BOXES.copy)


@dataclass(frozen=True)
class Copy:
    """A canvas with the boxes and classes on it.

    ``refused`` (m, 4) are background, all of the rest is where ``complete``; ``cut`` (k, 4) show too little of an object to
    say what is there.
    """

    pixels: RGBImage
    boxes: FloatArray
    classes: IntArray
    complete: bool = True
    refused: FloatArray = field(default_factory=NO_BOXES.copy)
    cut: FloatArray = field(default_factory=NO_BOXES.copy)


def plain_copy(scene: Scene, view: View, canvas: Canvas) -> Copy:
    """The view as it is."""
    boxes, seen = inside(view.to_canvas(scene.boxes), canvas)
    refused, _ = inside(view.to_canvas(scene.refused), canvas)
    pixels = draw(scene.pixels, scene.scale, view, canvas)
    return Copy(pixels, boxes[seen], scene.classes[seen], scene.complete, refused, boxes[~seen])


def altered_copy(
    scene: Scene, view: View, canvas: Canvas, number: int, donors: Sequence[str], open_scene: Callable[[str], Scene]
) -> Copy:
    """Copy ``number`` of a view, with objects of other pictures.

    ``donors``: the keys of the pictures that may lend objects; ``open_scene`` opens one.
    """
    rng = np.random.default_rng(_seed(scene.key, view, number))
    moved = _moved(view, canvas, rng)
    plain = plain_copy(scene, moved, canvas)
    pixels, boxes, classes, refused, cut = plain.pixels, plain.boxes, plain.classes, plain.refused, plain.cut
    wanted = int(rng.integers(0, PASTES + 1))
    lenders = [open_scene(key) for key in _lenders(scene.key, number, donors, wanted)]
    if lenders:
        pixels, boxes, classes = _pasted(pixels, boxes, classes, lenders, moved.scale, rng)
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        boxes, refused, cut = (mirrored(each, canvas.width) for each in (boxes, refused, cut))
    return Copy(_recoloured(pixels, rng), boxes, classes, scene.complete, refused, cut)


def mirrored(boxes: FloatArray, width: int) -> FloatArray:
    """Boxes of a canvas ``width`` wide as they stand in its mirror image."""
    turned = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    return np.asarray(turned, np.float32)


def _seed(key: str, view: View, number: int) -> int:
    name = f"{key}/{view.left:.1f}/{view.top:.1f}/{number}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _moved(view: View, canvas: Canvas, rng: np.random.Generator) -> View:
    """The view, nearer or further and a little aside."""
    scale = view.scale * float(np.exp(rng.uniform(np.log(SCALES[0]), np.log(SCALES[1]))))
    middle_x = view.left + canvas.width / view.scale * (0.5 + rng.uniform(-SHIFT, SHIFT))
    middle_y = view.top + canvas.height / view.scale * (0.5 + rng.uniform(-SHIFT, SHIFT))
    return View(middle_x - canvas.width / scale / 2, middle_y - canvas.height / scale / 2, scale)


def _lenders(key: str, number: int, donors: Sequence[str], wanted: int) -> list[str]:
    """Which pictures lend: those whose hash together with the borrower's is least, so that new pictures change few copies."""

    def rank(donor: str) -> bytes:
        return blake2b(f"{key}/{number}/{donor}".encode(), digest_size=8).digest()

    return sorted(donors, key=rank)[:wanted]


def _pasted(
    pixels: RGBImage, boxes: FloatArray, classes: IntArray, lenders: Sequence[Scene], scale: float,
    rng: np.random.Generator,
) -> tuple[RGBImage, FloatArray, IntArray]:  # fmt: skip
    """Objects of ``lenders`` on the canvas, each at a place where it hides little."""
    result = pixels.copy()
    for lender in lenders:
        if not len(lender.boxes):
            continue
        counts = np.bincount(lender.classes)
        rarity = 1.0 / counts[lender.classes]
        which = int(rng.choice(len(lender.boxes), p=rarity / rarity.sum()))
        cut = _cut_out(lender, which, scale * float(rng.uniform(*PASTE_SIZES)))
        if cut is None or cut.shape[0] >= pixels.shape[0] or cut.shape[1] >= pixels.shape[1]:
            continue
        place = _free_place(cut.shape[1], cut.shape[0], boxes, result.shape, rng)
        if place is None:
            continue
        if rng.random() < 0.5:
            cut = np.ascontiguousarray(cut[:, ::-1])
        x, y = place
        h, w = cut.shape[:2]
        mask = _ellipse(w, h)[..., None]
        under = result[y : y + h, x : x + w].astype(np.float32)
        result[y : y + h, x : x + w] = (mask * cut + (1 - mask) * under + 0.5).astype(np.uint8)
        boxes = np.concatenate([boxes, np.asarray([[x, y, x + w, y + h]], np.float32)])
        classes = np.concatenate([classes, lender.classes[which : which + 1]])
    return result, boxes, classes


def _cut_out(scene: Scene, which: int, scale: float) -> RGBImage | None:
    """The pixels in a box at ``scale`` canvas pixels per image pixel; None for what is too small to see."""
    x1, y1, x2, y2 = (round(float(value) * scene.scale) for value in scene.boxes[which])
    part = scene.pixels[max(0, y1) : y2, max(0, x1) : x2]
    zoom = scale / scene.scale
    width, height = round(part.shape[1] * zoom), round(part.shape[0] * zoom)
    if min(part.shape[:2]) < 2 or min(width, height) < 4:
        return None
    interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    cut = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=interpolation)
    return np.asarray(cut, np.uint8)


def _free_place(
    width: int, height: int, boxes: FloatArray, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Top left of a place that hides at most a quarter of any box, and is at most a quarter hidden; None if none was found."""
    for _ in range(PASTE_TRIES):
        x, y = int(rng.integers(0, shape[1] - width)), int(rng.integers(0, shape[0] - height))
        across = np.minimum(x + width, boxes[:, 2]) - np.maximum(x, boxes[:, 0])
        along = np.minimum(y + height, boxes[:, 3]) - np.maximum(y, boxes[:, 1])
        both = np.maximum(across, 0) * np.maximum(along, 0)
        smaller = np.minimum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), width * height)
        if not (both > COVERED * smaller).any():
            return x, y
    return None


def _ellipse(width: int, height: int) -> FloatArray:
    """(height, width) weights of a pasted object: 1 inside the ellipse in its box, soft towards its edge."""
    y, x = np.ogrid[:height, :width]
    distance = np.hypot((x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1)
    return np.asarray(np.clip((1 + FEATHER - distance) / (2 * FEATHER), 0, 1), np.float32)


def _recoloured(pixels: RGBImage, rng: np.random.Generator) -> RGBImage:
    """Other light: brightness, contrast and the balance of colours."""
    gain = rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3)
    values = pixels.astype(np.float32)
    middle = values.mean((0, 1))
    values = (values - middle) * rng.uniform(0.85, 1.15) + middle * gain
    grey = values.mean(2, keepdims=True)
    values = grey + (values - grey) * rng.uniform(0.8, 1.2)
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)
