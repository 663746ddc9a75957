"""Reads an export back and compares it with what was sent: each difference is one that the report announced, or an error.

The comparison trusts no writer: it goes through the format's reader, image by image, and balances what did not come back as it
was against the report's rows of the same label and kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from annotator.domain.geometry import Geometry, GeometryKind, Mask
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.names import without_suffix
from annotator.formats.report import Outcome, Report, Verified
from annotator.formats.spec import Field, FormatSpec
from annotator.job_context import QUIET, JobContext

SHOWN = 20
_Key = tuple[str, str]
_SOME = "fields of a "
"""So begin the report's rows about all that a tag or caption has beside its label."""


def verify(dataset: Dataset, report: Report, *, merged: bool = False, context: JobContext = QUIET) -> Verified:
    """Compare ``dataset`` with what is now at ``report.path``; raises ``FormatError`` where that cannot be read at all.

    ``merged``: the target held other images before, so that more of them come back than were sent.
    """
    spec = registry.spec(report.format)
    names = report.renamed
    sizes = (
        {}
        if Field.SIZE in spec.fields
        else {names.get(i.name, i.name): (i.width, i.height) for i in dataset.images if i.width}
    )
    found: Iterable[DatasetImage] = ()  # an export without pictures is to some formats a stray folder
    if report.images or merged:
        reader = registry.reader(report.format)
        found = reader.read(report.path, image_size=sizes.get, context=context).dataset.images
    balance = _Balance(spec)
    written = (replace(i, name=names[i.name]) if i.name in names else i for i in dataset.images)
    for sent, back in _pairs(written, found, merged=merged):
        context.check_cancelled()
        balance.add(sent, back)
    return balance.settle(report)


def _pairs(
    sent: Iterable[DatasetImage], back: Iterable[DatasetImage], *, merged: bool
) -> Iterator[tuple[DatasetImage | None, DatasetImage | None]]:
    """Images of one name; what stands alone comes last. Two streams in the same order are never held in memory."""
    waiting: tuple[dict[str, DatasetImage], dict[str, DatasetImage]] = ({}, {})
    streams: list[Iterator[DatasetImage] | None] = [iter(sent), iter(back)]
    while any(streams):
        for side, stream in enumerate(streams):
            if stream is None:
                continue
            image = next(stream, None)
            if image is None:
                streams[side] = None
                continue
            other = waiting[1 - side].pop(image.name, None)
            if other is None:
                waiting[side][image.name] = image
            else:
                yield (image, other) if side == 0 else (other, image)
    deepest_first = sorted(waiting[1], key=lambda name: -name.count("/"))
    ends = {
        end: name for name in deepest_first for end in _ends(name)
    }  # of two that end alike, the one with fewer folders
    for name, image in waiting[0].items():
        yield image, waiting[1].pop(ends.get(without_suffix(name), ""), None)
    if not merged:
        for image in waiting[1].values():
            yield None, image


def _ends(name: str) -> Iterator[str]:
    """The name without its ending, and without its first folders: some formats put images in a folder of their label."""
    parts = without_suffix(name).split("/")
    for first in range(len(parts)):
        yield "/".join(parts[first:])


