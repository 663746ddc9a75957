"""A round of boxes: learn from all boxes, test on held-out pictures, release the head if it is not worse, suggest anew, tell.

Held out are the labelled ``val`` images when there are twenty, else a fifth of the labelled ones that their ids alone
decide, so that two rounds are compared picture by picture. With fewer than ten pictures a head is released untested, and says so.
The head in use goes on from the tested one with the held-out pictures added: the second training costs less than half.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Task
from annotator.domain.records import Head, Image, now
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.detection import decode as decoding
from annotator.learning.detection import scores, training
from annotator.learning.detection.augment import Scene
from annotator.learning.detection.decode import Found
from annotator.learning.detection.feature_cache import FeatureCache
from annotator.learning.detection.head import DetectionHead
from annotator.learning.detection.scores import Precision, TrueBoxes
from annotator.learning.detection.training import Sample
from annotator.learning.detection.views import Canvas, draw, least_scale, views_of
from annotator.usecases import box_answers, box_heads, box_suggest
from annotator.usecases.box_answers import LEAST_IMAGES, BoxAnswers
from annotator.usecases.box_heads import BoxHead
from annotator.usecases.box_pictures import Pictures
from annotator.usecases.box_sources import HeadSource
from annotator.usecases.index import usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.queue_view import QueueView
from annotator.usecases.results import RoundChange, TrainResult
from annotator.usecases.round_words import rolled_back

FOLDS = 5
MIN_FOLDED = 10
MIN_VALIDATION = 20
MOST_TESTED = 200
FINISHING = 0.4
"""Steps of the second training, as a part of the first."""
AGAIN = 0.5
"""Steps of a round that goes on from the last one's head."""
SUGGESTED = 200
"""Pictures of the queue's head that a round suggests anew for; ``suggest`` looks at all."""
THRESHOLDS = np.linspace(0.1, 0.7, 25)
UNTESTED_THRESHOLD = 0.3


def train(parts: Parts, *, device: str, context: JobContext) -> TrainResult:
    """Learn from everything that was decided so far."""
    training.require_torch()
    started = time.monotonic()
    answers = box_answers.read_box_answers(parts)
    if len(answers.with_boxes) < LEAST_IMAGES:
        raise AnnotatorError(
            f"Boxes on at least {LEAST_IMAGES} pictures are needed to learn from; there are {len(answers.with_boxes)}.",
            "Draw boxes on some more.",
        )
    work = _Work(parts, answers, device, context)
    before = box_heads.load_released(parts)
    fitted = work.fit(before)
    decision = work.decide(fitted, before)
    head_id, number = _store(parts, fitted, decision)
    run_id = None
    if decision.released:
        run_id = _suggest_anew(parts, fitted.box_head, answers, device, context)
    else:
        box_suggest.rank(parts, "train")
    points = "" if decision.gain is None else f" {100 * decision.gain:+.1f} points"
    if decision.released:
        message = f"Round {number}:{points or ' boxes'}, learned from {fitted.box_head.head.n_images} pictures"
        change = RoundChange(number, 0, 0, decision.gain, message)
    else:
        change = rolled_back(number, f"{len(fitted.held_out):,} pictures", decision.gain, head="head for boxes")
    return TrainResult(
        head=head_id,
        released=decision.released,
        metrics=_metrics(fitted, decision),
        seconds=time.monotonic() - started,
        reason=decision.message + work.caution,
        run=run_id,
        round=change,
    )


@dataclass(frozen=True)
class _Fitted:
    """``box_head`` and what its ``tested`` part was found to be worth: mean F1 of each held-out picture, and precision."""

    box_head: BoxHead
    held_out: tuple[int, ...]
    basis: str
    each: NDArray[np.float64]
    precision: Precision | None


@dataclass(frozen=True)
class _Decision:
    """``gain``: mAP50 against the last head's on the same pictures."""

    released: bool
    message: str
    previous: float | None = None
    gain: float | None = None


