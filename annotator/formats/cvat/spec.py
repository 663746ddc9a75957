"""What CVAT's XML holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

_FILES_LOOKED_AT = 20


def looks_like_cvat(head: bytes) -> bool:
    """Whether the first bytes are those of CVAT's XML."""
    return b"<annotations" in head and any(sign in head for sign in (b"<meta", b"<image", b"<track", b"<version"))


def detect(peek: Peek) -> str | None:
    """XML files whose root is ``annotations``."""
    for name in peek.of(".xml")[:_FILES_LOOKED_AT]:
        if looks_like_cvat(peek.head(name, 4096)):
            return f"{name} holds annotations of many pictures, as CVAT writes them"
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="cvat",
    title="CVAT XML",
    package="annotator.formats.cvat",
    detect=detect,
    kinds=frozenset({_K.TAG, _K.BOX, _K.ROTATED_BOX, _K.POLYGON, _K.MASK, _K.POLYLINE, _K.POINT, _K.KEYPOINTS}),
    fields=frozenset(
        {
            Field.ATTRIBUTES,
            Field.Z_ORDER,
            Field.SPLIT,
            Field.SIZE,
            Field.EMPTY_IMAGES,
            Field.LABELS,
            Field.COLOR,
            Field.SKELETON,
            Field.SCHEMA,
        }
    ),
    attributes=None,
    typed_attributes=True,
    suffixes=(".xml",),
    tolerance=1e-9,
    one_part=True,
)
