"""Training of the head on copies of labelled pictures: features are computed once, then only the head's small network learns.

Needs torch, which is an extra; everything else of the loop runs without it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.errors import ModelError, install_again
from annotator.job_context import QUIET, JobContext
from annotator.learning.detection.augment import Copy, Scene, altered_copy, plain_copy
from annotator.learning.detection.feature_cache import FeatureCache, HalfArray
from annotator.learning.detection.head import FEATURES, STRIDES, DetectionHead
from annotator.learning.detection.targets import target_of
from annotator.learning.detection.views import View
from annotator.models.protocols import FloatArray

IntArray = NDArray[np.int64]

COPIES = 8
SAMPLES = 960
"""Copies in all, whatever the number of pictures: so training takes a bounded time and 350 MB at most."""
BATCH = 8
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.01
WARM_UP = 20
AVERAGING = 0.98
STEPS = (300, 420)
"""Steps with few and with many samples."""
SPREAD_ROWS = 64


@dataclass(frozen=True)
class Sample:
    """The feature maps of a copy, flat, and what is known of it: as in ``augment.Copy``."""

    row: HalfArray
    boxes: FloatArray
    classes: IntArray
    complete: bool
    refused: FloatArray
    cut: FloatArray


def require_torch() -> None:
    """Raise ``ModelError`` with the cure where torch is not installed; imports nothing."""
    if importlib.util.find_spec("torch") is None:
        raise ModelError("Training a detector needs torch, which is not installed.", install_again("torch"))


def copies_each(views: int) -> int:
    """How many copies of each view are made."""
    return max(1, min(COPIES, SAMPLES // max(views, 1)))


def steps_for(samples: int) -> int:
    """How long to train on this many samples."""
    few, many = STEPS
    return int(np.interp(samples, [100, 800], [few, many]))


def make_samples(
    keys: Sequence[str],
    views_of_key: Callable[[str], Sequence[View]],
    open_scene: Callable[[str], Scene],
    cache: FeatureCache,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    context: JobContext = QUIET,
    seed: int = 0,
) -> dict[str, list[Sample]]:
    """The samples of each picture: its views as they are, and altered copies. Views without a box on them are thinned out.

    ``progress`` is told of pictures. Cancelling keeps the features made so far in the cache.
    """
    planned = {key: list(views_of_key(key)) for key in keys}
    total_views = sum(len(views) for views in planned.values())
    each = copies_each(total_views)
    rng = np.random.default_rng(seed)
    chosen = list(keys)
    if total_views > SAMPLES:
        share = SAMPLES / total_views
        planned = {key: _thinned(views, share, rng) for key, views in planned.items()}
        chosen = [key for key in keys if planned[key]]
    donors = list(chosen)
    made: dict[str, list[Sample]] = {}
    for at, key in enumerate(chosen):
        context.check_cancelled()
        scene = open_scene(key)
        copies: list[Copy] = []
        for view in planned[key]:
            copies.append(plain_copy(scene, view, cache.canvas))
            for number in range(1, each):
                others = [donor for donor in donors if donor != key]
                copies.append(altered_copy(scene, view, cache.canvas, number, others, open_scene))
        made[key] = []
        for copy in copies:
            context.check_cancelled()
            row = cache.row(copy.pixels)
            made[key].append(Sample(row, copy.boxes, copy.classes, copy.complete, copy.refused, copy.cut))
        progress(at + 1, len(chosen))
    return made


def _thinned(views: list[View], share: float, rng: np.random.Generator) -> list[View]:
    """About ``share`` of the views, at random."""
    keep = rng.random(len(views)) < share
    return [view for view, kept in zip(views, keep, strict=True) if kept]


def train_head(
    samples: Sequence[Sample],
    n_classes: int,
    cache: FeatureCache,
    *,
    steps: int | None = None,
    start: DetectionHead | None = None,
    scale: float = 0.0,
    n_images: int = 0,
    n_boxes: int = 0,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    context: JobContext = QUIET,
) -> DetectionHead:
    """Learn from samples; ``start`` is a head of the same classes and canvas to go on from. ``progress`` is told of steps.

    Raises ``ModelError`` without torch, ``JobCancelled`` at the next step after the person has cancelled.
    """
    require_torch()
    import torch

    from annotator.learning.detection.network import BOX_WEIGHT, Network, box_loss, heat_loss

    steps = steps_for(len(samples)) if steps is None else steps
    centre, spread = _spread(samples, cache)
    canvas = cache.canvas
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(n_classes)
        if start is not None:
            _load(network, start, centre, spread)
        average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
        order = _batches(len(samples), steps, np.random.default_rng(seed))
        for step, rows in enumerate(order):
            context.check_cancelled()
            batch = [samples[row] for row in rows]
            maps = cache.unpacked([sample.row for sample in batch])
            inputs = [torch.from_numpy((maps[s] - centre[s]) / spread[s]) for s in STRIDES]
            targets = [target_of(sample, n_classes, canvas) for sample in batch]
            heat, sides = network(*inputs)
            true_heat, true_sides, weight, known = (
                torch.from_numpy(np.stack([getattr(target, name) for target in targets]))
                for name in ("heat", "sides", "weight", "known")
            )
            loss = heat_loss(heat, true_heat, known[:, None]) + BOX_WEIGHT * box_loss(sides, true_sides, weight)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimiser.step()
            schedule.step()
            keep = min(AVERAGING, (step + 1) / (step + 10))
            for name, value in network.state_dict().items():
                average[name].lerp_(value, 1 - keep)
            progress(step + 1, steps)
    weights = {name: value.numpy().copy() for name, value in average.items()}
    return DetectionHead(_folded(weights, centre, spread), canvas, scale, n_images, n_boxes)


def _rate(step: int, steps: int) -> float:
    """The share of the learning rate at a step: a short warm-up, then half a cosine."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (step - WARM_UP) / max(1, steps - WARM_UP)))))


