"""Box suggestions for every open image: a source looks at one picture after another, what people have said is left alone.

Committed in batches. A run that was cancelled or killed goes on where it was, as long as nothing was trained in between.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Task
from annotator.domain.records import Label, Run, Suggestion
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.box_queue import rank_by_boxes
from annotator.pseudolabel.boxes import ShapeCalibration, Taken, merged, open_to, suggest_boxes
from annotator.usecases import box_answers, box_heads, ranking
from annotator.usecases.box_answers import BoxAnswers
from annotator.usecases.box_pictures import Pictures
from annotator.usecases.box_sources import (
    Chosen,
    DetectorSource,
    HeadSource,
    Looked,
    Source,
    choices_by_label,
    remember_detector,
    remembered_detector,
)
from annotator.usecases.index import usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import SuggestResult
from annotator.usecases.space import DEFAULT_MODEL
from annotator.usecases.tasks import SuggestRequest

Ids = NDArray[np.int64]

BATCH = 16


def suggest(parts: Parts, request: SuggestRequest, context: JobContext) -> SuggestResult:
    """Look at every open picture and put the queue in order."""
    with parts.db.read() as reader:
        labels = {label.id: label for label in reader.labels.all()}
    if not labels:
        raise AnnotatorError(
            "The project has no labels to suggest.", "Add some: type their names in the window, or import."
        )
    answers = box_answers.read_box_answers(parts)
    source = choose_source(parts, request, labels)
    ids = usable_ids(parts, request.limit)
    return look_at(parts, source, answers, ids[~np.isin(ids, box_answers.closed_ids(parts))], "suggest", context)


def choose_source(parts: Parts, request: SuggestRequest, labels: dict[int, Label]) -> Source:
    """The detector that was asked for, else the project's head, else the detector that it remembers."""
    asked = request.model_id or (request.weights is not None and "onnx") or ""
    if asked and asked != DEFAULT_MODEL:
        names = choices_by_label(request.names, tuple(labels.values()))
        weights = None if request.weights is None else request.weights.absolute()
        chosen = Chosen(asked, weights, names, request.class_agnostic)
        detector: Source = DetectorSource(parts, chosen, tuple(labels.values()), request.device)
        remember_detector(parts, chosen)
        return detector
    head = box_heads.load_released(parts)
    if head is not None:
        return HeadSource(parts, head, labels, request.device)
    remembered = remembered_detector(parts)
    if remembered is None or asked:
        raise AnnotatorError(
            "Nothing can suggest boxes here yet.",
            "Draw boxes on a few pictures and train (`annotator train PROJECT --task boxes`), or name a detector: "
            "--model onnx --weights FILE.",
        )
    return DetectorSource(parts, remembered, tuple(labels.values()), request.device)


def look_at(
    parts: Parts, source: Source, answers: BoxAnswers, ids: Ids, initiator: str, context: JobContext
) -> SuggestResult:
    """Suggest for ``ids``, then rank all that is open."""
    started = time.monotonic()
    calibration = box_answers.fit_calibration(parts, answers)
    run = _start(parts, source, calibration, initiator)
    rest = ids[~np.isin(ids, run.seen)]
    pictures = Pictures(parts, context)
    images = pictures.images(rest.tolist())
    total, done = len(ids), len(ids) - len(rest)
    context.progress(done, total, "Suggesting boxes")
    batch: list[tuple[int, Looked]] = []
    for image, opened in source.open(pictures, images):
        context.check_cancelled()
        if opened is not None:
            batch.append((image.id, source.look(opened)))
        done += 1
        if len(batch) == BATCH:
            _commit(parts, run, source, calibration, batch, initiator)
            batch = []
        context.progress(done, total, "Suggesting boxes")
    _commit(parts, run, source, calibration, batch, initiator)
    unreadable = pictures.set_aside()
    _finish(parts, run, initiator)
    rank(parts, initiator)
    seconds = max(time.monotonic() - started, 1e-6)
    by_look = isinstance(source, DetectorSource) and source.names_by_look
    warning = f"The names of {source.model_id} are set aside: boxes are named by what is in them."
    return SuggestResult(
        run=run.id,
        images=len(run.seen),
        suggestions=run.suggestions,
        images_per_s=(len(rest) - unreadable) / seconds if len(rest) else 0.0,
        model=source.model_id,
        uncalibrated=calibration.uncalibrated,
        unreadable=unreadable,
        warnings=(warning,) if by_look else (),
    )


