"""What the archive holds: everything.

A zip of ``archive.json`` (what it is), ``labels.json``, ``images.jsonl`` (an image with all its annotations and suggestions a
line), with ``--images copy`` the pictures below ``images/``, and of a whole project the rows of its tables below ``project/``.
Coordinates are float64 in the JSON's shortest form; the same dataset gives the same bytes.
"""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

MANIFEST, LABELS, IMAGES, PICTURES = "archive.json", "labels.json", "images.jsonl", "images/"
MARK = "annotator archive"
VERSION = 1


def detect(peek: Peek) -> str | None:
    """The manifest with our mark in it."""
    for name in peek.of(".json"):
        if name.rpartition("/")[2] == MANIFEST and MARK.encode() in peek.head(name, 4096):
            return f"{name} says that it is an archive of Annotator"
    return None


SPEC = FormatSpec(
    id="archive",
    title="Annotator archive (zip)",
    package="annotator.formats.archive",
    detect=detect,
    kinds=frozenset(GeometryKind),
    fields=frozenset(Field),
    attributes=None,
    suffixes=(".zip",),
    file_only=True,
    holds_holes=True,
    lossless=True,
)
