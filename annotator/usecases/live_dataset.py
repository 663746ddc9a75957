"""The project's annotations as a dataset that formats write, a page of the store at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Caption, Geometry, GeometryKind
from annotator.domain.kinds import ImageState, Source, Task
from annotator.domain.palette import label_color
from annotator.domain.records import Annotation, Image, Label, Suggestion, Verdict
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.job_context import JobContext
from annotator.store.session import Reader
from annotator.usecases.image_view import ImageView, root_names
from annotator.usecases.parts import Parts
from annotator.usecases.review_view import ReviewView
from annotator.usecases.settings_view import (
    CAPTION_LABEL,
    FOREIGN_CONFIDENCE,
    FOREIGN_FIELDS,
    FOREIGN_HEADER,
    FOREIGN_LABEL_FIELDS,
    FOREIGN_LABELS,
    FOREIGN_PARENT,
)

Ids = NDArray[np.int64]
PAGE = 500


def live_dataset(
    parts: Parts,
    ids: Ids,
    context: JobContext,
    *,
    review: ReviewView | None = None,
    rejected: Mapping[int, Mapping[int, UUID]] | None = None,
) -> Dataset:
    """The images ``ids`` with their annotations as they are now.

    ``review``: open suggestions go along, and rejected ones: image to label to suggestion.
    """
    with parts.db.read() as reader:
        labels = reader.labels.all()
        foreign = reader.settings.get(FOREIGN_LABELS, {})
        fields = reader.settings.get(FOREIGN_LABEL_FIELDS, {})
        header = reader.settings.get(FOREIGN_HEADER, {})
        captions = _caption_label(reader)
    images = _Images(parts, review, ids, labels, rejected or {}, context, captions)
    written = (_label(label, labels, foreign, fields) for label in labels if label.id != captions)
    return Dataset(tuple(written), images, header)


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
    number, extra = foreign.get(str(label.id)), dict(fields.get(str(label.id), {}))
    parent = parent or str(extra.get(FOREIGN_PARENT, ""))
    extra.pop(FOREIGN_PARENT, None)
    return DatasetLabel(
        label.name,
        number,
        color,
        parent,
        label.skeleton,
        label.synonyms,
        extra,
        label.attributes_schema,
        label.definition,
    )


class _Images:
    """The chosen images as a format sees them; may be iterated more than once, a page of the store at a time."""

    def __init__(
        self,
        parts: Parts,
        review: ReviewView | None,
        ids: Ids,
        labels: tuple[Label, ...],
        rejected: Mapping[int, Mapping[int, UUID]],
        context: JobContext,
        captions: int | None = None,
    ) -> None:
        self._parts = parts
        self._captions = captions
        self._review = review
        self._ids = ids
        self._labels = {label.id: label.name for label in labels}
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
                written = reader.suggestions.for_images(page.tolist()) if self._review else {}
                refused = [one for image_id in page.tolist() for one in self._rejected.get(image_id, {}).values()]
                verdicts, judged = reader.verdicts.of(refused), reader.suggestions.many(refused)
            fresh = self._fresh(page, annotations) if self._review else {}
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
        assert self._review is not None
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
            orientation=image.orientation,
        )

    def _name(self, label_id: int, geometry: Geometry) -> str:
        """The label's name, none for what only stands under the label of captions."""
        return "" if label_id == self._captions and isinstance(geometry, Caption) else self._labels[label_id]

    def _annotation(self, annotation: Annotation) -> DatasetAnnotation:
        extra, confidence = annotation.extra, None
        if FOREIGN_CONFIDENCE in extra:
            extra = dict(extra)
            confidence = extra.pop(FOREIGN_CONFIDENCE)
        return DatasetAnnotation(
            label=self._name(annotation.label_id, annotation.geometry),
            geometry=annotation.geometry,
            attributes=annotation.attributes,
            track_id=annotation.track_id,
            z_order=annotation.z_order,
            annotator=annotation.annotator,
            source=annotation.source,
            confidence=confidence,
            extra=extra,
        )

    def _suggestion(self, suggestion: Suggestion) -> DatasetAnnotation:
        return DatasetAnnotation(
            label=self._name(suggestion.label_id, suggestion.geometry),
            geometry=suggestion.geometry,
            source=Source.DRAWN,
            confidence=suggestion.confidence,
            suggested=True,
        )
