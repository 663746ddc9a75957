"""What a format can hold, and the shapes that its reader and writer have.

A ``FormatSpec`` is data: the contract test reads it to make datasets that must survive a round trip, and to check that all
else is in the report. Importing a spec loads no parser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from annotator.domain.geometry import GeometryKind
from annotator.formats.dataset import Dataset, ImageSize
from annotator.job_context import JobContext

if TYPE_CHECKING:
    from annotator.formats.peek import Peek
    from annotator.formats.report import Report


class Field(StrEnum):
    """Things beside the geometry that a format may be able to hold."""

    ATTRIBUTES = "attributes"
    TRACK = "track id"
    Z_ORDER = "z-order"
    ANNOTATOR = "annotator"
    SOURCE = "source"
    CONFIDENCE = "confidence"
    SUGGESTED = "suggestions"
    REJECTED = "rejected suggestions"
    SPLIT = "split"
    SEQUENCE = "sequence and frame"
    NOTE = "note"
    FLAGGED = "flag"
    SIZE = "image size"
    EMPTY_IMAGES = "images without annotations"
    LABELS = "labels and their order"
    FOREIGN_IDS = "label ids"
    COLOR = "label colour"
    PARENT = "label parent"
    SKELETON = "skeleton"
    SYNONYMS = "label synonyms"
    SCHEMA = "attribute schema"
    DEFINITION = "label definition"


class ImagesMode(StrEnum):
    """What an export does with the pictures."""

    COPY = "copy"
    LINK = "link"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """``kinds`` survive exactly (to ``tolerance`` pixels), ``converts`` arrive in the form that the text names.

    ``attributes`` are the names of the attributes that are kept, None when any name with a JSON value is.
    ``suffixes`` are the endings of a target that is one file; without one the target is a folder, unless ``file_only``.
    ``one_kind``: a dataset holds one of the kinds, the others are converted; ``needs_split``: every image is in a split;
    ``needs_images``: a picture that does not come along cannot be labelled; ``one_part``: polygons of several parts are joined.
    ``lossless``: fields of other formats are held too;
    ``disjoint``: a pixel has one label, so shapes that overlap lose the part below.
    ``needs_visible``: keypoints of which none is labelled cannot be written;
    ``image_names`` and ``label_names`` are examples of names that it can hold, empty when any will do; ``single_tag``: one
    annotation an image; ``frames``: an image is a frame and its name its place in a sequence; ``typed_attributes``: an
    attribute of a label has values of one type (text, whole number, yes or no); ``attribute_kinds``: only these kinds have
    attributes, empty when all have.
    """

    id: str
    title: str
    package: str
    detect: Callable[[Peek], str | None]
    kinds: frozenset[GeometryKind]
    converts: Mapping[GeometryKind, str] = field(default_factory=dict)
    fields: frozenset[Field] = frozenset()
    attributes: frozenset[str] | None = frozenset()
    attribute_kinds: frozenset[GeometryKind] = frozenset()
    suffixes: tuple[str, ...] = ()
    tolerance: float = 0.0
    needs_size: bool = False
    single_tag: bool = False
    file_only: bool = False
    holds_holes: bool = False
    one_kind: bool = False
    needs_split: bool = False
    needs_images: bool = False
    one_part: bool = False
    needs_visible: bool = False
    disjoint: bool = False
    lossless: bool = False
    frames: bool = False
    typed_attributes: bool = False
    image_names: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """A dataset that is read while its images are iterated; ``report()`` is complete after one full iteration."""

    dataset: Dataset
    report: Callable[[], Report]


class Reader(Protocol):
    """A format's ``reader`` module."""

    def read(
        self, path: Path, *, image_size: ImageSize | None = None, context: JobContext = ..., skip_bad: bool = False
    ) -> Imported:
        """Read a file, folder or zip. Raises ``FormatError`` at once or, for single records, while images are iterated;
        with ``skip_bad`` a bad record becomes a warning in the report instead."""


class Writer(Protocol):
    """A format's ``writer`` module."""

    def write(
        self,
        dataset: Dataset,
        target: Path,
        *,
        images: ImagesMode | str = ImagesMode.NONE,
        merge: bool = False,
        replace: bool = False,
        context: JobContext = ...,
    ) -> Report:
        """Write beside ``target`` and move into place. Raises ``FormatError``; an existing target needs ``merge`` (our
        files are added or overwritten) or ``replace`` (the target is exchanged as a whole)."""
