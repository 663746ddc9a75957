"""Regions of all pictures grouped by look, and a group named once for all: its regions become mask suggestions of a label.

The groups lie in the project's cache. Naming adds to the names given before; the run that comes of it suggests all of them.
"""

from __future__ import annotations

import string
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Mask
from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion, new_id
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.learning.region_groups import group, region_vectors
from annotator.media import decode
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.embedded.regions import GraphRegions
from annotator.models.protocols import FloatArray, RegionProposer, RGBImage
from annotator.usecases.image_view import ImageView
from annotator.usecases.mask_suggest import open_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import RegionGroup, RegionGroupsResult, SuggestResult

BoolMask = NDArray[np.bool_]

FILE = "groups.msgpack"
MODEL = "graph-regions"
# Regions are found on pictures of this size; their masks are written at the picture's own.
READ_SIDE = 1024
EXAMPLES = 3
SHOWN = 8
"""Regions of a group that the window shows, of different pictures where there are enough."""


class _Region(msgspec.Struct, frozen=True):
    """A region as it is kept: where it is, its group and how much it is like the others there."""

    image_id: int
    origin: tuple[int, int]
    size: tuple[int, int]
    counts: tuple[int, ...]
    group: int
    likeness: float

    @property
    def mask(self) -> Mask:
        return Mask(*self.origin, *self.size, self.counts)


class _Kept(msgspec.Struct):
    """The content of the cache: the regions, and group name → label id as far as they are named."""

    regions: list[_Region]
    names: dict[str, int] = {}


@dataclass(frozen=True)
class RegionGroupView:
    """A group for people to look at: ``examples`` are (image id, region), the clearest first."""

    group: RegionGroup
    examples: tuple[tuple[int, Mask], ...]


@dataclass(frozen=True)
class _Found:
    """The regions of one picture with their vectors."""

    masks: tuple[Mask, ...]
    image_id: int
    vectors: FloatArray


