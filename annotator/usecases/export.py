"""The dataset leaves: chosen images and their annotations stream through a format's writer, which reports what it cannot keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Caption, Geometry, GeometryKind
from annotator.domain.kinds import ImageState, Source, Split, Task
from annotator.domain.palette import label_color
from annotator.domain.records import Annotation, Image, ImageFilter, Label, Suggestion, Verdict
from annotator.errors import AnnotatorError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.spec import Field
from annotator.formats.verify import verify
from annotator.job_context import JobContext
from annotator.store.session import Reader
from annotator.usecases import certificates
from annotator.usecases.archive import attachments
from annotator.usecases.export_target import check_target
from annotator.usecases.image_view import ImageView, root_names
from annotator.usecases.parts import Parts
from annotator.usecases.results import ExportResult, Loss
from annotator.usecases.review_view import ReviewView
from annotator.usecases.settings_view import (
    CAPTION_LABEL,
    FOREIGN_FIELDS,
    FOREIGN_HEADER,
    FOREIGN_LABEL_FIELDS,
    FOREIGN_LABELS,
    REMOVED_ROOTS,
)

Ids = NDArray[np.int64]
Scope = Literal["done_or_annotated", "done", "all"]

PAGE = 500
_SHAPES = (Task.BOXES, Task.MASKS, Task.KEYPOINTS)


@dataclass(frozen=True)
class ExportRequest:
    """What to write where. ``splits`` empty: all."""

    path: Path
    format: str
    include_suggestions: bool = False
    splits: tuple[Split, ...] = ()
    scope: Scope = "done_or_annotated"
    images: str = "none"
    merge: bool = False
    replace: bool = False
    verify: bool = False


def export(parts: Parts, request: ExportRequest, context: JobContext) -> ExportResult:
    """Write the dataset; nothing is at ``request.path`` until all of it is there. ``verify`` reads it back and compares."""
    registry.spec(request.format)
    check_target(parts, request.path, request.format, with_images=request.images != "none", replace=request.replace)
    review = ReviewView(parts)
    ids = _chosen(parts, review, request)
    whole = registry.spec(request.format).lossless and _is_whole(request)
    if not len(ids) and not whole:
        raise _nothing(request)
    with parts.db.read() as reader:
        labels = reader.labels.all()
        foreign = reader.settings.get(FOREIGN_LABELS, {})
        fields = reader.settings.get(FOREIGN_LABEL_FIELDS, {})
        header = reader.settings.get(FOREIGN_HEADER, {})
        captions = _caption_label(reader)
    rejected = _rejected(parts) if _wants_rejected(request) else {}
    images = _Images(parts, review, ids, labels, request.include_suggestions, rejected, context, captions)
    written = (_label(label, labels, foreign, fields) for label in labels if label.id != captions)
    dataset = Dataset(tuple(written), images, header)
    with parts.db.read() as reader:
        if whole:
            dataset = replace(dataset, attachments=attachments(reader.connection))
        report = registry.writer(request.format).write(
            dataset, request.path, images=request.images, merge=request.merge, replace=request.replace, context=context
        )
    verified = verify(dataset, report, merged=request.merge, context=context) if request.verify else None
    lossy = tuple(Loss(row.label, row.kind, row.count, row.outcome.value, row.detail) for row in report.lossy)
    with parts.db.read() as reader:
        under = certificates.signed(reader, ids)
    return ExportResult(report.images, report.annotations, lossy, str(request.path), request.format, under, verified)


def _is_whole(request: ExportRequest) -> bool:
    """Whether the export is of the project and not of a part: then an archive carries all its rows."""
    return not request.splits and not request.merge


def _nothing(request: ExportRequest) -> AnnotatorError:
    """Which pictures were asked for, and what would give some."""
    which = {"all": "", "done": " that is done"}.get(request.scope, " that is done or annotated")
    if request.splits:
        splits = " or ".join(request.splits)
        return AnnotatorError(
            f"There is nothing to export: the split {splits} has no picture{which}.",
            "Give pictures that split first, or leave --split away.",
        )
    if request.scope == "all":
        return AnnotatorError("There is nothing to export: the project has no pictures.", "Add a folder of them first.")
    spec = registry.spec(request.format)
    if GeometryKind.TAG not in spec.kinds | set(spec.converts):
        return AnnotatorError(
            f"There is nothing to export: {request.format} has no place for tags, and no picture has shapes or is done for them.",
            "Draw some, or export as csv, imagenet or coco.",
        )
    return AnnotatorError(
        f"There is nothing to export: the project has no picture{which}.",
        "Accept some suggestions first, or export with --include suggestions or --scope all.",
    )


def _chosen(parts: Parts, review: ReviewView, request: ExportRequest) -> Ids:
    """Ids of the images to write, in the order in which they were added."""
    splits = frozenset(request.splits)
    with parts.db.read() as reader:
        removed = set(reader.settings.get(REMOVED_ROOTS, []))
        kept = frozenset({0, *(root.id for root in reader.images.roots())} - removed)
        every = reader.images.ids(ImageFilter(splits=splits, roots=kept))
        if request.scope == "all":
            return every
        wanted = reader.images.ids(ImageFilter(splits=splits, states=frozenset({ImageState.DONE})))
        if request.scope == "done_or_annotated":
            wanted = np.union1d(wanted, reader.images.ids(ImageFilter(splits=splits, annotated=True)))
        if request.include_suggestions:
            wanted = np.union1d(wanted, reader.images.ids(ImageFilter(splits=splits, suggested=True)))
    if request.include_suggestions:
        wanted = np.union1d(wanted, review.pile().image_ids)
    if _wants_rejected(request):
        wanted = np.union1d(wanted, np.asarray(sorted(_rejected(parts)), np.int64))
    return every[np.isin(every, wanted) & _may_be_empty(parts, every, request)]


def _may_be_empty(parts: Parts, ids: Ids, request: ExportRequest) -> NDArray[np.bool_]:
    """Whether each image may stand in the dataset even if nothing of it can be written.

    A format of shapes shows a picture that only has tags as one with nothing on it, a negative. Only a person who called it done
    for a task of shapes has said so.
    """
    spec = registry.spec(request.format)
    held = spec.kinds | set(spec.converts)
    if GeometryKind.TAG in held:
        return np.ones(len(ids), dtype=bool)
    with parts.db.read() as reader:
        shown = [reader.annotations.images_with(held)]
        shown += [reader.images.done_ids(task) for task in _SHAPES]
        if request.include_suggestions:
            shown.append(reader.suggestions.image_ids(_SHAPES, (), 0.0, 1.0))
    return np.isin(ids, np.concatenate(shown))


def _wants_rejected(request: ExportRequest) -> bool:
    """Rejected suggestions go along with the open ones where the format can say that they are rejected."""
    return request.include_suggestions and Field.REJECTED in registry.spec(request.format).fields


def _rejected(parts: Parts) -> dict[int, dict[int, UUID]]:
    """Image to label to the rejected tag suggestion, the last where there are several."""
    found: dict[int, dict[int, UUID]] = {}
    with parts.db.read() as reader:
        for image_id, label_id, suggestion_id in reader.verdicts.rejected_tags():
            found.setdefault(image_id, {})[label_id] = suggestion_id
    return found


def _caption_label(reader: Reader) -> int | None:
    """The label that only stands for captions, which are written without one; None when there is none or it has other shapes."""
    label_id: int | None = reader.settings.get(CAPTION_LABEL, None)
    if label_id is None or any(a.kind is not GeometryKind.CAPTION for a in reader.annotations.of_label(label_id)):
        return None
    return label_id


def _label(
    label: Label, labels: tuple[Label, ...], foreign: dict[str, int], fields: dict[str, dict[str, Any]]
) -> DatasetLabel:
    # A colour nobody chose says nothing to other programs, and its loss nothing to a person.
    color = "" if label.color == label_color(label.position) else label.color
    parent = next((other.name for other in labels if other.id == label.parent_id), "")
    number, extra = foreign.get(str(label.id)), fields.get(str(label.id), {})
    return DatasetLabel(label.name, number, color, parent, label.skeleton, label.synonyms, extra)


class _Images:
    """The chosen images as a format sees them; may be iterated more than once, a page of the store at a time."""

    def __init__(
        self,
        parts: Parts,
        review: ReviewView,
        ids: Ids,
        labels: tuple[Label, ...],
        suggestions: bool,
        rejected: Mapping[int, Mapping[int, UUID]],
        context: JobContext,
        captions: int | None = None,
    ) -> None:
        self._parts = parts
        self._captions = captions
        self._review = review
        self._ids = ids
        self._labels = {label.id: label.name for label in labels}
        self._suggestions = suggestions
        self._rejected = rejected
        self._context = context
        self._view = ImageView(parts)
        self._names = root_names(self._view)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[DatasetImage]:
        for at in range(0, len(self._ids), PAGE):
            self._context.check_cancelled()
            page = self._ids[at : at + PAGE]
            with self._parts.db.read() as reader:
                images = reader.images.many(page.tolist())
                annotations = reader.annotations.for_images(page.tolist())
                written = reader.suggestions.for_images(page.tolist()) if self._suggestions else {}
                refused = [one for image_id in page.tolist() for one in self._rejected.get(image_id, {}).values()]
                verdicts, judged = reader.verdicts.of(refused), reader.suggestions.many(refused)
            fresh = self._fresh(page, annotations) if self._suggestions else {}
            for image in images:
                open_ones = [s for s in written.get(image.id, ()) if s.task is not Task.TAGS] + fresh.get(image.id, [])
                mine = [
                    (judged[one], verdicts[one])
                    for one in self._rejected.get(image.id, {}).values()
                    if one in judged and one in verdicts
                ]
                yield self._image(image, annotations.get(image.id, ()), open_ones, mine)
            self._context.progress(min(at + PAGE, len(self._ids)), len(self._ids), "Exporting")

    def _fresh(self, page: Ids, annotations: dict[int, tuple[Annotation, ...]]) -> dict[int, list[Suggestion]]:
        """Open tag suggestions of a page of images; exported ones get their rows."""
        made = self._review.suggestions(page)
        if made and not self._parts.read_only:
            with self._parts.db.write("export") as writer:
                writer.suggestions.add_missing(made)
        found: dict[int, list[Suggestion]] = {}
        for suggestion in made:
            found.setdefault(suggestion.image_id, []).append(suggestion)
        return found

    def _image(
        self,
        image: Image,
        annotations: tuple[Annotation, ...],
        suggestions: list[Suggestion],
        rejected: list[tuple[Suggestion, Verdict]],
    ) -> DatasetImage:
        rows = [self._annotation(a) for a in annotations if a.label_id in self._labels]
        rows += [self._suggestion(s) for s in suggestions if s.label_id in self._labels]
        said = {a.label_id for a in annotations} | {s.label_id for s in suggestions}
        rows += [
            replace(self._suggestion(suggestion), annotator=verdict.annotator, decision=verdict.decision)
            for suggestion, verdict in rejected
            if suggestion.label_id in self._labels and suggestion.label_id not in said
        ]
        prefix = self._names.get(image.root_id, "")
        return DatasetImage(
            name=f"{prefix}{image.uri}".lstrip("/"),
            annotations=tuple(rows),
            width=image.width,
            height=image.height,
            path=self._view.path_of(image),
            split=image.split,
            done=image.state is ImageState.DONE,
            flagged=image.flagged,
            note=image.note,
            extra=image.metadata.get(FOREIGN_FIELDS, {}),
            sequence=image.sequence,
            frame=image.frame,
        )

    def _name(self, label_id: int, geometry: Geometry) -> str:
        """The label's name, none for what only stands under the label of captions."""
        return "" if label_id == self._captions and isinstance(geometry, Caption) else self._labels[label_id]

    def _annotation(self, annotation: Annotation) -> DatasetAnnotation:
        return DatasetAnnotation(
            label=self._name(annotation.label_id, annotation.geometry),
            geometry=annotation.geometry,
            attributes=annotation.attributes,
            track_id=annotation.track_id,
            z_order=annotation.z_order,
            annotator=annotation.annotator,
            source=annotation.source,
            extra=annotation.extra,
        )

    def _suggestion(self, suggestion: Suggestion) -> DatasetAnnotation:
        return DatasetAnnotation(
            label=self._name(suggestion.label_id, suggestion.geometry),
            geometry=suggestion.geometry,
            source=Source.DRAWN,
            confidence=suggestion.confidence,
            suggested=True,
        )
