"""What Pascal VOC holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

FLAGS = ("difficult", "truncated", "occluded")
_FILES_LOOKED_AT = 20


def detect(peek: Peek) -> str | None:
    """XML files whose root is ``annotation`` with a filename, objects or a size, or pictures in SegmentationClass."""
    for name in peek.of(".xml")[:_FILES_LOOKED_AT]:
        head = peek.head(name, 4096)
        if b"<annotation" in head and b"<annotations" not in head and (b"<filename" in head or b"<bndbox" in head):
            return f"{name} is an annotation of one picture as in Pascal VOC"
    for name in peek.of(".png"):
        if "SegmentationClass" in name.split("/"):
            return f"{name} holds the labels of pixels as in Pascal VOC"
    return None


SPEC = FormatSpec(
    id="voc",
    title="Pascal VOC XML",
    package="annotator.formats.voc",
    detect=detect,
    kinds=frozenset({GeometryKind.BOX, GeometryKind.MASK}),
    converts={GeometryKind.POLYGON: "its pixels"},
    fields=frozenset({Field.ATTRIBUTES, Field.SPLIT, Field.SIZE, Field.EMPTY_IMAGES}),
    attributes=frozenset({*FLAGS, "pose"}),
    tolerance=1e-9,
    disjoint=True,
    image_names=("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.png", "e\u0301.jpg", "\u00e9.jpg", "x&<y>.jpg"),
)
