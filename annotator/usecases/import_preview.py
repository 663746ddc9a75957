"""What an import would bring, counted before anything is written: labels by kind, pictures, and what cannot come as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotator.domain.records import Annotation, ImageFilter
from annotator.formats import registry
from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.formats.report import ReportRow
from annotator.job_context import JobContext
from annotator.usecases.image_view import ImageView
from annotator.usecases.matching import ImageMatcher
from annotator.usecases.parts import Parts

BATCH = 500
PICTURES = 6
DRAWN = 300
MISSING_NAMED = 1_000


@dataclass(frozen=True)
class LabelPreview:
    """One label of the dataset: how many annotations of each ``kinds``, on how many images; ``known``: the project has it."""

    name: str
    kinds: Mapping[str, int]
    images: int
    known: bool

    @property
    def annotations(self) -> int:
        return sum(self.kinds.values())


@dataclass(frozen=True)
class PicturePreview:
    """A picture with what the dataset says of it; ``path`` None where there is no file. At most ``DRAWN`` annotations."""

    name: str
    path: Path | None
    width: int
    height: int
    annotations: tuple[DatasetAnnotation, ...]


@dataclass(frozen=True)
class ImportPreview:
    """``matched`` of ``images`` are in the project, ``annotated`` of these have annotations; ``missing`` names the others.

    ``twice`` annotations are in the project already. ``rows`` are what the reader converts and drops, ``pictures`` the first.
    """

    format: str
    images: int
    matched: int
    annotated: int
    annotations: int
    suggestions: int
    twice: int
    labels: tuple[LabelPreview, ...]
    splits: Mapping[str, int]
    rows: tuple[ReportRow, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    pictures: tuple[PicturePreview, ...]


@dataclass
class _Counts:
    images: int = 0
    matched: set[int] = field(default_factory=set)
    suggestions: int = 0
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    with_label: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    twice: int = 0


def preview(parts: Parts, path: Path, format_id: str, skip_bad: bool, context: JobContext) -> ImportPreview:
    """Read all of the dataset and write nothing. Raises ``FormatError`` where the import would."""
    context.progress(0, None, "Reading")
    matcher = ImageMatcher(parts)
    imported = registry.reader(format_id).read(path, image_size=matcher.size, context=context, skip_bad=skip_bad)
    with parts.db.read() as reader:
        ids = {label.name: label.id for label in reader.labels.all()}
        annotated = set(reader.images.ids(ImageFilter(annotated=True)).tolist())
    counts, view = _Counts(), ImageView(parts)
    pictures: list[PicturePreview] = []
    known: dict[int, DatasetImage] = {}
    for image in imported.dataset.images:
        _count(counts, image)
        image_id = matcher.find(image)
        if image_id is None:
            counts.missing.append(image.name)
            continue
        counts.matched.add(image_id)
        if len(pictures) < PICTURES and image.annotations:
            pictures.append(_picture(view, image_id, image))
        if image_id in annotated:
            known[image_id] = image
            if len(known) == BATCH:
                counts.twice += _count_twice(parts, known, ids)
                known.clear()
                context.check_cancelled()
    counts.twice += _count_twice(parts, known, ids)
    report = imported.report()
    names = [label.name for label in imported.dataset.labels]
    return ImportPreview(
        format=format_id,
        images=counts.images,
        matched=len(counts.matched),
        annotated=len(counts.matched & annotated),
        annotations=sum(each.total() for each in counts.kinds.values()) - counts.suggestions,
        suggestions=counts.suggestions,
        twice=counts.twice,
        labels=tuple(_label(name, counts, name in ids) for name in names),
        splits=dict(counts.splits),
        rows=report.lossy,
        warnings=report.warnings,
        notes=report.notes,
        missing=tuple(counts.missing[:MISSING_NAMED]),
        pictures=tuple(pictures),
    )


def _count(counts: _Counts, image: DatasetImage) -> None:
    counts.images += 1
    if image.split is not None:
        counts.splits[image.split.value] += 1
    for each in image.annotations:
        counts.kinds.setdefault(each.label, Counter())[each.geometry.kind.value] += 1
        counts.suggestions += each.suggested
    counts.with_label.update({each.label for each in image.annotations})


def _label(name: str, counts: _Counts, known: bool) -> LabelPreview:
    return LabelPreview(name, dict(counts.kinds.get(name, {})), counts.with_label[name], known)


def _picture(view: ImageView, image_id: int, image: DatasetImage) -> PicturePreview:
    ours = view.get(image_id)
    return PicturePreview(image.name, view.path_of(ours), ours.width, ours.height, tuple(image.annotations[:DRAWN]))


def _count_twice(parts: Parts, images: Mapping[int, DatasetImage], ids: Mapping[str, int]) -> int:
    """How many annotations the project has already, with the same label and the same geometry."""
    with parts.db.read() as reader:
        have: Mapping[int, Sequence[Annotation]] = reader.annotations.for_images(list(images))
    return sum(
        any(one.label_id == ids.get(each.label) and one.geometry == each.geometry for one in have.get(image_id, ()))
        for image_id, image in images.items()
        for each in image.annotations
        if not each.suggested
    )
