"""The photographs that scikit-image and scikit-learn carry inside their wheels, with labels and boxes drawn by hand.

Media room. Nothing is downloaded and neither package is imported, only found; a version that ships fewer files gives fewer.
Their sources and licences are listed in the packages' own data folders (public domain, CC0 or CC BY).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Box
from annotator.media.pictures import decode

_SKIMAGE: Final = ("skimage", "data")
_SKLEARN: Final = ("sklearn", "datasets/images")


@dataclass(frozen=True, slots=True)
class Photograph:
    """One shipped photograph. ``boxes`` are of ``label``, in its pixels; a surface without edges (grass) has none."""

    path: Path
    label: str
    boxes: tuple[Box, ...] = ()


_SHIPPED: Final[tuple[tuple[tuple[str, str], str, str, tuple[Box, ...]], ...]] = (
    (_SKIMAGE, "chelsea.png", "cat", (Box(0, 0, 390, 300),)),
    (_SKIMAGE, "coffee.png", "coffee cup", (Box(84, 10, 476, 384),)),
    (_SKLEARN, "flower.jpg", "flower", (Box(173, 85, 446, 360), Box(288, 380, 472, 427))),
    (_SKIMAGE, "motorcycle_left.png", "motorcycle", (Box(96, 76, 684, 452),)),
    (_SKIMAGE, "motorcycle_right.png", "motorcycle", (Box(48, 76, 626, 452),)),
    (_SKLEARN, "china.jpg", "temple", (Box(88, 28, 352, 388),)),
    (_SKIMAGE, "astronaut.png", "person", (Box(26, 12, 385, 512),)),
    (_SKIMAGE, "camera.png", "person", (Box(0, 66, 304, 512),)),
    (_SKIMAGE, "rocket.jpg", "rocket", (Box(306, 126, 342, 412),)),
    (_SKIMAGE, "brick.png", "brick wall", ()),
    (_SKIMAGE, "grass.png", "grass", ()),
    (_SKIMAGE, "gravel.png", "gravel", ()),
    (_SKIMAGE, "coins.png", "coins", ()),
    (_SKIMAGE, "moon.png", "moon", ()),
    (_SKIMAGE, "hubble_deep_field.jpg", "galaxies", ()),
    (_SKIMAGE, "page.png", "text", ()),
    (_SKIMAGE, "text.png", "text", ()),
)


def shipped_photographs() -> tuple[Photograph, ...]:
    """Every photograph of the list that this environment holds."""
    found = []
    for (package, folder), name, label, boxes in _SHIPPED:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / folder / name
            if path.is_file():
                found.append(Photograph(path, label, boxes))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A picture made for the demo: (h, w, 3) uint8 RGB, its label, and the boxes of that label."""

    rgb: NDArray[np.uint8]
    label: str
    boxes: tuple[Box, ...]


def variation(photograph: Photograph, rng: np.random.Generator, long_side: int = 512) -> Labelled:
    """Another view of the same thing: cropped, perhaps mirrored, in other light, a little noisy. Raises ``ImageError``."""
    rgb = decode(photograph.path).rgb()
    left, top, right, bottom = _crop(photograph, rgb.shape[1], rgb.shape[0], rng)
    view = rgb[top:bottom, left:right]
    boxes = [
        replace(b, x1=max(b.x1, left), y1=max(b.y1, top), x2=min(b.x2, right), y2=min(b.y2, bottom)).moved(-left, -top)
        for b in photograph.boxes
        if min(b.x2, right) - max(b.x1, left) > 12 and min(b.y2, bottom) - max(b.y1, top) > 12
    ]
    if rng.random() < 0.5 and photograph.label != "text":
        view, width = view[:, ::-1], right - left
        boxes = [Box(width - b.x2, b.y1, width - b.x1, b.y2) for b in boxes]
    scale = long_side / max(view.shape[:2])
    size = round(view.shape[1] * scale), round(view.shape[0] * scale)
    view = np.asarray(
        cv2.resize(np.ascontiguousarray(view), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    )
    sx, sy = size[0] / (right - left), size[1] / (bottom - top)
    scaled = tuple(Box(b.x1 * sx, b.y1 * sy, b.x2 * sx, b.y2 * sy) for b in boxes)
    return Labelled(_other_light(view, rng), photograph.label, scaled)


def _crop(photograph: Photograph, width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A window that keeps nearly all of the first box, or any window of a surface."""
    if not photograph.boxes:
        side = rng.uniform(0.45, 0.9)
        wide, high = width * side, height * side
        x, y = rng.uniform(0, width - wide), rng.uniform(0, height - high)
        return int(x), int(y), int(x + wide), int(y + high)
    box = photograph.boxes[0]
    slack_x, slack_y = 0.12 * box.width, 0.12 * box.height
    left = rng.uniform(0, min(box.x1 + slack_x, width / 2))
    top = rng.uniform(0, min(box.y1 + slack_y, height / 2))
    right = rng.uniform(max(box.x2 - slack_x, width / 2), width)
    bottom = rng.uniform(max(box.y2 - slack_y, height / 2), height)
    return int(left), int(top), int(right), int(bottom)


def _other_light(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    tint = rng.normal(1.0, 0.05, 3).astype(np.float32)
    light = rgb.astype(np.float32) * (tint * np.float32(rng.uniform(0.75, 1.2))) + np.float32(rng.uniform(-12, 12))
    if rng.random() < 0.3:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.6, 1.6))
    light += rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(1, 6))
    return np.clip(light, 0, 255).astype(np.uint8)
