"""The lines of an archive as typed records, and the way from our records and back."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from annotator.domain.geometry import from_json
from annotator.domain.kinds import Decision, Source, Split
from annotator.domain.records import Skeleton
from annotator.formats.dataset import DatasetAnnotation, DatasetImage, DatasetLabel


class Manifest(Struct, forbid_unknown_fields=False):
    """``archive.json``."""

    format: str
    version: int
    schema: str = ""
    extra: dict[str, Any] = {}


class LabelLine(Struct, omit_defaults=True):
    """One label of ``labels.json``: of a skeleton its points' names and the pairs of joined ones, of a schema its attributes in
    order."""

    name: str
    foreign_id: int | None = None
    color: str = ""
    parent: str = ""
    points: tuple[str, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    synonyms: tuple[str, ...] = ()
    extra: dict[str, Any] = {}
    schema: tuple[tuple[str, Any], ...] = ()
    definition: str = ""


class AnnotationLine(Struct, omit_defaults=True):
    """One annotation of an image's line; ``geometry`` as everywhere in our JSON."""

    label: str
    geometry: dict[str, Any]
    attributes: dict[str, Any] = {}
    track_id: int | None = None
    z_order: int = 0
    annotator: str = ""
    source: str | UnsetType = UNSET
    confidence: float | None = None
    suggested: bool = False
    extra: dict[str, Any] = {}
    decision: str | None = None


class ImageLine(Struct, omit_defaults=True):
    """One line of ``images.jsonl``."""

    name: str
    width: int = 0
    height: int = 0
    annotations: tuple[AnnotationLine, ...] = ()
    split: str | None = None
    done: bool = False
    flagged: bool = False
    note: str = ""
    extra: dict[str, Any] = {}
    sequence: str = ""
    frame: int = 0
    orientation: int = 1


encoder = msgspec.json.Encoder(order="deterministic")
image_decoder = msgspec.json.Decoder(ImageLine)
label_decoder = msgspec.json.Decoder(list[LabelLine])
manifest_decoder = msgspec.json.Decoder(Manifest)


def label_line(label: DatasetLabel) -> LabelLine:
    """A label as it is written."""
    skeleton = label.skeleton or Skeleton(())
    return LabelLine(
        label.name,
        label.foreign_id,
        label.color,
        label.parent,
        skeleton.points,
        skeleton.edges,
        label.synonyms,
        dict(label.extra),
        tuple(label.schema.items()),
        label.definition,
    )


def label_of(line: LabelLine) -> DatasetLabel:
    """A label as it was written."""
    skeleton = Skeleton(line.points, line.edges) if line.points else None
    return DatasetLabel(
        line.name,
        line.foreign_id,
        line.color,
        line.parent,
        skeleton,
        line.synonyms,
        line.extra,
        dict(line.schema),
        line.definition,
    )


def image_line(image: DatasetImage) -> ImageLine:
    """An image as it is written."""
    return ImageLine(
        image.name,
        image.width,
        image.height,
        tuple(map(_annotation_line, image.annotations)),
        image.split.value if image.split else None,
        image.done,
        image.flagged,
        image.note,
        dict(image.extra),
        image.sequence,
        image.frame,
        image.orientation,
    )


def _annotation_line(one: DatasetAnnotation) -> AnnotationLine:
    return AnnotationLine(
        one.label,
        one.geometry.to_json(),
        dict(one.attributes),
        one.track_id,
        one.z_order,
        one.annotator,
        one.source.value if one.source is not Source.IMPORTED else UNSET,
        one.confidence,
        one.suggested,
        dict(one.extra),
        one.decision.value if one.decision else None,
    )


def annotation_of(line: AnnotationLine) -> DatasetAnnotation:
    """An annotation as it was written; raises ``ValueError`` that says what cannot be."""
    return DatasetAnnotation(
        line.label,
        from_json(line.geometry),
        line.attributes,
        line.track_id,
        line.z_order,
        line.annotator,
        Source.IMPORTED if line.source is UNSET else Source(line.source),
        line.confidence,
        line.suggested,
        line.extra,
        Decision(line.decision) if line.decision else None,
    )


def split_of(line: ImageLine) -> Split | None:
    """The split of an image; raises ``ValueError`` for an unknown one."""
    return Split(line.split) if line.split else None
