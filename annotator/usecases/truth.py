"""The right answers from outside: tags and splits of the project's images as a dataset has them. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.job_context import JobContext
from annotator.usecases.matching import ImageMatcher
from annotator.usecases.parts import Parts

TagsOf: TypeAlias = Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Truth:
    """``tags``: image id to label names; ``splits``: image id to split, where the dataset says one."""

    tags: TagsOf
    splits: Mapping[int, Split]
    labels: tuple[str, ...]


def read_truth(parts: Parts, path: Path, format_id: str | None, context: JobContext) -> Truth:
    """Read a dataset's tags for the project's images; raises ``FormatError`` when it has none for any of them."""
    chosen = format_id or registry.detect_one(path).format
    matcher = ImageMatcher(parts)
    imported = registry.reader(chosen).read(path, image_size=matcher.size, context=context, skip_bad=False)
    tags: dict[int, frozenset[str]] = {}
    splits: dict[int, Split] = {}
    for image in imported.dataset.images:
        image_id = matcher.find(image)
        if image_id is None:
            continue
        names = frozenset(a.label for a in image.annotations if a.geometry.kind is GeometryKind.TAG and not a.suggested)
        if names:
            tags[image_id] = tags.get(image_id, frozenset()) | names
        if image.split is not None:
            splits[image_id] = image.split
    if not tags:
        raise FormatError(
            f"{path} has no tags for this project's pictures.", "Check that it describes the same files.", path=path
        )
    return Truth(tags, splits, tuple(label.name for label in imported.dataset.labels))
