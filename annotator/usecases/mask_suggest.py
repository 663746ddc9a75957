"""Mask suggestions for every open image: boxes are filled by the segmenter; where there are none, the semantic head paints."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.domain import overlap
from annotator.domain.geometry import Box, Geometry, Mask, Polygon
from annotator.domain.kinds import ImageState, Task
from annotator.domain.records import Annotation, Image, ImageFilter, Suggestion, new_id
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.learning.instance_masks import BoxToFill, fill, without_mask
from annotator.learning.painted import parts_of
from annotator.learning.semantic import LONG_SIDE, SemanticHead, feature_maps, label_map
from annotator.media import decode
from annotator.models import catalogue
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import PromptSegmenter
from annotator.pseudolabel.boxes import ShapeCalibration
from annotator.usecases import semantic_heads
from annotator.usecases.image_view import ImageView
from annotator.usecases.index import usable_ids
from annotator.usecases.mask_calibration import fit_calibrations
from annotator.usecases.parts import Parts
from annotator.usecases.readiness import can_suggest_masks
from annotator.usecases.results import SuggestResult
from annotator.usecases.serving import Role, Served, choose, serving
from annotator.usecases.settings_view import SettingsView
from annotator.usecases.tasks import SuggestRequest

Ids = NDArray[np.int64]

SEGMENTER = "embedded-segmenter"
CHUNK = 16
FROM_BOX = "from its box"
PAINTED = "from what is painted"


@dataclass(frozen=True)
class _Work:
    """What one run works with; ``head`` None before anything was painted; ``calibrations`` by reason."""

    segmenter: PromptSegmenter
    encoder: EmbeddedImageEncoder
    head: SemanticHead | None
    calibrations: Mapping[str, ShapeCalibration]


@functools.lru_cache(maxsize=1)
def load_segmenter(name: str = SEGMENTER, weights: Path | None = None, device: str = "auto") -> PromptSegmenter:
    """The segmenter, loaded once per process; raises ``UsageError`` for a model that answers no prompts."""
    model = catalogue.load(name, weights=weights, device=device)
    if not isinstance(model, PromptSegmenter):
        raise UsageError(
            f"{name} does not answer prompts with masks.", "`annotator models list` names those for masks."
        )
    return model


def suggest(parts: Parts, request: SuggestRequest, context: JobContext) -> SuggestResult:
    """Run the segmenter and the semantic head over the project's open images."""
    if not can_suggest_masks(parts):
        raise AnnotatorError(
            "There is nothing to make masks from.",
            "Draw or suggest boxes first, or paint masks on a few pictures and train.",
        )
    encoder = EmbeddedImageEncoder(device=request.device)
    before = semantic_heads.load_released(parts, encoder)
    settings = SettingsView(parts)
    remembered = serving(settings, Role.MASKS)
    chosen = remembered if request.model_id is None else Served(request.model_id, request.weights)
    segmenter = load_segmenter(chosen.model, chosen.weights, request.device)
    if chosen != remembered:
        # Only now: a name that leads nowhere must not stick to the project.
        choose(settings, Role.MASKS, chosen)
    calibrations = fit_calibrations(parts, (FROM_BOX, PAINTED))
    work = _Work(segmenter, encoder, None if before is None else before[1], calibrations)
    ids = open_ids(parts, request.limit)
    started = time.monotonic()
    version = segmenter.info.version if work.head is None else f"{segmenter.info.version}+{work.head.version[:8]}"
    with parts.db.write("suggest") as writer:
        run_id = writer.runs.start(Task.MASKS, segmenter.info.id, version, {"device": segmenter.info.device})
    images = total = unreadable = 0
    view = ImageView(parts)
    for at in range(0, len(ids), CHUNK):
        chunk = view.many(ids[at : at + CHUNK].tolist())
        found: list[Suggestion] = []
        covered: list[int] = []
        for image, given, suggested in _with_shapes(parts, chunk):
            context.check_cancelled()
            context.progress(at + len(covered), len(ids), "Suggesting masks")
            try:
                found.extend(_of_image(work, view, image, given, suggested, run_id))
                covered.append(image.id)
            except AnnotatorError as error:
                context.log(f"{image.name}: {error.what}")
                unreadable += 1
        images += len(covered)
        total += len(found)
        with parts.db.write("suggest") as writer:
            writer.suggestions.supersede(Task.MASKS, covered, keep_run=run_id)
            writer.suggestions.add_many(found)
            writer.runs.progress(run_id, images, total, finished=at + CHUNK >= len(ids))
    return SuggestResult(
        run=run_id,
        images=images,
        suggestions=total,
        images_per_s=images / max(time.monotonic() - started, 1e-6),
        model=segmenter.info.id,
        unreadable=unreadable,
        uncalibrated=any(each.uncalibrated for each in calibrations.values()),
    )


