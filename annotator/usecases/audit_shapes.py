"""The audit of boxes and masks: what a detector sees otherwise, or, without one, how outlines look to the shipped segmenter.

The detector is the one that is named, else the project's own head, else the detector that the project suggests with. It is asked
anew, because suggestions leave out what an annotation already says, and speaks about all four troubles; a head that learned from
these very boxes is lenient with them. The segmenter, which only answers prompts, speaks about outlines alone: it is given each
annotation's box and says where the thing ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from annotator.audit.shapes import Disagreement, Shape, Trouble, disagreements, loose_outlines
from annotator.domain.geometry import Box, Geometry, GeometryKind, Mask
from annotator.domain.kinds import Task
from annotator.domain.overlap import iou
from annotator.domain.records import Annotation, Image, Label
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.media import decode
from annotator.models import catalogue
from annotator.models.labels import map_names
from annotator.models.protocols import Detector, PromptSegmenter
from annotator.usecases import findings
from annotator.usecases.box_pictures import Pictures
from annotator.usecases.box_sources import Source
from annotator.usecases.box_suggest import choose_source
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts
from annotator.usecases.results import Finding
from annotator.usecases.tasks import SuggestRequest

RGB = NDArray[np.uint8]

SEGMENTER = "embedded-segmenter"
KINDS = (GeometryKind.BOX, GeometryKind.MASK, GeometryKind.POLYGON)
TASKS = (Task.BOXES, Task.MASKS)
LEAST_SIDE = 8


def has_shapes(parts: Parts) -> bool:
    """Whether there is any box or mask to look at."""
    with parts.db.read() as reader:
        return len(reader.annotations.images_with(KINDS)) > 0


def shapes(parts: Parts, model: str | None, device: str, context: JobContext) -> list[Finding]:
    """Findings of kind shape on images that carry boxes or masks, the worst first."""
    with parts.db.read() as reader:
        labels = reader.labels.all()
        ids = np.union1d(
            reader.annotations.images_with(KINDS), np.concatenate([reader.images.done_ids(task) for task in TASKS])
        )
        done = {int(image) for task in TASKS for image in reader.images.done_ids(task)}
    names = {label.id: label.name for label in labels}
    look = _looker(parts, model, device, labels, context)
    found: list[Finding] = []
    images = ImageView(parts).many(ids.tolist())
    for at, (image, drawn, proposals) in enumerate(look.proposals(images)):
        context.check_cancelled()
        context.progress(at, len(images), "Looking at boxes and masks")
        for each in look.compare([Shape(a.geometry, a.label_id) for a in drawn], proposals):
            if each.trouble is not Trouble.MISSING or image.id in done:
                found.append(_finding(image, each, drawn, proposals, names))
    return sorted(found, key=lambda each: -each.score)


class _Looker(Protocol):
    """Something that says what it sees in pictures, and what that means for what is drawn there."""

    def proposals(self, images: Sequence[Image]) -> Iterator[tuple[Image, list[Annotation], list[Shape]]]: ...

    def compare(self, drawn: Sequence[Shape], proposals: Sequence[Shape]) -> list[Disagreement]: ...


def _looker(parts: Parts, model: str | None, device: str, labels: Sequence[Label], context: JobContext) -> _Looker:
    """Who looks."""
    if model is None:
        try:
            source = choose_source(parts, SuggestRequest(device=device), {label.id: label for label in labels})
            return _Seen(parts, source, context)
        except AnnotatorError as error:
            context.log(f"Outlines alone are compared: {error}")
    loaded: Any = catalogue.load(model or SEGMENTER, device=device)
    if isinstance(loaded, Detector):
        return _Detected(parts, loaded, map_names(loaded.names, labels), context)
    if isinstance(loaded, PromptSegmenter):
        return _Segmented(parts, loaded, context)
    raise UsageError(f"{model} sees no boxes or masks.", "`annotator models list` names those that do.")


def _drawn(parts: Parts, image: Image) -> list[Annotation]:
    with parts.db.read() as reader:
        return [a for a in reader.annotations.for_image(image.id) if a.kind in KINDS]


class _Seen:
    """What the project's own source of suggestions sees."""

    def __init__(self, parts: Parts, source: Source, context: JobContext) -> None:
        self._parts = parts
        self._source = source
        self._pictures = Pictures(parts, context)

    def proposals(self, images: Sequence[Image]) -> Iterator[tuple[Image, list[Annotation], list[Shape]]]:
        for image, opened in self._source.open(self._pictures, images):
            if opened is not None:
                seen = self._source.look(opened).found
                rows = zip(seen.boxes.tolist(), seen.classes.tolist(), seen.scores.tolist(), strict=True)
                made = [Shape(Box(*box), self._source.labels[column].id, score) for box, column, score in rows]
                yield image, _drawn(self._parts, image), made

    def compare(self, drawn: Sequence[Shape], proposals: Sequence[Shape]) -> list[Disagreement]:
        """From the score on that the source itself would show."""
        return disagreements(drawn, proposals, sure=self._source.sure_from)


