"""What Open Images' CSV files hold, how they are named, and how they are recognised."""

from __future__ import annotations

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Split
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

SUBSETS = {Split.TRAIN: "train", Split.VAL: "validation", Split.TEST: "test"}
CLASSES = "class-descriptions.csv"
IMAGES = "image_ids_and_rotation.csv"
BOXES, LABELS, MACHINE, MASKS = (
    "annotations-bbox.csv",
    "annotations-human-imagelabels.csv",
    "annotations-machine-imagelabels.csv",
    "annotations-object-segmentation.csv",
)
"""Ends of the names of the lists; the subset stands before them."""
FLAGS = {
    "IsOccluded": "occluded",
    "IsTruncated": "truncated",
    "IsGroupOf": "group_of",
    "IsDepiction": "depiction",
    "IsInside": "inside",
}
"""Columns of a box that are 1, 0 or -1 for unknown, and the attributes that they become."""
COLUMNS = {
    BOXES: ("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", *FLAGS),
    LABELS: ("ImageID", "Source", "LabelName", "Confidence"),
    MACHINE: ("ImageID", "Source", "LabelName", "Confidence"),
    MASKS: (
        *("MaskPath", "ImageID", "LabelName", "BoxID", "BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax"),
        *("PredictedIoU", "Clicks"),
    ),
    IMAGES: (
        *("ImageID", "Subset", "OriginalURL", "OriginalLandingURL", "License", "AuthorProfileURL", "Author", "Title"),
        *("OriginalSize", "OriginalMD5", "Thumbnail300KURL", "Rotation"),
    ),
}


def detect(peek: Peek) -> str | None:
    """CSV files whose header has ImageID and LabelName, or ImageID and Subset."""
    for name in peek.of(".csv"):
        first = peek.head(name, 4096).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
        columns = {column.strip() for column in first.decode("utf-8", "replace").split(",")}
        if {"ImageID", "LabelName"} <= columns or {"ImageID", "Subset"} <= columns:
            return f"{name} has the columns of Open Images"
    return None


_K = GeometryKind
SPEC = FormatSpec(
    id="open_images",
    title="Open Images CSV",
    package="annotator.formats.open_images",
    detect=detect,
    kinds=frozenset({_K.TAG, _K.BOX, _K.MASK}),
    converts={_K.POLYGON: "written as a pixel mask", _K.ROTATED_BOX: "written as a pixel mask"},
    fields=frozenset({Field.ATTRIBUTES, Field.REJECTED, Field.SPLIT, Field.EMPTY_IMAGES, Field.LABELS}),
    attributes=frozenset(FLAGS.values()),
    attribute_kinds=frozenset({_K.BOX}),
    tolerance=1e-9,
    needs_size=True,
    needs_split=True,
    image_names=("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.jpg", "e\u0301.jpg", "\u00e9.jpg"),
)
