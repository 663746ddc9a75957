"""What the table of tags holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

COLUMNS = ("image", "label", "confidence", "state", "annotator")


def detect(peek: Peek) -> str | None:
    """A CSV or TSV file whose header has the columns image and label."""
    for name in peek.of(".csv", ".tsv"):
        first = peek.head(name).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
        columns = [c.strip().strip('"').lower() for c in first.decode("utf-8", "replace").replace("\t", ",").split(",")]
        if {"image", "label"} <= set(columns):
            return f"{name} has the columns image and label"
    return None


SPEC = FormatSpec(
    id="csv",
    title="CSV of tags",
    package="annotator.formats.csv_table",
    detect=detect,
    kinds=frozenset({GeometryKind.TAG}),
    fields=frozenset(
        {Field.CONFIDENCE, Field.SUGGESTED, Field.REJECTED, Field.ANNOTATOR, Field.SOURCE, Field.EMPTY_IMAGES}
    ),
    suffixes=(".csv", ".tsv"),
    file_only=True,
)