def open_ids(parts: Parts, limit: int | None) -> Ids:
    """The images that nobody called complete for masks, and that are not skipped."""
    ids = usable_ids(parts, limit)
    with parts.db.read() as reader:
        done = reader.images.done_ids(Task.MASKS)
        skipped = reader.images.ids(ImageFilter(states=frozenset({ImageState.SKIPPED})))
    return ids[~np.isin(ids, done) & ~np.isin(ids, skipped)]


def _with_shapes(
    parts: Parts, images: Sequence[Image]
) -> Iterable[tuple[Image, tuple[Annotation, ...], tuple[Suggestion, ...]]]:
    """Each image with its annotations and its open suggestions of boxes."""
    ids = [image.id for image in images]
    with parts.db.read() as reader:
        drawn, suggested = reader.annotations.for_images(ids), reader.suggestions.for_images(ids)
    for image in images:
        boxes = tuple(each for each in suggested.get(image.id, ()) if each.task is Task.BOXES)
        yield image, drawn.get(image.id, ()), boxes


def _of_image(
    work: _Work,
    view: ImageView,
    image: Image,
    given: Sequence[Annotation],
    suggested: Sequence[Suggestion],
    run_id: int,
) -> list[Suggestion]:
    """The suggestions of one image. Raises ImageError when it cannot be read."""
    shapes = [(each.label_id, each.geometry) for each in given]
    boxes = [BoxToFill(each.geometry, ((each.label_id, 1.0),), 1.0) for each in given if isinstance(each.geometry, Box)]
    boxes += [
        BoxToFill(each.geometry, each.distribution, each.confidence)
        for each in suggested
        if isinstance(each.geometry, Box)
    ]
    if boxes:
        empty = without_mask(boxes, shapes)
        if not empty:
            return []
        return [
            _suggestion(
                work,
                run_id,
                image.id,
                each.mask,
                each.source.distribution,
                each.score * each.source.confidence,
                FROM_BOX,
            )
            for each in fill(work.segmenter, decode(view.path_of(image)).rgb(), empty)
        ]
    if work.head is None:
        return []
    # The encoder looks at a small image; the codec may spare itself the rest.
    pixels = decode(view.path_of(image), max_side=2 * LONG_SIDE).rgb()
    probabilities = work.head.probabilities(feature_maps(work.encoder, pixels))
    outputs = label_map(probabilities, image.height, image.width)
    return [
        _suggestion(work, run_id, image.id, part.mask, ((part.label_id, part.probability),), part.probability, PAINTED)
        for part in parts_of(outputs, probabilities, work.head.label_ids)
        if not _known(part.label_id, part.mask, shapes)
    ]


def _known(label_id: int, mask: Mask, shapes: Sequence[tuple[int, Geometry]]) -> bool:
    """Whether a person has drawn the same already."""
    return any(
        label_id == other and isinstance(geometry, Mask | Polygon) and overlap.iou(mask, geometry) >= overlap.SAME_PLACE
        for other, geometry in shapes
    )


def _suggestion(
    work: _Work,
    run_id: int,
    image_id: int,
    mask: Mask,
    distribution: tuple[tuple[int, float], ...],
    score: float,
    reason: str,
) -> Suggestion:
    """A row of the run. The ``score`` of a mask from a box: how sure its outline and its box are together."""
    score, calibration = min(max(score, 0.0), 1.0), work.calibrations[reason]
    sure = float(calibration.apply(np.asarray([score], np.float32))[0])
    unsure = calibration.uncalibrated
    return Suggestion(
        new_id(), run_id, image_id, mask, distribution, score, sure, reason, Task.MASKS, uncalibrated=unsure
    )
