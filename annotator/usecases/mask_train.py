"""A round of masks: fit the semantic head to everything that is painted, release it if it is not worse, suggest anew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.records import Head, now
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.semantic import SemanticHead, feature_maps
from annotator.learning.semantic_scores import Agreement, agreement, total
from annotator.learning.semantic_training import Painted, fit
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.usecases import mask_suggest, semantic_heads
from annotator.usecases.parts import Parts
from annotator.usecases.readiness import painted_ids
from annotator.usecases.results import TrainResult
from annotator.usecases.semantic_heads import FILE, PaintedImage
from annotator.usecases.tasks import SuggestRequest

# Below this many images a fold would hold next to nothing.
LEAST_TESTED = 4
FOLDS = 2
# What two fits to the same images differ by.
TOLERANCE = 0.01


@dataclass(frozen=True)
class _Test:
    """Held-out agreement: of the new head by two folds, and of the head in use on images that it has not learned from.

    ``new_there`` is the new head's on those same images. None where there are too few images to tell.
    """

    new: float | None
    old: float | None
    new_there: float | None

    @property
    def released(self) -> bool:
        return self.old is None or self.new_there is None or self.new_there >= self.old - TOLERANCE

    @property
    def reason(self) -> str:
        if self.new is None:
            return f"Not tested: that takes {LEAST_TESTED} painted images."
        if self.old is None or self.new_there is None:
            return f"Mean IoU {self.new:.2f} on images it has not seen."
        word = "not worse than" if self.released else "worse than"
        return f"Mean IoU {self.new_there:.2f} on images that neither has seen, {word} {self.old:.2f} before."


def train(parts: Parts, *, device: str, context: JobContext) -> TrainResult:
    """Learn from everything that is painted so far."""
    started = time.monotonic()
    encoder = EmbeddedImageEncoder(device=device)
    images = list(semantic_heads.read_painted(parts, painted_ids(parts), context))
    if not images:
        raise AnnotatorError("Nothing is painted yet.", "Paint masks or scribble on a few pictures first.")
    before = semantic_heads.load_released(parts, encoder)
    head = fit(encoder, [each.painted for each in images], context=context)
    test = _test(encoder, images, before, head, context)
    metrics = {
        "images": len(images),
        "labels": len([each for each in head.label_ids if each]),
        "miou": test.new,
        "previous": test.old,
        "trained_on": [each.image.id for each in images],
    }
    with parts.db.read() as reader:
        number = len(reader.runs.heads(Task.MASKS)) + 1
    path = f"models/masks-{number:05d}"
    head.save(parts.folder / path / FILE)
    row = Head(0, Task.MASKS, encoder.info.id, head.version, path, test.released, metrics, now())
    with parts.db.write("train") as writer:
        head_id = writer.runs.add_head(row)
    run = mask_suggest.suggest(parts, SuggestRequest(device=device), context).run if test.released else None
    shown = {name: value for name, value in metrics.items() if name != "trained_on"}
    return TrainResult(head_id, test.released, shown, time.monotonic() - started, test.reason, run)


def _test(
    encoder: EmbeddedImageEncoder,
    images: Sequence[PaintedImage],
    before: tuple[Head, SemanticHead] | None,
    head: SemanticHead,
    context: JobContext,
) -> _Test:
    """Two folds of the new head; on the images that the head in use has not learned from, that one beside it."""
    if len(images) < LEAST_TESTED:
        return _Test(None, None, None)
    new: dict[int, Agreement] = {}
    for fold in range(FOLDS):
        trained = [each.painted for at, each in enumerate(images) if at % FOLDS != fold]
        try:
            rival = fit(encoder, trained, context=context)
        except AnnotatorError:
            return _Test(None, None, None)
        for at in range(fold, len(images), FOLDS):
            new[at] = _agreement(encoder, rival, images[at].painted)
    whole = total(new.values())
    seen = set() if before is None else set(before[0].metrics.get("trained_on", ()))
    fresh = [at for at, each in enumerate(images) if each.image.id not in seen]
    if before is None or len(fresh) < FOLDS or set(before[1].label_ids) != set(head.label_ids):
        return _Test(whole, None, None)
    old = total(_agreement(encoder, before[1], images[at].painted) for at in fresh)
    return _Test(whole, old, total(new[at] for at in fresh))


def _agreement(encoder: EmbeddedImageEncoder, head: SemanticHead, painted: Painted) -> Agreement:
    probabilities = head.probabilities(feature_maps(encoder, painted.pixels))
    return agreement(probabilities, np.asarray(head.label_ids), painted.ids)
