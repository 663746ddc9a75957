"""The loop of boxes with a simulated annotator, in a temporary project of its own: the scored pictures are not in it at all.

It labels what the queue offers, through the same edits as a person, and the same rounds train on what it did. A round follows
when the number of labelled pictures has doubled (5, 10, 20, …), because a person goes on labelling while a round trains; and at
every budget, or only there. It sees what the slider at the head's own threshold lets through: no maybes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.domain.geometry import Box
from annotator.domain.kinds import Task
from annotator.domain.records import Image, Label, Suggestion, new_annotation
from annotator.edits import accept_many, correct, images, reject, shapes
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.learning.detection import scores, training
from annotator.learning.detection.scores import Precision, TrueBoxes
from annotator.learning.queue import Strategy
from annotator.pseudolabel.boxes import MAYBE
from annotator.simulate.actions import Actions
from annotator.simulate.boxes import Deed, Move, TrueObjects, actions_by_hand, actions_of, work_on
from annotator.store.images import NewImage
from annotator.usecases import box_heads, box_train, opening
from annotator.usecases.box_answers import LEAST_IMAGES
from annotator.usecases.box_pictures import Pictures
from annotator.usecases.box_sources import HeadSource
from annotator.usecases.history import ProjectHistory
from annotator.usecases.image_view import ImageView
from annotator.usecases.index import usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.queue_view import QueueView
from annotator.usecases.results import CurvePoint, SimulateResult
from annotator.usecases.review_view import ReviewView
from annotator.usecases.tag_simulate import DEFAULT_STRATEGY, LEAST_SCORED, scored_images
from annotator.usecases.tasks import Rounds, SimulateRequest
from annotator.usecases.truth import BoxTruth, read_box_truth

FIRST_ROUND = 5
GROWTH = 2
STRATEGIES = (Strategy.AUTO, Strategy.RANDOM, Strategy.IN_ORDER)
NO_HEAD = Precision(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class _Reached:
    """How good the head is at a budget, what the pictures cost up to there, and the rounds in seconds of processor time."""

    precision: Precision
    actions: Actions
    by_hand: Actions
    cpu_s: float


def simulate(parts: Parts, request: SimulateRequest, context: JobContext) -> SimulateResult:
    """Play the loop once per seed and score its head on ``test``, else ``val``, else a fifth of the images chosen by hash."""
    training.require_torch()
    started = time.monotonic()
    strategy = Strategy.AUTO if request.strategy == DEFAULT_STRATEGY else Strategy.named(request.strategy)
    if strategy not in STRATEGIES:
        raise UsageError(f"Boxes know no strategy '{strategy}'.", f"Choose one of {', '.join(STRATEGIES)}.")
    truth = read_box_truth(parts, request.truth, request.truth_format, context)
    ids = usable_ids(parts)
    ids = ids[np.isin(ids, np.asarray(sorted(truth.boxes), np.int64))]
    scored, name = scored_images(parts, ids, truth.splits)
    pool = ids[~scored].tolist()
    if scored.sum() < LEAST_SCORED or len(pool) < LEAST_SCORED:
        raise AnnotatorError(
            "There are too few pictures with known boxes to simulate on.",
            f"At least {LEAST_SCORED} to label and {LEAST_SCORED} to score are needed.",
        )
    curves: list[list[_Reached]] = []
    stops = sorted({min(budget, len(pool)) for budget in request.budgets})
    for seed in range(request.seeds):
        with _playground(parts, pool, truth, seed, context) as player:
            player.rounds = request.rounds
            curves.append([player.play_to(stop, strategy, ids[scored].tolist()) for stop in stops])
    with _playground(parts, pool, truth, 0, context) as player:
        full = player.learn_everything(ids[scored].tolist())
    points = tuple(_point(stop, [curve[at] for curve in curves]) for at, stop in enumerate(stops))
    whole = stops[-1] == len(pool)
    return SimulateResult(
        task=request.task.value,
        metric="mAP50",
        full_supervision=full.precision.at_50,
        curve=points,
        seconds=time.monotonic() - started,
        scored_on=name,
        scored_images=int(scored.sum()),
        strategy=request.strategy,
        seeds=request.seeds,
        actions_for_all=round(points[-1].actions) if whole else None,
        actions_drawing_all=round(points[-1].by_hand or 0) if whole else None,
        full_map75=full.precision.at_75,
        full_cpu_s=full.cpu_s,
    )


def _point(stop: int, reached: Sequence[_Reached]) -> CurvePoint:
    """The mean over the seeds."""
    precise = [each.precision.at_50 for each in reached]

    def mean(figure: Callable[[_Reached], float]) -> float:
        return float(np.mean([figure(each) for each in reached]))

    return CurvePoint(
        stop,
        float(np.mean(precise)),
        float(np.std(precise, ddof=1)) if len(precise) > 1 else 0.0,
        mean(lambda each: each.actions.total),
        by_hand=mean(lambda each: each.by_hand.total),
        keys=mean(lambda each: each.actions.keys),
        clicks=mean(lambda each: each.actions.clicks),
        drags=mean(lambda each: each.actions.drags),
        map75=mean(lambda each: each.precision.at_75),
        cpu_s=mean(lambda each: each.cpu_s),
    )


@contextmanager
def _playground(
    parts: Parts, pool: Sequence[int], truth: BoxTruth, seed: int, context: JobContext
) -> Iterator[_Player]:
    """A new project with the pictures of the pool, in an order that the seed gives, and with the labels of this one."""
    with parts.db.read() as reader:
        labels = [label.name for label in reader.labels.all()] or sorted(truth.labels)
    used = {label for found in truth.boxes.values() for label, _ in found}
    if strange := sorted(used - set(labels)):
        raise AnnotatorError(
            f"The truth has labels that the project lacks: {', '.join(strange[:5])}.", "Make them in the project first."
        )
    with tempfile.TemporaryDirectory(prefix="annotator-simulate-") as folder:
        made = opening.create(Path(folder) / "play", None, tuple(labels), "simulated", exclusive=True)
        try:
            yield _Player(
                parts, made, [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))], truth, context
            )
        finally:
            made.close()


class _Player:
    """The simulated annotator at work in a project of its own."""

    def __init__(self, parts: Parts, made: Parts, pool: Sequence[int], truth: BoxTruth, context: JobContext) -> None:
        self._parts = parts
        self._made = made
        self._context = context
        self._truth = truth
        view = ImageView(parts)
        originals = {image.id: image for image in view.many(pool)}
        with made.db.write("simulate") as writer:
            new = [_absolute(originals[i], view) for i in pool if i in originals]
            ids = writer.images.add_many(new)
            self._labels: dict[str, Label] = {label.name: label for label in writer.labels.all()}
        kept = [i for i in pool if i in originals]
        self._original = dict(zip(ids.tolist(), kept, strict=True))
        self._history = ProjectHistory(made, ReviewView(made, live=True))
        self._queue = QueueView(made, live=True)
        self._labelled: list[int] = []
        self._trained_on = 0
        self._next_round = FIRST_ROUND
        self._cpu_s = 0.0
        self._actions = self._by_hand = Actions()
        self.rounds = Rounds.DOUBLING

    def play_to(self, budget: int, strategy: Strategy, scored: Sequence[int]) -> _Reached:
        """Label until ``budget`` pictures are done and score the head on pictures that are not in this project."""
        while len(self._labelled) < budget:
            self._context.check_cancelled()
            self._label(self._choose(strategy))
            self._context.progress(len(self._labelled), budget, "Simulating: labelling")
            if self.rounds is Rounds.DOUBLING and len(self._labelled) >= self._next_round:
                self._round()
                self._next_round = self._next_round * GROWTH
        if self._trained_on < len(self._labelled):
            self._round()
        return self._reached(scored)

    def learn_everything(self, scored: Sequence[int]) -> _Reached:
        """The same after all true boxes were drawn by hand."""
        for image_id in self._original:
            self._draw_all(image_id)
        self._round()
        return self._reached(scored)

    def _reached(self, scored: Sequence[int]) -> _Reached:
        return _Reached(self._score(scored), self._actions, self._by_hand, self._cpu_s)

    def _score(self, scored: Sequence[int]) -> Precision:
        """Of the head in use; nothing before there is one."""
        head = box_heads.load_released(self._made)
        if head is None:
            return NO_HEAD
        labels = {label.id: label for label in self._labels.values()}
        source = HeadSource(self._made, head, labels, "auto")
        column = {labels[i].name: at for at, i in enumerate(head.label_ids)}
        # A label that no labelled picture has had yet comes after the head's: what is missed of it counts.
        column |= {name: len(column) + at for at, name in enumerate(sorted(self._labels.keys() - column.keys()))}
        pictures = Pictures(self._parts, self._context)
        found, truth = [], []
        for image, opened in source.open(pictures, pictures.images(scored)):
            self._context.check_cancelled()
            if opened is not None:
                found.append(source.everything(opened))
                truth.append(_true_boxes(self._truth, image.id, column))
        return scores.precision(found, truth, len(self._labels))

    def _choose(self, strategy: Strategy) -> int:
        """The next open picture."""
        done = set(self._labelled)
        order = self._queue.order().tolist() if strategy is Strategy.AUTO else list(self._original)
        order = sorted(order) if strategy is Strategy.IN_ORDER else order
        return int(next(i for i in order if i not in done))

    def _label(self, image_id: int) -> None:
        """Do what a careful person would do with what is visible on the picture."""
        objects = self._objects(image_id)
        visible = [s for s in self._history.page(image_id).suggestions if s.task is Task.BOXES and MAYBE not in s.extra]
        boxes = np.asarray([s.geometry.bounds() for s in visible], np.float32).reshape(-1, 4)
        deeds = work_on(boxes, np.asarray([s.label_id for s in visible], np.int64), objects)
        self._actions += actions_of(deeds)
        self._by_hand += actions_by_hand(objects)
        self._perform(image_id, deeds, visible)
        self._labelled.append(image_id)

    def _perform(self, image_id: int, deeds: Sequence[Deed], visible: Sequence[Suggestion]) -> None:
        """The moves as edits, the ones of a person."""
        who, words = self._made.annotator, self._history.vocabulary()
        accepted: list[Suggestion] = []
        for deed in deeds:
            page = self._history.page(image_id)
            suggestion = None if deed.row is None else visible[deed.row]
            box = Box(*deed.box)
            if suggestion is None:
                self._history.perform(shapes.draw(page, new_annotation(image_id, deed.label_id, box, who)))
            elif deed.move is Move.ACCEPT:
                accepted.append(suggestion)
            elif deed.move is Move.REJECT:
                self._history.perform(reject(page, suggestion, words, annotator=who))
            else:
                edit = correct(page, suggestion, words, annotator=who, geometry=box, label_id=deed.label_id)
                self._history.perform(edit)
        if accepted:
            self._history.perform(accept_many([self._history.page(image_id)], accepted, words, annotator=who))
        self._finish(image_id)

    def _draw_all(self, image_id: int) -> None:
        objects = self._objects(image_id)
        nothing = np.zeros((0, 4), np.float32)
        self._perform(image_id, work_on(nothing, np.zeros(0, np.int64), objects), ())
        self._labelled.append(image_id)

    def _finish(self, image_id: int) -> None:
        done = images.mark_done([self._history.page(image_id)], Task.BOXES, annotator=self._made.annotator)
        self._history.perform(done)

    def _round(self) -> None:
        """A round of the loop, as the window would run it."""
        started = time.process_time()
        self._history.flush()
        self._trained_on = len(self._labelled)
        with_boxes = sum(bool(self._truth.boxes[self._original[i]]) for i in self._labelled)
        if with_boxes >= LEAST_IMAGES:
            box_train.train(self._made, device="auto", context=self._context)
        self._cpu_s += time.process_time() - started

    def _objects(self, image_id: int) -> TrueObjects:
        rows = self._truth.boxes[self._original[image_id]]
        boxes = np.asarray([bounds for _, bounds in rows], np.float32).reshape(-1, 4)
        return TrueObjects(boxes, np.asarray([self._labels[name].id for name, _ in rows], np.int64))


def _absolute(image: Image, view: ImageView) -> NewImage:
    """The same file in another project."""
    return NewImage(
        str(view.path_of(image)),
        width=image.width,
        height=image.height,
        orientation=image.orientation,
        bit_depth=image.bit_depth,
        channels=image.channels,
        content_hash=image.content_hash,
    )


def _true_boxes(truth: BoxTruth, image_id: int, column: dict[str, int]) -> TrueBoxes:
    """What is on an image, each label as its number in ``column``."""
    rows = truth.boxes[image_id]
    boxes = np.asarray([bounds for _, bounds in rows], np.float32).reshape(-1, 4)
    return TrueBoxes(boxes, np.asarray([column[name] for name, _ in rows], np.int64))