class _Work:
    """The pictures, samples and maps of one round."""

    def __init__(self, parts: Parts, answers: BoxAnswers, device: str, context: JobContext) -> None:
        self._answers = answers
        self._context = context
        self._pictures = Pictures(parts, context)
        self._val = self._labelled_val()
        learnable = [i for i in answers.learnable if i not in self._val]
        any_complete = any(i in answers.complete for i in learnable)
        self.caution = "" if any_complete else "; no picture is marked as done, so all outside the boxes was background"
        self._all_complete = not any_complete
        self._records = {image.id: image for image in self._pictures.images(sorted({*learnable, *self._val}))}
        wanted = _chosen(learnable, answers)
        sizes = [self._size(i) for i in wanted]
        canvas = Canvas.fitting(sizes)
        self._scale = least_scale([answers.taken[i].boxes for i in wanted], sizes, canvas)
        self._train_ids = wanted
        self._cache = box_heads.training_cache(parts, device, canvas)
        self._look_cache = box_heads.looking_cache(parts, device, canvas)
        self._parts, self._device = parts, device

    def fit(self, before: BoxHead | None) -> _Fitted:
        """Make the samples, train once to test and once with everything; both go on from the round ``before`` where they may."""
        samples = self._samples()
        label_ids = self._answers.label_ids
        held = sorted(self._val) if self._val else _fold(sorted(samples))
        if not self._val and (len(samples) < MIN_FOLDED or not held):
            head = self._train(samples, list(samples), "Learning boxes", start=self._fitting(before), share=AGAIN)
            return _Fitted(BoxHead(head, label_ids, UNTESTED_THRESHOLD), (), "untested", np.zeros(0), None)
        inside = [i for i in samples if i not in set(held)]
        start = self._tested_before(before, held)
        tested = self._train(samples, inside, "Learning boxes, to be tested", start=start, share=AGAIN)
        held = held[:MOST_TESTED]
        found, truth = self.look(tested, held)
        sure_from = _threshold(found, truth)
        each = np.asarray([scores.image_score(f, t, sure_from) for f, t in zip(found, truth, strict=True)])
        precision = scores.precision(found, truth, len(label_ids))
        head = tested if self._val else self._train(samples, list(samples), "Learning boxes", start=tested)
        basis = "validation" if self._val else "held-out"
        return _Fitted(BoxHead(head, label_ids, sure_from, tested, tuple(inside)), tuple(held), basis, each, precision)

    def _fitting(self, before: BoxHead | None) -> DetectionHead | None:
        """The last head, if it has the same labels and looks at pictures in the same way."""
        if before is None or before.label_ids != self._answers.label_ids:
            return None
        return before.head if (before.head.canvas, before.head.scale) == (self._cache.canvas, self._scale) else None

    def _tested_before(self, before: BoxHead | None, held: Sequence[int]) -> DetectionHead | None:
        """The last head that was tested, if it fits and has seen none of what is held out now."""
        if before is None or self._fitting(before) is None or set(before.trained_ids) & set(held):
            return None
        return before.tested

    def decide(self, fitted: _Fitted, before: BoxHead | None) -> _Decision:
        """Released unless worse than the last head by more than one standard error on the held-out pictures."""
        if fitted.precision is None:
            return _Decision(True, f"untested: fewer than {MIN_FOLDED} pictures with boxes")
        line = f"mAP50 {fitted.precision.at_50:.3f} on {len(fitted.held_out)} {fitted.basis} pictures"
        if before is None or before.tested is None or before.label_ids != fitted.box_head.label_ids:
            return _Decision(True, line)
        unseen = [i not in set(before.trained_ids) for i in fitted.held_out]
        held = [i for i, fresh in zip(fitted.held_out, unseen, strict=True) if fresh]
        if len(held) < 2:
            return _Decision(True, f"{line}; the last head has seen nearly all of them")
        found, truth = self.look(before.tested, held)
        each = np.asarray([scores.image_score(f, t, before.sure_from) for f, t in zip(found, truth, strict=True)])
        previous = scores.precision(found, truth, len(fitted.box_head.label_ids)).at_50
        difference = fitted.each[np.asarray(unseen)] - each
        error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
        released = bool(difference.mean() >= -error)
        verb = "released" if released else "kept the last head"
        message = f"{line}; the last head {previous:.3f} on the same: {verb}"
        return _Decision(released, message, previous, fitted.precision.at_50 - previous)

    def look(self, head: DetectionHead, ids: Sequence[int]) -> tuple[list[Found], list[TrueBoxes]]:
        """What a head finds on labelled pictures, and what is there; nothing on those that cannot be read any more."""
        found, truth = [], []
        cache = self._look_cache if head.canvas == self._look_cache.canvas else self._other_cache(head.canvas)
        for image, opened in self._pictures.stream([self._records[i] for i in ids], head.canvas, head.scale):
            self._context.check_cancelled()
            truth.append(TrueBoxes(self._answers.taken[image.id].boxes, self._answers.classes(image.id)))
            if opened is None:
                found.append(decoding.nothing(head.n_classes))
                continue
            size = opened.width, opened.height
            views = views_of(*size, head.canvas, head.scale)
            maps = cache.features([draw(opened.pixels, opened.scale, view, head.canvas) for view in views])
            found.append(decoding.decode(*head.maps(maps), views, head.canvas, size))
        return found, truth

    def _other_cache(self, canvas: Canvas) -> FeatureCache:
        return box_heads.looking_cache(self._parts, self._device, canvas)

    def _labelled_val(self) -> frozenset[int]:
        """The complete ``val`` images, if there are enough to test on."""
        found = {i for i in self._answers.val & self._answers.complete if i in self._answers.taken}
        return frozenset(found) if len(found) >= MIN_VALIDATION else frozenset()

    def _size(self, image_id: int) -> tuple[int, int]:
        image = self._records[image_id]
        return max(1, image.width), max(1, image.height)

    def _samples(self) -> dict[int, list[Sample]]:
        """The copies of every picture, by image id."""
        context, wanted = self._context, self._train_ids
        context.progress(0, len(wanted), "Looking at the boxes")
        readable = [i for i in wanted if self._scene(i) is not None]
        made = training.make_samples(
            [str(i) for i in readable],
            lambda key: views_of(*self._size(int(key)), self._cache.canvas, self._scale),
            lambda key: self._must(int(key)),
            self._cache,
            progress=lambda done, total: context.progress(done, total, "Looking at the boxes"),
            context=context,
        )
        self._cache.prune()
        if not made:
            raise AnnotatorError("None of the pictures with boxes can be read.", "`annotator stats` says why.")
        return {int(key): rows for key, rows in made.items()}

    def _scene(self, image_id: int) -> Scene | None:
        image = self._records[image_id]
        opened = self._pictures.open(image, self._cache.canvas, self._scale)
        if opened is None:
            return None
        taken = self._answers.taken[image_id]
        complete = self._all_complete or image_id in self._answers.complete
        classes = self._answers.classes(image_id)
        key = _key(image)
        return Scene(key, opened.pixels, opened.scale, taken.boxes, classes, complete, taken.refused)

    def _must(self, image_id: int) -> Scene:
        scene = self._scene(image_id)
        if scene is None:
            image = self._records[image_id]
            raise AnnotatorError(f"{image.uri} cannot be read any more.", "Check the file and train again.")
        return scene

    def _train(
        self,
        samples: dict[int, list[Sample]],
        ids: Sequence[int],
        title: str,
        start: DetectionHead | None = None,
        share: float = FINISHING,
    ) -> DetectionHead:
        """Train on the samples of some pictures; from ``start`` on only ``share`` of the steps are needed."""
        rows = [sample for i in ids for sample in samples[i]]
        steps = training.steps_for(len(rows))
        return training.train_head(
            rows,
            len(self._answers.label_ids),
            self._cache,
            steps=steps if start is None else round(share * steps),
            start=start,
            scale=self._scale,
            n_images=len(ids),
            n_boxes=sum(len(self._answers.taken[i].boxes) for i in ids),
            progress=lambda done, total: self._context.progress(done, total, title),
            context=self._context,
        )


