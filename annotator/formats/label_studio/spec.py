"""What Label Studio's JSON holds, and how it is recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

TASKS, CONFIG = "tasks.json", "label_config.xml"
_FILES_LOOKED_AT = 20


def looks_like_label_studio(head: bytes) -> bool:
    """Whether the first bytes are a list of Label Studio's tasks."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"["):
        return False
    inner = any(key in head for key in (b'"annotations"', b'"predictions"', b'"completions"'))
    short = b'"annotation_id"' in head and b'"annotator"' in head
    return short or (b'"data"' in head and inner)


def detect(peek: Peek) -> str | None:
    """A JSON list of objects with ``data`` and ``annotations`` or ``predictions``."""
    for name in peek.of(".json")[:_FILES_LOOKED_AT]:
        if looks_like_label_studio(peek.head(name)):
            return f"{name} is a list of tasks with data and annotations, as Label Studio exports them"
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="label_studio",
    title="Label Studio JSON",
    package="annotator.formats.label_studio",
    detect=detect,
    kinds=frozenset({_K.TAG, _K.BOX, _K.ROTATED_BOX, _K.POLYGON, _K.MASK, _K.POLYLINE, _K.POINT, _K.CAPTION}),
    converts={_K.KEYPOINTS: "written as points of their own; hidden ones like visible ones, absent ones not at all"},
    fields=frozenset(
        {
            Field.ATTRIBUTES,
            Field.ANNOTATOR,
            Field.CONFIDENCE,
            Field.SUGGESTED,
            Field.SPLIT,
            Field.EMPTY_IMAGES,
            Field.LABELS,
            Field.COLOR,
        }
    ),
    attributes=None,
    suffixes=(".json",),
    tolerance=1e-9,
    needs_size=True,
    one_part=True,
)
