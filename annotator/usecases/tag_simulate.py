"""The loop of tags with a simulated annotator on the project's pictures: on a copy, and the truth never reaches the loop."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Split
from annotator.domain.records import Label
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.features import EmbeddingStore
from annotator.learning.queue import Strategy
from annotator.simulate.certificates import certify_often
from annotator.simulate.effort import Effort, label_everything
from annotator.simulate.tags import Simulation, TagTask, simulate_tags
from annotator.usecases.image_view import ImageView
from annotator.usecases.index import index_space, usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import CertifyResult, CurvePoint, EffortResult, SimulateResult, StrategyCurve
from annotator.usecases.space import Space, choose_model, open_space
from annotator.usecases.tasks import SimulateRequest
from annotator.usecases.truth import read_truth

Ids = NDArray[np.int64]

DEFAULT_STRATEGY = "default"
FIFTH = 5
LEAST_SCORED = 10
TARGETS = (0.02, 0.05)
CERTIFIED_AT = 500


def simulate(parts: Parts, request: SimulateRequest, context: JobContext) -> SimulateResult:
    """Play the loop and score it on ``test``, else ``val``, else a fifth of the images chosen by hash."""
    started = time.monotonic()
    strategies = [_strategy(name.strip()) for name in request.strategy.split(",")]
    truth = read_truth(parts, request.truth, request.truth_format, context)
    with parts.db.read() as reader:
        labels = list(reader.labels.all())
    if not labels:
        labels = [Label(at, name, position=at) for at, name in enumerate(sorted(truth.labels), start=1)]
    column = {label.name: at for at, label in enumerate(labels)}
    strange = sorted({name for names in truth.tags.values() for name in names} - set(column))
    if strange:
        raise AnnotatorError(
            f"The truth has labels that the project lacks: {', '.join(strange[:5])}.", "Make them in the project first."
        )
    with _copied_space(parts) as space:
        ids = usable_ids(parts)
        ids = ids[np.isin(ids, np.asarray(sorted(truth.tags), np.int64))]
        index_space(parts, space, ids, context)
        ids = ids[space.store.have(ids)]
        single = np.asarray([len(truth.tags[i]) == 1 for i in ids.tolist()], dtype=bool)
        ids = ids[single]
        classes = np.asarray([column[next(iter(truth.tags[i]))] for i in ids.tolist()], np.int64)
        scored, name = scored_images(parts, ids, truth.splits)
        if scored.sum() < LEAST_SCORED or (~scored).sum() < len(labels):
            raise AnnotatorError("There are too few pictures with a known answer to simulate on.", "Give more of them.")
        task = TagTask(
            pool_vectors=space.store.get(ids[~scored]),
            pool_truth=classes[~scored],
            zero_shot=space.zero_shot(ids[~scored], labels),
            scored_vectors=space.store.get(ids[scored]),
            scored_truth=classes[scored],
            names=tuple(label.name for label in labels),
        )
        every = [
            simulate_tags(task, request.budgets, strategy=each, seeds=request.seeds, context=context)
            for each in strategies
        ]
        effort = _effort(task, request.seeds, context) if request.effort else ()
        certificates = None if request.certify is None else _certificates(task, request, context)
    found = every[0]
    return SimulateResult(
        task=request.task.value,
        metric="accuracy",
        full_supervision=found.full_supervision,
        curve=_curve(found),
        seconds=time.monotonic() - started,
        scored_on=name,
        scored_images=int(scored.sum()),
        strategy=request.strategy,
        seeds=request.seeds,
        zero_labels=found.zero_labels,
        strategies=tuple(
            StrategyCurve(strategy.value, _curve(each)) for strategy, each in zip(strategies, every, strict=True)
        ),
        effort=effort,
        certificates=certificates,
    )


def _strategy(name: str) -> Strategy:
    return Strategy.AUTO if name == DEFAULT_STRATEGY else Strategy.named(name)


def _curve(found: Simulation) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(p.budget, p.mean, p.sd, p.actions) for p in found.curve)


def _effort(task: TagTask, seeds: int, context: JobContext) -> tuple[EffortResult, ...]:
    """Label everything, once for each target and seed."""
    results = []
    for target in TARGETS:
        found = [label_everything(task, target, seed=seed, context=context) for seed in range(seeds)]

        def mean(name: str, found: list[Effort] = found) -> float:
            return float(np.mean([getattr(each, name) for each in found]))

        names = ("error", "keys", "shortlisted", "pages", "marks", "checks", "certified", "certificates")
        results.append(
            EffortResult(
                target, mean("actions"), len(task.pool_truth), mean("of_hand"), *(mean(name) for name in names)
            )
        )
    return tuple(results)


def _certificates(task: TagTask, request: SimulateRequest, context: JobContext) -> CertifyResult:
    assert request.certify is not None
    found = certify_often(task, labels=CERTIFIED_AT, target=request.certify, runs=request.runs, context=context)
    return CertifyResult(
        request.certify, found.labels, len(found.runs), found.violations, found.certified, found.accepted
    )


@contextmanager
def _copied_space(parts: Parts) -> Iterator[Space]:
    """The project's embedding space with a copy of its vectors, so that nothing in the project changes."""
    name, weights = choose_model(parts, None, None)
    space = open_space(parts, name, weights=weights)
    with tempfile.TemporaryDirectory(prefix="annotator-simulate-") as folder:
        copy = Path(folder) / "space"
        if space.store.folder.exists():
            shutil.copytree(space.store.folder, copy)
        store = EmbeddingStore(copy, space.store.space, space.store.dimension, space.store.n_logits)
        yield replace(space, store=store)


def scored_images(parts: Parts, ids: Ids, splits_of: Mapping[int, Split]) -> tuple[NDArray[np.bool_], str]:
    """(n,) which images are scored, and the name of what they are."""
    images = ImageView(parts).many(ids.tolist())
    splits = [splits_of.get(image.id, image.split) for image in images]
    for wanted in (Split.TEST, Split.VAL):
        chosen = np.asarray([split is wanted for split in splits], dtype=bool)
        if chosen.any():
            return chosen, wanted.value
    marks = [blake2b((image.content_hash or image.uri).encode(), digest_size=2).digest() for image in images]
    return np.asarray([int.from_bytes(mark) % FIFTH == 0 for mark in marks], dtype=bool), "a fifth by hash"
