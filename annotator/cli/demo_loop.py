"""The demo's loop with a simulated annotator who knows what the demo's pictures show: the use-cases of the window, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.edits import accept
from annotator.job_context import JobContext
from annotator.media.generate import DemoTruth
from annotator.project import Project

ROUNDS = 2
LABELS_PER_ROUND = 15
SURE = 0.9
FORMATS = ("csv", "coco", "imagenet")
ANNOTATOR = "simulated annotator"


@dataclass(frozen=True)
class DemoResult:
    """What the demo did. Accuracies are those of the suggestions for the pictures that were never labelled by hand."""

    images: int
    suggestions: int
    verdicts: Mapping[str, int]
    accuracy_before: float
    accuracy_after: float
    exports: tuple[str, ...]
    screenshots: tuple[str, ...] = ()
    project: str = ""
    rounds: tuple[str, ...] = ()
    note: str = ""


def play(folder: Path, truth: DemoTruth, out: Path, context: JobContext) -> DemoResult:
    """Suggest, judge what the queue offers, train, accept what is sure, export."""
    with Project.open(folder, annotator=ANNOTATOR) as project:
        project.suggest(context=context)
        images = project.images.many(project.images.ids().tolist())
        right_of = {image.id: truth.images[image.uri] for image in images if image.uri in truth.images}
        first = _named(project)
        suggestions = len(first)
        told = []
        for number in range(ROUNDS):
            context.progress(number, ROUNDS, "Playing the loop")
            _judge(project, right_of)
            result = project.train(context=context)
            told.append(result.round.message if result.round is not None else result.reason)
        last = _named(project)
        untouched = [image_id for image_id in last if image_id in right_of]
        before = [first.get(image_id) == right_of[image_id] for image_id in untouched]
        after = [last[image_id] == right_of[image_id] for image_id in untouched]
        project.accept(min_confidence=SURE, context=context)
        return DemoResult(
            images=len(images),
            suggestions=suggestions,
            verdicts=project.stats().verdicts,
            accuracy_before=float(np.mean(before)) if before else float("nan"),
            accuracy_after=float(np.mean(after)) if after else float("nan"),
            exports=_export(project, out, context),
            project=str(folder),
            rounds=tuple(told),
        )


def _named(project: Project) -> dict[int, str]:
    """The label that is suggested for each open image."""
    names = {label.id: label.name for label in project.labels.all()}
    pile = project.review.pile()
    return {image: names[label] for image, label in zip(pile.image_ids.tolist(), pile.label_ids.tolist(), strict=True)}


def _judge(project: Project, right_of: Mapping[int, str]) -> None:
    """Give the true answer to the next open images of the queue."""
    vocabulary = project.history.vocabulary()
    ids = {label.name: label_id for label_id, label in vocabulary.labels.items()}
    judged = 0
    for image_id in project.queue.order().tolist():
        if judged == LABELS_PER_ROUND:
            break
        page = project.history.page(image_id)
        if image_id not in right_of or not page.suggestions:
            continue
        label_id = ids[right_of[image_id]]
        edit = accept(page, page.suggestions[0], vocabulary, annotator=ANNOTATOR, label_id=label_id, seconds=2.0)
        project.history.perform(edit)
        project.queue.visited(image_id)
        judged += 1
    project.history.flush()


def _export(project: Project, out: Path, context: JobContext) -> tuple[str, ...]:
    """Write the corrected dataset in the formats that the demo shows."""
    from annotator.formats import registry

    written = []
    for format_id in FORMATS:
        if format_id not in registry.formats():
            continue
        suffixes = registry.spec(format_id).suffixes
        target = out / "exports" / (f"{format_id}{suffixes[0]}" if suffixes else format_id)
        project.export(
            target, format_id, images="copy" if format_id == "imagenet" else "none", replace=True, context=context
        )
        written.append(str(target))
    return tuple(written)