class _Asked(ABC):
    """Asks a model about whole pictures; those that cannot be read are logged."""

    def __init__(self, parts: Parts, context: JobContext) -> None:
        self._parts = parts
        self._context = context
        self._view = ImageView(parts)

    def proposals(self, images: Sequence[Image]) -> Iterator[tuple[Image, list[Annotation], list[Shape]]]:
        for image in images:
            drawn = _drawn(self._parts, image)
            try:
                yield image, drawn, self.propose(decode(self._view.path_of(image)).rgb(), drawn)
            except (AnnotatorError, OSError) as error:
                self._context.log(f"{image.uri}: {error}")

    @abstractmethod
    def propose(self, picture: RGB, drawn: Sequence[Annotation]) -> list[Shape]:
        """What the model says of a picture."""


class _Detected(_Asked):
    """What a detector sees, in the project's labels; classes that mean none of them are left out."""

    def __init__(self, parts: Parts, detector: Detector, label_ids: Sequence[int | None], context: JobContext) -> None:
        super().__init__(parts, context)
        self._detector = detector
        self._label_ids = label_ids

    def compare(self, drawn: Sequence[Shape], proposals: Sequence[Shape]) -> list[Disagreement]:
        return disagreements(drawn, proposals)

    def propose(self, picture: RGB, drawn: Sequence[Annotation]) -> list[Shape]:
        (seen,) = self._detector.detect([picture])
        made = []
        for at, box in enumerate(seen.boxes.tolist()):
            label_id = self._label_ids[int(seen.classes[at])]
            if label_id is not None:
                made.append(Shape(Box(*box), label_id, float(seen.scores[at])))
        return made


class _Segmented(_Asked):
    """What the segmenter sees in the box of each annotation: a mask, or the box around it where a box was drawn; the annotation
    itself where it sees nothing or the thing is too small to tell."""

    def __init__(self, parts: Parts, segmenter: PromptSegmenter, context: JobContext) -> None:
        super().__init__(parts, context)
        self._segmenter = segmenter

    def compare(self, drawn: Sequence[Shape], proposals: Sequence[Shape]) -> list[Disagreement]:
        return loose_outlines(drawn, proposals)

    def propose(self, picture: RGB, drawn: Sequence[Annotation]) -> list[Shape]:
        encoding = self._segmenter.encode(picture)
        made = []
        for annotation in drawn:
            bounds = annotation.geometry.bounds()
            best: Geometry | None = None
            if bounds is not None and min(bounds[2] - bounds[0], bounds[3] - bounds[1]) >= LEAST_SIDE:
                nothing = np.zeros((0, 2), np.float32), np.zeros(0, dtype=bool)
                candidates = self._segmenter.segment(encoding, *nothing, box=np.asarray(bounds, np.float32))
                best = _nearest(candidates.masks, annotation.geometry)
            made.append(Shape(annotation.geometry if best is None else best, annotation.label_id))
        return made


def _nearest(masks: NDArray[np.bool_], drawn: Geometry) -> Geometry | None:
    """Of the candidates the one that speaks most for the outline: only where all of them differ from it is it loose."""
    options: list[Geometry] = []
    for mask in masks:
        made = Mask.from_array(mask)
        if made is not None:
            options.append(Box(*map(float, made.bounds())) if isinstance(drawn, Box) else made)
    return max(options, key=lambda each: iou(each, drawn), default=None)


def _finding(
    image: Image, each: Disagreement, drawn: Sequence[Annotation], proposals: Sequence[Shape], names: dict[int, str]
) -> Finding:
    annotation = drawn[each.annotation] if each.annotation >= 0 else None
    proposal = proposals[each.proposal] if each.proposal >= 0 else None
    given = "" if annotation is None else names.get(annotation.label_id, "")
    other = "" if proposal is None else names.get(proposal.label_id, "")
    meant = proposal.geometry if proposal is not None else drawn[each.annotation].geometry
    where = _rounded(meant.bounds())
    reason, fix = _words(each, given, other)
    outline = proposal is not None and each.trouble in (Trouble.LOOSE, Trouble.MISSING)
    about = where if annotation is None else (annotation.id, annotation.updated_at)
    return Finding(
        findings.SHAPE,
        image.id,
        image.uri,
        each.score,
        reason,
        given,
        other,
        findings.key_of(findings.SHAPE, image.id, each.trouble.value, given, other, about),
        fix,
        where,
        None if annotation is None else str(annotation.id),
        proposal.geometry.to_json() if outline and proposal is not None else None,
    )


def _rounded(bounds: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
    if bounds is None:
        return None
    x1, y1, x2, y2 = (round(value, 1) for value in bounds)
    return x1, y1, x2, y2


def _words(each: Disagreement, given: str, other: str) -> tuple[str, str]:
    """Why, and what fixing would do."""
    match each.trouble:
        case Trouble.LOOSE:
            return (
                f"{given} is drawn otherwise than the model sees it (IoU {each.overlap:.2f})",
                "take the model's outline",
            )
        case Trouble.LABEL:
            return f"drawn as {given}, but the model sees {other} ({100 * each.score:.0f}%)", f"call it {other}"
        case Trouble.MISSING:
            return f"the model sees {other} ({100 * each.score:.0f}%), and nothing is drawn there", f"draw {other}"
        case Trouble.EXTRA:
            return f"{given} is drawn where the model sees nothing", findings.REMOVE
