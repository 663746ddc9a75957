"""The demo's folder of pictures: views of the shipped photographs and drawings of our own, with the truth beside them.

Media room. The same seed gives the same pictures. File names say nothing of the label.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from annotator.domain.geometry import Box
from annotator.errors import AnnotatorError
from annotator.media.drawn_things import THINGS, draw_picture
from annotator.media.photographs import Labelled, shipped_photographs, variation

DEMO_LABELS: Final = (
    "cat", "coffee cup", "flower", "motorcycle", "temple", "balloon", "clock", "mushroom", "sailboat",
)  # fmt: skip
TRUTH_FILE: Final = "demo_truth.json"
_QUALITY: Final = 90


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """What is on the pictures: the label of each by its path relative to ``folder``, and the boxes of that label."""

    folder: Path
    seed: int
    images: Mapping[str, str]
    boxes: Mapping[str, tuple[Box, ...]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, in the order of ``DEMO_LABELS``, others after them by name."""
        known = {label: place for place, label in enumerate(DEMO_LABELS)}
        return tuple(sorted(set(self.images.values()), key=lambda label: (known.get(label, len(known)), label)))

    @classmethod
    def load(cls, folder: Path) -> DemoTruth:
        """The truth of a folder that ``build_demo_folder`` made; raises ``AnnotatorError`` for any other."""
        try:
            data: dict[str, Any] = json.loads((folder / TRUTH_FILE).read_text("utf-8"))
            boxes = {name: tuple(Box(*box) for box in found) for name, found in data["boxes"].items()}
            return cls(folder, int(data["seed"]), dict(data["images"]), boxes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnnotatorError(
                f"{folder} is not a folder of demo pictures.", "Name a folder that does not exist yet.", path=folder
            ) from error

    def save(self) -> None:
        """Write the truth into its folder."""
        boxes = {name: [box.bounds() for box in found] for name, found in self.boxes.items()}
        text = json.dumps({"seed": self.seed, "images": dict(self.images), "boxes": boxes}, indent=1)
        (self.folder / TRUTH_FILE).write_text(text + "\n", "utf-8")


def build_demo_folder(
    target: Path, seed: int = 0, *, per_label: int = 10, labels: Sequence[str] = DEMO_LABELS
) -> DemoTruth:
    """Make the pictures under ``target``, or return the truth of those that are there.

    ``labels`` may be keys of ``THINGS`` or labels of shipped photographs; a label of which this environment has no photograph
    is left out. The folder appears whole or not at all; an existing folder that is not empty and not ours is refused.
    """
    if target.exists() and any(target.iterdir()):
        return DemoTruth.load(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        truth = _fill(made, seed, per_label, labels)
        truth.save()
        if target.exists():
            target.rmdir()
        made.chmod(0o755)
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return DemoTruth(target, truth.seed, truth.images, truth.boxes)


def _fill(folder: Path, seed: int, per_label: int, labels: Sequence[str]) -> DemoTruth:
    pictures = [picture for label in labels for picture in _pictures(label, per_label, seed)]
    order = np.random.default_rng(seed).permutation(len(pictures))
    images: dict[str, str] = {}
    boxes: dict[str, tuple[Box, ...]] = {}
    for number, index in enumerate(order, start=1):
        picture, name = pictures[index], f"picture_{number:03d}.jpg"
        bgr = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise ValueError(f"cannot encode a picture of shape {picture.rgb.shape}")
        (folder / name).write_bytes(data.tobytes())
        images[name], boxes[name] = picture.label, picture.boxes
    return DemoTruth(folder, seed, images, boxes)


def _pictures(label: str, count: int, seed: int) -> list[Labelled]:
    """``count`` pictures of one label, independent of which other labels are made."""
    streams = [np.random.default_rng([seed, number, *label.encode()]) for number in range(count)]
    if label in THINGS:
        return [draw_picture(label, rng) for rng in streams]
    photographs = [photograph for photograph in shipped_photographs() if photograph.label == label]
    return [variation(photographs[n % len(photographs)], rng) for n, rng in enumerate(streams)] if photographs else []
