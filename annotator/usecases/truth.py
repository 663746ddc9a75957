"""The right answers from outside: tags and splits of the project's images as a dataset has them. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from annotator.domain.geometry import Bounds, Geometry, GeometryKind
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.job_context import JobContext
from annotator.usecases.matching import ImageMatcher
from annotator.usecases.parts import Parts

TagsOf: TypeAlias = Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class BoxTruth:
    """``boxes``: image id to (label name, bounds in image pixels) of all that is there; the rest as in ``Truth``."""

    boxes: Mapping[int, tuple[tuple[str, Bounds], ...]]
    splits: Mapping[int, Split]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """``tags``: image id to label names; ``splits``: image id to split, where the dataset says one."""

    tags: TagsOf
    splits: Mapping[int, Split]
    labels: tuple[str, ...]


def read_truth(parts: Parts, path: Path, format_id: str | None, context: JobContext) -> Truth:
    """Read a dataset's tags for the project's images; raises ``FormatError`` when it has none for any of them."""
    dataset, found = _matched(parts, path, format_id, context)
    tags: dict[int, frozenset[str]] = {}
    for image_id, image in found:
        names = frozenset(a.label for a in image.annotations if a.geometry.kind is GeometryKind.TAG and not a.suggested)
        if names:
            tags[image_id] = tags.get(image_id, frozenset()) | names
    if not tags:
        raise FormatError(
            f"{path} has no tags for this project's pictures.", "Check that it describes the same files.", path=path
        )
    return Truth(tags, _splits(found), tuple(label.name for label in dataset.labels))


def read_box_truth(parts: Parts, path: Path, format_id: str | None, context: JobContext) -> BoxTruth:
    """Read a dataset's boxes (of polygons and masks the box around them) for the project's images.

    Images that the dataset lists without any are empty. Raises ``FormatError`` when there is no box for any image.
    """
    dataset, found = _matched(parts, path, format_id, context)
    boxes: dict[int, tuple[tuple[str, Bounds], ...]] = {}
    for image_id, image in found:
        placed = [(a.label, a.geometry.bounds()) for a in image.annotations if not a.suggested]
        shapes = tuple((label, bounds) for label, bounds in placed if bounds is not None)
        if shapes or image.done:
            boxes[image_id] = boxes.get(image_id, ()) + shapes
    if not any(boxes.values()):
        raise FormatError(
            f"{path} has no boxes for this project's pictures.", "Check that it describes the same files.", path=path
        )
    return BoxTruth(boxes, _splits(found), tuple(label.name for label in dataset.labels))


ShapesOf: TypeAlias = Mapping[int, tuple[tuple[str, Geometry], ...]]
"""Image id to (label name, geometry) of all that is there; empty where the dataset says that nothing is."""


def read_shapes(
    parts: Parts, path: Path, format_id: str | None, kinds: frozenset[GeometryKind], context: JobContext
) -> ShapesOf:
    """Read a dataset's shapes of some kinds for the project's images; raises ``FormatError`` when there is none."""
    _, found = _matched(parts, path, format_id, context)
    shapes: dict[int, tuple[tuple[str, Geometry], ...]] = {}
    for image_id, image in found:
        mine = tuple((a.label, a.geometry) for a in image.annotations if a.geometry.kind in kinds and not a.suggested)
        if mine or image.done:
            shapes[image_id] = shapes.get(image_id, ()) + mine
    if not any(shapes.values()):
        names = " or ".join(sorted(kind.value for kind in kinds))
        raise FormatError(
            f"{path} has no {names} for this project's pictures.", "Check that it describes the same files.", path=path
        )
    return shapes


def _matched(
    parts: Parts, path: Path, format_id: str | None, context: JobContext
) -> tuple[Dataset, list[tuple[int, DatasetImage]]]:
    """The dataset, and which of its images is which of the project's."""
    chosen = format_id or registry.detect_one(path).format
    matcher = ImageMatcher(parts)
    dataset = registry.reader(chosen).read(path, image_size=matcher.size, context=context, skip_bad=False).dataset
    pairs = [(matcher.find(image), image) for image in dataset.images]
    return dataset, [(image_id, image) for image_id, image in pairs if image_id is not None]


def _splits(found: Sequence[tuple[int, DatasetImage]]) -> dict[int, Split]:
    return {image_id: image.split for image_id, image in found if image.split is not None}