def _key(image: Image) -> str:
    """What the copies of a picture follow from: its content, so that they stay the same under another name."""
    return image.content_hash or f"{image.root_id}/{image.uri}"


def _chosen(ids: Sequence[int], answers: BoxAnswers) -> list[int]:
    """At most as many pictures as training takes: all with boxes first, by a hash of their ids, then empty ones."""
    empty = [i for i in ids if not len(answers.taken[i].boxes)]
    filled = [i for i in ids if len(answers.taken[i].boxes)]
    most = training.SAMPLES
    kept = sorted(filled, key=_mark)[:most]
    return sorted(kept + sorted(empty, key=_mark)[: max(0, min(most - len(kept), len(kept)))])


def _mark(image_id: int) -> bytes:
    return blake2b(str(image_id).encode(), digest_size=8).digest()


def _fold(ids: Sequence[int]) -> list[int]:
    """The fifth of the images that tests: nearly the same ones however many come later."""
    return sorted(sorted(ids, key=_mark)[: len(ids) // FOLDS])


def _threshold(found: Sequence[Found], truth: Sequence[TrueBoxes]) -> float:
    """The score from which boxes are worth showing as sure: where the mean F1 is best."""
    means = [
        float(np.mean([scores.image_score(f, t, float(least)) for f, t in zip(found, truth, strict=True)]))
        for least in THRESHOLDS
    ]
    return float(THRESHOLDS[int(np.argmax(means))]) if means else UNTESTED_THRESHOLD


def _store(parts: Parts, fitted: _Fitted, decision: _Decision) -> tuple[int, int]:
    """Save the head and its row; returns the row's id and the number of the round."""
    with parts.db.read() as reader:
        number = len(reader.runs.heads(Task.BOXES)) + 1
    path = box_heads.save(parts, f"boxes-{number:05d}", fitted.box_head)
    version = fitted.box_head.head.version[:16]
    row = Head(0, Task.BOXES, "embedded", version, path, decision.released, _metrics(fitted, decision), now())
    with parts.db.write("train") as writer:
        return writer.runs.add_head(row), number


def _suggest_anew(parts: Parts, head: BoxHead, answers: BoxAnswers, device: str, context: JobContext) -> int:
    """Look again at what the person sees next, and at whatever the project is small enough for."""
    with parts.db.read() as reader:
        labels = {label.id: label for label in reader.labels.all()}
    closed = set(box_answers.closed_ids(parts).tolist())
    usable = set(usable_ids(parts).tolist())
    order = [i for i in QueueView(parts).order().tolist() if i in usable and i not in closed]
    ids = np.sort(np.asarray(order[:SUGGESTED], np.int64))
    source = HeadSource(parts, head, labels, device)
    return box_suggest.look_at(parts, source, answers, ids, "train", context).run


def _metrics(fitted: _Fitted, decision: _Decision) -> dict[str, Any]:
    """The figures as the JSON output and the head's row hold them."""
    head, precision = fitted.box_head.head, fitted.precision
    return {
        "images": head.n_images,
        "boxes": head.n_boxes,
        "basis": fitted.basis,
        "tested": len(fitted.held_out),
        "map50": None if precision is None else precision.at_50,
        "map": None if precision is None else precision.mean,
        "previous": decision.previous,
        "threshold": fitted.box_head.sure_from,
    }
