"""A dataset that checks the sample of a certificate in a person's place, and says by which measure something is right.

A tag is right when the dataset has it on the picture. A box or mask is right when something of the same label is there at an IoU
of at least ``LEAST_OVERLAP``; with another label there it is that, and with nothing there it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from annotator.domain.geometry import Box, Geometry, GeometryKind
from annotator.domain.kinds import Task
from annotator.domain.overlap import iou
from annotator.domain.records import Suggestion
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.usecases import truth
from annotator.usecases.box_answers import SHAPES
from annotator.usecases.parts import Parts

LEAST_OVERLAP = 0.5
"""The IoU of a right box or mask with what is there."""
OUTLINES = frozenset({GeometryKind.MASK, GeometryKind.POLYGON})


@dataclass(frozen=True)
class Oracle:
    """``answer`` gives the right label of a suggestion, None where there is none; ``known`` are the ids of images that the
    dataset speaks of; ``criterion`` says what counts as right."""

    path: Path
    known: frozenset[int]
    answer: Callable[[Suggestion], int | None]
    criterion: str

    def check(self, sample: Sequence[Suggestion]) -> dict[UUID, int | None]:
        """The answers to a sample; raises ``AnnotatorError`` when the dataset does not know all of it."""
        unknown = {s.image_id for s in sample} - self.known
        if unknown:
            raise AnnotatorError(
                f"{self.path} does not say what {len(unknown):,} of the audited pictures are.",
                "Give a dataset that covers the project; the sample stays the same.",
            )
        return {s.id: self.answer(s) for s in sample}


def read_oracle(
    parts: Parts, task: Task, path: Path, format_id: str | None, vocabulary: Vocabulary, context: JobContext
) -> Oracle:
    """The dataset at ``path`` as an oracle for a task; raises ``FormatError`` when it has nothing of that kind."""
    ids = {label.name: label_id for label_id, label in vocabulary.labels.items()}
    if task is Task.TAGS:
        tags = truth.read_truth(parts, path, format_id, context).tags
        return Oracle(path, frozenset(tags), _tags(tags, ids, vocabulary), f"the tag is in {path.name}")
    kinds = OUTLINES if task is Task.MASKS else frozenset(SHAPES)
    shapes = truth.read_shapes(parts, path, format_id, kinds, context)
    thing = "a mask" if task is Task.MASKS else "a box"
    criterion = f"the label is that of {thing} in {path.name} at IoU ≥ {LEAST_OVERLAP}"
    return Oracle(path, frozenset(shapes), _shapes(shapes, ids, boxes=task is Task.BOXES), criterion)


def _tags(tags: truth.TagsOf, ids: Mapping[str, int], vocabulary: Vocabulary) -> Callable[[Suggestion], int | None]:
    def answer(suggestion: Suggestion) -> int | None:
        names = tags[suggestion.image_id]
        if vocabulary.name(suggestion.label_id) in names:
            return suggestion.label_id
        return next((ids[name] for name in sorted(names) if name in ids), None)

    return answer


def _shapes(shapes: truth.ShapesOf, ids: Mapping[str, int], *, boxes: bool) -> Callable[[Suggestion], int | None]:
    """Of what overlaps enough the same label comes first, then what overlaps most."""

    def answer(suggestion: Suggestion) -> int | None:
        near = [
            (ids[name] == suggestion.label_id, overlap, ids[name])
            for name, shape in shapes[suggestion.image_id]
            if name in ids
            and (overlap := iou(suggestion.geometry, _around(shape) if boxes else shape)) >= LEAST_OVERLAP
        ]
        return max(near)[2] if near else None

    return answer


def _around(shape: Geometry) -> Geometry:
    """The box around an outline, with which a suggested box is compared; a rotated box stays as it is."""
    bounds = shape.bounds()
    if shape.kind in OUTLINES and bounds is not None:
        return Box(*map(float, bounds))
    return shape
