"""What YOLO's text files hold, and how they are recognised."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek, is_image_name
from annotator.formats.spec import Field, FormatSpec

_LINE = re.compile(rb"^\s*\d+(\s+-?[\d.]+(e-?\d+)?){4,}\s*$")
_FILES_LOOKED_AT = 20
NAME_LISTS = ("obj.names", "classes.txt", "names.txt", "predefined_classes.txt")


def detect(peek: Peek) -> str | None:
    """A data.yaml with names, a darknet obj.data, or text files of numbers beside pictures."""
    for name in peek.of(".yaml", ".yml"):
        head = peek.head(name)
        if re.search(rb"^names\s*:", head, re.M) and re.search(rb"^(train|val|path|nc)\s*:", head, re.M):
            return f"{name} names classes and splits, as YOLO does"
    for name in peek.names:
        if name.endswith("obj.data"):
            return f"{name} is darknet's list of a YOLO dataset"
    texts = [name for name in peek.of(".txt") if _labels_like(name, peek)]
    for name in texts[:_FILES_LOOKED_AT]:
        lines = peek.head(name).splitlines()
        if lines and all(_LINE.match(line) for line in lines[:5]):
            return f"{name} holds lines of a class number and relative coordinates"
    return None


def _labels_like(name: str, peek: Peek) -> bool:
    path = PurePosixPath(name)
    if path.name in NAME_LISTS:
        return False
    if {part.lower() for part in path.parent.parts} & {"labels", "annotations"}:
        return True
    stem = str(path.with_suffix(""))
    return any(is_image_name(other) for other in peek.names if other.startswith(stem + "."))


_K = GeometryKind
SPEC = FormatSpec(
    id="yolo",
    title="YOLO text files",
    package="annotator.formats.yolo",
    detect=detect,
    kinds=frozenset({_K.BOX, _K.POLYGON, _K.ROTATED_BOX, _K.KEYPOINTS}),
    converts={_K.MASK: "traced along its pixels"},
    fields=frozenset({Field.SPLIT, Field.EMPTY_IMAGES, Field.LABELS}),
    tolerance=1e-9,
    needs_size=True,
    one_kind=True,
    one_part=True,
    needs_visible=True,
    needs_split=True,
    image_names=(
        "a.jpg",
        "sub/a.jpg",
        "sub dir/a.jpg",
        "другой/b'c.png",
        "e\u0301.jpg",
        "\u00e9.jpg",
        "images/train/c.jpg",
    ),
)