def group_name(number: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    letters = string.ascii_uppercase
    if number < len(letters):
        return letters[number]
    pairs = ["".join(pair) for pair in product(letters, repeat=2)]
    return pairs[number - len(letters)]


def make_groups(
    parts: Parts, count: int, *, limit: int | None, context: JobContext, proposer: RegionProposer | None = None
) -> RegionGroupsResult:
    """Find the regions of all open pictures and group them by look. Names given to earlier groups are forgotten."""
    if not 1 <= count <= 100:
        raise UsageError(f"Regions cannot be put into {count} groups.", "Give a number from 1 to 100.")
    started = time.monotonic()
    found = list(_find(parts, proposer or GraphRegions(), limit, context))
    if not found:
        raise AnnotatorError(
            "There is no open picture that could be looked at.", "`annotator stats` lists the problems."
        )
    context.progress(len(found), len(found), "Grouping regions")
    groups = group(np.concatenate([each.vectors for each in found]), count)
    owners = [(each.image_id, mask) for each in found for mask in each.masks]
    kept = _Kept(
        [
            _Region(image_id, (mask.x, mask.y), (mask.width, mask.height), mask.counts, int(member), float(like))
            for (image_id, mask), member, like in zip(owners, groups.members, groups.likeness, strict=True)
        ]
    )
    _write(parts, kept)
    return _result(parts, kept, started)


def view_groups(parts: Parts) -> tuple[RegionGroupView, ...]:
    """The groups that were made last, the largest first; none before any were made."""
    if not _path(parts).exists():
        return ()
    kept = _read(parts)
    groups = _result(parts, kept, time.monotonic()).groups
    return tuple(RegionGroupView(group, _shown(_members(kept, at))) for at, group in enumerate(groups))


def _shown(members: Sequence[_Region]) -> tuple[tuple[int, Mask], ...]:
    """The clearest regions: one of each picture, then the next of each, until there are enough."""
    seen: Counter[int] = Counter()
    ranked = []
    for place, region in enumerate(members):
        ranked.append((seen[region.image_id], place, region))
        seen[region.image_id] += 1
    ranked.sort(key=lambda each: each[:2])
    return tuple((region.image_id, region.mask) for _, _, region in ranked[:SHOWN])


def _find(parts: Parts, proposer: RegionProposer, limit: int | None, context: JobContext) -> Iterator[_Found]:
    encoder, view = EmbeddedImageEncoder(), ImageView(parts)
    images = view.many(open_ids(parts, limit).tolist())
    for number, image in enumerate(images):
        context.check_cancelled()
        context.progress(number, len(images), "Finding regions")
        try:
            pixels: RGBImage = decode(view.path_of(image), max_side=READ_SIDE).rgb()
        except AnnotatorError as error:
            context.log(f"{image.name}: {error.what}")
            continue
        regions = proposer.regions(pixels)
        vectors = region_vectors(encoder, pixels, regions)
        masks = [
            _at_full_size(mask, box, pixels.shape[:2], (image.height, image.width))
            for mask, box in zip(regions.masks, regions.boxes.astype(int).tolist(), strict=True)
        ]
        keep = [at for at, mask in enumerate(masks) if mask is not None]
        yield _Found(tuple(mask for mask in masks if mask is not None), image.id, vectors[keep])


def _at_full_size(mask: BoolMask, box: list[int], size: tuple[int, int], full: tuple[int, int]) -> Mask | None:
    """A region of a picture read at ``size`` (h, w) as a mask of the picture at ``full`` (h, w)."""
    if size == full:
        return Mask.from_array(mask, box[0], box[1])
    (height, width), (rows, columns) = full, size
    x1, x2 = round(box[0] * width / columns), round(box[2] * width / columns)
    y1, y2 = round(box[1] * height / rows), round(box[3] * height / rows)
    if x2 <= x1 or y2 <= y1:
        return None
    large = cv2.resize(mask.astype(np.uint8), (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
    return Mask.from_array(large > 0, x1, y1)


def name_groups(parts: Parts, names: Mapping[str, str], context: JobContext) -> SuggestResult:
    """Suggest a label for every region of each named group (``names``: group → label name), beside those named before.

    An empty label takes the name back, and with it the suggestions that nobody has judged.
    """
    started = time.monotonic()
    kept = _read(parts)
    known = {each.name for each in _result(parts, kept, started).groups}
    before = set(kept.names)
    with parts.db.read() as reader:
        labels = {label.name: label.id for label in reader.labels.all()}
    for name, label in names.items():
        if name not in known:
            raise UsageError(f"There is no group {name!r}.", f"The groups are {', '.join(sorted(known))}.")
        if not label:
            kept.names.pop(name, None)
            continue
        if label not in labels:
            raise UsageError(
                f"The project has no label {label!r}.", f"Its labels: {', '.join(sorted(labels)) or 'none'}."
            )
        kept.names[name] = labels[label]
    open_now = set(open_ids(parts, None).tolist())
    named = [each for each in kept.regions if group_name(each.group) in kept.names and each.image_id in open_now]
    images = sorted({each.image_id for each in named})
    touched = {each.image_id for each in kept.regions if group_name(each.group) in before} & open_now
    context.progress(0, len(named), "Naming regions")
    with parts.db.write("suggest") as writer:
        run_id = writer.runs.start(Task.MASKS, MODEL, "", {"names": dict(kept.names)})
        writer.suggestions.supersede(Task.MASKS, sorted(touched.union(images)), keep_run=run_id)
        writer.suggestions.add_many(_suggestion(each, kept, run_id) for each in named)
        writer.runs.progress(run_id, len(images), len(named), finished=True)
    context.progress(len(named), len(named), "Naming regions")
    _write(parts, kept)
    rate = len(images) / max(time.monotonic() - started, 1e-6)
    return SuggestResult(run=run_id, images=len(images), suggestions=len(named), images_per_s=rate, model=MODEL)


def _suggestion(region: _Region, kept: _Kept, run_id: int) -> Suggestion:
    name = group_name(region.group)
    label_id = kept.names[name]
    return Suggestion(
        new_id(),
        run_id,
        region.image_id,
        region.mask,
        ((label_id, region.likeness),),
        region.likeness,
        region.likeness,
        f"looks like group {name}",
        Task.MASKS,
        uncalibrated=True,
    )


def _members(kept: _Kept, number: int) -> list[_Region]:
    """The regions of a group, the clearest first."""
    return sorted((each for each in kept.regions if each.group == number), key=lambda each: -each.likeness)


def _result(parts: Parts, kept: _Kept, started: float) -> RegionGroupsResult:
    """The groups with the pictures in which they are clearest."""
    with parts.db.read() as reader:
        labels = {label.id: label.name for label in reader.labels.all()}
    groups = []
    for number in range(max((each.group for each in kept.regions), default=-1) + 1):
        members, name = _members(kept, number), group_name(number)
        images = list(dict.fromkeys(each.image_id for each in members))
        label = labels.get(kept.names.get(name, 0), "")
        groups.append(RegionGroup(name, len(members), len(images), tuple(images[:EXAMPLES]), label))
    return RegionGroupsResult(
        groups=tuple(groups),
        regions=len(kept.regions),
        images=len({each.image_id for each in kept.regions}),
        seconds=time.monotonic() - started,
    )


def _path(parts: Parts) -> Path:
    return parts.cache / "regions" / FILE


def _write(parts: Parts, kept: _Kept) -> None:
    path = _path(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(msgspec.msgpack.encode(kept))
    unfinished.replace(path)


def _read(parts: Parts) -> _Kept:
    """The groups in the cache; raises ``AnnotatorError`` when there are none or the file is damaged."""
    try:
        return msgspec.msgpack.decode(_path(parts).read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError) as error:
        raise AnnotatorError("There are no groups of regions.", "Run: annotator regions PROJECT") from error