@dataclass
class _OpenRun:
    """A run under way: ``seen`` image ids are committed, ``path`` remembers them until it ends."""

    id: int
    seen: Ids
    path: Path
    suggestions: int = 0


def _start(parts: Parts, source: Source, calibration: ShapeCalibration, initiator: str) -> _OpenRun:
    """The unfinished run of the same source, or a new one."""
    folder = parts.cache / "boxes"
    facts = {
        "labels": [label.id for label in source.labels],
        "sure_from": source.sure_from,
        "calibration": [calibration.slope, calibration.shift, calibration.verdicts],
    }
    with parts.db.write(initiator) as writer:
        last: Run | None = next((run for run in reversed(writer.runs.all()) if run.task is Task.BOXES), None)
        same = last is not None and (last.model_id, last.model_version) == (source.model_id, source.version)
        if last is not None and same and not last.finished_at and last.parameters.get("labels") == facts["labels"]:
            path = folder / f"run-{last.id:06d}.npy"
            seen = _read_ids(path)
            if len(seen):
                return _OpenRun(last.id, seen, path, last.suggestions)
        run_id = writer.runs.start(Task.BOXES, source.model_id, source.version, facts)
    return _OpenRun(run_id, np.zeros(0, np.int64), folder / f"run-{run_id:06d}.npy")


def _commit(
    parts: Parts,
    run: _OpenRun,
    source: Source,
    calibration: ShapeCalibration,
    batch: Sequence[tuple[int, Looked]],
    initiator: str,
) -> None:
    """Write the suggestions of some images, without what people have said of them by now."""
    if not batch:
        return
    ids = [image_id for image_id, _ in batch]
    label_ids = [label.id for label in source.labels]
    names = [label.name for label in source.labels]
    with parts.db.write(initiator) as writer:
        taken = box_answers.read_taken(writer, ids)
        made: list[Suggestion] = []
        for image_id, looked in batch:
            found = open_to(merged(looked.found), label_ids, taken.get(image_id, Taken()))
            made += suggest_boxes(
                image_id,
                found,
                label_ids,
                names,
                run_id=run.id,
                sure_from=source.sure_from,
                calibration=calibration,
                tiles=looked.tiles,
            )
        writer.suggestions.supersede(Task.BOXES, ids, keep_run=run.id)
        writer.suggestions.add_many(made)
        run.suggestions += len(made)
        run.seen = np.concatenate([run.seen, np.asarray(ids, np.int64)])
        writer.runs.progress(run.id, len(run.seen), run.suggestions)
    run.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = run.path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, run.seen)
    unfinished.replace(run.path)


def _finish(parts: Parts, run: _OpenRun, initiator: str) -> None:
    """End the run; what is still open on images that need nothing more goes."""
    closed = box_answers.closed_ids(parts)
    with parts.db.write(initiator) as writer:
        waiting = writer.suggestions.image_ids([Task.BOXES], (), 0.0, 1.0)
        writer.suggestions.supersede(Task.BOXES, np.intersect1d(waiting, closed).tolist(), keep_run=0)
        writer.runs.progress(run.id, len(run.seen), run.suggestions, finished=True)
    run.path.unlink(missing_ok=True)


def rank(parts: Parts, initiator: str) -> None:
    """Put the queue in order: open images with the most doubtful boxes first, those never looked at last."""
    ids = usable_ids(parts)
    ids = ids[~np.isin(ids, box_answers.closed_ids(parts))]
    with parts.db.read() as reader:
        rows = reader.suggestions.bounds(Task.BOXES)
        names = {label.id: label.name for label in reader.labels.all()}
    images = np.asarray([row[1] for row in rows], np.int64)
    found = np.asarray([row[2] for row in rows], np.int64)
    confidences = np.asarray([row[3] for row in rows], np.float64)
    order, reasons = rank_by_boxes(ids, images, found, confidences, names)
    ranking.write(parts, order, dict(zip(order[: len(reasons)].tolist(), reasons, strict=True)), initiator)


def _read_ids(path: Path) -> Ids:
    try:
        with path.open("rb") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False), np.int64)
    except (OSError, ValueError, EOFError):
        return np.zeros(0, np.int64)
