"""Review by exception on photographs: calibration, shortlist, novelty, planted errors, certificates, effort, and speed.

Needs labelled pictures: ``ANNOTATOR_BENCH_DATA``/clothing with ``train/LABEL`` and ``validation/LABEL``. Confidence, shortlist
and novelty are scored on ``validation``, which nothing was chosen on; the rest is planted into or drawn from ``train``, by other
seeds than those that anything was chosen with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from annotator.audit.folders import mixed_up
from annotator.audit.tags import margins
from annotator.learning.metrics import calibration_error
from annotator.learning.novelty import distances
from annotator.learning.pool import Pool
from annotator.learning.probe import softmax
from annotator.learning.queue import Strategy
from annotator.pseudolabel.calibrate import calibrate
from annotator.pseudolabel.shortlist import sizes
from annotator.simulate.certificates import certify_often
from annotator.simulate.effort import label_everything
from annotator.simulate.tags import Loop, TagTask
from tests.benchmarks.learning import clusters
from tests.benchmarks.row import Row

LABELS = (100, 200, 500)
AUDITED = 150
HOT = 2.5
HELD_OUT = ("hat", "shoes")
NOISE = ((0.05, "symmetric", 0.98), (0.10, "symmetric", 0.98), (0.10, "class-dependent", 0.94))
BINS = 10


def rows(quick: bool) -> Iterator[Row]:
    yield from scan_rows()
    folder = Path(os.environ.get("ANNOTATOR_BENCH_DATA", "")) / "clothing"
    if "ANNOTATOR_BENCH_DATA" not in os.environ or not folder.is_dir():
        yield Row("review figures on photographs", None, 0, "", note="needs ANNOTATOR_BENCH_DATA/clothing")
        return
    task = clothing(folder)
    yield from confidence_rows(task, 1 if quick else 3)
    yield from novelty_rows(task)
    yield from noise_rows(task)
    yield from folder_rows(task)
    yield from effort_rows(task, 10 if quick else 200, 1 if quick else 2)


def clothing(folder: Path) -> TagTask:
    """Features of all pictures by the embedded model, ``train`` as the pool and ``validation`` scored."""
    from annotator.media.pictures import decode
    from annotator.models.embedded.model import EmbeddedModel

    model = EmbeddedModel(threads=1)
    names = sorted(path.name for path in (folder / "train").iterdir())
    parts = []
    for split in ("train", "validation"):
        files = [(file, at) for at, name in enumerate(names) for file in sorted((folder / split / name).iterdir())]
        found = [model.embed_with_logits([decode(file, min_side=model.input_size).rgb()]) for file, _ in files]
        vectors, logits = (np.concatenate([each[part] for each in found]) for part in (0, 1))
        parts.append(
            (vectors, model.zero_shot(logits, model.label_matrix([(n,) for n in names])), [c for _, c in files])
        )
    (pool, zero_shot, pool_truth), (scored, _, scored_truth) = parts
    return TagTask(pool, np.asarray(pool_truth), zero_shot, scored, np.asarray(scored_truth), tuple(names))


def confidence_rows(task: TagTask, seeds: int) -> Iterator[Row]:
    """Calibration from 150 audited images, and the shortlist, at several numbers of labels, scored on held-out images."""
    raw, after, hot, cooled, covered, length = ([] for _ in range(6))
    truth = task.scored_truth
    for seed in range(seeds):
        loop = Loop(task, Pool(np.arange(len(task.pool_truth)), task.pool_vectors, seed=seed), Strategy.AUTO, seed)
        for count in LABELS:
            loop.play_to(count)
            audited = np.random.default_rng(seed).permutation(loop.open_rows)[:AUDITED]
            scores = np.log(np.maximum(loop.head.predict(task.scored_vectors), 1e-9))
            audited_scores = np.log(np.maximum(loop.probabilities[audited], 1e-9))
            for factor, before_, after_ in ((1.0, raw, after), (HOT, hot, cooled)):
                said, seen = softmax(factor * scores), softmax(factor * audited_scores)
                fitted = calibrate(seen, seen.argmax(axis=1), task.pool_truth[audited]).apply(said)
                before_.append(calibration_error(said.max(axis=1), said.argmax(axis=1) == truth, bins=BINS))
                after_.append(calibration_error(fitted.max(axis=1), fitted.argmax(axis=1) == truth, bins=BINS))
                if factor == 1.0 and count >= 200:
                    size = sizes(fitted)
                    rank = (fitted > fitted[np.arange(len(truth)), truth][:, None]).sum(axis=1)
                    covered.append(float((rank < size).mean()))
                    length.append(float(size.mean()))
    worst = max(b - a for a, b in zip(raw, after, strict=True))
    note = f"raw {np.mean(raw):.3f}, calibrated {np.mean(after):.3f} on average"
    yield Row("ECE after calibration, above raw at worst", worst, 0.02, "", note=note)
    note = f"{np.mean(hot):.3f} to {np.mean(cooled):.3f}"
    yield Row(
        "ECE after calibration on logits × 2.5, of raw", float(np.mean(cooled) / np.mean(hot)), 0.5, "ratio", note=note
    )
    yield Row("shortlist from 200 labels on: truth inside", float(np.mean(covered)), 0.95, "share", at_least=True)
    yield Row("shortlist from 200 labels on: mean size of 10", float(np.mean(length)), 3.2, "labels")


def novelty_rows(task: TagTask) -> Iterator[Row]:
    """Classes that nobody has labelled, among the scored images; all others of the pool are labelled."""
    both = np.concatenate([task.pool_vectors, task.scored_vectors])
    components = Pool(np.arange(len(both)), both).components
    known, asked = components[: len(task.pool_truth)], components[len(task.pool_truth) :]

    def auroc(held_out: tuple[str, ...]) -> float:
        columns = [task.names.index(name) for name in held_out]
        labelled = ~np.isin(task.pool_truth, columns)
        return float(roc_auc_score(np.isin(task.scored_truth, columns), distances(asked, known[labelled])))

    alone = ", ".join(f"{name} {auroc((name,)):.3f}" for name in task.names)
    yield Row(
        "novelty AUROC, hat and shoes held out together",
        auroc(HELD_OUT),
        0.97,
        "",
        at_least=True,
        note=f"alone: {alone}",
    )


def noise_rows(task: TagTask) -> Iterator[Row]:
    """Planted wrong tags, found by the cross-validated margin."""
    components = Pool(np.arange(len(task.pool_truth)), task.pool_vectors).components
    classes = len(task.names)
    means = np.stack([components[task.pool_truth == c].mean(axis=0) for c in range(classes)])
    alike = means @ means.T
    np.fill_diagonal(alike, -np.inf)
    for rate, kind, budget in NOISE:
        found = []
        for seed in range(3):
            draw = np.random.default_rng(seed)
            given = task.pool_truth.copy()
            wrong = draw.random(len(given)) < rate
            shift = draw.integers(1, classes, wrong.sum())
            given[wrong] = (
                (given[wrong] + shift) % classes if kind == "symmetric" else alike.argmax(axis=1)[given[wrong]]
            )
            found.append(roc_auc_score(wrong, margins(components, given).margin))
        yield Row(f"planted noise {rate:.0%} {kind}, AUROC", float(np.mean(found)), budget, "", at_least=True)


def folder_rows(task: TagTask) -> Iterator[Row]:
    """Two labels at a time whose images are half those of one other label, for pairs drawn by seed."""
    components = Pool(np.arange(len(task.pool_truth)), task.pool_vectors).components
    counts = np.bincount(task.pool_truth)
    pairs = [(a, b) for a in range(len(counts)) for b in range(len(counts)) if a != b and counts[a] <= 0.8 * counts[b]]
    draw = np.random.default_rng(2_024)
    found, cross_validated = [], []
    while len(found) < 20:
        (a, b), (c, d) = (pairs[at] for at in draw.permutation(len(pairs))[:2])
        if len({a, b, c, d}) < 4:
            continue
        given = task.pool_truth.copy()
        for folder, stranger in ((a, b), (c, d)):
            strangers = np.flatnonzero(task.pool_truth == stranger)
            given[draw.permutation(strangers)[: counts[folder]]] = folder
        wrong, inside = given != task.pool_truth, np.isin(given, (a, c))
        assert task.zero_shot is not None
        score = mixed_up(components, given, task.zero_shot).score
        found.append(roc_auc_score(wrong[inside], score[inside]))
        cross_validated.append(roc_auc_score(wrong[inside], margins(components, given).margin[inside]))
    note = (
        f"mean {np.mean(found):.3f}, {np.mean(np.asarray(found) >= 0.95):.0%} of pairs ≥ .95; "
        f"cross-validated margin: median {np.median(cross_validated):.3f}"
    )
    name = "two labels half full of another, AUROC, median of 20 pairs"
    yield Row(name, float(np.median(found)), 0.95, "", at_least=True, note=note)


def effort_rows(task: TagTask, runs: int, seeds: int) -> Iterator[Row]:
    """Certificates against the truth, and what labelling everything takes."""
    held = certify_often(task, labels=500, target=0.05, runs=runs)
    yield Row(f"certificates of 5% that are wrong, of {runs}", held.violations, 16 * runs / 200, "runs")
    yield Row("open images accepted in bulk at 500 labels, 5%", held.accepted, 0.30, "share", at_least=True)
    for target in (0.02, 0.05):
        found = [label_everything(task, target, seed=seed) for seed in range(seeds)]
        wrong = max(each.error for each in found)
        note = f"{np.mean([each.actions for each in found]):,.0f} for {found[0].images:,}, {wrong:.1%} wrong"
        share = float(np.mean([each.of_hand for each in found]))
        yield Row(f"actions to label all to {target:.0%}, of by hand", share, 0.5, "ratio", note=note)


def scan_rows() -> Iterator[Row]:
    """The audit of 3,000 answers beyond their features."""
    vectors, classes, zero_shot = clusters(3_000, seed=0)
    components = Pool(np.arange(3_000), vectors).components
    start = time.process_time()
    margins(components, classes)
    mixed_up(components, classes, zero_shot)
    yield Row("audit of 3,000 tags beyond features", time.process_time() - start, 1.0, "CPU s")