class _Balance:
    """What did not come back, what came instead, by label and kind, and where it was seen first."""

    def __init__(self, spec: FormatSpec) -> None:
        self._spec = spec
        self._images = self._same = 0
        self._missing: Counter[_Key] = Counter()
        self._added: Counter[_Key] = Counter()
        self._fields: Counter[_Key] = Counter()
        self._lost_images: list[str] = []
        self._new_images: list[str] = []
        self._seen: dict[tuple[str, _Key], str] = {}

    def add(self, sent: DatasetImage | None, back: DatasetImage | None) -> None:
        """One pair of images, or one that stands alone."""
        if sent is None and back is not None:
            self._new_images.append(back.name)
            self._count(self._added, "added", back.annotations, back.name)
        elif sent is not None and back is None:
            if sent.annotations or Field.EMPTY_IMAGES in self._spec.fields:
                self._lost_images.append(sent.name)
            self._count(self._missing, "missing", sent.annotations, sent.name)
        elif sent is not None and back is not None:
            self._images += 1
            self._compare(sent, back)

    def settle(self, report: Report) -> Verified:
        """Take off what the report announced; the rest is unexplained."""
        announced, lines, open_count = 0, [], 0
        losses: Counter[_Key] = Counter()
        conversions = renamed = 0
        for row in report.rows:
            if row.outcome is Outcome.KEPT:
                continue
            losses[row.label, _family(row.kind)] += row.count
            conversions += row.count if row.outcome is Outcome.CONVERTED else 0
            renamed += row.count if row.kind in ("image", "image name") else 0
        for what, counts in (("did not come back", self._missing), ("came back changed", self._fields)):
            for key, count in sorted(counts.items()):
                said = min(count, losses[key] + (losses[key[0], _SOME] if counts is self._fields else 0))
                announced += said if what == "did not come back" else 0
                if count > said:
                    open_count += count - said
                    first = self._seen["missing" if counts is self._missing else "fields", key]
                    lines.append(f"{count - said:,} {key[1]} of {key[0] or 'no label'} {what}, first in {first}")
        added = sum(self._added.values())
        if added > conversions:
            (key, _), *_ = self._added.most_common()
            open_count += added - conversions
            first = self._seen["added", key]
            lines.append(f"{added - conversions:,} annotations came back that were not sent, first in {first}")
        for names, what in ((self._lost_images, "did not come back"), (self._new_images, "were not sent")):
            if len(names) > renamed:
                open_count += len(names) - renamed
                lines.append(f"{len(names) - renamed:,} images {what}, such as {names[-1]}")
        return Verified(self._images, self._same, announced, open_count, tuple(lines[:SHOWN]))

    def _compare(self, sent: DatasetImage, back: DatasetImage) -> None:
        left: list[DatasetAnnotation | None] = list(back.annotations)
        alone = []
        for place, one in enumerate(sent.annotations):
            found = self._find(one, left, place)
            if found is None:
                alone.append(one)
                continue
            other = left[found]
            assert other is not None
            left[found] = None
            self._same += 1
            for what in self._changed(one, other):
                self._fields[one.label, what] += 1
                self._seen.setdefault(("fields", (one.label, what)), sent.name)
        self._count(self._missing, "missing", alone, sent.name)
        self._count(self._added, "added", [one for one in left if one is not None], sent.name)

    def _find(self, one: DatasetAnnotation, left: list[DatasetAnnotation | None], place: int) -> int | None:
        """Index of the annotation that ``one`` came back as: where its order would have it, else the most alike anywhere."""
        best = None
        for index in (place, *range(len(left))) if place < len(left) else range(len(left)):
            other = left[index]
            if other is not None and _same(one, other, self._spec.tolerance):
                if not self._changed(one, other):
                    return index
                best = index if best is None else best
        return best

    def _changed(self, one: DatasetAnnotation, other: DatasetAnnotation) -> list[str]:
        """The fields that the format holds and that differ."""
        fields, changed = self._spec.fields, []
        if Field.ATTRIBUTES in fields and self._held(one.attributes) != self._held(other.attributes):
            changed.append("attribute")
        if Field.TRACK in fields and one.track_id != other.track_id:
            changed.append(Field.TRACK.value)
        if Field.SUGGESTED in fields and one.suggested != other.suggested:
            changed.append(Field.SUGGESTED.value)
        return changed

    def _held(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        held = self._spec.attributes
        return {
            name: value for name, value in attributes.items() if value is not False and (held is None or name in held)
        }

    def _count(self, counts: Counter[_Key], why: str, found: Iterable[DatasetAnnotation], image: str) -> None:
        for one in found:
            key = (one.label, one.geometry.kind.value)
            counts[key] += 1
            self._seen.setdefault((why, key), image)


def _family(kind: str) -> str:
    """The report names each attribute; here they count together."""
    if kind.startswith(_SOME):
        return _SOME
    return "attribute" if kind.startswith("attribute ") else kind


def _same(one: DatasetAnnotation, other: DatasetAnnotation, tolerance: float) -> bool:
    if one.label != other.label or one.geometry.kind is not other.geometry.kind:
        return False
    return one.geometry == other.geometry or same_place(one.geometry, other.geometry, tolerance)


def same_place(one: Geometry, other: Geometry, tolerance: float) -> bool:
    """Whether two geometries of one kind have the same numbers, each within ``tolerance`` pixels (masks: the same pixels)."""
    if one.kind in (GeometryKind.TAG, GeometryKind.CAPTION) or isinstance(one, Mask):
        return one == other
    first, second = list(_numbers(one.to_json())), list(_numbers(other.to_json()))
    return len(first) == len(second) and all(abs(a - b) <= tolerance for a, b in zip(first, second, strict=True))


def _numbers(value: Any) -> Iterator[float]:
    """All numbers of a geometry's JSON form in order; a list's length is one of them."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _numbers(value[key])
    elif isinstance(value, list):
        yield float(len(value))
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, int | float):
        yield float(value)
