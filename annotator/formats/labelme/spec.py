"""What Labelme's files hold, and how they are recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

_FILES_LOOKED_AT = 20


def detect(peek: Peek) -> str | None:
    """JSON objects with ``shapes`` and ``imagePath``."""
    for name in peek.of(".json")[:_FILES_LOOKED_AT]:
        head = peek.head(name)
        if b'"shapes"' in head and (b'"imagePath"' in head or b'"shape_type"' in head):
            return f"{name} holds shapes of one picture as Labelme writes them"
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="labelme",
    title="Labelme JSON",
    package="annotator.formats.labelme",
    detect=detect,
    kinds=frozenset({_K.BOX, _K.POLYGON, _K.POLYLINE, _K.POINT, _K.MASK}),
    converts={
        _K.ROTATED_BOX: "written as a polygon of its four corners",
        _K.TAG: "written as a flag of the picture",
        _K.KEYPOINTS: "written as points",
    },
    fields=frozenset({Field.ATTRIBUTES, Field.TRACK, Field.SIZE, Field.EMPTY_IMAGES}),
    attributes=None,
    one_part=True,
    image_names=("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.png", "e\u0301.jpg", "\u00e9.jpg"),
)
