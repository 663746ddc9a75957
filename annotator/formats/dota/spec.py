"""What DOTA's text files hold, and how they are recognised."""

from __future__ import annotations

import re

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

DIFFICULT = "difficult"
_LINE = re.compile(rb"^\s*(-?[\d.]+(e-?\d+)?\s+){8}[^\s\d.-][^\r\n]*$")
_HEADER = re.compile(rb"^(imagesource|gsd):")
_FILES_LOOKED_AT = 20


def detect(peek: Peek) -> str | None:
    """Text files of lines with eight numbers and a class, perhaps below ``imagesource`` and ``gsd``."""
    for name in peek.of(".txt")[:_FILES_LOOKED_AT]:
        lines = [line for line in peek.head(name, 8192).splitlines() if line.strip()]
        rows = [line for line in lines if not _HEADER.match(line)]
        if len(rows) < len(lines) or (rows and _LINE.match(rows[0])):
            if rows and not _LINE.match(rows[0]):
                continue
            return f"{name} holds lines of four corners and a class, as DOTA does"
    if any("labeltxt" in name.lower() for name in peek.of(".txt")):
        return "text files lie in a folder labelTxt, as in DOTA"
    return None


SPEC = FormatSpec(
    id="dota",
    title="DOTA text files",
    package="annotator.formats.dota",
    detect=detect,
    kinds=frozenset({GeometryKind.ROTATED_BOX}),
    converts={
        GeometryKind.BOX: "written as its four corners, which are read as a rotated box",
        GeometryKind.POLYGON: "written as the smallest rotated box around it; four corners stay as they are",
        GeometryKind.MASK: "written as the smallest rotated box around it",
    },
    fields=frozenset({Field.ATTRIBUTES, Field.SPLIT, Field.EMPTY_IMAGES}),
    attributes=frozenset({DIFFICULT}),
    tolerance=1e-9,
    image_names=("a.png", "sub/a.png", "sub dir/a.png", "другой/b'c.png", "e\u0301.png", "\u00e9.png"),
    label_names=("cat", "small-vehicle", 'it\'s"one"', "鳥", "e\u0301cole"),
)
