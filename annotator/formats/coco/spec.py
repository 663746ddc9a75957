"""What COCO holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

_FILES_LOOKED_AT = 8


def looks_like_coco(name: str, head: bytes) -> str:
    """What in the first bytes of a JSON file says that it is COCO's; empty when nothing does."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    has = {
        key for key in (b"images", b"annotations", b"categories", b"image_id", b"category_id") if b'"%s"' % key in head
    }
    if head.startswith(b"["):
        return f"{name} is a COCO results list" if {b"image_id", b"category_id"} <= has else ""
    if not head.startswith(b"{"):
        return ""
    if b"images" in has and (b"annotations" in has or b"categories" in has or b'"file_name"' in head):
        return f"{name} holds COCO's lists of images, annotations and categories"
    if b"annotations" in has and {b"image_id"} < has:
        return f"{name} holds annotations with image_id, as COCO does"
    if name.lower().endswith("_annotations.coco.json"):
        return f"{name} is named as a COCO export"
    return ""


def detect(peek: Peek) -> str | None:
    """A JSON object with ``images`` and ``annotations`` or ``categories``, or a results list."""
    for name in sorted(peek.of(".json"), key=lambda n: ("annotation" not in n.lower(), n))[:_FILES_LOOKED_AT]:
        reason = looks_like_coco(name, peek.head(name))
        if reason:
            return reason
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="coco",
    title="COCO JSON",
    package="annotator.formats.coco",
    detect=detect,
    kinds=frozenset({_K.TAG, _K.BOX, _K.POLYGON, _K.MASK, _K.KEYPOINTS, _K.CAPTION}),
    converts={_K.ROTATED_BOX: "written as a polygon of its four corners"},
    fields=frozenset(
        {
            Field.ATTRIBUTES,
            Field.TRACK,
            Field.CONFIDENCE,
            Field.SUGGESTED,
            Field.SPLIT,
            Field.SIZE,
            Field.EMPTY_IMAGES,
            Field.LABELS,
            Field.FOREIGN_IDS,
            Field.PARENT,
            Field.SKELETON,
        }
    ),
    attributes=None,
    suffixes=(".json",),
    tolerance=1e-9,
)
