"""Says in the report what a format has no place for, field by field, so that every writer says it in the same words."""

from __future__ import annotations

from collections.abc import Mapping

from annotator.domain.geometry import Caption, Tag
from annotator.domain.kinds import Source
from annotator.domain.prompt import PROMPT
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.names import is_unicode
from annotator.formats.placed import PLACED
from annotator.formats.report import Tally
from annotator.formats.spec import Field, FormatSpec

WHY = "the format has no place for it"
TURNED = (
    "it is {}: coordinates are those of the upright picture; a program that does not turn the file shows them elsewhere"
)


class Unheld:
    """Reports the fields of labels, images and annotations that ``spec`` does not hold."""

    def __init__(self, spec: FormatSpec, tally: Tally) -> None:
        self._spec, self._tally = spec, tally
        self._fields = spec.fields

    def labels(self, dataset: Dataset) -> None:
        """What the labels lose. Call once."""
        for label in dataset.labels:
            lost = {
                Field.COLOR: label.color,
                Field.PARENT: label.parent,
                Field.SKELETON: label.skeleton,
                Field.SYNONYMS: label.synonyms,
                Field.SCHEMA: label.schema,
                Field.DEFINITION: label.definition,
            }
            for field, value in lost.items():
                if value and field not in self._fields:
                    self._tally.dropped(label.name, field.value, WHY, "")
            self._foreign(label.extra, label.name, "")
        self._foreign(dataset.extra, "", "")

    def image(self, image: DatasetImage) -> bool:
        """What the image loses; False when it cannot be written at all."""
        if not is_unicode(image.name):
            shown = image.name.encode("utf-8", "backslashreplace").decode()
            self._tally.dropped("", "image", "its name is no valid Unicode", shown)
            self._tally.warn(f"{shown}: not exported, its name is no valid Unicode; rename the file")
            return False
        lost = {
            Field.SPLIT: image.split,
            Field.SEQUENCE: image.sequence,
            Field.NOTE: image.note,
            Field.FLAGGED: image.flagged,
            Field.EMPTY_IMAGES: not image.annotations,
        }
        for field, value in lost.items():
            if value and field not in self._fields:
                self._tally.dropped("", field.value, WHY, image.name)
        self._foreign(image.extra, "", image.name)
        if image.orientation != 1 and not self._spec.lossless and any(map(_has_place, image.annotations)):
            self._tally.converted("", "EXIF orientation", TURNED.format(image.orientation), image.name)
        return True

    def annotation(self, annotation: DatasetAnnotation, image: DatasetImage) -> None:
        """What an annotation that is written loses beside its geometry."""
        fields, label = self._fields, annotation.label
        if annotation.attributes:
            self._attributes(annotation, image)
        if annotation.track_id is not None and Field.TRACK not in fields:
            self._tally.dropped(label, Field.TRACK.value, WHY, image.name)
        if annotation.z_order and Field.Z_ORDER not in fields:
            self._tally.dropped(label, Field.Z_ORDER.value, WHY, image.name)
        if annotation.confidence is not None and Field.CONFIDENCE not in fields:
            self._tally.dropped(label, Field.CONFIDENCE.value, WHY, image.name)
        if annotation.annotator and Field.ANNOTATOR not in fields:
            self._tally.unkept("who made each annotation is not kept")
        if annotation.source is not Source.IMPORTED and Field.SOURCE not in fields:
            self._tally.unkept("whether an annotation was drawn, accepted, corrected or certified is not kept")
        if annotation.extra:
            self._foreign(annotation.extra, label, image.name)

    def _attributes(self, annotation: DatasetAnnotation, image: DatasetImage) -> None:
        held, kinds = self._spec.attributes, self._spec.attribute_kinds
        if kinds and annotation.geometry.kind not in kinds:
            held = frozenset()
        if held is None:
            return
        for name in annotation.attributes:
            if name not in held:
                self._tally.dropped(annotation.label, f"attribute {name}", WHY, image.name)

    def _foreign(self, extra: Mapping[str, object], label: str, image: str) -> None:
        if self._spec.lossless:
            return
        for owner, fields in extra.items():
            if owner == PROMPT:
                self._tally.unkept("what the smart tool was shown is not kept")
            elif owner != self._spec.id and not (isinstance(fields, Mapping) and fields.keys() == {PLACED}):
                self._tally.dropped(label, f"fields of {owner}", "they belong to another format", image)


def _has_place(one: DatasetAnnotation) -> bool:
    return not isinstance(one.geometry, Tag | Caption)
