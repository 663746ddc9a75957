"""Datasets come in: found beside the pictures, matched by name, written in one transaction as annotations or suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from annotator.domain.geometry import GeometryKind
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import DatasetImage
from annotator.job_context import JobContext
from annotator.usecases.garbage import rarely_collected
from annotator.usecases.image_view import ImageView
from annotator.usecases.import_labels import LEFT_OUT, take_labels
from annotator.usecases.intake import CAPTION, ImportRequest, Intake, Progress
from annotator.usecases.matching import ImageMatcher
from annotator.usecases.parts import Parts
from annotator.usecases.results import ImportResult
from annotator.usecases.settings_view import FOREIGN_HEADER

BATCH = 500
SHOWN_NAMES = 3


@dataclass(frozen=True)
class FoundDataset:
    """A dataset that lies somewhere: its ``path``, the ``format`` it is in, and the ``reason`` to think so."""

    path: Path
    format: str
    reason: str


def detect(parts: Parts, path: Path | None) -> tuple[FoundDataset, ...]:
    """Datasets in ``path``, or in the project's folders. Folder names alone are no annotations unless they are asked for."""
    places = [path] if path is not None else [Path(root.path) for root in ImageView(parts).roots()]
    found: list[FoundDataset] = []
    for place in places:
        for each in registry.detect(place) if place.exists() else ():
            if path is not None or each.format != "imagenet":
                found.append(FoundDataset(place, each.format, each.reason))
    return tuple(found)


@rarely_collected()
def import_dataset(parts: Parts, request: ImportRequest, context: JobContext) -> ImportResult:
    """Read a dataset into the project: all of it, or with an error nothing."""
    path = request.path
    if not path.exists():
        raise FormatError(f"There is nothing at {path}.", "Check the name.", path=path)
    chosen = request.format or registry.detect_one(path).format
    matcher = ImageMatcher(parts)
    imported = registry.reader(chosen).read(path, image_size=matcher.size, context=context, skip_bad=request.skip_bad)
    dataset = imported.dataset
    multiple = dataset.may_have_tags and any(_tags_of(image, request.labels) > 1 for image in dataset.images)
    progress = Progress()
    with parts.db.write("import") as writer:
        labels, added = take_labels(writer, dataset, multiple, request.labels)
        exclusive = {group.id for group in writer.labels.groups() if group.exclusive}
        intake = Intake(parts, writer, labels, exclusive, progress, request, f"import:{chosen}")
        for number, batch in enumerate(_batches(_matched(dataset.images, matcher, progress))):
            context.progress(number * BATCH, None, "Importing")
            context.check_cancelled()
            intake.take(batch)
        if not progress.images and not progress.left_alone:
            raise FormatError(
                f"None of the pictures in {path} is in the project.", "Add their folder first.", path=path
            )
        intake.finish()
        if dataset.extra:
            writer.settings.set(FOREIGN_HEADER, {**writer.settings.get(FOREIGN_HEADER, {}), **dataset.extra})
    added = (*added, CAPTION) if progress.captions else added
    report = progress.left_out.report(imported.report(), request.labels)
    warnings = (*report.warnings, *_warnings(progress))
    return ImportResult(
        len(progress.images), progress.annotations, added, warnings, chosen, report.rows, report.notes, str(path)
    )


def _tags_of(image: DatasetImage, renamed: Mapping[str, str]) -> int:
    tags = {renamed.get(a.label, a.label) for a in image.annotations if a.geometry.kind is GeometryKind.TAG}
    return len(tags - {LEFT_OUT})


def _matched(
    images: Iterable[DatasetImage], matcher: ImageMatcher, progress: Progress
) -> Iterable[tuple[int, DatasetImage]]:
    for image in images:
        image_id = matcher.find(image)
        if image_id is None:
            progress.unknown.append(image.name)
            progress.left_out.image(image)
        else:
            yield image_id, image


def _batches(items: Iterable[tuple[int, DatasetImage]]) -> Iterable[list[tuple[int, DatasetImage]]]:
    batch: list[tuple[int, DatasetImage]] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _said(count: int, one: str, many: str) -> str:
    """The number with the words for it."""
    return f"{count:,} {one if count == 1 else many}"


def _warnings(progress: Progress) -> list[str]:
    lines = []
    if progress.unknown:
        names = ", ".join(progress.unknown[:SHOWN_NAMES])
        more = f" and {len(progress.unknown) - SHOWN_NAMES:,} more" if len(progress.unknown) > SHOWN_NAMES else ""
        words = "picture of the dataset is", "pictures of the dataset are"
        lines.append(f"{_said(len(progress.unknown), *words)} not in the project: {names}{more}.")
    if progress.left_alone:
        words = (
            "picture has annotations already and stayed as it is",
            "pictures have annotations already and stayed as they are",
        )
        lines.append(f"{_said(progress.left_alone, *words)}.")
    if progress.twice:
        words = "annotation was there already and was left out", "annotations were there already and were left out"
        lines.append(f"{_said(progress.twice, *words)}.")
    if progress.answered:
        which = _said(progress.answered, "tag was left out: its", "tags were left out: their")
        lines.append(f"{which} picture has another tag of an exclusive group.")
    return lines
