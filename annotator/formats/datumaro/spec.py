"""What Datumaro's JSON holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

NO_SPLIT = "default"
_FILES_LOOKED_AT = 20


def looks_like_datumaro(head: bytes) -> bool:
    """Whether the first bytes are those of Datumaro's JSON."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"{"):
        return False
    return b'"dm_format_version"' in head or (b'"categories"' in head and b'"infos"' in head) or b'"label_cat' in head


def detect(peek: Peek) -> str | None:
    """JSON objects with ``dm_format_version``, or ``infos`` and ``categories``."""
    for name in peek.of(".json")[:_FILES_LOOKED_AT]:
        if looks_like_datumaro(peek.head(name)):
            return f"{name} holds categories and items, as Datumaro writes them"
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="datumaro",
    title="Datumaro JSON",
    package="annotator.formats.datumaro",
    detect=detect,
    kinds=frozenset({_K.TAG, _K.BOX, _K.POLYGON, _K.MASK, _K.POLYLINE, _K.POINT, _K.KEYPOINTS, _K.CAPTION}),
    converts={_K.ROTATED_BOX: "written as a polygon of its four corners"},
    fields=frozenset(
        {
            Field.ATTRIBUTES,
            Field.TRACK,
            Field.Z_ORDER,
            Field.CONFIDENCE,
            Field.SPLIT,
            Field.SEQUENCE,
            Field.SIZE,
            Field.EMPTY_IMAGES,
            Field.LABELS,
            Field.COLOR,
            Field.PARENT,
            Field.SKELETON,
        }
    ),
    attributes=None,
    tolerance=1e-9,
    one_part=True,
    image_names=("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.png", "e\u0301.jpg", "\u00e9.jpg"),
)
