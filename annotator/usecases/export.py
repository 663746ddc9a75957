"""The dataset leaves: chosen images and their annotations stream through a format's writer, which reports what it cannot keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import ImageState, Split, Task
from annotator.domain.records import ImageFilter
from annotator.errors import AnnotatorError, UsageError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.report import Report, in_order
from annotator.formats.spec import Field
from annotator.formats.verify import verify
from annotator.job_context import JobContext
from annotator.usecases import certificates, versions
from annotator.usecases.archive import attachments
from annotator.usecases.export_target import check_target
from annotator.usecases.garbage import rarely_collected
from annotator.usecases.live_dataset import live_dataset
from annotator.usecases.parts import Parts
from annotator.usecases.readable_names import ReadableNames, with_readable_names
from annotator.usecases.results import CertificateStats, ExportResult, Loss
from annotator.usecases.review_view import ReviewView
from annotator.usecases.settings_view import REMOVED_ROOTS

Ids = NDArray[np.int64]
Scope = Literal["done_or_annotated", "done", "all"]

_SHAPES = (Task.BOXES, Task.MASKS, Task.KEYPOINTS)


@dataclass(frozen=True)
class ExportRequest:
    """What to write where. ``splits`` empty: all; ``version`` empty: the dataset as it is now; ``only``: no other images.

    ``flat``: which split an image is in stays behind, so that formats with a place for each write one."""

    path: Path
    format: str
    include_suggestions: bool = False
    splits: tuple[Split, ...] = ()
    scope: Scope = "done_or_annotated"
    images: str = "none"
    merge: bool = False
    replace: bool = False
    verify: bool = False
    version: str = ""
    only: tuple[int, ...] | None = None
    flat: bool = False


@rarely_collected()
def export(parts: Parts, request: ExportRequest, context: JobContext) -> ExportResult:
    """Write the dataset; nothing is at ``request.path`` until all of it is there. ``verify`` reads it back and compares."""
    registry.spec(request.format)
    check_target(parts, request.path, request.format, with_images=request.images != "none", replace=request.replace)
    if request.version:
        return _export_version(parts, request, context)
    review = ReviewView(parts)
    ids = _chosen(parts, review, request)
    whole = registry.spec(request.format).lossless and _is_whole(request)
    if not len(ids) and not whole:
        raise _nothing(request)
    review_too = review if request.include_suggestions else None
    rejected = _rejected(parts) if _wants_rejected(request) else {}
    dataset = live_dataset(parts, ids, context, review=review_too, rejected=rejected)
    with parts.db.read() as reader:
        if whole:
            dataset = replace(dataset, attachments=attachments(reader.connection))
        dataset = with_readable_names(_flat(dataset) if request.flat else dataset, registry.spec(request.format))
        report = _write(dataset, request, context)
    with parts.db.read() as reader:
        under = certificates.signed(reader, ids)
    certificates.write(under, request.path)
    return _result(dataset, report, request, under, context)


def _export_version(parts: Parts, request: ExportRequest, context: JobContext) -> ExportResult:
    if request.include_suggestions:
        raise UsageError("A version holds no suggestions.", "Leave --include away.")
    spec = registry.spec(request.format)
    dataset = versions.chosen(parts, request.version, spec, request.scope, request.splits, request.only)
    dataset = with_readable_names(_flat(dataset) if request.flat else dataset, spec)
    if not any(True for _ in dataset.images):
        raise _nothing(request)
    return _result(dataset, _write(dataset, request, context), request, (), context)


def _write(dataset: Dataset, request: ExportRequest, context: JobContext) -> Report:
    return registry.writer(request.format).write(
        dataset, request.path, images=request.images, merge=request.merge, replace=request.replace, context=context
    )


def _result(
    dataset: Dataset, report: Report, request: ExportRequest, under: tuple[CertificateStats, ...], context: JobContext
) -> ExportResult:
    verified = verify(dataset, report, merged=request.merge, context=context) if request.verify else None
    if isinstance(dataset.images, ReadableNames):
        report = replace(report, rows=in_order((*report.rows, *dataset.images.rows())))
    lossy = tuple(Loss(row.label, row.kind, row.count, row.outcome.value, row.detail) for row in report.lossy)
    return ExportResult(
        report.images,
        report.annotations,
        lossy,
        str(request.path),
        request.format,
        under,
        verified,
        rows=report.rows,
        warnings=report.warnings,
        notes=report.notes,
        unkept=report.unkept,
    )


class _WithoutSplits:
    """Images that are in no split."""

    def __init__(self, images: Iterable[DatasetImage]) -> None:
        self._images = images

    def __iter__(self) -> Iterator[DatasetImage]:
        return (replace(image, split=None) for image in self._images)


def _flat(dataset: Dataset) -> Dataset:
    return replace(dataset, images=_WithoutSplits(dataset.images))


def _is_whole(request: ExportRequest) -> bool:
    """Whether the export is of the project and not of a part: then an archive carries all its rows."""
    return not request.splits and not request.merge and request.only is None and not request.flat


def _nothing(request: ExportRequest) -> AnnotatorError:
    """Which pictures were asked for, and what would give some."""
    if request.only is not None:
        return AnnotatorError(
            "There is nothing to export: none of the pictures that were chosen is done or annotated.",
            "Choose others, or all pictures of the project.",
        )
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
        if request.only is not None:
            every = every[np.isin(every, np.asarray(request.only, np.int64))]
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
