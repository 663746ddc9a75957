"""Trained detection heads in the project's ``models/`` folder: the head in use, and one that never saw the held-out images."""

from __future__ import annotations

import functools
import json
import os
import shutil
from dataclasses import dataclass

from annotator.domain.kinds import Task
from annotator.errors import ModelError
from annotator.learning.detection.feature_cache import FeatureCache
from annotator.learning.detection.head import DetectionHead
from annotator.learning.detection.views import Canvas
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.usecases.parts import Parts

TRAINING_CACHE, LOOKING_CACHE = 640 << 20, 1 << 30
"""Bytes of feature maps kept on disk: of the copies that training uses, and of the pictures that suggestions are made for."""


@dataclass(frozen=True)
class BoxHead:
    """``label_ids`` in the order of the classes; boxes from the score ``sure_from`` on are more often right than not worth it.

    ``tested`` learned without the held-out images, from those of ``trained_ids`` alone, and tells how good the head is; None for
    a head that was never tested.
    """

    head: DetectionHead
    label_ids: tuple[int, ...]
    sure_from: float
    tested: DetectionHead | None = None
    trained_ids: tuple[int, ...] = ()


@functools.lru_cache(maxsize=1)
def encoder(device: str) -> EmbeddedImageEncoder:
    """The frozen network, loaded once per process."""
    return EmbeddedImageEncoder(device=device)


def training_cache(parts: Parts, device: str, canvas: Canvas) -> FeatureCache:
    """Feature maps of copies: the oldest make room for new ones."""
    return FeatureCache(parts.cache / "detection" / "copies", encoder(device), canvas, TRAINING_CACHE)


def looking_cache(parts: Parts, device: str, canvas: Canvas) -> FeatureCache:
    """Feature maps of pictures: what is kept stays while there is room, because every round looks at the same ones again."""
    folder = parts.cache / "detection" / "pictures"
    return FeatureCache(folder, encoder(device), canvas, LOOKING_CACHE, keep_old=True)


def load_released(parts: Parts) -> BoxHead | None:
    """The head in use; None before there is one, or when its file is gone or was made for other features."""
    with parts.db.read() as reader:
        row = reader.runs.released_head(Task.BOXES)
        alive = {label.id for label in reader.labels.all()}
    if row is None:
        return None
    folder = parts.folder / row.path
    try:
        facts = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        head = DetectionHead.load(folder / "head.safetensors")
        tested = DetectionHead.load(folder / "tested.safetensors") if facts["tested"] else None
        labels = tuple(int(i) for i in facts["labels"])
        found = BoxHead(head, labels, float(facts["sure_from"]), tested, tuple(int(i) for i in facts["trained"]))
    except (OSError, ValueError, TypeError, LookupError, ModelError):
        return None
    return found if head.n_classes == len(labels) and alive & set(labels) else None


def save(parts: Parts, name: str, found: BoxHead) -> str:
    """Write a head under ``models/name`` in one step; returns the path relative to the project folder."""
    target = parts.models / name
    unfinished = parts.models / f".{name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    found.head.save(unfinished / "head.safetensors")
    if found.tested is not None:
        found.tested.save(unfinished / "tested.safetensors")
    facts = {
        "labels": list(found.label_ids),
        "sure_from": found.sure_from,
        "tested": found.tested is not None,
        "trained": list(found.trained_ids),
    }
    (unfinished / "head.json").write_text(json.dumps(facts), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(unfinished, target)  # noqa: PTH105 - a folder, put in place in one step
    return f"models/{name}"
