"""The loop of masks with a simulated annotator: how well a head paints after so many images, and what they cost to label.

Reads the project's pictures and the truth; nothing in the project changes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.domain.geometry import Geometry, Mask, Polygon
from annotator.domain.kinds import Split
from annotator.domain.records import Image
from annotator.errors import AnnotatorError, FormatError, UsageError
from annotator.formats import registry
from annotator.job_context import JobContext
from annotator.learning.painted import id_map
from annotator.learning.queue import Strategy
from annotator.learning.semantic import SemanticHead, feature_maps
from annotator.learning.semantic_scores import agreement, total
from annotator.learning.semantic_training import Painted, fit
from annotator.media import decode
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.simulate.masks import Effort, effort
from annotator.usecases import mask_suggest
from annotator.usecases.image_view import ImageView
from annotator.usecases.index import usable_ids
from annotator.usecases.matching import ImageMatcher
from annotator.usecases.parts import Parts
from annotator.usecases.results import CurvePoint, SimulateResult
from annotator.usecases.semantic_heads import READ_SIDE
from annotator.usecases.tag_simulate import DEFAULT_STRATEGY, scored_images
from annotator.usecases.tasks import SimulateRequest

STRATEGIES = (Strategy.RANDOM, Strategy.IN_ORDER)

Shapes = Sequence[tuple[str, Geometry]]


@dataclass(frozen=True)
class _Outlines:
    """Masks and polygons of the truth by image, and the splits it names."""

    shapes: Mapping[int, Shapes]
    splits: Mapping[int, Split]


@dataclass(frozen=True)
class _Labelled:
    """An image with its truth as pixels, and what labelling it costs."""

    painted: Painted
    effort: Effort


def simulate(parts: Parts, request: SimulateRequest, context: JobContext) -> SimulateResult:
    """Paint images in random order or in the project's, fit, and score.

    Scored are ``test`` images, else ``val``, else a fifth of all chosen by hash.
    """
    started = time.monotonic()
    _strategy(request.strategy)
    truth = _read_outlines(parts, request, context)
    names = sorted({name for shapes in truth.shapes.values() for name, _ in shapes})
    ids = usable_ids(parts)
    ids = ids[np.isin(ids, np.asarray(sorted(truth.shapes), np.int64))]
    scored, scored_on = scored_images(parts, ids, truth.splits)
    if not scored.any() or scored.all():
        raise AnnotatorError("There are too few pictures with a known answer to simulate on.", "Give more of them.")
    encoder = EmbeddedImageEncoder()
    images = ImageView(parts).many(ids.tolist())
    label_ids = {name: at for at, name in enumerate(names, start=1)}
    tested = [_painted(parts, image, truth, label_ids) for image, test in zip(images, scored, strict=True) if test]
    pool = _pool(
        parts, [image for image, test in zip(images, scored, strict=True) if not test], truth, label_ids, context
    )
    clock = time.process_time()
    head = fit(encoder, [each.painted for each in pool], context=context)
    full_cpu_s = time.process_time() - clock
    points = _curve(encoder, pool, tested, request, context)
    every = sum((each.effort for each in pool), Effort())
    return SimulateResult(
        task=request.task.value,
        metric="mIoU",
        full_supervision=_score(encoder, head, tested),
        curve=points,
        seconds=time.monotonic() - started,
        scored_on=scored_on,
        scored_images=int(scored.sum()),
        strategy=request.strategy,
        seeds=request.seeds,
        actions_for_all=every.assisted.total,
        actions_drawing_all=every.drawn.total,
        full_cpu_s=full_cpu_s,
    )


def _read_outlines(parts: Parts, request: SimulateRequest, context: JobContext) -> _Outlines:
    """The truth's masks and polygons for the project's images; raises ``FormatError`` when it has none for any of them."""
    chosen = request.truth_format or registry.detect_one(request.truth).format
    matcher = ImageMatcher(parts)
    imported = registry.reader(chosen).read(request.truth, image_size=matcher.size, context=context, skip_bad=False)
    shapes: dict[int, Shapes] = {}
    splits: dict[int, Split] = {}
    for image in imported.dataset.images:
        image_id = matcher.find(image)
        found = [
            (a.label, a.geometry)
            for a in image.annotations
            if isinstance(a.geometry, Mask | Polygon) and not a.suggested
        ]
        if image_id is None or not found:
            continue
        shapes[image_id] = found
        if image.split is not None:
            splits[image_id] = image.split
    if not shapes:
        raise FormatError(
            f"{request.truth} has no masks for this project's pictures.",
            "Check that it describes the same files.",
            path=request.truth,
        )
    return _Outlines(shapes, splits)


def _painted(parts: Parts, image: Image, truth: _Outlines, label_ids: Mapping[str, int]) -> Painted:
    pixels = decode(ImageView(parts).path_of(image), max_side=READ_SIDE).rgb()
    shapes = [(label_ids[name], geometry) for name, geometry in truth.shapes[image.id]]
    size = pixels.shape[0], pixels.shape[1]
    return Painted(pixels, id_map(shapes, image.width, image.height, size, complete=True))


def _pool(
    parts: Parts, images: Sequence[Image], truth: _Outlines, label_ids: Mapping[str, int], context: JobContext
) -> list[_Labelled]:
    """The images to label, each with the effort that it takes."""
    segmenter = mask_suggest.load_segmenter()
    labelled = []
    for number, image in enumerate(images):
        context.check_cancelled()
        context.progress(number, len(images), "Labelling")
        painted = _painted(parts, image, truth, label_ids)
        size = painted.pixels.shape[0], painted.pixels.shape[1]
        objects = [
            id_map([(1, geometry)], image.width, image.height, size, complete=True) == 1
            for _, geometry in truth.shapes[image.id]
        ]
        labelled.append(_Labelled(painted, effort(segmenter, painted.pixels, objects)))
    return labelled


def _curve(
    encoder: EmbeddedImageEncoder,
    pool: Sequence[_Labelled],
    tested: Sequence[Painted],
    request: SimulateRequest,
    context: JobContext,
) -> tuple[CurvePoint, ...]:
    """One point per budget of images that the pool can pay for."""
    strategy = _strategy(request.strategy)
    points = []
    for budget in sorted({min(each, len(pool)) for each in request.budgets if each > 0}):
        values, effort_of_all, cpu_s = [], Effort(), 0.0
        for seed in range(request.seeds):
            chosen = [pool[at] for at in _order(len(pool), strategy, seed)[:budget]]
            clock = time.process_time()
            head = fit(encoder, [each.painted for each in chosen], seed=seed, context=context)
            cpu_s += time.process_time() - clock
            values.append(_score(encoder, head, tested))
            effort_of_all += sum((each.effort for each in chosen), Effort())
        points.append(_point(budget, values, effort_of_all, cpu_s))
    return tuple(points)


def _strategy(name: str) -> Strategy:
    """Raises ``UsageError`` for an order in which masks cannot be painted."""
    strategy = Strategy.RANDOM if name == DEFAULT_STRATEGY else Strategy.named(name)
    if strategy not in STRATEGIES:
        raise UsageError(f"Masks know no strategy '{strategy}'.", f"Choose one of {', '.join(STRATEGIES)}.")
    return strategy


def _order(count: int, strategy: Strategy, seed: int) -> list[int]:
    if strategy is Strategy.IN_ORDER:
        return list(range(count))
    return [int(at) for at in np.random.default_rng(seed).permutation(count)]


def _point(budget: int, values: Sequence[float], every: Effort, cpu_s: float) -> CurvePoint:
    """The means over the seeds, whose effort and time are given as sums."""
    seeds, assisted = len(values), every.assisted
    return CurvePoint(
        budget,
        float(np.mean(values)),
        float(np.std(values, ddof=1)) if seeds > 1 else 0.0,
        assisted.total / seeds,
        by_hand=every.drawn.total / seeds,
        keys=assisted.keys / seeds,
        clicks=assisted.clicks / seeds,
        drags=assisted.drags / seeds,
        cpu_s=cpu_s / seeds,
    )


def _score(encoder: EmbeddedImageEncoder, head: SemanticHead, tested: Sequence[Painted]) -> float:
    outputs = np.asarray(head.label_ids)
    value = total(
        agreement(head.probabilities(feature_maps(encoder, each.pixels)), outputs, each.ids) for each in tested
    )
    return 0.0 if value is None else value
