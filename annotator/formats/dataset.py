"""A dataset between the store and a format: plain records without database ids.

Readers produce it and writers consume it; both work on iterators of images, so that a million annotations never stand in
memory at once. Coordinates are those of ``domain.geometry``: float64 pixels of the oriented image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator.domain.geometry import Geometry
from annotator.domain.kinds import Decision, Source, Split
from annotator.domain.records import Skeleton

ImageSize = Callable[[str], tuple[int, int] | None]
"""Oriented (width, height) of an image by its name in the dataset, or None when it is not known."""


@dataclass(frozen=True)
class DatasetLabel:
    """A class of the dataset. ``foreign_id`` is the number the format gave it, kept for the way back.

    ``schema``: its attributes by name, each with ``type`` (text, number, choice or checkbox) and, where the format says so,
    ``choices``, ``default``, ``range`` (least, most, step), ``mutable`` (changes along a track), ``input`` (how it is asked).
    """

    name: str
    foreign_id: int | None = None
    color: str = ""
    parent: str = ""
    skeleton: Skeleton | None = None
    synonyms: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    definition: str = ""


@dataclass(frozen=True)
class DatasetAnnotation:
    """One annotation: ``label`` is the label's name. ``suggested`` and ``confidence`` matter for suggestions and tag tables.

    ``decision`` is what a person said of a suggestion that became no annotation: ``REJECTED``, with ``suggested``. Writers get
    such only where their spec holds ``Field.REJECTED``.
    """

    label: str
    geometry: Geometry
    attributes: Mapping[str, Any] = field(default_factory=dict)
    track_id: int | None = None
    z_order: int = 0
    annotator: str = ""
    source: Source = Source.IMPORTED
    confidence: float | None = None
    suggested: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    decision: Decision | None = None


@dataclass(frozen=True)
class DatasetImage:
    """One image. ``name`` is its path relative to the dataset's image folder, POSIX separators; ``path`` the file if known.

    ``sequence`` names the video or burst that it is frame number ``frame`` of, counted as the dataset counts; empty for none.
    ``orientation`` is the EXIF orientation of its file, 1 to 8; coordinates are always those of the upright picture.
    """

    name: str
    annotations: tuple[DatasetAnnotation, ...] = ()
    width: int = 0
    height: int = 0
    path: Path | None = None
    split: Split | None = None
    done: bool = False
    flagged: bool = False
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    sequence: str = ""
    frame: int = 0
    orientation: int = 1


@dataclass(frozen=True)
class Dataset:
    """Labels in order and a re-iterable of images. ``extra`` keeps the format's own header.

    ``may_have_tags`` is False where the reader knows that there are none, which spares whoever asks a look at each image.
    ``attachments`` are files of a project beside its dataset, by name with what gives their bytes; only our archive takes them.
    """

    labels: tuple[DatasetLabel, ...]
    images: Iterable[DatasetImage]
    extra: Mapping[str, Any] = field(default_factory=dict)
    may_have_tags: bool = True
    attachments: Mapping[str, Callable[[], Iterable[bytes]]] = field(default_factory=dict)
