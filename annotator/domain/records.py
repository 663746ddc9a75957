"""What the store hands out and takes in: one frozen record per thing of the glossary.

Ids: images, labels, runs, heads and edits have integers that are never reused. Annotations and suggestions have UUIDs, because
the window makes and shows them before they are written.
Times are UTC ISO-8601 strings with milliseconds, as stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import urandom
from time import time_ns
from typing import Any
from uuid import UUID

from annotator.domain.geometry import Geometry, GeometryKind
from annotator.domain.kinds import Decision, FindingState, ImageState, Source, Split, Task

JITTER = "jitter"
"""In a suggestion's ``extra``: how far its box moved when the model looked again from slightly other boxes: the mean standard
deviation of the coordinates as a part of the box's size."""
STEADY_JITTER = 0.02
"""Up to this jitter a box is steady (Xu et al., "End-to-end semi-supervised object detection with soft teacher", 2021)."""

_MOMENT: ContextVar[str | None] = ContextVar("moment", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is made inside is made at the same time: the rows of a bulk edit, for which asking the clock would cost most."""
    token = _MOMENT.set(now())
    try:
        yield
    finally:
        _MOMENT.reset(token)


def now() -> str:
    """The present moment as the store writes it."""
    frozen = _MOMENT.get()
    if frozen is not None:
        return frozen
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id() -> UUID:
    """A fresh id for an annotation, a suggestion or a batch.

    Version 7 of RFC 9562: the milliseconds of now, then chance. Ids that are made together lie together in an index, which makes
    writing a million of them several times faster than ids of pure chance.
    """
    chance = int.from_bytes(urandom(10))
    moment = time_ns() // 1_000_000
    return UUID(int=moment << 80 | 7 << 76 | (chance >> 62 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1)


@dataclass(frozen=True, slots=True)
class Image:
    """One picture known to a project. ``uri`` is relative to its root (POSIX separators) when possible, else absolute.

    ``width`` and ``height`` are of the oriented image (EXIF applied), in pixels; 0 until the file has been probed.
    ``content_hash`` is the hex BLAKE2b-128 of the file's bytes, empty until computed in the background.
    """

    id: int
    uri: str
    root_id: int = 0
    content_hash: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    bit_depth: int = 8
    channels: int = 3
    sequence: str = ""
    frame: int = 0
    split: Split | None = None
    state: ImageState = ImageState.NEW
    reason: str = ""
    flagged: bool = False
    note: str = ""
    added_at: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.uri.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Names of keypoints in order, and the pairs of them that are joined by a line."""

    points: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LabelGroup:
    """Labels of which an image has at most one tag, unless ``exclusive`` is False."""

    id: int
    name: str
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Label:
    """A class that the user defines. ``position`` orders the panel and gives the digit 1 … 9; the id never changes."""

    id: int
    name: str
    color: str = ""
    position: int = 0
    shortcut: str = ""
    synonyms: tuple[str, ...] = ()
    definition: str = ""
    parent_id: int | None = None
    group_id: int | None = None
    skeleton: Skeleton | None = None
    attributes_schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A geometry with a label that a person made or took responsibility for."""

    id: UUID
    image_id: int
    label_id: int
    geometry: Geometry
    attributes: Mapping[str, Any] = field(default_factory=dict)
    track_id: int | None = None
    z_order: int = 0
    annotator: str = ""
    created_at: str = ""
    updated_at: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    suggestion_id: UUID | None = None
    source: Source = Source.DRAWN
    certificate_id: int | None = None
    locked: bool = False
    hidden: bool = False

    @property
    def kind(self) -> GeometryKind:
        return self.geometry.kind


def new_annotation(image_id: int, label_id: int, geometry: Geometry, annotator: str = "", **values: Any) -> Annotation:
    """A drawn annotation with a fresh id and the present time."""
    moment = now()
    return Annotation(
        new_id(), image_id, label_id, geometry, annotator=annotator, created_at=moment, updated_at=moment, **values
    )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a model proposes. Never edited after it is written.

    ``distribution`` is the top-k of (label id, probability), best first; ``score`` is the model's own raw number for the first
    label; ``confidence`` is the calibrated probability that it would be accepted as it is (equal to the probability while
    ``uncalibrated``). A tag suggestion of an exclusive group covers the whole group: one per image and group.
    ``extra`` is what its makers know beside that, in plain JSON; ``JITTER`` is a key of it.
    """

    id: UUID
    run_id: int
    image_id: int
    geometry: Geometry
    distribution: tuple[tuple[int, float], ...]
    score: float
    confidence: float
    reason: str = ""
    task: Task = Task.TAGS
    group_id: int | None = None
    superseded: bool = False
    uncalibrated: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label_id(self) -> int:
        """The most probable label."""
        return self.distribution[0][0]

    @property
    def shaky(self) -> bool:
        """Whether its box did not stay where it was when the model looked again; False where nobody tried."""
        jitter = self.extra.get(JITTER)
        return isinstance(jitter, (int, float)) and jitter > STEADY_JITTER


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided about a suggestion; a suggestion has at most one verdict in force."""

    suggestion_id: UUID
    image_id: int
    decision: Decision
    annotation_id: UUID | None
    annotator: str
    created_at: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FindingDecision:
    """What a person decided about a finding: fixed, kept as it is, or skipped for now. ``key`` names the finding and what it
    says, so that one which says something else about the same image is another."""

    key: str
    image_id: int
    kind: str
    state: FindingState
    annotator: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a model or head over a set of images."""

    id: int
    task: Task
    model_id: str
    model_version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    started_at: str = ""
    finished_at: str = ""
    images: int = 0
    suggestions: int = 0

    @property
    def is_import(self) -> bool:
        """Whether a dataset brought its suggestions: no model of a version ran, and nothing was chosen for it."""
        return not self.model_version and not self.parameters


@dataclass(frozen=True, slots=True)
class Head:
    """The small module that a project trained on frozen features; ``path`` is relative to the project folder."""

    id: int
    task: Task
    model_id: str
    version: str
    path: str
    released: bool
    metrics: Mapping[str, Any] = field(default_factory=dict)
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images a list shows; empty fields do not restrict. Text matches any part of the uri, without case;
    ``attribute`` is the name and value of one."""

    text: str = ""
    states: frozenset[ImageState] = frozenset()
    splits: frozenset[Split] = frozenset()
    label_ids: frozenset[int] = frozenset()
    annotator: str = ""
    attribute: tuple[str, Any] | None = None
    flagged: bool | None = None
    annotated: bool | None = None
    suggested: bool | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    roots: frozenset[int] = field(default_factory=frozenset)
