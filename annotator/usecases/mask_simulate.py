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
from annotator.errors import AnnotatorError, FormatError
from annotator.formats import registry
from annotator.job_context import JobContext
from annotator.learning.painted import id_map
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
from annotator.usecases.tag_simulate import scored_images
from annotator.usecases.tasks import SimulateRequest

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
    """Paint images in random order, fit, and score on ``test``, else ``val``, else a fifth of the images chosen by hash."""
    started = time.monotonic()
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
    full = _score(encoder, fit(encoder, [each.painted for each in pool], context=context), tested)
    points = _curve(encoder, pool, tested, request, context)
    drawn = sum((each.effort for each in pool), Effort())
    return SimulateResult(
        task=request.task.value,
        metric="mIoU",
        full_supervision=full,
        curve=points,
        seconds=time.monotonic() - started,
        scored_on=scored_on,
        scored_images=int(scored.sum()),
        strategy=request.strategy,
        seeds=request.seeds,
        actions_for_all=drawn.assisted,
        actions_drawing_all=drawn.drawn,
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
    points = []
    for budget in sorted({min(each, len(pool)) for each in request.budgets if each > 0}):
        values, actions = [], []
        for seed in range(request.seeds):
            order = np.random.default_rng(seed).permutation(len(pool))[:budget]
            chosen = [pool[at] for at in order.tolist()]
            head = fit(encoder, [each.painted for each in chosen], seed=seed, context=context)
            values.append(_score(encoder, head, tested))
            actions.append(sum((each.effort for each in chosen), Effort()).assisted)
        points.append(CurvePoint(budget, float(np.mean(values)), float(np.std(values)), float(np.mean(actions))))
    return tuple(points)


def _score(encoder: EmbeddedImageEncoder, head: SemanticHead, tested: Sequence[Painted]) -> float:
    outputs = np.asarray(head.label_ids)
    value = total(
        agreement(head.probabilities(feature_maps(encoder, each.pixels)), outputs, each.ids) for each in tested
    )
    return 0.0 if value is None else value
