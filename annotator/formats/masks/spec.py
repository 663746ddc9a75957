"""What pictures of label numbers hold, and how they are recognised.

Layout: ``labels.csv`` (id, name, colour); ``masks/`` with one PNG a picture, whose pixels are label ids (0: nothing, 255: not
labelled); ``instances/`` with one PNG for each picture that has two masks of one label; ``images/``; ``pictures.txt`` with the
name of each picture; lists of splits.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

LAST = 65_535
LABELS_FILE = "labels.csv"
COLUMNS = ("id", "name", "color")
COLORS_FILE = "class_dict.csv"
NAME_LISTS = ("labels.txt", "classes.txt")
MASK_FOLDERS = ("masks", "mask", "labels", "annotations", "gt", "ground_truth", "groundtruth")
INSTANCES = "instances"
PICTURES = "pictures"


def detect(peek: Peek) -> str | None:
    """A list of label numbers or colours beside PNGs, or PNGs in a folder of masks."""
    pictures = [PurePosixPath(name) for name in peek.of(".png")]
    if not pictures:
        return None
    if any("SegmentationClass" in picture.parts for picture in pictures):
        return None
    if any(_names_masks(peek.head(name)) for name in peek.of(".csv")):
        return None
    for name in peek.of(".csv"):
        if PurePosixPath(name).name in (LABELS_FILE, COLORS_FILE) and _numbers_labels(peek.head(name)):
            return f"{name} says which label a number or colour in the pictures is"
    for picture in pictures:
        if any(part.lower() in ("masks", "mask") for part in picture.parent.parts):
            return f"{picture} lies in a folder of masks"
    return None


def _names_masks(head: bytes) -> bool:
    """Whether a table says whose mask each picture is, as that of Open Images does: then no pixel says it."""
    return b"MaskPath" in head.split(b"\n", 1)[0]


def _numbers_labels(head: bytes) -> bool:
    columns = {
        word.strip().strip('"').lower() for word in head.decode("utf-8-sig", "replace").splitlines()[0].split(",")
    }
    return set(COLUMNS) <= columns or {"name", "r", "g", "b"} <= columns if head else False


SPEC = FormatSpec(
    id="masks",
    title="Mask pictures (PNG)",
    package="annotator.formats.masks",
    detect=detect,
    kinds=frozenset({GeometryKind.MASK}),
    converts={GeometryKind.POLYGON: "its pixels"},
    fields=frozenset({Field.SPLIT, Field.SIZE, Field.EMPTY_IMAGES, Field.LABELS, Field.FOREIGN_IDS, Field.COLOR}),
    needs_size=True,
    disjoint=True,
    image_names=("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.png", "e\u0301.jpg", "\u00e9.jpg"),
)