def _batches(count: int, steps: int, rng: np.random.Generator) -> list[IntArray]:
    """Rows of each step: every sample once before any comes again."""
    need = steps * BATCH
    rows = np.concatenate([rng.permutation(count) for _ in range(-(-need // count))])[:need]
    return list(rows.reshape(steps, BATCH).astype(np.int64))


def _spread(samples: Sequence[Sample], cache: FeatureCache) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """Mean and deviation of each channel, (c, 1, 1) by stride, over some of the samples."""
    rows = samples[:: max(1, len(samples) // SPREAD_ROWS)]
    maps = cache.unpacked([sample.row for sample in rows])
    centre = {s: maps[s].mean((0, 2, 3)).reshape(FEATURES[s], 1, 1) for s in STRIDES}
    spread = {s: maps[s].std((0, 2, 3)).reshape(FEATURES[s], 1, 1) + np.float32(1e-3) for s in STRIDES}
    return centre, spread


def _folded(
    weights: dict[str, FloatArray], centre: dict[int, FloatArray], spread: dict[int, FloatArray]
) -> dict[str, FloatArray]:
    """Weights for features as they are, of weights for features of mean 0 and deviation 1."""
    result = dict(weights)
    bias = weights["lateral8.bias"].copy()
    for stride in STRIDES:
        name = f"lateral{stride}.weight"
        result[name] = (weights[name] / spread[stride][None]).astype(np.float32)
        bias = bias - (result[name][:, :, 0, 0] @ centre[stride][:, 0, 0])
    result["lateral8.bias"] = bias.astype(np.float32)
    return result


def _load(network: object, start: DetectionHead, centre: dict[int, FloatArray], spread: dict[int, FloatArray]) -> None:
    """Put a head's weights into a network: ``_folded`` backwards."""
    import torch

    weights = {name: np.asarray(values, np.float32) for name, values in start.weights.items()}
    bias = weights["lateral8.bias"].copy()
    for stride in STRIDES:
        name = f"lateral{stride}.weight"
        bias = bias + weights[name][:, :, 0, 0] @ centre[stride][:, 0, 0]
        weights[name] = weights[name] * spread[stride][None]
    weights["lateral8.bias"] = bias
    network.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in weights.items()})  # type: ignore[attr-defined]
